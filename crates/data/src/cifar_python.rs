//! The Python format of CIFAR-10 and CIFAR-100, as torchvision fetches it: pickles of arrays and labels, which are
//! read without executing anything.
//!
//! Source: <https://www.cs.toronto.edu/~kriz/cifar.html>, section "Python version".

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::options::{Limits, Split};
use crate::pickle::Pickle;
use crate::source::{Items, SplitContent, numbered_classes, read_limited};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cifar10,
    Cifar100,
}

/// True if `folder` holds CIFAR's Python files under their usual names.
pub(crate) fn is_cifar_folder(folder: &Path) -> bool {
    [Split::Train, Split::Test].into_iter().any(|split| find(folder, split).is_some())
}

/// The files of a split, in name order.
fn find(folder: &Path, split: Split) -> Option<(Kind, Vec<PathBuf>)> {
    let mut batches: Vec<PathBuf> = match split {
        Split::Train => (1..=99).map(|number| folder.join(format!("data_batch_{number}"))).collect(),
        Split::Test => vec![folder.join("test_batch")],
    };
    batches.retain(|path| is_pickle(path));
    if !batches.is_empty() {
        return Some((Kind::Cifar10, batches));
    }
    // `train` and `test` are common names: CIFAR-100 has its `meta` beside them.
    let whole = folder.join(split.to_string());
    (is_pickle(&whole) && is_pickle(&folder.join("meta"))).then(|| (Kind::Cifar100, vec![whole]))
}

fn is_pickle(path: &Path) -> bool {
    let mut start = Vec::new();
    let is_file = path.is_file();
    is_file
        && File::open(path).and_then(|file| file.take(2).read_to_end(&mut start)).is_ok()
        && matches!(start.as_slice(), [0x80, 0..=5] | [b'(', b'd'] | [b'}', _])
}

/// One split of a folder of CIFAR's Python files; for CIFAR-100 with the fine labels.
pub(crate) fn open(folder: &Path, split: Split, limits: &Limits) -> Result<SplitContent, DataError> {
    let (kind, files) = find(folder, split).ok_or_else(|| DataError::MissingSplit {
        path: folder.to_owned(),
        split,
        expected: match split {
            Split::Train => "data_batch_* (CIFAR-10) or train (CIFAR-100) in it".to_owned(),
            Split::Test => "test_batch (CIFAR-10) or test (CIFAR-100) in it".to_owned(),
        },
        got: "only the other split".to_owned(),
    })?;
    let names = class_names(folder, kind, limits);
    let label_key = if kind == Kind::Cifar10 { "labels" } else { "fine_labels" };
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in files {
        let bytes = read_limited(&path, limits)?;
        let bad = |field, expected: String, got: String| DataError::BadFile {
            path: path.clone(),
            field,
            expected,
            got,
            remedy: "fetch or copy the file again",
        };
        let pickle =
            Pickle::read(&bytes).map_err(|problem| bad("pickle", "a whole one".to_owned(), problem))?;
        let array = pickle.entry("data").and_then(|item| item.byte_array());
        let (images, data) = match array {
            Some((shape, data)) if matches!(*shape, [_, 3072] | [_, 3, 32, 32]) => (shape[0], data),
            other => {
                let got =
                    other.map_or_else(|| "something else".to_owned(), |(shape, _)| format!("{shape:?}"));
                return Err(bad("data", "an array of unsigned bytes (images, 3072)".to_owned(), got));
            }
        };
        let numbers = pickle.entry(label_key).and_then(|item| item.integers()).unwrap_or_default();
        if numbers.len() != images {
            return Err(bad(label_key, format!("{images}, one for each image"), numbers.len().to_string()));
        }
        if let Some(wrong) = numbers.iter().find(|&&number| number < 0 || number as usize >= names.len()) {
            return Err(bad(label_key, format!("0 to {}", names.len() - 1), wrong.to_string()));
        }
        if (pixels.len() + data.len()) as u64 > limits.max_set_bytes {
            return Err(DataError::TooLarge {
                path: folder.to_owned(),
                what: format!("the {split} split"),
                bytes: format!("at least {}", pixels.len() + data.len()),
                limit: limits.max_set_bytes,
            });
        }
        labels.extend(numbers.into_iter().map(|number| number as u32));
        pixels.extend(data);
    }
    if labels.is_empty() {
        return Err(DataError::Empty { path: folder.to_owned(), split, remedy: "fetch the data set again" });
    }
    Ok(SplitContent::new(Items::Packed { shape: SHAPE, pixels, labels: Some(labels) }, names))
}

/// From the format's file of names, or numbers where there is none or it has another length.
fn class_names(folder: &Path, kind: Kind, limits: &Limits) -> Vec<String> {
    let (file, key, classes) = match kind {
        Kind::Cifar10 => ("batches.meta", "label_names", 10),
        Kind::Cifar100 => ("meta", "fine_label_names", 100),
    };
    let bytes = read_limited(&folder.join(file), limits).unwrap_or_default();
    let names = Pickle::read(&bytes).ok().and_then(|pickle| pickle.entry(key)?.texts());
    names.filter(|names| names.len() == classes).unwrap_or_else(|| numbered_classes(classes))
}
