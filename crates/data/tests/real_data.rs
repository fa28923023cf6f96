//! The real data sets beside the project, if they are there.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use zview_data::{ColorMode, ImageSet, ImageShape, LoadOptions, Split, inspect, load};
use zview_runtime::testing::shared;

fn options(data_dir: &Path) -> LoadOptions {
    LoadOptions { data_dir: Some(data_dir.to_owned()), ..LoadOptions::default() }
}

/// Mean and standard deviation of each channel in 0 to 1.
fn channel_statistics(set: &ImageSet) -> Vec<(f64, f64)> {
    let area = set.shape.height * set.shape.width;
    (0..set.shape.channels)
        .map(|channel| {
            let (mut sum, mut squares) = (0.0, 0.0);
            for index in 0..set.len() {
                for &byte in &set.pixels(index).unwrap()[channel * area..][..area] {
                    let value = f64::from(byte) / 255.0;
                    sum += value;
                    squares += value * value;
                }
            }
            let count = (set.len() * area) as f64;
            (sum / count, (squares / count - (sum / count).powi(2)).sqrt())
        })
        .collect()
}

fn assert_near(got: f64, expected: f64, what: &str) {
    assert!((got - expected).abs() < 0.000_051, "{what}: {got} instead of {expected}");
}

#[test]
fn the_idx_sets_have_their_published_counts_and_statistics() {
    let Some(data) = shared("data") else { return };
    for (name, train, test, last_class) in [
        ("mnist", (0.1307, 0.3081), (0.1325, 0.3105), "9"),
        ("fashion-mnist", (0.2860, 0.3530), (0.2868, 0.3524), "Ankle boot"),
    ] {
        let seen = inspect(name, &options(&data)).unwrap();
        assert_eq!((seen.images, seen.labelled, seen.format), (70_000, true, "IDX"));
        assert_eq!(seen.shape, Some(ImageShape { channels: 1, height: 28, width: 28 }));
        assert_eq!(seen.classes[9], last_class);
        assert!(seen.rejects.is_empty());
        for (split, images, (mean, std)) in [(0, 60_000, train), (1, 10_000, test)] {
            let split = &seen.splits[split];
            assert_eq!(split.images, images);
            assert_near(split.mean[0], mean, name);
            assert_near(split.std[0], std, name);
            assert_eq!(split.class_counts.iter().map(|class| class.images).sum::<usize>(), images);
        }
        let set = load(name, Split::Test, &options(&data)).unwrap();
        assert_eq!((set.len(), set.class_counts().len(), set.name.as_str()), (10_000, 10, name));
        let (mean, std) = channel_statistics(&set)[0];
        assert_near(mean, test.0, name);
        assert_near(std, test.1, name);
    }
}

#[test]
fn known_labels_of_mnist() {
    let Some(data) = shared("data") else { return };
    let set = load("mnist", Split::Train, &options(&data)).unwrap();
    assert_eq!(set.labels.as_ref().unwrap()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(set.class_counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    let rgb = LoadOptions { color: ColorMode::Rgb, size: Some(32), ..options(&data) };
    let set = load("mnist", Split::Test, &rgb).unwrap();
    assert_eq!(set.shape, ImageShape { channels: 3, height: 32, width: 32 });
    let first = set.pixels(0).unwrap();
    assert_eq!(first[..1024], first[2048..]);
}

/// The archives may hold all 5,000 train and 1,000 test images of a class or the first of each, so the published
/// statistics (of the first 1,000 train images of each class) are checked on just those.
///
/// They were taken with libjpeg. The decoder used here rounds colour differences of halved resolution up by
/// about 0.2 of a level (red and blue come out 0.3 levels = 0.001 higher, green 0.2 lower, brightness equal), which
/// the JPEG standard leaves open; hence the tolerance of the mean.
#[test]
fn the_jpeg_copy_of_cifar_has_its_published_statistics() {
    let Some(data) = shared("data") else { return };
    let train = load("cifar10", Split::Train, &options(&data)).unwrap();
    let test = load("cifar10", Split::Test, &options(&data)).unwrap();
    assert_eq!(train.name, "cifar10-jpeg");
    assert_eq!(train.shape, ImageShape { channels: 3, height: 32, width: 32 });
    assert_eq!((train.classes[0].as_str(), train.classes[9].as_str()), ("airplane", "truck"));
    assert_eq!(train.classes, test.classes);
    for (set, at_least) in [(&train, 1_000), (&test, 200)] {
        assert!(set.rejects.is_empty());
        let counts = set.class_counts();
        assert!(counts.iter().all(|&count| count == counts[0] && count >= at_least), "{counts:?}");
    }
    let labels = train.labels.as_ref().unwrap();
    let mut taken = [0; 10];
    let first_of_each: Vec<usize> = (0..train.len())
        .filter(|&index| {
            taken[labels[index] as usize] += 1;
            taken[labels[index] as usize] <= 1_000
        })
        .collect();
    let statistics = channel_statistics(&train.select(&first_of_each));
    for ((mean, std), (expected_mean, expected_std)) in
        statistics.into_iter().zip([(0.4934, 0.2460), (0.4831, 0.2441), (0.4470, 0.2616)])
    {
        assert!((mean - expected_mean).abs() < 0.0016, "mean {mean} instead of {expected_mean}");
        assert!((std - expected_std).abs() < 0.0002, "std {std} instead of {expected_std}");
    }
}
