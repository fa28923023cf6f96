use std::fs;
use std::path::Path;

use crate::decode::decode;
use crate::options::Limits;
use crate::test_files::{gz, jpeg_of, png_of, put, raw_png, tar_of};
use crate::{CropBox, ImageSet, ImageShape, LoadOptions, Split, VisitedBatches, load};

fn options(memory: u64, size: Option<usize>) -> LoadOptions {
    LoadOptions { memory: Some(memory), size, ..LoadOptions::default() }
}

fn loaded(root: &Path, options: &LoadOptions) -> ImageSet {
    load(root.to_str().unwrap(), Split::Train, options).unwrap()
}

fn all_pixels(set: &ImageSet) -> Vec<u8> {
    set.map(|_, pixels| pixels.to_vec()).unwrap().concat()
}

/// Images of every size, kind and colour in two classes.
fn mixed_folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for number in 0..12 {
        let (width, height, channels) =
            (20 + number * 3, 41 - number * 2, if number % 3 == 0 { 1 } else { 3 });
        let image = match number % 2 {
            0 => jpeg_of(width, height, channels, number),
            _ => png_of(width, height, channels, number),
        };
        put(root.path(), &format!("train/{}/{number:02}.img.jpg", ["cat", "dog"][number / 6]), &image);
    }
    root
}

#[test]
fn images_that_are_read_each_time_are_those_in_memory() {
    let root = mixed_folder();
    for size in [16, 30] {
        let [kept, read] = [u64::MAX, 0].map(|memory| loaded(root.path(), &options(memory, Some(size))));
        assert_eq!((kept.is_streamed(), read.is_streamed()), (false, true));
        assert_eq!((kept.len(), kept.shape, &kept.labels), (read.len(), read.shape, &read.labels));
        assert!((0..12).all(|image| kept.name_of(image) == read.name_of(image)));
        assert_eq!(all_pixels(&kept), all_pixels(&read));
        let some = [7, 0, 11, 3];
        assert_eq!(kept.unit_floats(&some).unwrap(), read.unit_floats(&some).unwrap());
        let [of_kept, of_read] = [&kept, &read].map(|set| set.select(&some).select(&[2, 1]));
        assert_eq!(all_pixels(&of_kept), all_pixels(&of_read));
        assert_eq!((of_kept.name_of(0), &of_kept.labels), (of_read.name_of(0), &of_read.labels));
        let [mut kept, mut read] = [&kept, &read].map(|set| VisitedBatches::new(set, 5));
        for step in [0, 1, 2, 7, 8] {
            let (kept, read) = (kept.batch(3, step).unwrap(), read.batch(3, step).unwrap());
            assert_eq!((kept.images, kept.pixels), (read.images, read.pixels));
        }
    }
}

#[test]
fn archives_are_read_where_their_members_lie_and_archives_in_them_are_folders() {
    let root = tempfile::tempdir().unwrap();
    let images: Vec<Vec<u8>> = (0..4).map(|seed| png_of(9, 7, 3, seed)).collect();
    let inner = [
        tar_of(&[("n01_1.png", &images[0]), ("n01_2.png", &images[1])]),
        tar_of(&[("n02_1.png", &images[2]), ("./n02_2.png", &images[3])]),
    ];
    put(root.path(), "nested/train.tar", &tar_of(&[("n01.tar", &inner[0]), ("n02.tar", &inner[1])]));
    let named: Vec<(String, &[u8])> =
        (0..4).map(|image| (format!("n0{}/{image}.png", 1 + image / 2), images[image].as_slice())).collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    put(root.path(), "plain/train.tar", &tar_of(&named));
    put(root.path(), "packed/train.tar.gz", &gz(&tar_of(&named)));
    let of = |name: &str, memory| loaded(&root.path().join(name), &options(memory, None));
    let expected = all_pixels(&of("plain", u64::MAX));
    assert_eq!(expected.len(), 4 * 9 * 7 * 3);
    for name in ["nested", "plain", "packed"] {
        for memory in [u64::MAX, 0] {
            let set = of(name, memory);
            assert_eq!(
                (set.is_streamed(), &set.classes),
                (memory == 0, &vec!["n01".to_owned(), "n02".to_owned()])
            );
            assert_eq!((all_pixels(&set), set.labels), (expected.clone(), Some(vec![0, 0, 1, 1])), "{name}");
        }
    }
    // An archive in an archive that is cut short is named.
    let cut = tar_of(&[("n01.tar", &inner[0]), ("n02.tar", &inner[1][..700])]);
    put(root.path(), "inner/train.tar", &cut);
    let path = root.path().join("inner");
    let error = load(path.to_str().unwrap(), Split::Train, &options(0, None)).unwrap_err().to_string();
    assert!(error.contains("got n02.tar in it: ") && error.contains("cut short"), "{error}");
    // Cut within the last content, which nobody reads while the members are listed.
    let whole = fs::read(root.path().join("plain/train.tar")).unwrap();
    let end = whole.len() - 1024 - 200;
    put(root.path(), "cut/train.tar", &whole[..end]);
    let path = root.path().join("cut");
    let error = load(path.to_str().unwrap(), Split::Train, &options(0, None)).unwrap_err().to_string();
    assert!(error.contains("cut short"), "{error}");
}

/// The picture of `scripts/golden_crops.py`, (H, W, C).
const WIDTH: usize = 61;
const HEIGHT: usize = 47;
fn picture() -> Vec<u8> {
    let value = |x: usize, y: usize, c: usize| ((x * x * 3 + y * 7 + x * y + c * 83) % 251) as u8;
    let rows = (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| (0..3).map(move |c| value(x, y, c))));
    rows.collect()
}

fn part(left: f32, top: f32, right: f32, bottom: f32) -> CropBox {
    CropBox { left, top, width: right - left, height: bottom - top, mirrored: false }
}

/// The largest difference between (C, H, W) and (H, W, C) bytes.
fn difference(planar: &[u8], interleaved: &[u8]) -> u8 {
    let area = planar.len() / 3;
    let at = |place: usize| interleaved[place % area * 3 + place / area];
    planar.iter().enumerate().map(|(place, &byte)| byte.abs_diff(at(place))).max().unwrap()
}

#[test]
fn parts_of_photographs_are_within_one_grey_level_of_pil() {
    let root = tempfile::tempdir().unwrap();
    let rows: Vec<u8> = picture().chunks(WIDTH * 3).flat_map(|row| [&[0], row].concat()).collect();
    put(root.path(), "1.png", &raw_png(WIDTH as u32, HEIGHT as u32, 8, 2, &rows));
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/crops");
    let expected = fs::read(expected).unwrap();
    let mut rest = expected.as_slice();
    let mut next = |size: usize| {
        let (first, others) = rest.split_at(size * size * 3);
        rest = others;
        first
    };
    let set = loaded(root.path(), &LoadOptions { streamed: true, ..options(0, Some(16)) });
    let parts = [
        (part(0.0, 0.0, 61.0, 47.0), 16),
        (part(10.25, 3.5, 44.75, 30.125), 24),
        (part(20.0, 20.0, 29.0, 27.0), 32),
        (part(0.1, 0.2, 60.9, 46.8), 7),
    ];
    for (part, size) in parts {
        let (read, wholes) = set.crops(&[0], (size, size), &|_, _| vec![part]).unwrap();
        assert_eq!(wholes, [ImageShape { channels: 3, height: HEIGHT, width: WIDTH }]);
        let worst = difference(&read.pixels, next(size));
        assert!(worst <= 1, "{part:?}: {worst}");
    }
    for (resize, size) in [(24, 16), (56, 40)] {
        let options = LoadOptions { resize: Some(resize), ..options(0, Some(size)) };
        let worst = difference(&all_pixels(&loaded(root.path(), &options)), next(size));
        assert!(worst <= 1, "{resize}: {worst}");
    }
    assert!(rest.is_empty());
}

#[test]
fn a_part_is_the_same_however_the_camera_was_held() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let parts = |name: &str, bytes: &[u8]| {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), name, bytes);
        let set = loaded(root.path(), &LoadOptions { streamed: true, ..options(0, Some(8)) });
        let boxes = |_: usize, whole: ImageShape| {
            let (width, height) = (whole.width as f32, whole.height as f32);
            let one = part(0.1 * width, 0.2 * height, 0.6 * width, 0.9 * height);
            vec![one, CropBox { mirrored: true, ..one }, part(0.0, 0.0, width, height)]
        };
        set.crops(&[0], (6, 5), &boxes).unwrap()
    };
    for turned in 1..=8 {
        let name = format!("turned-{turned}.jpg");
        let bytes = fs::read(golden.join(&name)).unwrap();
        let (read, wholes) = parts(&name, &bytes);
        let [one, mirrored] = [0, 1].map(|view| &read.pixels[view * 90..][..90]);
        assert!(one.chunks(5).zip(mirrored.chunks(5)).all(|(row, other)| row.iter().rev().eq(other)));
        // As it is seen, and no longer turned when it is read.
        let seen = decode(&bytes, &Limits::default(), |image| image).unwrap();
        let ImageShape { channels, height, width } = seen.shape;
        let area = height * width;
        let row = |y: usize| {
            let pixels = (0..width).flat_map(|x| [0, 1, 2].map(|c| seen.pixels[c * area + y * width + x]));
            [0].into_iter().chain(pixels).collect::<Vec<u8>>()
        };
        let rows: Vec<u8> = (0..height).flat_map(row).collect();
        let upright = raw_png(width as u32, height as u32, 8, 2, &rows);
        let (expected, of_upright) = parts("upright.png", &upright);
        assert_eq!((wholes, channels), (of_upright, 3), "{turned}");
        let worst = read.pixels.iter().zip(&expected.pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 1, "{turned}: {worst}");
    }
}

#[test]
fn images_of_the_wanted_size_stay_in_memory_where_photographs_are_asked_for() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..3 {
        put(root.path(), &format!("{number}.png"), &png_of(8, 8, 3, number));
    }
    let asked = LoadOptions { streamed: true, ..options(u64::MAX, Some(8)) };
    assert!(!loaded(root.path(), &asked).is_streamed());
    put(root.path(), "3.png", &png_of(9, 8, 3, 3));
    let set = loaded(root.path(), &asked);
    assert_eq!((set.is_streamed(), set.len()), (true, 4));
}

#[test]
fn a_damaged_image_ends_the_reading_by_name_or_gives_its_place_to_the_next() {
    let root = mixed_folder();
    let path = root.path().join("train/dog/07.img.jpg");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let with_share =
        |max_reject_share| loaded(root.path(), &LoadOptions { max_reject_share, ..options(0, Some(16)) });
    let error = with_share(0.0).usable(&[6, 7]).unwrap_err().to_string();
    assert!(error.contains("dog/07.img.jpg: ") && error.contains("max_reject_share"), "{error}");
    let set = with_share(0.1);
    assert_eq!(set.usable(&[6, 7, 8]).unwrap().images, [6, 8, 8]);
    assert!(set.pixels(7).is_err(), "what is measured on is never replaced");
    // A second one is more than a tenth.
    fs::write(root.path().join("train/cat/05.img.jpg"), b"").unwrap();
    let error = set.usable(&[5, 7]).unwrap_err().to_string();
    assert!(error.contains("2 of 12 image files") && error.contains("05.img.jpg"), "{error}");
}

#[test]
fn a_file_that_changes_or_vanishes_is_named() {
    let root = mixed_folder();
    let set = loaded(root.path(), &options(0, Some(16)));
    put(root.path(), "train/cat/01.img.jpg", &png_of(50, 50, 3, 9));
    fs::remove_file(root.path().join("train/cat/02.img.jpg")).unwrap();
    let told = |image| set.pixels(image).unwrap_err().to_string();
    assert!(told(1).contains("cat/01.img.jpg: changed since the data set was listed"), "{}", told(1));
    assert!(told(2).contains("cat/02.img.jpg: cannot be read"), "{}", told(2));
    // Another content is another set, and so is another time where features are kept.
    let again = loaded(root.path(), &options(0, Some(16)));
    assert_ne!(again.content_sha256(), set.content_sha256());
    let first = set.select(&[0]);
    let moved = tempfile::tempdir().unwrap();
    fs::create_dir_all(moved.path().join("train/cat")).unwrap();
    fs::copy(root.path().join("train/cat/00.img.jpg"), moved.path().join("train/cat/00.img.jpg")).unwrap();
    put(moved.path(), "train/dog/1.png", &png_of(8, 8, 3, 1));
    let moved = loaded(moved.path(), &options(0, Some(16))).select(&[0]);
    assert_eq!(moved.content_sha256(), first.content_sha256(), "where it lies does not matter");
    assert_ne!(moved.features_sha256(), first.features_sha256());
}
