//! The cases of `../shared/cases`: small inputs as users have them, each with what is right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use zview_data::view_shards::{BatchPlan, BatchReader, ShardOptions, ViewShards};
use zview_data::{ClassUse, ColorMode, ImageSet, ImageShape, LoadOptions, Split, comparable, inspect, load};
use zview_runtime::testing::shared;

/// The folder of a case.
fn case(name: &str) -> Option<PathBuf> {
    shared(Path::new("cases").join(name))
}

fn loaded(path: &Path, split: Split) -> ImageSet {
    load(path.to_str().unwrap(), split, &LoadOptions::default()).unwrap()
}

fn both(path: &Path) -> (ImageSet, ImageSet) {
    (loaded(path, Split::Train), loaded(path, Split::Test))
}

fn pretraining(path: &Path) -> ImageSet {
    let options = LoadOptions { class_use: ClassUse::Optional, ..LoadOptions::default() };
    load(path.to_str().unwrap(), Split::Train, &options).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn grey_first_is_colour_in_training_and_testing() {
    let Some(path) = case("grey-first") else { return };
    let (train, test) = both(&path);
    assert_eq!((train.shape.channels, test.shape.channels), (3, 3));
    assert!(train.notes.iter().any(|note| note.contains("1 of 24 images are grey")), "{:?}", train.notes);
    let seen = inspect(path.to_str().unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!(seen.shape.unwrap().channels, 3);
    assert!(seen.notes.iter().any(|note| note.contains("1 of 48 images are grey")), "{:?}", seen.notes);
}

#[test]
fn idx_labels_from_1_are_three_classes() {
    for name in ["idx-labels-from-1", "idx-emnist-names"] {
        let Some(path) = case(name) else { return };
        let (train, test) = both(&path);
        assert_eq!(train.classes, names(&["1", "2", "3"]), "{name}");
        assert_eq!((train.class_counts(), test.class_counts()), (vec![20; 3], vec![10; 3]), "{name}");
    }
}

#[test]
fn idx_emnist_names_are_turned_upright() {
    let Some(path) = case("idx-emnist-names") else { return };
    let upright = loaded(&path, Split::Train);
    assert!(upright.notes[0].contains("turned upright"), "{:?}", upright.notes);
    // gzip.open("emnist-letters-train-images-idx3-ubyte.gz").read(), from byte 16, is (60, 12, 12): column by column.
    let mut stored = Vec::new();
    let file = std::fs::File::open(path.join("emnist-letters-train-images-idx3-ubyte.gz")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut stored).unwrap();
    for image in [0, 7, 59] {
        for (x, y) in [(0, 0), (3, 7), (11, 2)] {
            assert_eq!(upright.pixels(image).unwrap()[y * 12 + x], stored[16 + image * 144 + x * 12 + y]);
        }
    }
}

#[test]
fn idx_test_more_classes_are_counted_apart() {
    let Some(path) = case("idx-test-more-classes") else { return };
    let (train, test) = both(&path);
    assert_eq!((train.classes.len(), test.len()), (4, 32));
    let two = comparable(train, test);
    assert_eq!(two.only_in_test, BTreeMap::from([("3".to_owned(), 8)]));
    assert_eq!((two.train.classes.clone(), two.test.len()), (names(&["0", "1", "2"]), 24));
    assert!(two.notes()[0].contains("8 test images are of classes without a training image (3)"));
}

#[test]
fn class_only_in_test_is_counted_apart() {
    let Some(path) = case("class-only-in-test") else { return };
    let (train, test) = both(&path);
    let two = comparable(train, test);
    assert_eq!(two.only_in_test, BTreeMap::from([("c".to_owned(), 20)]));
    assert_eq!((two.test.classes.clone(), two.test.len()), (names(&["a", "b"]), 40));
    let seen = inspect(path.to_str().unwrap(), &LoadOptions::default()).unwrap();
    assert!(seen.notes.iter().any(|note| note.contains("20 test images are of classes")), "{:?}", seen.notes);
}

#[test]
fn idx_int_labels_double_gz_and_rgb_are_read_and_floats_named() {
    let Some(path) = case("idx-int-labels") else { return };
    assert_eq!(loaded(&path, Split::Train).class_counts(), [20, 20, 20]);
    let twice = loaded(&case("idx-double-gz").unwrap(), Split::Train);
    assert_eq!((twice.len(), twice.class_counts()), (60, vec![20, 20, 20]));
    let rgb = case("idx-rgb").unwrap();
    let set = loaded(&rgb, Split::Train);
    assert_eq!(set.shape, ImageShape { channels: 3, height: 12, width: 12 });
    // Channels last in the file, first in memory.
    let file = std::fs::read(rgb.join("train-images-idx4-ubyte")).unwrap();
    let pixel = |image: usize, y: usize, x: usize, channel: usize| {
        file[20 + ((image * 12 + y) * 12 + x) * 3 + channel]
    };
    for (image, y, x, channel) in [(0, 0, 0, 0), (7, 3, 11, 2), (59, 11, 11, 1)] {
        assert_eq!(set.pixels(image).unwrap()[(channel * 12 + y) * 12 + x], pixel(image, y, x, channel));
    }
    let float = case("idx-float").unwrap();
    let error = load(float.to_str().unwrap(), Split::Train, &LoadOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains("32-bit floats") && error.contains("write the pixels as unsigned bytes"),
        "{error}"
    );
}

#[test]
fn cifar_py_is_read_without_executing() {
    let Some(path) = case("cifar-py") else { return };
    let (train, test) = both(&path);
    assert_eq!(train.shape, ImageShape { channels: 3, height: 32, width: 32 });
    // pickle.load(open("data_batch_1", "rb"), encoding="bytes")[b"labels"] is [0, 1], its data (2, 3072).
    assert_eq!((train.labels, train.classes.len(), test.labels), (Some(vec![0, 1]), 10, Some(vec![0, 1])));
}

#[test]
fn cmyk_jpeg_jfif_and_misnamed_files_are_read_by_content() {
    let Some(path) = case("cmyk-jpeg") else { return };
    assert_eq!(pretraining(&path).shape, ImageShape { channels: 3, height: 32, width: 32 });
    assert_eq!(pretraining(&case("jfif").unwrap()).len(), 6);
    let path = case("misnamed-webp").unwrap();
    let seen = inspect(path.to_str().unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!((seen.images, seen.rejects.len()), (7, 1));
    assert!(seen.rejects[0].path.ends_with("page.jpg") && seen.rejects[0].reason.contains("web page"));
}

#[test]
fn exif_orientation_turns_a_phones_picture() {
    let Some(path) = case("exif-orientation") else { return };
    assert_eq!(pretraining(&path).shape, ImageShape { channels: 3, height: 48, width: 32 });
}

#[test]
fn split_training_testing_and_train_test_are_known() {
    for name in ["split-training-testing", "split-Train-Test"] {
        let Some(path) = case(name) else { return };
        let (train, test) = both(&path);
        assert_eq!(
            (train.classes.clone(), train.len(), test.len()),
            (names(&["0", "1", "2"]), 12, 12),
            "{name}"
        );
    }
}

#[test]
fn nfc_and_nfd_are_one_class() {
    let Some(path) = case("nfc-nfd") else { return };
    let (train, test) = both(&path);
    assert_eq!(train.classes, names(&["caf\u{e9}", "na\u{ef}ve"]));
    assert_eq!((train.class_counts(), test.class_counts()), (vec![10, 10], vec![10, 10]));
}

#[test]
fn unlabelled_nested_needs_no_classes() {
    let Some(path) = case("unlabelled-nested") else { return };
    let set = pretraining(&path);
    assert_eq!((set.len(), set.labels), (3, None));
}

/// The whole first batch of a case's shards.
fn batch(name: &str, options: &ShardOptions) -> Option<(ViewShards, zview_data::view_shards::ShardBatch)> {
    let path = case(name)?;
    let open = || ViewShards::open(&path, options).unwrap();
    let plan = BatchPlan { anchors: 4, per_anchor: 2, shuffled: false };
    let batch = BatchReader::new(open(), plan).unwrap().batch(0, 0).unwrap();
    Some((open(), batch))
}

#[test]
fn wds_members_that_are_not_needed_are_ignored_and_counted() {
    let as_stored = ShardOptions::default();
    let Some((shards, batch_of_words)) = batch("wds-json-class-text", &as_stored) else { return };
    assert!(shards.class_names().is_some_and(|names| names.contains(&"dog".to_owned())));
    assert!(batch_of_words.labels.is_some());
    let (shards, _) = batch("wds-json-list", &as_stored).unwrap();
    assert_eq!((shards.classes(), shards.ignored.get(".json (without class or latents)")), (None, Some(&20)));
    let (shards, _) = batch("wds-json-latents-other", &as_stored).unwrap();
    assert_eq!((shards.classes(), shards.latent_dimension()), (Some(3), None));
}

#[test]
fn wds_grey_mixed_and_mixed_size_follow_the_settings() {
    let rgb = ShardOptions { color: ColorMode::Rgb, ..ShardOptions::default() };
    let Some((shards, batch_of_rgb)) = batch("wds-grey-mixed", &rgb) else { return };
    assert_eq!((shards.shape().channels, batch_of_rgb.pixels.len()), (3, 8 * shards.shape().bytes()));
    let (as_stored, _) = batch("wds-grey-mixed", &ShardOptions::default()).unwrap();
    assert_eq!(as_stored.shape().channels, 3);
    assert!(as_stored.notes[0].contains("are grey, others are in colour"), "{:?}", as_stored.notes);
    let grey = ShardOptions { color: ColorMode::Grey, ..ShardOptions::default() };
    assert_eq!(batch("wds-grey-mixed", &grey).unwrap().0.shape().channels, 1);
    let path = case("wds-mixed-size").unwrap();
    let error = ViewShards::open(&path, &ShardOptions::default()).unwrap_err().to_string();
    assert!(error.contains("set `source.size`"), "{error}");
    let sized = ShardOptions { size: Some(16), ..ShardOptions::default() };
    let (shards, _) = batch("wds-mixed-size", &sized).unwrap();
    assert_eq!((shards.shape().height, shards.shape().width), (16, 16));
}

#[test]
fn wds_cls_huge_is_mapped_and_negative_is_unlabelled() {
    let as_stored = ShardOptions::default();
    let Some((shards, batch_of_huge)) = batch("wds-cls-huge", &as_stored) else { return };
    assert_eq!(shards.classes(), Some(shards.anchors()));
    assert_eq!(batch_of_huge.labels, Some(vec![0, 0, 1, 1, 2, 2, 3, 3]));
    assert!(shards.class_names().unwrap()[0].starts_with("10000000"));
    let (shards, batch) = batch("wds-cls-negative", &as_stored).unwrap();
    assert_eq!((shards.classes(), batch.labels), (None, None));
}

#[test]
fn shards_are_inspected_too() {
    let Some(path) = case("wds-json-class-text") else { return };
    for path in [path.clone(), path.join("shard-000000.tar")] {
        let seen = inspect(path.to_str().unwrap(), &LoadOptions::default()).unwrap();
        assert_eq!((seen.format, seen.images), ("view shards", 40), "{}", path.display());
        assert!(seen.notes[0].contains("20 anchors of 2 to 2 views"), "{:?}", seen.notes);
    }
}
