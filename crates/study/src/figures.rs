//! Images for the page: samples beside real images, and nearest neighbours.

use std::path::{Path, PathBuf};

use zview_contrastive::source::{OpenSource, SourceError, ViewSource, open_source};
use zview_contrastive::train::Recipe;
use zview_data::ImageShape;
use zview_data::picture::unit_floats_to_u8;
use zview_generator::ViewsConfig;
use zview_runtime::device::{ChosenDevice, read_floats};

use crate::StudyError;
use crate::arms::Arm;

/// The first anchors of a recipe's source, before augmentation.
#[derive(Debug, Clone)]
pub struct SourceImages {
    /// Shape of each.
    pub shape: ImageShape,
    /// Pixels of each, (C, H, W).
    pub images: Vec<Vec<u8>>,
}

/// The first `count` anchors of what `recipe` learns from, as its training sees them at step 0.
///
/// # Errors
/// [`StudyError::Source`], [`StudyError::Device`].
pub fn first_anchors(
    recipe: &Recipe,
    count: usize,
    data_dir: Option<PathBuf>,
    device: &ChosenDevice,
) -> Result<SourceImages, StudyError> {
    let single = ViewsConfig { per_anchor: 1, ..recipe.views.without_step() };
    let how = OpenSource { anchors: count, anchor_choice: recipe.anchors, data_dir, device: &device.device };
    let mut source: Box<dyn ViewSource> = open_source(&recipe.source, &single, &how)?;
    let shape = source.shape();
    let values = read_floats(source.views(recipe.seed, 0)?.images)?;
    let pixels = unit_floats_to_u8(&values);
    Ok(SourceImages { shape, images: pixels.chunks(shape.bytes()).map(<[u8]>::to_vec).collect() })
}

/// Refuses a generator whose images cannot be compared with the real ones.
///
/// # Errors
/// [`StudyError::Shapes`], [`StudyError::Source`].
pub fn check_shapes(
    real: ImageShape,
    generated: ImageShape,
    synthetic: &Arm,
    data: &str,
) -> Result<(), StudyError> {
    if real == generated {
        return Ok(());
    }
    let text = |shape: ImageShape| format!("{} x {} x {}", shape.channels, shape.height, shape.width);
    let generator =
        synthetic.recipe.source.generator.clone().ok_or_else(|| SourceError::Recipe {
            field: "source.generator",
            problem: "not given".to_owned(),
        })?;
    Err(StudyError::Shapes { data: data.to_owned(), real: text(real), generator, generated: text(generated) })
}

/// A grid of images as a PNG file.
///
/// # Errors
/// [`StudyError::Picture`].
pub fn grid_png(images: &SourceImages, columns: usize) -> Result<Vec<u8>, StudyError> {
    let pixels: Vec<&[u8]> = images.images.iter().map(Vec::as_slice).collect();
    Ok(zview_data::picture::encode_grid(Path::new("samples"), &pixels, images.shape, columns, 2)?)
}
