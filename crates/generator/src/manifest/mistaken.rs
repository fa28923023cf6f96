//! What is given in place of a manifest.

use std::io::Read;
use std::path::Path;

/// How much of a file is looked at.
const BYTES: u64 = 4096;

/// What the file at `path` is, if it is certainly no manifest; `None` for a manifest, anything else that is text, and
/// a file that cannot be read.
#[must_use]
pub fn weights_at(path: &Path) -> Option<&'static str> {
    let mut start = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(BYTES).read_to_end(&mut start)).ok()?;
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    if start.starts_with(b"PK\x03\x04") {
        return Some("a weights file of PyTorch (a zip archive)");
    }
    if matches!(start[..], [0x80, 2..=5, ..]) {
        return Some("a weights file of PyTorch (a pickle)");
    }
    if start.get(8) == Some(&b'{') && start[..8].ends_with(&[0, 0, 0]) {
        return Some("a weights file (safetensors)");
    }
    if extension.as_deref() == Some("onnx") {
        return Some("a network exported to ONNX");
    }
    if start.starts_with(b"version https://git-lfs") {
        return Some("a Git LFS pointer in place of a file (`git lfs pull` fetches it)");
    }
    let text = String::from_utf8_lossy(&start).trim_start().to_lowercase();
    if text.starts_with("<!doctype") || text.starts_with("<html") {
        return Some("a web page");
    }
    // A cut-off character at the end is no sign of anything.
    let error = std::str::from_utf8(&start).err()?;
    (start.contains(&0) || error.error_len().is_some()).then_some("a file of bytes that are no text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GeneratorError, Manifest};

    #[test]
    fn weights_given_in_place_of_a_manifest_are_named_for_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, said) in [
            ("a.pth", b"PK\x03\x04....".as_slice(), "PyTorch (a zip archive)"),
            ("b.pt", b"\x80\x02\x8a\x0al", "PyTorch (a pickle)"),
            ("c.safetensors", b"\x10\0\0\0\0\0\0\0{\"a\":", "safetensors"),
            ("d.onnx", b"\x08\x08\x12\x07pytorch", "ONNX"),
            ("e.pth", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
            ("f.pth", b"<!DOCTYPE html><html>", "web page"),
            ("g.png", b"\x89PNG\r\n\x1a\n", "no text"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = Manifest::find(path.to_str().unwrap(), &[]).unwrap_err();
            assert!(matches!(error, GeneratorError::NotAManifest { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(said) && error.contains("give a manifest that names it"), "{error}");
            assert!(!error.contains("UTF-8"), "{error}");
        }
        let path = folder.path().join("h.toml");
        std::fs::write(&path, "name = \"é\"").unwrap();
        assert_eq!(weights_at(&path), None);
    }
}
