//! From a recipe's `[source]` and `[views]` to a source that is ready to give views.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use zview_data::view_shards::{BatchPlan, BatchReader, ViewShards};
use zview_encoder::augment::Augment;
use zview_generator::{AnchorOrder, AnchorsConfig, Generator, Manifest, ViewsConfig};

use super::{
    GeneratorSource, MixSource, RealSource, ShardSource, SourceConfig, SourceError, SourceKind, Stored,
    ViewSource,
};

/// What is needed to open a source beside its configuration.
#[derive(Debug, Clone)]
pub struct OpenSource<'a> {
    /// B, anchors per batch.
    pub anchors: usize,
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// The anchors of generators.
    pub anchor_choice: AnchorsConfig,
    /// What becomes of the views' pixels: crops of whole photographs are cut while they are read.
    pub augment: &'a Augment,
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
    open_source_on(config, views, how, Stored::open(config, how.augment, how.anchors, how.data_dir.clone())?)
}

/// As [`open_source`], with what it reads from disk opened already.
///
/// # Errors
/// As [`open_source`].
pub fn open_source_on(
    config: &SourceConfig,
    views: &ViewsConfig,
    how: &OpenSource<'_>,
    stored: Stored,
) -> Result<Box<dyn ViewSource>, SourceError> {
    let real_anchors = config.real_anchors(how.anchors);
    let mut parts: Vec<Box<dyn ViewSource>> = Vec::new();
    match stored {
        Stored::Shards(shards) => return Ok(Box::new(shard_source(shards, views, how)?)),
        Stored::Images(images) if real_anchors > 0 => {
            let crops = config.crops(how.augment, images.shape.channels, views.per_anchor);
            let size = (real_anchors, views.per_anchor);
            parts.push(Box::new(RealSource::new(images, size, crops, how.device)?));
        }
        _ => {}
    }
    let generators = generators(config)?;
    let shares: Vec<f32> = generators.iter().map(|part| part.share).collect();
    let counts = parts_of(how.anchors - real_anchors, &shares);
    let mut first = real_anchors as u64;
    for (Part { name, weights, .. }, count) in generators.into_iter().zip(counts) {
        if count == 0 {
            continue; // its share rounds to no anchor
        }
        let manifest = Manifest::find(name, &[])?;
        let generator = Generator::load(&manifest, weights.map(Path::new), how.device)?;
        let anchors = of_unique(how.anchor_choice, count, how.anchors - real_anchors);
        parts.push(Box::new(GeneratorSource::new(generator, views, anchors, (first, count))?));
        first += count as u64;
    }
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let classes = common_classes(config, &parts)?;
    Ok(Box::new(MixSource::new(parts, classes)?))
}

fn shard_source(
    shards: Arc<ViewShards>,
    views: &ViewsConfig,
    how: &OpenSource<'_>,
) -> Result<ShardSource, SourceError> {
    let shuffled = how.anchor_choice.order == AnchorOrder::Shuffled;
    let plan = BatchPlan { anchors: how.anchors, per_anchor: views.per_anchor, shuffled };
    Ok(ShardSource::new(BatchReader::new(shards, plan)?, how.device))
}

/// One generator of a recipe.
struct Part<'a> {
    share: f32,
    /// Manifest or name.
    name: &'a str,
    weights: Option<&'a str>,
}

fn generators(config: &SourceConfig) -> Result<Vec<Part<'_>>, SourceError> {
    if config.kind == SourceKind::Real {
        return Ok(Vec::new());
    }
    if config.generators.is_empty() {
        let name = config.generator.as_deref().ok_or_else(|| missing("source.generator"))?;
        return Ok(vec![Part { share: 1.0, name, weights: config.weights.as_deref() }]);
    }
    let each = config.generators.iter();
    Ok(each
        .map(|one| Part { share: one.share, name: &one.generator, weights: one.weights.as_deref() })
        .collect())
}

/// Whether any generator of the recipe has classes; only their manifests are read.
///
/// # Errors
/// [`SourceError`] where a manifest cannot be read.
pub(crate) fn has_classes(config: &SourceConfig) -> Result<bool, SourceError> {
    if !matches!(config.kind, SourceKind::Generator | SourceKind::Mix) {
        return Ok(false);
    }
    for Part { name, .. } in generators(config)? {
        if Manifest::find(name, &[])?.classes().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `total` divided as the `shares` are, each part at most one away from its share.
fn parts_of(total: usize, shares: &[f32]) -> Vec<usize> {
    let sum: f64 = shares.iter().map(|share| f64::from(*share)).sum();
    let mut until = 0.0;
    let mut given = 0;
    let mut parts = Vec::with_capacity(shares.len());
    for share in shares {
        until += f64::from(*share) / sum;
        let end = ((until * total as f64).round() as usize).min(total);
        parts.push(end - given);
        given = end;
    }
    parts
}

/// The anchors of a generator that gives `count` of `total` anchors of each batch: its part of the unique ones.
fn of_unique(config: AnchorsConfig, count: usize, total: usize) -> AnchorsConfig {
    let part = |unique: u64| (unique as f64 * count as f64 / total as f64).round().max(1.0) as u64;
    AnchorsConfig { unique: config.unique.map(part), ..config }
}

/// The number of classes that generators have in common, where the recipe says that their classes are the same.
fn common_classes(
    config: &SourceConfig,
    parts: &[Box<dyn ViewSource>],
) -> Result<Option<usize>, SourceError> {
    if !config.same_classes {
        return Ok(None); // nothing says that one's classes are those of another
    }
    let classes: Vec<Option<usize>> = parts.iter().map(|part| part.classes()).collect();
    match classes.first() {
        Some(Some(first)) if classes.iter().all(|classes| *classes == Some(*first)) => Ok(Some(*first)),
        _ => Err(SourceError::Recipe {
            field: "source.same_classes",
            problem: format!("the parts have {classes:?} classes, not the same number; remove it"),
        }),
    }
}

pub(super) fn missing(field: &'static str) -> SourceError {
    SourceError::Recipe { field, problem: "not given".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_divided_as_the_shares_are() {
        assert_eq!(parts_of(128, &[1.0, 1.0]), [64, 64]);
        assert_eq!(parts_of(10, &[0.7, 0.2, 0.1]), [7, 2, 1]);
        assert_eq!(parts_of(3, &[1.0, 1.0]), [2, 1]);
        assert_eq!(parts_of(100, &[1.0, 1.0, 1.0]).iter().sum::<usize>(), 100);
        assert_eq!(parts_of(5, &[1.0, 1e-6]), [5, 0]);
    }

    #[test]
    fn unique_anchors_are_divided_too() {
        let config = AnchorsConfig { unique: Some(1_000), ..AnchorsConfig::default() };
        assert_eq!(of_unique(config, 32, 128).unique, Some(250));
        assert_eq!(of_unique(AnchorsConfig::default(), 32, 128).unique, None);
    }
}
