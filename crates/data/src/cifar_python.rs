//! The Python format of CIFAR-10 and CIFAR-100, as torchvision fetches it: pickles of arrays and labels, which are
//! read without executing anything.
//!
//! Source: <https://www.cs.toronto.edu/~kriz/cifar.html>, section "Python version".

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zview_torch_file::{Node, PlainPickle, TorchError};

use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::options::{Limits, Split};
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
        let (data, numbers) = read_batch(&path, read_limited(&path, limits)?, label_key, names.len())?;
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
    if labels.is_empty() {
        return Err(DataError::Empty { path: folder.to_owned(), split, remedy: "fetch the data set again" });
    }
    Ok(SplitContent::new(Items::Packed { shape: SHAPE, pixels, labels: Some(labels) }, names))
}

/// Pixels (N, C, H, W) and labels, below `classes`, of the batch that the bytes of a file are.
pub(crate) fn read_batch(
    path: &Path,
    bytes: Vec<u8>,
    label_key: &'static str,
    classes: usize,
) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    let bad_because = |field, expected: String, got: String, remedy| DataError::BadFile {
        path: path.to_owned(),
        field,
        expected,
        got,
        remedy,
    };
    let bad = |field, expected: String, got: String| {
        bad_because(field, expected, got, "fetch or copy the file again")
    };
    let pickle =
        PlainPickle::read(bytes).map_err(|error| bad("pickle", "a whole one".to_owned(), problem(error)))?;
    let array = pickle.root().get("data").and_then(Node::array);
    let (images, data) = match array {
        Some((shape, data)) if matches!(*shape, [_, 3072] | [_, 3, 32, 32]) => (shape[0], data),
        other => {
            let got = other.map_or_else(
                || "something else, or values of another type".to_owned(),
                |(shape, _)| format!("{shape:?}"),
            );
            return Err(bad_because(
                "data",
                "an array of unsigned bytes (images, 3072)".to_owned(),
                got,
                "write it with `data.astype(numpy.uint8)` and `pickle.dump(batch, file, protocol=2)`, or fetch \
                 the file again",
            ));
        }
    };
    let Some(numbers) = pickle.root().get(label_key).and_then(Node::integers) else {
        return Err(bad_because(
            label_key,
            "a list or an array of integers".to_owned(),
            "something else".to_owned(),
            "write it with `[int(label) for label in labels]`",
        ));
    };
    if numbers.len() != images {
        return Err(bad(label_key, format!("{images}, one for each image"), numbers.len().to_string()));
    }
    if let Some(wrong) = numbers.iter().find(|&&number| number < 0 || number as usize >= classes) {
        return Err(bad(label_key, format!("0 to {}", classes - 1), wrong.to_string()));
    }
    Ok((data, numbers.into_iter().map(|number| number as u32).collect()))
}

/// From the format's file of names, or numbers where there is none or it has another length.
fn class_names(folder: &Path, kind: Kind, limits: &Limits) -> Vec<String> {
    let (file, key, classes) = match kind {
        Kind::Cifar10 => ("batches.meta", "label_names", 10),
        Kind::Cifar100 => ("meta", "fine_label_names", 100),
    };
    let bytes = read_limited(&folder.join(file), limits).unwrap_or_default();
    let names = PlainPickle::read(bytes).ok().and_then(|pickle| texts(pickle.root().get(key)?));
    names.filter(|names| names.len() == classes).unwrap_or_else(|| numbered_classes(classes))
}

fn texts(list: Node<'_>) -> Option<Vec<String>> {
    list.items()?.map(|text| Some(text.as_text()?.into_owned())).collect()
}

/// What a file has in place of a whole pickle.
fn problem(error: TorchError) -> String {
    match error {
        TorchError::CutOff(reason) => format!("one that is cut short ({reason})"),
        TorchError::Damaged(reason) | TorchError::TooLarge(reason) => reason,
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    /// As Python 3 writes them with protocols 2 and 4, and as Python 2 did: scripts/golden_images.py.
    const PICKLES: [&[u8]; 3] = [
        include_bytes!("../tests/golden/protocol-2.pickle"),
        include_bytes!("../tests/golden/protocol-4.pickle"),
        include_bytes!("../tests/golden/python-2.pickle"),
    ];

    #[test]
    fn every_protocol_gives_the_same_values() {
        for bytes in PICKLES {
            let pickle = PlainPickle::read(bytes.to_vec()).unwrap();
            let root = pickle.root();
            let array = root.get("data").unwrap().array();
            assert_eq!(array, Some((vec![2, 3], vec![0, 1, 2, 3, 4, 5])));
            assert_eq!(root.get("labels").unwrap().integers(), Some(vec![3, -1]));
            assert_eq!(texts(root.get("names").unwrap()), Some(vec!["apple".to_owned(), "bee".to_owned()]));
            assert!(root.get("absent").is_none());
        }
    }

    #[test]
    fn labels_that_are_numpys_are_read() {
        for bytes in [
            &include_bytes!("../tests/golden/labels-2.pickle")[..],
            include_bytes!("../tests/golden/labels-5.pickle"),
        ] {
            let pickle = PlainPickle::read(bytes.to_vec()).unwrap();
            let labels = |name| pickle.root().get(name).unwrap().integers();
            for name in ["list of numpy's", "<i8", ">i8", "<i4", ">i2", "by columns"] {
                assert_eq!(labels(name), Some(vec![3, -1, 200, 7]), "{name}");
            }
            assert_eq!(labels("u1"), Some(vec![3, 255, 200, 7]));
            assert_eq!(labels("floats"), None);
        }
    }

    #[test]
    fn a_file_that_is_no_whole_pickle_says_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, got) in [
            (&b"\x80\x02}U\x04da"[..], "got one that is cut short (4 more bytes"),
            (b"\x80\x02\xff.", "got 0xff at 2 is no operation of a pickle"),
            (&[&b"\x80\x02"[..], &b"]".repeat(4 << 20), b"."].concat(), "got its Python objects take more"),
        ] {
            std::fs::write(folder.path().join("test_batch"), bytes).unwrap();
            let error = open(folder.path(), Split::Test, &Limits::default()).unwrap_err().to_string();
            assert!(error.contains("test_batch: pickle: expected a whole one"), "{error}");
            assert!(error.contains(got), "{error}");
        }
    }

    #[test]
    fn damaged_pickles_never_panic() {
        let read = |bytes: &[u8]| {
            let Ok(pickle) = PlainPickle::read(bytes.to_vec()) else { return };
            for node in ["data", "labels", "names"].into_iter().filter_map(|key| pickle.root().get(key)) {
                let _ = (node.array(), node.integers(), texts(node));
            }
        };
        let mut stream = Stream::new(1, Purpose::Check, 0, 0);
        for pickle in PICKLES {
            for length in 0..pickle.len() {
                read(&pickle[..length]);
            }
            for _ in 0..3000 {
                let mut bytes = pickle.to_vec();
                for _ in 0..=stream.below(4) {
                    let at = stream.below(bytes.len() as u64) as usize;
                    bytes[at] = stream.bits() as u8;
                }
                read(&bytes);
            }
        }
    }
}
