//! How many copies the overlap report finds, and how many it reports where none was planted:
//! `overlap_thresholds DATA...` prints a table for each data set (needs `$ZVIEW_DATA` for those that are not embedded).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use zview_data::{ImageSet, ImageShape, LoadOptions, Split, load};
use zview_probe::overlap::{OverlapConfig, find_overlap};
use zview_runtime::seed::{Purpose, Stream};

const PLANTED: usize = 200;
const POOL: usize = 20_000;

type Edit = fn(&[u8], ImageShape, u64) -> Vec<u8>;

const EDITS: [(&str, Edit); 5] = [
    ("copy", |pixels, _, _| pixels.to_vec()),
    ("shift 1 px", |pixels, shape, _| shifted(pixels, shape)),
    ("contrast 0.7", |pixels, _, _| {
        pixels.iter().map(|&p| (40.0 + 0.7 * f32::from(p)).min(255.0) as u8).collect()
    }),
    ("noise 10", |pixels, _, image| noisy(pixels, image, 10.0)),
    ("noise 25", |pixels, _, image| noisy(pixels, image, 25.0)),
];

fn shifted(pixels: &[u8], shape: ImageShape) -> Vec<u8> {
    let area = shape.height * shape.width;
    let at = |i: usize| {
        let (plane, row, column) = (i / area, i % area / shape.width, i % shape.width);
        pixels[plane * area + row.saturating_sub(1) * shape.width + column.saturating_sub(1)]
    };
    (0..pixels.len()).map(at).collect()
}

fn noisy(pixels: &[u8], image: u64, std: f32) -> Vec<u8> {
    let mut stream = Stream::new(0, Purpose::Check, 1, image);
    pixels.iter().map(|&p| (f32::from(p) + std * stream.normal()).clamp(0.0, 255.0) as u8).collect()
}

fn main() {
    for name in std::env::args().skip(1) {
        let data_dir = std::env::var_os("ZVIEW_DATA").map(Into::into);
        let options = LoadOptions { data_dir, ..LoadOptions::default() };
        let train = load(&name, Split::Train, &options).unwrap();
        let test = load(&name, Split::Test, &options).unwrap();
        let stride = (train.len() / POOL).max(1);
        let pool: Vec<usize> = (0..train.len()).step_by(stride).take(POOL).collect();
        let train = train.select(&pool);
        for (ratio, shift) in [(0.2, 0), (0.3, 0), (0.4, 0), (0.3, 1)] {
            let config = OverlapConfig { ratio, shift, listed: 5, ..OverlapConfig::default() };
            let natural = find_overlap(&train, &test, &config).unwrap();
            print!(
                "{name} ratio {ratio} shift {shift}: {} training, {} test images: {} exact, {} near;",
                train.len(),
                test.len(),
                natural.exact,
                natural.near.unwrap()
            );
            let some: Vec<usize> = (0..PLANTED).map(|i| i * test.len() / PLANTED).collect();
            for (edit_name, edit) in EDITS {
                let edited: Vec<u8> =
                    some.iter().flat_map(|&i| edit(&test.pixels(i).unwrap(), test.shape, i as u64)).collect();
                let all =
                    [(0..train.len()).flat_map(|i| train.pixels(i).unwrap().to_vec()).collect(), edited]
                        .concat();
                let planted = ImageSet::new("planted", train.shape, all, None, Vec::new()).unwrap();
                let found = find_overlap(&planted, &test.select(&some), &config).unwrap();
                print!(
                    " {edit_name} {:.1} %",
                    100.0 * (found.exact + found.near.unwrap()) as f64 / PLANTED as f64
                );
            }
            println!();
        }
    }
}
