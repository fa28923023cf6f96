//! What a build without the ONNX runtime says.
#![cfg(not(feature = "onnx"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::Path;

use zview_generator::Manifest;

#[test]
fn a_manifest_of_an_onnx_file_names_the_feature() {
    let text = format!(
        "name = \"tiny\"\nsource = \"a test\"\nlicence = \"none\"\nweights = \"g.onnx\"\nsha256 = \"{}\"\n\
         architecture = \"onnx\"\nlatent = {{ dimension = 4, distribution = \"normal\" }}\n\
         output = {{ channels = 1, height = 8, width = 8, range = [-1.0, 1.0] }}\n",
        "0".repeat(64)
    );
    let error = Manifest::parse(Path::new("g.toml"), &text).unwrap_err().to_string();
    assert!(error.contains("no ONNX runtime; build zview with `--features onnx`"), "{error}");
}
