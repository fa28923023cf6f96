use zview_data::{ImageSet, ImageShape};
use zview_runtime::seed::{Purpose, Stream};

use super::{OverlapConfig, find_overlap};
use crate::ProbeError;
use zview_features::FeatureError;

const SIDE: usize = 20;
const SHAPE: ImageShape = ImageShape { channels: 1, height: SIDE, width: SIDE };

/// A smooth random picture: a few waves.
fn picture(draw: u64) -> Vec<u8> {
    let mut stream = Stream::new(0, Purpose::Check, 900, draw);
    let waves: Vec<[f32; 4]> = (0..6)
        .map(|_| [stream.normal(), 0.5 * stream.normal(), 0.5 * stream.normal(), 6.0 * stream.uniform()])
        .collect();
    (0..SIDE * SIDE)
        .map(|i| {
            let (y, x) = ((i / SIDE) as f32, (i % SIDE) as f32);
            let value: f32 = waves.iter().map(|[a, u, v, phase]| a * (u * x + v * y + phase).sin()).sum();
            (128.0 + 30.0 * value).clamp(0.0, 255.0) as u8
        })
        .collect()
}

fn set(pictures: Vec<Vec<u8>>, labels: Vec<u32>) -> ImageSet {
    ImageSet::new("waves", SHAPE, pictures.concat(), Some(labels), vec!["a".into(), "b".into()]).unwrap()
}

fn shifted(picture: &[u8]) -> Vec<u8> {
    (0..SIDE * SIDE)
        .map(|i| picture[(i / SIDE).saturating_sub(1) * SIDE + (i % SIDE).saturating_sub(1)])
        .collect()
}

fn noisy(picture: &[u8]) -> Vec<u8> {
    let mut stream = Stream::new(0, Purpose::Check, 901, 0);
    picture.iter().map(|&p| (f32::from(p) + 6.0 * stream.normal()).clamp(0.0, 255.0) as u8).collect()
}

#[test]
fn a_planted_label_leak_is_found_and_nothing_else() {
    let test_pictures: Vec<Vec<u8>> = (0..60).map(picture).collect();
    let mut train_pictures: Vec<Vec<u8>> = (1_000..1_400).map(picture).collect();
    let mut train_labels = vec![0; 400];
    // Into the training set: test images 3 and 4 as they are (4 with another label), 5 moved, 6 with noise.
    train_pictures.extend([
        test_pictures[3].clone(),
        test_pictures[4].clone(),
        shifted(&test_pictures[5]),
        noisy(&test_pictures[6]),
    ]);
    train_labels.extend([1, 0, 1, 1]);
    let (train, test) = (set(train_pictures, train_labels), set(test_pictures, vec![1; 60]));
    let moved_too = OverlapConfig { shift: 1, ..OverlapConfig::default() };
    let overlap = find_overlap(&train, &test, &moved_too).unwrap();
    assert_eq!((overlap.exact, overlap.near, overlap.labels_differ), (2, Some(2), 1), "{overlap:?}");
    let mut found: Vec<(usize, usize, bool)> =
        overlap.pairs.iter().map(|pair| (pair.test, pair.train, pair.exact)).collect();
    found.sort_unstable();
    assert_eq!(found, [(3, 400, true), (4, 401, true), (5, 402, false), (6, 403, false)]);
    assert_eq!(overlap.pairs.iter().find(|pair| pair.test == 4).unwrap().same_label, Some(false));

    // A classifier that knows the leaked images and nothing else.
    let knows: Vec<bool> = (0..60).map(|image| (3..7).contains(&image)).collect();
    assert_eq!(overlap.accuracy_without_copies(&knows), Some(0.0));
    let only_exact = OverlapConfig { near: false, ..OverlapConfig::default() };
    let overlap = find_overlap(&train, &test, &only_exact).unwrap();
    assert_eq!((overlap.exact, overlap.near), (2, None));
}

#[test]
fn several_copies_of_one_image_are_found_too() {
    let copies = (0..5).map(|_| picture(7)).chain((1_000..1_100).map(picture)).collect();
    let test = set(vec![noisy(&picture(7)), picture(8)], vec![0, 0]);
    let overlap = find_overlap(&set(copies, vec![0; 105]), &test, &OverlapConfig::default()).unwrap();
    assert_eq!((overlap.exact, overlap.near), (0, Some(1)));
    assert_eq!(overlap.pairs[0].train, 0);
}

#[test]
fn sets_apart_share_nothing_and_there_is_no_second_accuracy() {
    let (train, test) = (set((0..80).map(picture).collect(), vec![0; 80]), set(vec![picture(500)], vec![0]));
    let overlap = find_overlap(&train, &test, &OverlapConfig::default()).unwrap();
    assert_eq!((overlap.exact, overlap.near, overlap.pairs.len()), (0, Some(0), 0));
    assert_eq!(overlap.accuracy_without_copies(&[true]), None);
    let empty = train.select(&[]);
    assert_eq!(find_overlap(&empty, &test, &OverlapConfig::default()).unwrap().near, Some(0));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let images = set(vec![picture(0)], vec![0]);
    let error = |config: OverlapConfig| match find_overlap(&images, &images, &config) {
        Err(ProbeError::Features(FeatureError::Settings { problems })) => {
            problems[0].split(": ").next().unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    };
    let default = OverlapConfig::default;
    assert_eq!(error(OverlapConfig { correlation: 1.5, ..default() }), "correlation");
    assert_eq!(error(OverlapConfig { ratio: 0.0, ..default() }), "ratio");
    assert_eq!(error(OverlapConfig { neighbours: 0, ..default() }), "neighbours");
    assert_eq!(error(OverlapConfig { shift: 9, ..default() }), "shift");
}
