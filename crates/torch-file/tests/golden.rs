//! Files that PyTorch wrote, with Python objects of every kind beside the tensors, read with the values that Python has
//! (`scripts/make_torch_files.py` makes both).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zview_torch_file::{Holder, Tensor, TorchFile};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn expected() -> BTreeMap<String, BTreeMap<String, Value>> {
    serde_json::from_str(&std::fs::read_to_string(golden("expected.json")).unwrap()).unwrap()
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn as_expected(tensor: &Tensor) -> Value {
    let holder = match tensor.holder() {
        Holder::Dictionary => "dictionary".to_owned(),
        Holder::Module(class) => format!("module {class}"),
        Holder::Object(class) => format!("object {class}"),
    };
    match tensor.unreadable() {
        Some(kind) => serde_json::json!({ "unreadable": kind, "holder": holder }),
        None => serde_json::json!({
            "type": tensor.element().name(),
            "shape": tensor.shape(),
            "crc": checksum(&tensor.read().unwrap()),
            "holder": holder,
        }),
    }
}

#[test]
fn every_file_of_pytorch_holds_what_python_says() {
    let expected = expected();
    assert!(expected.len() >= 60, "{}", expected.len());
    let mut wrong = Vec::new();
    for (name, tensors) in expected {
        match TorchFile::open(&golden(&name)) {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(file) => {
                let got: BTreeMap<String, Value> = file
                    .tensors()
                    .iter()
                    .map(|tensor| (tensor.name().to_owned(), as_expected(tensor)))
                    .collect();
                for key in got.keys().chain(tensors.keys()) {
                    if got.get(key) != tensors.get(key) {
                        wrong.push(format!(
                            "{name}, {key}: expected {:?}, got {:?}",
                            tensors.get(key),
                            got.get(key)
                        ));
                    }
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_golden_file_cut_off_anywhere_is_an_error_or_has_unreadable_tensors() {
    for name in expected().keys() {
        let bytes = std::fs::read(golden(name)).unwrap();
        let step = if bytes.len() > 3_000 { 61 } else { 1 };
        let whole = TorchFile::read_bytes(bytes.clone()).unwrap();
        let of = whole.tensors().iter().filter(|tensor| tensor.read().is_ok()).count();
        for length in (0..bytes.len()).step_by(step) {
            // Never a panic, and never as many tensors with as many bytes as the whole has.
            let Ok(file) = TorchFile::read_bytes(bytes[..length].to_vec()) else { continue };
            let complete = file.tensors().iter().filter(|tensor| tensor.read().is_ok()).count();
            // What is left of a stream may be whole where only unused storages are gone.
            assert!(complete <= of, "{name} cut to {length}");
        }
    }
}
