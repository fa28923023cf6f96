//! Contact sheets: a grid of what a generator draws.

use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;
use zview_data::ImageShape;
use zview_data::picture::{unit_floats_to_u8, write_grid};
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use crate::{Generator, GeneratorError};

const COLUMNS: usize = 8;
/// Rows without classes, and the most with them.
const ROWS: usize = 8;
const ROWS_OF_CLASSES: usize = 16;
/// Between images, in pixels.
const GAP: usize = 2;
/// Latents are truncated at this many standard deviations.
const TRUNCATION: f32 = 2.0;

/// A contact sheet that was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactSheet {
    /// The picture.
    pub path: PathBuf,
    /// How many images it shows.
    pub images: usize,
    /// The class of each row, from the top; empty for an unconditional generator.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<usize>,
}

/// Draws eight images in each row, `batch` at once: a row for each class, of many classes 16 evenly spread ones, and
/// eight rows without classes. The latents are the same at every call.
pub(crate) fn draw_contact_sheet(
    generator: &Generator,
    path: &Path,
    batch: usize,
) -> Result<ContactSheet, GeneratorError> {
    let classes: Vec<usize> = generator.classes().map_or_else(Vec::new, |classes| {
        let rows = classes.min(ROWS_OF_CLASSES);
        (0..rows).map(|row| row * classes / rows).collect()
    });
    let count = COLUMNS * if classes.is_empty() { ROWS } else { classes.len() };
    let mut pixels = Vec::new();
    for first in (0..count).step_by(batch.max(1)) {
        let images = first..count.min(first + batch.max(1));
        let condition: Option<Vec<i32>> = generator
            .classes()
            .map(|_| images.clone().map(|image| classes[image / COLUMNS] as i32).collect());
        let drawn = draw(generator, 0, images, condition)?;
        let values = read_floats(drawn).map_err(|error| generator.device_error(&error))?;
        pixels.extend(unit_floats_to_u8(&values));
    }
    let output = generator.output();
    let shape = ImageShape { channels: output.channels, height: output.height, width: output.width };
    let images: Vec<&[u8]> = pixels.chunks_exact(shape.bytes()).collect();
    write_grid(path, &images, shape, COLUMNS, GAP)?;
    Ok(ContactSheet { path: path.to_owned(), images: count, classes })
}

/// The images with these numbers of series `series`, each of its own latent: (B, C, H, W) in 0 to 1.
pub(crate) fn draw(
    generator: &Generator,
    series: u64,
    images: std::ops::Range<usize>,
    condition: Option<Vec<i32>>,
) -> Result<Tensor<4>, GeneratorError> {
    let (count, dimension) = (images.len(), generator.latent_dimension());
    let z = images.flat_map(|image| {
        let mut stream = Stream::new(0, Purpose::Picture, series, image as u64);
        generator.prior().draw_z(&mut stream, TRUNCATION)
    });
    let device = generator.device();
    let z = Tensor::from_data(TensorData::new(z.collect::<Vec<f32>>(), [count, dimension]), device);
    let condition = condition.map(|classes| Tensor::from_data(TensorData::new(classes, [count]), device));
    generator.image_from_latent(z, condition)
}
