//! A picture of directions: a row per direction, the anchor moved along it in the columns.

use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use zview_data::ImageShape;
use zview_data::picture::{PictureError, grid_size, unit_floats_to_u8, write_grid};
use zview_runtime::device::read_floats;

use super::error::DirectionsError;
use super::set::{Directions, mean_std};
use super::space::Space;
use crate::{Generator, LatentSpace, Output, UnitCoordinates};

/// The columns: steps from the anchor, in standard deviations of the latent space per dimension.
pub const STRIP_STEPS: [f32; 7] = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0];
/// Key of the draws: neither that of a walk nor that of samples.
const PICTURE: u64 = 1 << 42;
/// Anchors are truncated at plus and minus this.
const TRUNCATION: f32 = 2.0;
const GAP: usize = 1;

/// Width and height of the picture that [`write_strip`] draws.
///
/// # Errors
/// [`PictureError`] where it cannot be drawn.
pub fn strip_size(
    path: &Path,
    output: &Output,
    directions: usize,
    anchors: usize,
) -> Result<[usize; 2], PictureError> {
    let shape = ImageShape { channels: output.channels, height: output.height, width: output.width };
    let images = directions.saturating_mul(anchors).saturating_mul(STRIP_STEPS.len());
    grid_size(path, images, shape, STRIP_STEPS.len(), GAP)
}

/// Draws `anchors` anchors, the same along every direction, and writes a PNG grid of them moved by [`STRIP_STEPS`]:
/// a row per direction and anchor.
///
/// # Errors
/// [`DirectionsError`] where the generator lacks the space, the device fails or the file cannot be written.
pub fn write_strip(
    path: &Path,
    generator: &Generator,
    directions: &Directions,
    anchors: usize,
    seed: u64,
) -> Result<(), DirectionsError> {
    let space = Space::new(generator, directions.space)?;
    let dimension = space.dimension();
    let unit = match directions.space {
        LatentSpace::Z => 1.0,
        LatentSpace::W => mean_std(&UnitCoordinates::of_w(generator, TRUNCATION)?, dimension),
    };
    let drawn = space.draw(seed, PICTURE, 0, anchors, TRUNCATION);
    let anchor_values = read_floats(space.upload(&drawn).0.without_autodiff())?;
    let mut pixels = Vec::new();
    for k in 0..directions.count() {
        let mut moved = Vec::with_capacity(anchor_values.len() * STRIP_STEPS.len());
        for anchor in anchor_values.chunks_exact(dimension) {
            for step in STRIP_STEPS {
                moved.extend(anchor.iter().zip(directions.row(k)).map(|(z, d)| z + step * unit * d));
            }
        }
        let rows = anchors * STRIP_STEPS.len();
        let classes = drawn.classes.as_ref().map(|classes| {
            let classes: Vec<i32> =
                classes.iter().flat_map(|&class| std::iter::repeat_n(class, STRIP_STEPS.len())).collect();
            Tensor::from_data(TensorData::new(classes, [rows]), generator.device())
        });
        let moved = Tensor::from_data(TensorData::new(moved, [rows, dimension]), generator.device());
        pixels.extend(unit_floats_to_u8(&read_floats(space.image(moved, classes)?.without_autodiff())?));
    }
    let output = generator.output();
    let shape = ImageShape { channels: output.channels, height: output.height, width: output.width };
    let images: Vec<&[u8]> = pixels.chunks_exact(shape.bytes()).collect();
    Ok(write_grid(path, &images, shape, STRIP_STEPS.len(), GAP)?)
}
