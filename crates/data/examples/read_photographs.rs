//! How fast photographs are read: a random part of each brought to a size, or the usual centre of each.
//!
//!     cargo run --release -p zview-data --example read_photographs -- FOLDER SIZE crop|centre IMAGES WORKERS
//!
//! Prints images per second. `scripts/photographs_against_pytorch.py` pairs it with torchvision and WebDataset.

use std::time::Instant;

use zview_data::{CropBox, ImageShape, LoadOptions, Reading, Split, load, set_reading};
use zview_runtime::seed::{Purpose, Stream};

const BATCH: usize = 64;

/// torchvision's `RandomResizedCrop(scale=(0.2, 1))`, but for its rounding to whole pixels.
fn part(whole: ImageShape, image: u64) -> CropBox {
    let random = &mut Stream::new(0, Purpose::Check, 0, image);
    let (width, height) = (whole.width as f32, whole.height as f32);
    for _ in 0..10 {
        let area = width * height * random.uniform_in(0.2, 1.0);
        let ratio = random.uniform_in(0.75f32.ln(), (4.0f32 / 3.0).ln()).exp();
        let (wide, high) = ((area * ratio).sqrt(), (area / ratio).sqrt());
        if wide <= width && high <= height {
            let (left, top) = (random.uniform() * (width - wide), random.uniform() * (height - high));
            return CropBox { left, top, width: wide, height: high, mirrored: random.chance(0.5) };
        }
    }
    CropBox { left: 0.0, top: 0.0, width, height, mirrored: false }
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, size, how, images, workers] = arguments.as_slice() else {
        return Err("expected FOLDER SIZE crop|centre IMAGES WORKERS".into());
    };
    let (size, images, workers) = (size.parse::<usize>()?, images.parse::<usize>()?, workers.parse()?);
    set_reading(Reading { memory: 0, workers });
    let centre = how == "centre";
    let resize = centre.then_some(size * 8 / 7);
    let options = LoadOptions { size: Some(size), resize, streamed: true, ..LoadOptions::default() };
    let set = load(folder, Split::Train, &options)?;
    let mut order: Vec<usize> = (0..set.len()).collect();
    Stream::new(0, Purpose::Order, 0, 0).shuffle(&mut order);
    order.truncate(images);
    let started = Instant::now();
    let mut sum = 0.0;
    for batch in order.chunks(BATCH) {
        let read = if centre {
            set.read(batch)?
        } else {
            set.crops(batch, (size, size), &|place, whole| vec![part(whole, batch[place] as u64)])?.0
        };
        sum += read.unit_floats().iter().sum::<f32>();
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{:.1} images/s ({} images, mean {:.4})",
        order.len() as f64 / seconds,
        order.len(),
        sum / (order.len() * 3 * size * size) as f32
    );
    Ok(())
}
