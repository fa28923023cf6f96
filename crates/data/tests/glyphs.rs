//! The embedded data set against the table of where its images come from.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::{HashMap, HashSet};
use std::fs;

use zview_data::{ImageSet, ImageShape, LoadOptions, Split, image_groups, inspect, known_data_sets, load};

const PROVENANCE: &str = include_str!("../../../assets/glyphs/provenance.csv");

/// The rows of one split, by column name; no field holds a comma.
fn rows(split: &str) -> Vec<HashMap<&'static str, &'static str>> {
    let mut lines = PROVENANCE.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), columns.len(), "{line}");
        columns.iter().copied().zip(fields).collect::<HashMap<_, _>>()
    });
    rows.filter(|row| row["split"] == split).collect()
}

fn glyphs(split: Split) -> ImageSet {
    load("glyphs", split, &LoadOptions::default()).unwrap()
}

#[test]
fn shapes_and_counts_are_those_of_the_tables() {
    let known = known_data_sets().iter().find(|known| known.name == "glyphs").unwrap();
    for (split, name, images) in
        [(Split::Train, "train", known.train_images), (Split::Test, "test", known.test_images)]
    {
        let set = glyphs(split);
        assert_eq!(set.len(), images);
        assert_eq!(set.shape, ImageShape { channels: 1, height: 28, width: 28 });
        assert_eq!((set.classes.len(), set.classes[0].as_str(), set.classes[25].as_str()), (26, "A", "Z"));
        let labels = set.labels.as_ref().unwrap();
        let mut first = 0;
        for row in rows(name) {
            let family = &labels[first..first + row["images"].parse::<usize>().unwrap()];
            // Face by face, A to Z.
            let runs = 1 + family.windows(2).filter(|pair| pair[1] <= pair[0]).count();
            assert_eq!(runs, row["faces"].split("; ").count(), "{}", row["family"]);
            first += family.len();
        }
        assert_eq!(first, images, "{name}");
        let groups = image_groups("glyphs", split, None).unwrap().of_image;
        assert_eq!(groups.len(), images);
        let distinct: HashSet<usize> = groups.iter().copied().collect();
        assert_eq!(distinct.len(), rows(name).iter().map(|row| row["group"]).collect::<HashSet<_>>().len());
        assert!(image_groups("mnist", split, None).is_none());
        for class in 0..26 {
            let share = labels.iter().filter(|&&label| label == class).count() as f64 / images as f64;
            assert!((share - 1.0 / 26.0).abs() < 0.004, "{name} class {class}: {share}");
        }
    }
}

#[test]
fn no_image_is_there_twice_and_all_are_white_on_black() {
    let (train, test) = (glyphs(Split::Train), glyphs(Split::Test));
    let mut seen = HashSet::new();
    for (set, index) in [&train, &test].into_iter().flat_map(|set| (0..set.len()).map(move |at| (set, at))) {
        let image = set.pixels(index).unwrap();
        assert!(seen.insert(image.clone()), "{index}");
        assert!(image[..28].iter().all(|&byte| byte == 0), "{index}: the first row is not black");
        assert!(image.iter().any(|&byte| byte > 100), "{index}: nothing is bright");
    }
    assert_eq!(seen.len(), train.len() + test.len());
}

#[test]
fn no_family_and_no_group_of_like_families_is_in_both_splits() {
    for column in ["family", "group"] {
        let of = |split| rows(split).iter().map(|row| row[column]).collect::<HashSet<_>>();
        let (train, test) = (of("train"), of("test"));
        assert!(train.is_disjoint(&test), "{column}");
        assert!(train.len() >= 200 && test.len() >= 50, "{column}");
    }
    for row in rows("train").iter().chain(&rows("test")) {
        assert!(!row["licence"].is_empty() && !row["licence"].contains("unknown"), "{}", row["family"]);
        assert!(!row["package"].is_empty() && !row["version"].is_empty(), "{}", row["family"]);
    }
}

#[test]
fn inspection_tells_that_it_is_embedded() {
    let seen = inspect("glyphs", &LoadOptions::default()).unwrap();
    assert_eq!((seen.format, seen.path.as_str(), seen.labelled), ("IDX, embedded", "embedded glyphs", true));
    assert_eq!(seen.splits[1].class_counts[25].class, "Z");
    assert_eq!(seen.splits.len(), 2);
}

#[test]
fn a_folder_of_that_name_does_not_take_its_place() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("glyphs")).unwrap();
    fs::write(root.path().join("glyphs/train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 1]).unwrap();
    let options = LoadOptions { data_dir: Some(root.path().to_owned()), ..LoadOptions::default() };
    assert_eq!(load("glyphs", Split::Train, &options).unwrap().len(), glyphs(Split::Train).len());
    assert!(inspect("glyphs", &options).is_ok());
}

#[test]
fn it_can_be_resized_and_the_limits_hold_for_it() {
    let options = LoadOptions { size: Some(14), ..LoadOptions::default() };
    let set = load("glyphs", Split::Test, &options).unwrap();
    assert_eq!(set.shape, ImageShape { channels: 1, height: 14, width: 14 });
    let mut options = LoadOptions::default();
    options.limits.max_set_bytes = 1000;
    let error = load("glyphs", Split::Test, &options).unwrap_err().to_string();
    assert!(error.contains("embedded glyphs") && error.contains("limit"), "{error}");
}
