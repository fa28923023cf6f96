//! The binary format of CIFAR-10 and CIFAR-100: records of label bytes and 3 x 32 x 32 pixels.
//!
//! Source: <https://www.cs.toronto.edu/~kriz/cifar.html>, section "Binary version".

use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::options::{Limits, Split};
use crate::source::{Items, SplitContent, numbered_classes, read_limited};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
const PIXEL_BYTES: usize = 3 * 32 * 32;

/// CIFAR-10 has one label byte per record, CIFAR-100 a coarse and a fine one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Cifar10,
    Cifar100,
}

impl Kind {
    fn label_bytes(self) -> usize {
        if self == Self::Cifar10 { 1 } else { 2 }
    }

    fn classes(self) -> usize {
        if self == Self::Cifar10 { 10 } else { 100 }
    }

    fn names_file(self) -> &'static str {
        if self == Self::Cifar10 { "batches.meta.txt" } else { "fine_label_names.txt" }
    }
}

/// True if `folder` holds CIFAR binary files under their usual names.
pub(crate) fn is_cifar_folder(folder: &Path) -> bool {
    [Split::Train, Split::Test].into_iter().any(|split| find(folder, split).is_some())
}

/// The files of a split, in name order.
fn find(folder: &Path, split: Split) -> Option<(Kind, Vec<PathBuf>)> {
    let mut batches: Vec<PathBuf> = match split {
        Split::Train => (1..=99).map(|number| folder.join(format!("data_batch_{number}.bin"))).collect(),
        Split::Test => vec![folder.join("test_batch.bin")],
    };
    batches.retain(|path| path.is_file());
    if !batches.is_empty() {
        return Some((Kind::Cifar10, batches));
    }
    let whole = folder.join(format!("{split}.bin"));
    whole.is_file().then(|| (Kind::Cifar100, vec![whole]))
}

/// One split of a folder of CIFAR binary files; for CIFAR-100 with the fine labels.
pub(crate) fn open(folder: &Path, split: Split, limits: &Limits) -> Result<SplitContent, DataError> {
    let (kind, files) = find(folder, split).ok_or_else(|| DataError::MissingSplit {
        path: folder.to_owned(),
        split,
        expected: match split {
            Split::Train => "data_batch_*.bin (CIFAR-10) or train.bin (CIFAR-100) in it".to_owned(),
            Split::Test => "test_batch.bin (CIFAR-10) or test.bin (CIFAR-100) in it".to_owned(),
        },
        got: "only the other split".to_owned(),
    })?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in files {
        let (data, numbers) = read_batch(&path, &read_limited(&path, limits)?, kind)?;
        if (pixels.len() + data.len()) as u64 > limits.max_set_bytes {
            return Err(DataError::TooLarge {
                path: folder.to_owned(),
                what: format!("the {split} split"),
                bytes: format!("at least {}", pixels.len() + data.len()),
                limit: limits.max_set_bytes,
            });
        }
        labels.extend(numbers);
        pixels.extend(data);
    }
    let items = Items::Packed { shape: SHAPE, pixels, labels: Some(labels) };
    Ok(SplitContent::new(items, class_names(folder, kind)))
}

/// Pixels (N, C, H, W) and labels of the records that the bytes of a file are.
pub(crate) fn read_batch(path: &Path, bytes: &[u8], kind: Kind) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    let record_bytes = kind.label_bytes() + PIXEL_BYTES;
    let bad = |field, expected: String, got: String| DataError::BadFile {
        path: path.to_owned(),
        field,
        expected,
        got,
        remedy: "fetch or copy the file again",
    };
    if bytes.is_empty() || !bytes.len().is_multiple_of(record_bytes) {
        let expected =
            format!("a multiple of {record_bytes} bytes ({} label, 3,072 pixels)", kind.label_bytes());
        return Err(bad("length", expected, format!("{}: the file is cut short", bytes.len())));
    }
    let records = bytes.len() / record_bytes;
    let (mut pixels, mut labels) = (Vec::with_capacity(records * PIXEL_BYTES), Vec::with_capacity(records));
    for (number, record) in bytes.chunks_exact(record_bytes).enumerate() {
        let (label, image) = record.split_at(kind.label_bytes());
        let fine = label[label.len() - 1];
        if usize::from(fine) >= kind.classes() {
            let expected = format!("labels below {}", kind.classes());
            return Err(bad("label", expected, format!("{fine} in record {number}")));
        }
        labels.push(u32::from(fine));
        pixels.extend_from_slice(image);
    }
    Ok((pixels, labels))
}

/// From the names file of the format, or numbers where there is none or it has another length.
fn class_names(folder: &Path, kind: Kind) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(kind.names_file())).unwrap_or_default();
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.len() == kind.classes() { names } else { numbered_classes(kind.classes()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::put;
    use crate::{ColorMode, LoadOptions, load};

    fn record(labels: &[u8], seed: u8) -> Vec<u8> {
        [labels.to_vec(), (0..3072).map(|at| (at % 251) as u8 ^ seed).collect()].concat()
    }

    fn load_split(root: &Path, split: Split) -> Result<crate::ImageSet, String> {
        load(root.to_str().unwrap(), split, &LoadOptions::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn batches_are_joined_in_order() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "data_batch_2.bin", &record(&[4], 3));
        put(root.path(), "data_batch_1.bin", &[record(&[9], 1), record(&[0], 2)].concat());
        put(root.path(), "test_batch.bin", &record(&[5], 4));
        let train = load_split(root.path(), Split::Train).unwrap();
        assert_eq!(train.labels, Some(vec![9, 0, 4]));
        assert_eq!(*train.pixels(2).unwrap(), record(&[], 3)[..]);
        assert_eq!(train.classes.len(), 10);
        assert_eq!(load_split(root.path(), Split::Test).unwrap().labels, Some(vec![5]));
        let options = LoadOptions { color: ColorMode::Grey, size: Some(16), ..LoadOptions::default() };
        let small = load(root.path().to_str().unwrap(), Split::Train, &options).unwrap();
        assert_eq!(small.shape, ImageShape { channels: 1, height: 16, width: 16 });
    }

    #[test]
    fn cifar_100_takes_fine_labels_and_their_names() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train.bin", &[record(&[19, 99], 1), record(&[3, 0], 2)].concat());
        let names: String = (0..100).map(|class| format!("name {class}\n")).collect();
        put(root.path(), "fine_label_names.txt", names.as_bytes());
        let train = load_split(root.path(), Split::Train).unwrap();
        assert_eq!(train.labels, Some(vec![99, 0]));
        assert_eq!(train.classes[99], "name 99");
        let error = load_split(root.path(), Split::Test).unwrap_err();
        assert!(error.contains("no test split") && error.contains("test.bin"), "{error}");
    }

    #[test]
    fn cut_files_and_impossible_labels_are_named() {
        for (bytes, parts) in [
            (record(&[1], 0)[..3000].to_vec(), ["data_batch_1.bin", "length", "3073", "3000"]),
            (Vec::new(), ["data_batch_1.bin", "length", "3073", "0: the file is cut short"]),
            (record(&[10], 0), ["data_batch_1.bin", "label", "below 10", "10 in record 0"]),
        ] {
            let root = tempfile::tempdir().unwrap();
            put(root.path(), "data_batch_1.bin", &bytes);
            let error = load_split(root.path(), Split::Train).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }
}
