//! Draws images of a data set with every corruption and severity, so that a person can judge them.
//!
//! cargo run --release -p zview-probe --example corruption_picture -- DATA_SET PICTURE.png [IMAGES]
//!
//! Each image has six rows of six: a row for each corruption, the clean image first, then severities 1 to 5.
//! Small images are enlarged, without smoothing.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};

use zview_data::picture::write_grid;
use zview_data::{DataError, ImageSet, ImageShape, LoadOptions, Split, load};
use zview_probe::corruptions::{Corruption, SEVERITIES, corrupt};

/// Images are enlarged to about this side.
const SHOWN_SIDE: usize = 84;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data_set, picture, rest @ ..] = arguments.as_slice() else {
        return Err("usage: corruption_picture DATA_SET PICTURE.png [IMAGES]".into());
    };
    let images: usize = rest.first().map_or(Ok(1), |images| images.parse())?;
    let data_dir = std::env::var_os("ZVIEW_DATA").map(PathBuf::from);
    let set = load(data_set, Split::Test, &LoadOptions { data_dir, ..LoadOptions::default() })?;
    let chosen: Vec<usize> = (0..images).map(|image| image * set.len() / images.max(1)).collect();
    let clean = set.select(&chosen);
    let factor = SHOWN_SIDE.div_ceil(clean.shape.height.max(clean.shape.width));
    let mut rows = Vec::new();
    for corruption in Corruption::all() {
        let mut versions = vec![clean.clone()];
        for severity in 1..=SEVERITIES {
            versions.push(corrupt(&clean, corruption, severity, 0)?);
        }
        rows.push(versions);
    }
    let mut pictures = Vec::new();
    for image in 0..clean.len() {
        for version in rows.iter().flatten() {
            pictures.push(enlarged(version, image, factor)?);
        }
    }
    let pictures: Vec<&[u8]> = pictures.iter().map(Vec::as_slice).collect();
    let ImageShape { channels, height, width } = clean.shape;
    let shape = ImageShape { channels, height: height * factor, width: width * factor };
    write_grid(Path::new(picture), &pictures, shape, usize::from(SEVERITIES) + 1, 4)?;
    println!("{picture}");
    Ok(())
}

/// Every pixel `factor` times as wide and high.
fn enlarged(set: &ImageSet, image: usize, factor: usize) -> Result<Vec<u8>, DataError> {
    let ImageShape { channels, height, width } = set.shape;
    let pixels = set.pixels(image)?;
    let pixels = &*pixels;
    let row = |line: usize| (0..width * factor).map(move |column| pixels[line * width + column / factor]);
    Ok((0..channels * height).flat_map(|line| (0..factor).flat_map(move |_| row(line))).collect())
}
