//! `views.png` and `views/step-NNNNNNNN.png`: what the encoder sees.

use std::path::Path;

use zview_data::ImageShape;
use zview_data::picture::{PictureError, grid_size, unit_floats_to_u8, write_grid};
use zview_network::training::{Run, TrainingError};
use zview_runtime::device::read_floats;

use super::error::PretrainError;
use super::recipe::Recipe;
use super::trainer::Trainer;

/// How many anchors are shown.
const ROWS: usize = 12;
const GAP: usize = 2;

/// Writes a picture of the batch that the next step takes, and logs it.
pub(super) fn show_views(
    trainer: &mut Trainer,
    recipe: &Recipe,
    run: &mut Run<'_>,
) -> Result<(), PretrainError> {
    let step = trainer.step;
    let seconds = trainer.clock.seconds; // the picture is not training
    let views = trainer.augmented_views(step * recipe.train.accumulate)?.images;
    trainer.clock.seconds = seconds;
    let dims = views.dims();
    let pixels = read_floats(views).map_err(|source| TrainingError::Device { step, source })?;
    let name = if step == 0 { "views.png".to_owned() } else { format!("views/step-{step:08}.png") };
    run.picture(("views", step), &name, |path| Ok(write_views(path, &pixels, dims, recipe.views.per_anchor)?))
}

/// Writes a grid with a row per anchor and its views in the columns, from the values of views (B * V, C, H, W)
/// in 0..1.
fn write_views(path: &Path, views: &[f32], dims: [usize; 4], per_anchor: usize) -> Result<(), PictureError> {
    let [count, channels, height, width] = dims;
    let shape = ImageShape { channels, height, width };
    // Fewer anchors where they have many or large views; at least one.
    let fits = |rows: &usize| grid_size(path, rows * per_anchor, shape, per_anchor, GAP).is_ok();
    let shown = count.min((1..=ROWS).rev().find(fits).unwrap_or(1) * per_anchor);
    let pixels = unit_floats_to_u8(&views[..shown * channels * height * width]);
    let images: Vec<&[u8]> = pixels.chunks(channels * height * width).collect();
    write_grid(path, &images, shape, per_anchor, GAP)
}
