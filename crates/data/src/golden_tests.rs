//! Images of every kind against what PIL makes of them (scripts/golden_images.py).

use std::fs;
use std::path::{Path, PathBuf};

use crate::decode::{decode, is_colour, shape_of};
use crate::options::Limits;
use crate::resize::PlanarImage;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn decoded(name: &str) -> PlanarImage {
    let bytes = fs::read(golden(name)).unwrap();
    decode(&bytes, &Limits::default(), |image| image).unwrap_or_else(|reason| panic!("{name}: {reason}"))
}

/// The largest difference to PIL's pixels.
fn difference(name: &str) -> u8 {
    let image = decoded(name);
    let expected = fs::read(golden(&format!("{name}.rgb"))).unwrap();
    let extent = |at: usize| usize::from(u16::from_be_bytes([expected[at], expected[at + 1]]));
    assert_eq!((image.shape.width, image.shape.height), (extent(0), extent(2)), "{name}");
    let channels = (expected.len() - 4) / (image.shape.width * image.shape.height);
    assert_eq!(image.shape.channels, channels, "{name}");
    let area = image.shape.width * image.shape.height;
    let of_pixel = |at: usize| (0..channels).map(move |channel| channel * area + at);
    let places = (0..area).flat_map(of_pixel);
    places.zip(&expected[4..]).map(|(place, &byte)| image.pixels[place].abs_diff(byte)).max().unwrap()
}

/// The images of these endings.
fn names(endings: &[&str]) -> Vec<String> {
    let entries =
        fs::read_dir(golden("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        entries.filter(|name| endings.iter().any(|ending| name.ends_with(ending))).collect();
    names.sort();
    names
}

const LOSSLESS: [&str; 6] = [".png", ".gif", ".bmp", ".ppm", ".pgm", ".pbm"];

#[test]
fn lossless_images_of_every_kind_are_pils_to_the_bit() {
    let mut all = names(&LOSSLESS);
    all.extend(["lossless.webp", "alpha.webp", "animated.webp", "turned-8.webp"].map(str::to_owned));
    assert!(all.len() > 20, "{all:?}");
    for name in all {
        assert_eq!(difference(&name), 0, "{name}");
    }
}

#[test]
fn cmyk_jpeg_and_other_lossy_images_are_pils_within_two_levels() {
    let mut all = names(&[".jpg"]);
    all.push("lossy.webp".to_owned());
    for name in all {
        let difference = difference(&name);
        assert!(difference <= 2, "{name}: {difference}");
    }
}

#[test]
fn exif_orientation_is_applied_in_all_eight_ways() {
    for orientation in 1..=8 {
        let name = format!("turned-{orientation}.jpg");
        assert!(difference(&name) <= 2, "{name}");
        let (width, height) = if orientation < 5 { (24, 16) } else { (16, 24) };
        let shape = shape_of(&fs::read(golden(&name)).unwrap(), &Limits::default()).unwrap();
        assert_eq!((shape.width, shape.height), (width, height), "{name}: by its header");
    }
}

#[test]
fn headers_tell_what_decoding_gives() {
    for name in names(&[".png", ".jpg", ".gif", ".bmp", ".webp", ".pgm", ".ppm"]) {
        let bytes = fs::read(golden(&name)).unwrap();
        let shape = shape_of(&bytes, &Limits::default()).unwrap();
        assert_eq!(shape, decoded(&name).shape, "{name}");
        if let Some(colour) = is_colour(&bytes) {
            assert_eq!(colour, shape.channels == 3, "{name}");
        }
    }
}

#[test]
fn every_cut_of_an_image_is_refused_or_whole() {
    for name in names(&[".webp", ".gif", ".bmp", ".ppm", ".pgm", ".pbm"]) {
        let bytes = fs::read(golden(&name)).unwrap();
        let whole = decoded(&name);
        for length in 0..bytes.len() {
            // What comes after the first picture may be missing.
            if let Ok(image) = decode(&bytes[..length], &Limits::default(), |image| image) {
                assert!(image == whole, "{name} cut to {length} of {} gives another picture", bytes.len());
            }
        }
    }
}

#[test]
fn damaged_images_of_every_kind_never_panic() {
    use zview_runtime::seed::{Purpose, Stream};
    let mut stream = Stream::new(3, Purpose::Check, 0, 0);
    for name in names(&[".webp", ".gif", ".bmp", ".ppm", ".pgm", ".pbm", ".jpg", ".png"]) {
        let whole = fs::read(golden(&name)).unwrap();
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..=stream.below(4) {
                let at = stream.below(bytes.len() as u64) as usize;
                bytes[at] = stream.bits() as u8;
            }
            if let Ok(image) = decode(&bytes, &Limits::default(), |image| image) {
                assert_eq!(image.pixels.len(), image.shape.bytes(), "{name}");
            }
        }
    }
}
