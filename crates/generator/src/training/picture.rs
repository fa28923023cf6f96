//! Sample grids: what the generator makes, a row per anchor and its neighbours in the columns.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::ImageShape;
use zview_data::picture::{grid_size, unit_floats_to_u8, write_grid};
use zview_network::training::TrainingError;
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use super::error::GeneratorTrainingError;
use super::method::TrainedNetwork;
use crate::manifest::Manifest;

const ROWS: usize = 16;
/// Between images, in pixels.
const GAP: usize = 1;
/// Standard deviations of the columns' steps from the anchor, which is the first.
const STEP_STD: [f32; 10] = [0.0, 0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0];

/// Refuses, before anything is trained, sample grids that are too large to draw.
pub(super) fn check_sample_size(path: &Path, manifest: &Manifest) -> Result<(), GeneratorTrainingError> {
    let images = rows_of(manifest) * STEP_STD.len();
    grid_size(path, images, shape_of(manifest), STEP_STD.len(), GAP)?;
    Ok(())
}

fn rows_of(manifest: &Manifest) -> usize {
    manifest.classes().unwrap_or(ROWS).min(2 * ROWS)
}

fn shape_of(manifest: &Manifest) -> ImageShape {
    let output = &manifest.output;
    ImageShape { channels: output.channels, height: output.height, width: output.width }
}

/// Draws the same latents after each `step`, so that grids of one run can be compared. A conditional generator's rows go
/// through the classes.
pub(super) fn write_samples(
    path: &Path,
    network: &dyn TrainedNetwork,
    manifest: &Manifest,
    (seed, step): (u64, u64),
    device: &Device,
) -> Result<(), GeneratorTrainingError> {
    let dimension = manifest.latent.dimension;
    let rows = rows_of(manifest);
    let mut z = Vec::with_capacity(rows * STEP_STD.len() * dimension);
    for row in 0..rows as u64 {
        let mut anchor = Stream::new(seed, Purpose::Picture, 0, row);
        let z_anchor: Vec<f32> = (0..dimension).map(|_| anchor.normal()).collect();
        for (column, std) in STEP_STD.iter().enumerate() {
            let mut drawn = Stream::new(seed, Purpose::Picture, 1 + column as u64, row);
            z.extend(z_anchor.iter().map(|value| value + std * drawn.truncated_normal(2.0)));
        }
    }
    let count = rows * STEP_STD.len();
    let z = Tensor::from_data(TensorData::new(z, [count, dimension]), device);
    let classes = manifest.classes().map(|classes| {
        let of_image = |image: usize| (image / STEP_STD.len() % classes) as i32;
        Tensor::from_data(TensorData::new((0..count).map(of_image).collect(), [count]), device)
    });
    let raw = network.render(z, classes).map_err(GeneratorTrainingError::Rendering)?;
    let [low, high] = manifest.output.range;
    let pixels =
        read_floats((raw - low) / (high - low)).map_err(|source| TrainingError::Device { step, source })?;
    let pixels = unit_floats_to_u8(&pixels);
    let shape = shape_of(manifest);
    let images: Vec<&[u8]> = pixels.chunks_exact(shape.bytes()).collect();
    write_grid(path, &images, shape, STEP_STD.len(), GAP)?;
    Ok(())
}
