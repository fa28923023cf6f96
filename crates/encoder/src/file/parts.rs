//! Networks that are split over several files.

use std::collections::BTreeSet;
use std::fs::{File, read_dir};
use std::io::Read;
use std::path::Path;

use serde_json::Value;

/// The index of a split network takes a hundred bytes a tensor.
const INDEX_MOST: u64 = 16 << 20;
/// Files of a folder that are looked at for an index.
const FILES_MOST: usize = 4096;

/// Of how many parts `file` is one; `None` for a file that is whole.
pub(super) fn count(file: &Path) -> Option<usize> {
    of_name(file).or_else(|| of_index(file))
}

/// `model-00001-of-00002.safetensors` is one of two.
fn of_name(file: &Path) -> Option<usize> {
    let (before, count) = file.file_stem()?.to_str()?.rsplit_once("-of-")?;
    let (_, number) = before.rsplit_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(number) || !digits(count) {
        return None;
    }
    count.parse().ok().filter(|&count| count > 1)
}

/// The files that an index in the same folder lists, where `file` is one of several.
fn of_index(file: &Path) -> Option<usize> {
    let name = file.file_name()?.to_str()?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = read_dir(folder).ok()?.take(FILES_MOST).filter_map(Result::ok);
    let indices = files.filter(|entry| entry.file_name().to_string_lossy().ends_with(".index.json"));
    indices.map(|entry| entry.path()).find_map(|index| {
        let mut text = String::new();
        File::open(index).ok()?.take(INDEX_MOST).read_to_string(&mut text).ok()?;
        let index: Value = serde_json::from_str(&text).ok()?;
        let files: BTreeSet<&str> =
            index.get("weight_map")?.as_object()?.values().filter_map(Value::as_str).collect();
        (files.len() > 1 && files.contains(name)).then_some(files.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_its_name() {
        for (name, expected) in [
            ("model-00001-of-00002.safetensors", Some(2)),
            ("a/pytorch_model-00003-of-00012.bin", Some(12)),
            ("model-00001-of-00001.safetensors", None),
            ("best-of-2.pth", None),
            ("resnet-of-50.pth", None),
            ("model.safetensors", None),
        ] {
            assert_eq!(of_name(Path::new(name)), expected, "{name}");
        }
    }
}
