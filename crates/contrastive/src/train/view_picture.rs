//! `views.png`: what the encoder saw.

use std::path::Path;

use zview_data::ImageShape;
use zview_data::picture::{PictureError, unit_floats_to_u8, write_grid};

/// How many anchors are shown.
const ROWS: usize = 12;
const GAP: usize = 2;

/// Writes a grid with a row per anchor and its views in the columns, from the values of views (B * V, C, H, W)
/// in 0..1.
pub(super) fn write_views(
    path: &Path,
    views: &[f32],
    dims: [usize; 4],
    per_anchor: usize,
) -> Result<(), PictureError> {
    let [count, channels, height, width] = dims;
    let shown = count.min(ROWS * per_anchor);
    let pixels = unit_floats_to_u8(&views[..shown * channels * height * width]);
    let images: Vec<&[u8]> = pixels.chunks(channels * height * width).collect();
    write_grid(path, &images, ImageShape { channels, height, width }, per_anchor, GAP)
}
