//! The IDX format of MNIST and its kin: a magic number, the dimensions, then bytes; plain or gzipped.
//!
//! Source: <http://yann.lecun.com/exdb/mnist/>, section "the IDX file format".

mod names;
mod read;

use std::path::{Path, PathBuf};

use crate::classes::numbered;
use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::inflate::{inflating, open_inflating};
use crate::options::{ClassUse, Limits, Split};
use crate::source::{Items, SplitContent};
use names::{IdxFiles, IdxName, What};
use read::{Wanted, read_idx};

/// True if `folder` holds an IDX images file under one of the usual names.
pub(crate) fn is_idx_folder(folder: &Path) -> bool {
    !IdxFiles::in_folder(folder).variants().is_empty()
}

/// True for a file name of images.
pub(crate) fn is_images_name(name: &str) -> bool {
    IdxName::parse(name).is_some_and(|name| name.what == What::Images)
}

/// True for the first bytes of an IDX file of images, whatever its values.
pub(crate) fn is_images_start(start: &[u8]) -> bool {
    matches!(start, [0, 0, 0x08 | 0x09 | 0x0B..=0x0E, 3 | 4, ..])
}

/// The files of one split.
#[derive(Debug, Default)]
struct Pair {
    images: Option<PathBuf>,
    labels: Option<PathBuf>,
}

/// The files of both splits, and whether their images are stored with rows and columns exchanged.
#[derive(Debug)]
struct Found {
    train: Pair,
    test: Pair,
    transposed: bool,
}

impl Found {
    fn pair(&self, split: Split) -> &Pair {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}

/// What belongs to the folder or images file `path`.
fn find(path: &Path) -> Result<Found, DataError> {
    if path.is_dir() {
        let files = IdxFiles::in_folder(path);
        return match files.variants().as_slice() {
            [variant] => Ok(of_variant(&files, variant)),
            variants => {
                let named = |variant: &&str| match *variant {
                    "" => "one without a name".to_owned(),
                    name => name.to_owned(),
                };
                let called = variants.iter().map(named).collect::<Vec<_>>().join(", ");
                Err(DataError::Unclear {
                    path: path.to_owned(),
                    question: format!(
                        "it holds several data sets ({called}); give the images file of one of them"
                    ),
                })
            }
        };
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Some(parsed) = IdxName::parse(&name) {
        let files = IdxFiles::in_folder(folder);
        let mut found = of_variant(&files, &parsed.variant);
        let (given, other) = match parsed.split {
            Split::Train => (&mut found.train, &mut found.test),
            Split::Test => (&mut found.test, &mut found.train),
        };
        given.images = Some(path.to_owned()); // this one, if there are several
        if parsed.variant.is_empty() {
            other.images = None; // a variant has no folder of its own, so its file stands for both splits
        }
        return Ok(found);
    }
    let of_test = ["t10k", "test"].iter().any(|stem| name.starts_with(stem));
    let pair = Pair { images: Some(path.to_owned()), labels: labels_beside(path) };
    let (train, test) = if of_test { (Pair::default(), pair) } else { (pair, Pair::default()) };
    Ok(Found { train, test, transposed: false })
}

fn of_variant(files: &IdxFiles, variant: &str) -> Found {
    let pair = |split| Pair {
        images: files.get(variant, split, What::Images).map(Path::to_owned),
        labels: files.get(variant, split, What::Labels).map(Path::to_owned),
    };
    // EMNIST's authors wrote their images column by column.
    let transposed = variant.split(['-', '_', '.']).any(|word| word == "emnist");
    Found { train: pair(Split::Train), test: pair(Split::Test), transposed }
}

/// The file beside `images`, of an unusual name, that holds its labels, if there is one.
fn labels_beside(images: &Path) -> Option<PathBuf> {
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

/// One split of a folder of IDX files or of an images file. Without a labels file there are no labels.
pub(crate) fn open(
    path: &Path,
    split: Split,
    class_use: ClassUse,
    limits: &Limits,
) -> Result<SplitContent, DataError> {
    let found = find(path)?;
    let Pair { images: Some(images_path), labels: labels_path } = found.pair(split) else {
        let (expected, got) = if path.is_dir() {
            let stem = if split == Split::Train { "train" } else { "t10k" };
            (format!("{stem}-images-idx3-ubyte[.gz] in it"), "only the other split")
        } else {
            ("a folder with the files of both splits".to_owned(), "one images file of the other split")
        };
        return Err(DataError::MissingSplit { path: path.to_owned(), split, expected, got: got.to_owned() });
    };
    let mut images = read_images(images_path, open_inflating(images_path)?, limits)?;
    let mut notes = Vec::new();
    if found.transposed {
        images = images.transposed();
        notes.push("EMNIST stores rows and columns exchanged; its images are turned upright".to_owned());
    }
    let other = if split == Split::Train { Split::Test } else { Split::Train };
    let mut labels = match labels_path {
        None => {
            if let Some(other_labels) = &found.pair(other).labels {
                let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                notes.push(format!(
                    "the {split} split has no labels: beside {} there is no file of its labels, as {} is that of the \
                     {other} split",
                    name(images_path),
                    name(other_labels)
                ));
            }
            None
        }
        Some(labels_path) => {
            let labels = read_labels(labels_path, limits)?;
            same_number(images.count, images_path, labels.len(), labels_path)?;
            Some(labels)
        }
    };
    if let (Some(numbers), Some(labels_path)) = (&labels, labels_path)
        && let Some(negative) = numbers.iter().find(|&&number| number < 0)
    {
        if class_use == ClassUse::Needed {
            return Err(DataError::BadFile {
                path: labels_path.clone(),
                field: "labels",
                expected: "0 or more".to_owned(),
                got: negative.to_string(),
                remedy: "leave out the images that have no class",
            });
        }
        notes.push(format!(
            "the {split} split is taken without classes: {negative} is the label of some images"
        ));
        labels = None;
    }
    // Both splits have the same classes, even if one of them lacks some.
    let other_labels = match &found.pair(other).labels {
        Some(path) if labels.is_some() => read_labels(path, limits)?,
        _ => Vec::new(),
    };
    let (classes, labels) = numbered(labels, other_labels.into_iter().filter(|&number| number >= 0));
    let items = Items::Packed { shape: images.shape, pixels: images.pixels, labels };
    Ok(SplitContent { notes, ..SplitContent::new(items, classes) })
}

/// The images and labels of two gzipped IDX files in memory; `shown` is what errors call them.
pub(crate) fn read_pair(
    shown: &Path,
    images: &'static [u8],
    labels: &'static [u8],
    limits: &Limits,
) -> Result<Items, DataError> {
    let read_error = |source| DataError::Read { path: shown.to_owned(), source };
    let images = read_images(shown, inflating(images, 1).map_err(read_error)?, limits)?;
    let labels = labels_from(shown, inflating(labels, 1).map_err(read_error)?, limits)?;
    same_number(images.count, shown, labels.len(), shown)?;
    let labels = Some(labels.into_iter().map(|label| label as u32).collect());
    Ok(Items::Packed { shape: images.shape, pixels: images.pixels, labels })
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

fn read_labels(path: &Path, limits: &Limits) -> Result<Vec<i64>, DataError> {
    labels_from(path, open_inflating(path)?, limits)
}

fn labels_from(
    path: &Path,
    reader: Box<dyn std::io::Read + '_>,
    limits: &Limits,
) -> Result<Vec<i64>, DataError> {
    Ok(read_idx(path, reader, Wanted::Labels, limits)?.first_of_rows())
}

/// (N, C, H, W) pixels.
struct Images {
    count: usize,
    shape: ImageShape,
    pixels: Vec<u8>,
}

impl Images {
    /// Each with rows and columns exchanged.
    fn transposed(self) -> Self {
        let ImageShape { channels, height, width } = self.shape;
        let shape = ImageShape { channels, height: width, width: height };
        let turn = |plane: &[u8]| -> Vec<u8> {
            (0..width).flat_map(|column| plane.iter().skip(column).step_by(width).copied()).collect()
        };
        let pixels = self.pixels.chunks_exact(height * width).flat_map(turn).collect();
        Self { shape, pixels, ..self }
    }
}

fn read_images(
    path: &Path,
    reader: Box<dyn std::io::Read + '_>,
    limits: &Limits,
) -> Result<Images, DataError> {
    let content = read_idx(path, reader, Wanted::Images, limits)?;
    let pixels = content.bytes;
    let shape = |channels, height, width| ImageShape { channels, height, width };
    let (shape, channels_last) = match *content.dimensions.as_slice() {
        [_, height, width] => (shape(1, height, width), false),
        [_, height, width, channels @ (1 | 3)] => (shape(channels, height, width), true),
        [_, channels @ (1 | 3), height, width] => (shape(channels, height, width), false),
        _ => {
            return Err(DataError::BadFile {
                path: path.to_owned(),
                field: "dimensions",
                expected: "(images, height, width, 1 or 3) or (images, 1 or 3, height, width)".to_owned(),
                got: format!("{:?}", content.dimensions),
                remedy: "write grey or RGB images",
            });
        }
    };
    let pixels = if channels_last && shape.channels > 1 {
        let planes = |image: &[u8]| -> Vec<u8> {
            (0..shape.channels)
                .flat_map(|channel| image.iter().skip(channel).step_by(shape.channels).copied())
                .collect()
        };
        pixels.chunks_exact(shape.bytes()).flat_map(planes).collect()
    } else {
        pixels
    };
    Ok(Images { count: content.dimensions[0], shape, pixels })
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
        // Classes are the labels that occur in either split, and keep their numbers as names.
        assert_eq!(set.labels, Some(vec![1, 0, 2]));
        assert_eq!(set.classes, ["0", "7", "9"]);
        assert_eq!(*set.pixels(1).unwrap(), (20..40).collect::<Vec<u8>>());
        assert_eq!(load_train(compressed.path()).unwrap().content_sha256(), set.content_sha256());
        // The test split lacks class 9 and still has the three classes of the whole.
        let test = load(plain.path().to_str().unwrap(), Split::Test, &LoadOptions::default()).unwrap();
        assert_eq!((test.len(), test.classes.len()), (2, 3));
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
    fn labels_that_one_split_lacks_are_named() {
        let root = tempfile::tempdir().unwrap();
        mnist_like(root.path(), false);
        fs::remove_file(root.path().join("t10k-labels-idx1-ubyte")).unwrap();
        put(root.path(), "more/1.png", &crate::test_files::png_of(2, 2, 1, 0));
        let inspection = crate::inspect(root.path().to_str().unwrap(), &LoadOptions::default()).unwrap();
        let told =
            "the test split has no labels: beside t10k-images-idx3-ubyte there is no file of its labels";
        assert!(inspection.notes.iter().any(|note| note.starts_with(told)), "{:?}", inspection.notes);
        assert_eq!(inspection.ignored["folders beside the set, which are not used"], 1);
    }

    #[test]
    fn flattened_images_are_named_as_such() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train-images-idx3-ubyte", &idx(&[3, 20], &[0; 60]));
        let error = load_train(root.path()).unwrap_err();
        assert!(error.contains("flattened images") && error.contains("(images, rows, columns)"), "{error}");
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
