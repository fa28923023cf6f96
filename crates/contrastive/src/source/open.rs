//! From a recipe's `[source]` and `[views]` to a source that is ready to give views.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use zview_data::{ImageSet, ImageShape, LoadOptions, Split};
use zview_generator::{Generator, Manifest, ViewsConfig};

use super::{GeneratorSource, MixSource, RealSource, SourceConfig, SourceError, SourceKind, ViewSource};

/// What is needed to open a source beside its configuration.
#[derive(Debug, Clone)]
pub struct OpenSource<'a> {
    /// B, anchors per batch.
    pub anchors: usize,
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// Where views are computed (without autodiff).
    pub device: &'a Device,
}

/// Opens the source of a recipe.
///
/// # Errors
/// [`SourceError`] where a generator or data set cannot be loaded, or their shapes differ.
pub fn open_source(
    config: &SourceConfig,
    views: &ViewsConfig,
    how: &OpenSource<'_>,
) -> Result<Box<dyn ViewSource>, SourceError> {
    let images = (real_anchors(config, how.anchors) > 0).then(|| load_images(config, how.data_dir.clone()));
    open_source_on(config, views, how, images.transpose()?)
}

/// How many of `anchors` anchors are real.
pub(crate) fn real_anchors(config: &SourceConfig, anchors: usize) -> usize {
    match config.kind {
        SourceKind::Generator => 0,
        SourceKind::Real => anchors,
        SourceKind::Mix => (config.real_share.unwrap_or(0.5) * anchors as f32).round() as usize,
    }
}

/// As [`open_source`], with real images that are loaded already.
pub(crate) fn open_source_on(
    config: &SourceConfig,
    views: &ViewsConfig,
    how: &OpenSource<'_>,
    images: Option<ImageSet>,
) -> Result<Box<dyn ViewSource>, SourceError> {
    let real_anchors = real_anchors(config, how.anchors);
    let real = images
        .filter(|_| real_anchors > 0)
        .map(|images| RealSource::new(images, real_anchors, views.per_anchor, how.device));
    let generated = (real_anchors < how.anchors)
        .then(|| {
            Ok::<_, SourceError>(GeneratorSource::new(
                load_generator(config, how)?,
                *views,
                how.anchors - real_anchors,
            ))
        })
        .transpose()?;
    match (real, generated) {
        (Some(real), None) => Ok(Box::new(real)),
        (None, Some(generated)) => Ok(Box::new(generated)),
        (real, generated) => {
            let shapes = [real.as_ref().map(ViewSource::shape), generated.as_ref().map(ViewSource::shape)];
            let shape = same_shape(shapes)?;
            Ok(Box::new(MixSource { real, generated, shape }))
        }
    }
}

fn same_shape(shapes: [Option<ImageShape>; 2]) -> Result<ImageShape, SourceError> {
    match shapes {
        [Some(real), Some(generated)] if real == generated => Ok(real),
        _ => Err(SourceError::Recipe {
            field: "source",
            problem: format!(
                "real images are {:?} and generated ones {:?}; set `size` and `color` so that they agree",
                shapes[0], shapes[1]
            ),
        }),
    }
}

/// The real images of a source that has some.
pub(crate) fn load_images(config: &SourceConfig, data_dir: Option<PathBuf>) -> Result<ImageSet, SourceError> {
    let data = config.data.as_deref().ok_or_else(|| missing("source.data"))?;
    let options = LoadOptions {
        data_dir,
        color: config.color,
        size: config.size,
        max_reject_share: config.max_reject_share,
        ..LoadOptions::default()
    };
    Ok(zview_data::load(data, Split::Train, &options)?)
}

fn load_generator(config: &SourceConfig, how: &OpenSource<'_>) -> Result<Generator, SourceError> {
    let name = config.generator.as_deref().ok_or_else(|| missing("source.generator"))?;
    let manifest = Manifest::find(name, &[])?;
    Ok(Generator::load(&manifest, config.weights.as_deref().map(Path::new), how.device)?)
}

fn missing(field: &'static str) -> SourceError {
    SourceError::Recipe { field, problem: "not given".to_owned() }
}
