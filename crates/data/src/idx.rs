//! The IDX format of MNIST: a magic number, the dimensions, then bytes; plain or gzipped.
//!
//! Source: <http://yann.lecun.com/exdb/mnist/>, section "the IDX file format".

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::options::{Limits, Split};
use crate::source::{Items, SplitContent, numbered_classes};

const REPLACE: &str = "fetch or copy the file again";

/// The beginnings of the file names of a split.
fn stems(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &["train"],
        Split::Test => &["t10k", "test"],
    }
}

fn images_file(folder: &Path, split: Split) -> Option<PathBuf> {
    let endings =
        ["-images-idx3-ubyte", "-images-idx3-ubyte.gz", "-images.idx3-ubyte", "-images.idx3-ubyte.gz"];
    stems(split)
        .iter()
        .flat_map(|stem| endings.iter().map(move |ending| folder.join(format!("{stem}{ending}"))))
        .find(|path| path.is_file())
}

/// True if `folder` holds an IDX images file under its usual name.
pub(crate) fn is_idx_folder(folder: &Path) -> bool {
    [Split::Train, Split::Test].into_iter().any(|split| images_file(folder, split).is_some())
}

/// The file beside `images` that holds its labels, if there is one.
fn labels_file(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let same = name.replace("images", "labels").replace("idx3", "idx1");
    if same == name {
        return None;
    }
    let other = match same.strip_suffix(".gz") {
        Some(plain) => plain.to_owned(),
        None => format!("{same}.gz"),
    };
    [same, other].into_iter().map(|name| images.with_file_name(name)).find(|path| path.is_file())
}

/// One split of a folder of IDX files or of a single images file. Without a labels file there are no labels.
pub(crate) fn open(path: &Path, split: Split, limits: &Limits) -> Result<SplitContent, DataError> {
    let missing = |expected: String, got: &str| DataError::MissingSplit {
        path: path.to_owned(),
        split,
        expected,
        got: got.to_owned(),
    };
    let images_path = if path.is_dir() {
        images_file(path, split).ok_or_else(|| {
            missing(format!("{}-images-idx3-ubyte[.gz] in it", stems(split)[0]), "only the other split")
        })?
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let of_test = stems(Split::Test).iter().any(|stem| name.starts_with(stem));
        if of_test != (split == Split::Test) {
            let expected = "a folder with the files of both splits".to_owned();
            return Err(missing(expected, "one images file of the other split"));
        }
        path.to_owned()
    };

    let (images, shape, pixels) = read_images(&images_path, open_inflating(&images_path)?, limits)?;
    let mut class_count = 0;
    let labels = match labels_file(&images_path) {
        None => None,
        Some(labels_path) => {
            let labels = read_labels(&labels_path, limits)?;
            same_number(images, &images_path, labels.len(), &labels_path)?;
            class_count = classes_of(&labels);
            Some(labels)
        }
    };
    // Both splits have the same classes, even if one of them lacks the last.
    let other = if split == Split::Train { Split::Test } else { Split::Train };
    let folder = images_path.parent().unwrap_or(Path::new("."));
    if let Some(labels_path) = images_file(folder, other).and_then(|images| labels_file(&images)) {
        class_count = class_count.max(classes_of(&read_labels(&labels_path, limits)?));
    }
    let items = Items::Packed { shape, pixels, labels };
    Ok(SplitContent { items, classes: numbered_classes(class_count), rejects: Vec::new() })
}

/// The images and labels of two gzipped IDX files in memory; `shown` is what errors call them.
pub(crate) fn read_pair(
    shown: &Path,
    images: &'static [u8],
    labels: &'static [u8],
    limits: &Limits,
) -> Result<Items, DataError> {
    let (count, shape, pixels) = read_images(shown, Box::new(MultiGzDecoder::new(images)), limits)?;
    let labels = labels_from(shown, Box::new(MultiGzDecoder::new(labels)), limits)?;
    same_number(count, shown, labels.len(), shown)?;
    Ok(Items::Packed { shape, pixels, labels: Some(labels) })
}

fn same_number(
    images: usize,
    images_path: &Path,
    labels: usize,
    labels_path: &Path,
) -> Result<(), DataError> {
    if images == labels {
        return Ok(());
    }
    Err(DataError::BadFile {
        path: labels_path.to_owned(),
        field: "number of labels",
        expected: format!("{images}, as {} has images", images_path.display()),
        got: labels.to_string(),
        remedy: "put the labels file that belongs to these images beside them",
    })
}

fn classes_of(labels: &[u32]) -> usize {
    labels.iter().max().map_or(0, |&label| label as usize + 1)
}

fn read_labels(path: &Path, limits: &Limits) -> Result<Vec<u32>, DataError> {
    labels_from(path, open_inflating(path)?, limits)
}

fn labels_from(path: &Path, reader: Box<dyn Read>, limits: &Limits) -> Result<Vec<u32>, DataError> {
    Ok(read_idx(path, reader, 1, limits)?.1.into_iter().map(u32::from).collect())
}

/// Number of images, shape of each, and (N, 1, H, W) pixels.
fn read_images(
    path: &Path,
    reader: Box<dyn Read>,
    limits: &Limits,
) -> Result<(usize, ImageShape, Vec<u8>), DataError> {
    let (dimensions, pixels) = read_idx(path, reader, 3, limits)?;
    let shape = ImageShape { channels: 1, height: dimensions[1], width: dimensions[2] };
    Ok((dimensions[0], shape, pixels))
}

/// Reads an inflated IDX file of unsigned bytes with that many dimensions: the dimensions and the data.
///
/// Never holds more than the header says, nor inflates more than one byte past it.
fn read_idx(
    path: &Path,
    mut reader: Box<dyn Read>,
    rank: usize,
    limits: &Limits,
) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let bad = |field, expected: String, got: String| DataError::BadFile {
        path: path.to_owned(),
        field,
        expected,
        got,
        remedy: REPLACE,
    };
    let header_bytes = 4 + 4 * rank;
    let (header, _) = read_up_to(path, reader.as_mut(), header_bytes as u64)?;
    let magic = [0, 0, 8, rank as u8];
    if header.len() >= 4 && header[..4] != magic {
        let expected = format!("{:#010x} (unsigned bytes, {rank} dimensions)", u32::from_be_bytes(magic));
        let got = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        return Err(bad("magic number", expected, format!("{got:#010x}")));
    }
    if header.len() < header_bytes {
        let got = format!("{}: the file is cut short", header.len());
        return Err(bad("header", format!("{header_bytes} bytes"), got));
    }
    let dimensions: Vec<usize> = header[4..]
        .chunks_exact(4)
        .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]) as usize)
        .collect();
    if dimensions.contains(&0) {
        return Err(bad("dimensions", "none of them 0".to_owned(), format!("{dimensions:?}")));
    }
    if let Some(side) = dimensions[1..].iter().find(|&&side| side > limits.max_side) {
        return Err(bad(
            "dimensions",
            format!("at most {} pixels per side", limits.max_side),
            side.to_string(),
        ));
    }
    let length = dimensions.iter().try_fold(1u64, |product, &next| product.checked_mul(next as u64));
    let Some(length) = length.filter(|&length| length <= limits.max_set_bytes) else {
        return Err(DataError::TooLarge {
            path: path.to_owned(),
            what: format!("its header ({dimensions:?})"),
            bytes: length.map_or_else(|| "more than 2^64".to_owned(), |length| length.to_string()),
            limit: limits.max_set_bytes,
        });
    };
    // One byte more than announced, to see whether there is more.
    let (data, cut) = read_up_to(path, reader.as_mut(), length + 1)?;
    if data.len() as u64 == length && cut {
        let got = "its end, with the checksum, is missing".to_owned();
        return Err(bad("gzip stream", "a whole one".to_owned(), got));
    }
    if data.len() as u64 != length {
        let got = if data.len() as u64 > length {
            "more".to_owned()
        } else {
            format!("{}: the file is cut short", data.len())
        };
        return Err(bad("data", format!("{length} bytes, as the header {dimensions:?} says"), got));
    }
    Ok((dimensions, data))
}

fn open_inflating(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let open = || -> io::Result<Box<dyn Read>> {
        let mut start = Vec::new();
        File::open(path)?.take(2).read_to_end(&mut start)?;
        let file = BufReader::new(File::open(path)?);
        Ok(if start == [0x1F, 0x8B] { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
    };
    open().map_err(|source| DataError::Read { path: path.to_owned(), source })
}

/// At most `limit` bytes; fewer if the file ends before. True if it is a gzip stream without its end.
fn read_up_to(path: &Path, reader: &mut dyn Read, limit: u64) -> Result<(Vec<u8>, bool), DataError> {
    let mut bytes = Vec::new();
    match reader.take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok((bytes, false)),
        // What is missing is told by the caller, who knows the field.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok((bytes, true)),
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Err(DataError::BadFile {
                path: path.to_owned(),
                field: "gzip stream",
                expected: "a whole one with its checksum".to_owned(),
                got: error.to_string(),
                remedy: REPLACE,
            })
        }
        Err(source) => Err(DataError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::test_files::{gz, idx, put};
    use crate::{LoadOptions, load};

    fn mnist_like(root: &Path, compressed: bool) {
        let pixels: Vec<u8> = (0..3 * 4 * 5).collect();
        for (stem, images) in [("train", 3u32), ("t10k", 2)] {
            let files = [
                (format!("{stem}-images-idx3-ubyte"), idx(&[images, 4, 5], &pixels[..images as usize * 20])),
                (format!("{stem}-labels-idx1-ubyte"), idx(&[images], &[7, 0, 9][..images as usize])),
            ];
            for (name, bytes) in files {
                if compressed {
                    put(root, &format!("{name}.gz"), &gz(&bytes));
                } else {
                    put(root, &name, &bytes);
                }
            }
        }
    }

    fn load_train(path: &Path) -> Result<crate::ImageSet, String> {
        load(path.to_str().unwrap(), Split::Train, &LoadOptions::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn plain_and_gzipped_files_give_the_same() {
        let (plain, compressed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        mnist_like(plain.path(), false);
        mnist_like(compressed.path(), true);
        let set = load_train(plain.path()).unwrap();
        assert_eq!(set.len(), 3);
        assert_eq!(set.shape, ImageShape { channels: 1, height: 4, width: 5 });
        assert_eq!(set.labels, Some(vec![7, 0, 9]));
        assert_eq!(set.classes.len(), 10);
        assert_eq!(set.pixels(1), (20..40).collect::<Vec<u8>>());
        assert_eq!(load_train(compressed.path()).unwrap().content_sha256(), set.content_sha256());
        // The test split lacks class 9 and still has the ten classes of the whole.
        let test = load(plain.path().to_str().unwrap(), Split::Test, &LoadOptions::default()).unwrap();
        assert_eq!((test.len(), test.classes.len()), (2, 10));
        // A single images file finds its labels beside it, and knows its split.
        let single = plain.path().join("train-images-idx3-ubyte");
        assert_eq!(load_train(&single).unwrap().labels, set.labels);
        let error = load(single.to_str().unwrap(), Split::Test, &LoadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("no test split"), "{error}");
    }

    #[test]
    fn without_a_labels_file_there_are_no_labels() {
        let root = tempfile::tempdir().unwrap();
        mnist_like(root.path(), true);
        fs::remove_file(root.path().join("train-labels-idx1-ubyte.gz")).unwrap();
        assert_eq!(load_train(root.path()).unwrap().labels, None);
    }

    #[test]
    fn bad_files_are_named_with_field_expected_and_got() {
        let images = idx(&[3, 4, 5], &[0; 60]);
        let with_magic = |magic: [u8; 4]| [&magic[..], &images[4..]].concat();
        let bomb = gz(&[&idx(&[3, 4, 5], &[])[..], &vec![0; 1 << 20]].concat());
        let compressed = gz(&images);
        let mut flipped = compressed.clone();
        let checksum = flipped.len() - 8;
        flipped[checksum] ^= 1;
        let cases: [(Vec<u8>, &[&str]); 13] = [
            (images[..70].to_vec(), &["data", "60 bytes", "54: the file is cut short"]),
            (images[..9].to_vec(), &["header", "16 bytes", "9: the file is cut short"]),
            (Vec::new(), &["header", "got 0"]),
            (compressed[..14].to_vec(), &["cut short"]),
            (compressed[..compressed.len() - 3].to_vec(), &["gzip stream", "checksum"]),
            (with_magic([0, 0, 8, 1]), &["magic number", "0x00000803", "0x00000801"]),
            (with_magic([0, 0, 0x0D, 3]), &["magic number", "0x00000d03"]),
            ([images.clone(), vec![0]].concat(), &["data", "60 bytes", "got more"]),
            (bomb, &["data", "60 bytes", "got more"]),
            (flipped, &["gzip stream", "checksum"]),
            (idx(&[u32::MAX, 16_000, 16_000], &[]), &["1099511627520000000", "limit"]),
            (idx(&[1, 65_535, 65_535], &[]), &["16384", "65535"]),
            (idx(&[0, 28, 28], &[]), &["dimensions", "0"]),
        ];
        for (number, (bytes, expected)) in cases.into_iter().enumerate() {
            let root = tempfile::tempdir().unwrap();
            put(root.path(), "train-images-idx3-ubyte", &bytes);
            let error = load_train(root.path()).unwrap_err();
            assert!(error.contains("train-images-idx3-ubyte"), "{number}: {error}");
            for part in expected {
                assert!(error.contains(part), "{number}: {part} in {error}");
            }
        }
    }

    #[test]
    fn labels_must_be_as_many_as_images() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train-images-idx3-ubyte", &idx(&[3, 2, 2], &[0; 12]));
        put(root.path(), "train-labels-idx1-ubyte", &idx(&[2], &[1, 2]));
        let error = load_train(root.path()).unwrap_err();
        for part in
            ["train-labels-idx1-ubyte", "number of labels", "expected 3", "got 2", "put the labels file"]
        {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}
