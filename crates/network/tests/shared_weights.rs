//! Every weights file of `../shared`, each floating-point tensor of which is read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use zview_network::weights::StateDict;
use zview_runtime::testing::shared;

fn weights_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            weights_files(&path, found);
        } else if [".pt", ".pth", ".ckpt", ".pth.tar", ".safetensors"].iter().any(|end| name.ends_with(end)) {
            found.push(path);
        }
    }
}

#[test]
fn every_weights_file_below_shared_is_read_whole_or_refused_as_expected() {
    let Some(shared) = shared("") else { return };
    let mut files = Vec::new();
    weights_files(&shared, &mut files);
    let mut wrong = Vec::new();
    let (mut refused, mut tensors) = (Vec::new(), 0);
    for path in &files {
        let mut state = match StateDict::read(path, None) {
            Ok(state) => state,
            Err(_) => {
                let case = path.parent().unwrap().file_name().unwrap();
                refused.push(case.to_string_lossy().into_owned());
                continue;
            }
        };
        for info in state.keys() {
            let is_float = info.element_type.contains("float");
            let got = state.take(&info.key, &info.shape);
            let as_expected = match &got {
                Ok(values) => is_float && values.len() == info.shape.iter().product::<usize>(),
                Err(error) => {
                    !is_float && error.to_string().contains(&format!("holds {}", info.element_type))
                }
            };
            tensors += usize::from(is_float);
            if !as_expected {
                let error = got.err().map(|error| error.to_string());
                wrong.push(format!("{}: {} {}: {error:?}", path.display(), info.key, info.element_type));
            }
        }
    }
    refused.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("{} files, {tensors} tensors", files.len());
    if shared.join("cases").is_dir() {
        assert_eq!(refused, ["w-html", "w-lfs-pointer", "w-torchscript"]);
    }
}
