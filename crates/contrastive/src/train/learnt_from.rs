//! What a run learns from, and whether that is still what its recipe names: a generator is trained anew under the name
//! that it has, a manifest is mended, a folder of images grows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zview_generator::Manifest;
use zview_runtime::hash::sha256_of_file;
use zview_runtime::run_folder::{Changed, ImagesSha256, other_images, started_event};

use super::paths::{in_short, with_absolute_paths};
use super::recipe::Recipe;
use crate::source::SourceConfig;

/// SHA-256 of all that a run learns from; part of its `started` event. Runs of earlier versions lack some of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct LearntFrom {
    /// Of the weights of each generator, by the name that the recipe has for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    generator_weights: BTreeMap<String, String>,
    /// Of what the manifest of each says of images.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    generator_manifests: BTreeMap<String, String>,
    /// Of each other file that the recipe names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, String>,
    /// Of the images that are read.
    #[serde(flatten)]
    images: ImagesSha256,
}

impl LearntFrom {
    /// What `recipe` names now, but for its images. What cannot be found is left out: opening the source says so.
    fn named_by(recipe: &Recipe) -> Self {
        let source = &recipe.source;
        let generators = source.generators.iter().map(|share| &share.generator).chain(&source.generator);
        let manifests: Vec<(String, Manifest)> =
            generators.filter_map(|name| Some((name.clone(), Manifest::find(name, &[]).ok()?))).collect();
        let weights = source.generators.iter().filter_map(|share| share.weights.as_ref());
        let files = weights
            .chain(&source.weights)
            .chain(recipe.views.directions())
            .chain(&recipe.encoder.weights)
            .filter(|file| Path::new(file).is_file());
        Self {
            generator_weights: manifests
                .iter()
                .filter_map(|(name, manifest)| Some((name.clone(), manifest.weights_sha256().ok()?)))
                .collect(),
            generator_manifests: manifests
                .iter()
                .map(|(name, manifest)| (name.clone(), manifest.content_sha256()))
                .collect(),
            files: files
                .filter_map(|file| Some((file.clone(), sha256_of_file(Path::new(file)).ok()?)))
                .collect(),
            images: ImagesSha256::default(),
        }
    }

    /// What a run of `recipe`, with absolute paths, begins with, of those images.
    pub(super) fn of(recipe: &Recipe, images: ImagesSha256) -> Self {
        Self { images, ..Self::named_by(recipe) }
    }

    /// Adds it to a `started` event.
    pub(super) fn log(&self, started: &mut Value) {
        if let (Some(event), Value::Object(said)) = (started.as_object_mut(), json!(self)) {
            event.extend(said);
        }
    }

    fn of_run(run: &Path) -> Option<Self> {
        serde_json::from_value(started_event(run)?).ok()
    }
}

/// A generator or file of `recipe` that is not what the run in the folder `run` learnt from. `None` where all are the
/// same, or one of the two is not known: runs of earlier versions do not say, and a run can be read where what it
/// learnt from is not.
#[must_use]
pub fn changed_since(run: &Path, recipe: &Recipe) -> Option<Changed> {
    let (then, now) = (LearntFrom::of_run(run)?, LearntFrom::named_by(recipe));
    let other = |key: &str, then: &BTreeMap<String, String>, now: &BTreeMap<String, String>| {
        let place = |name: &str| with_absolute_paths(key, name);
        let differs = |(name, sha256): &(&String, &String)| {
            let of_run = then.iter().find(|(of_run, _)| of_run == name || place(of_run) == place(name));
            of_run.is_some_and(|(_, of_run)| of_run != *sha256)
        };
        now.iter().find(differs).map(|(name, _)| name.clone())
    };
    other("source.generator", &then.generator_weights, &now.generator_weights)
        .map(Changed::Weights)
        .or_else(|| {
            other("source.generator", &then.generator_manifests, &now.generator_manifests)
                .map(Changed::Manifest)
        })
        .or_else(|| other("source.weights", &then.files, &now.files).map(Changed::File))
}

/// One of the runs in the folders `others` that asks for the same images as `source`, and learnt from others than those
/// that are `now` there.
pub(super) fn learnt_from_others<'a>(
    others: &'a [PathBuf],
    source: &SourceConfig,
    now: &ImagesSha256,
) -> Option<(&'a Path, Changed)> {
    let named = source.read_from()?;
    others.iter().find_map(|run| {
        let of_run = Recipe::load(&run.join("config.toml"), &[]).ok()?.source;
        let changed = asks_for_the_same(source, &of_run).then(|| other_images(run, named, now))??;
        Some((run.as_path(), changed))
    })
}

/// One of the runs in the folders `others` that asks for the same images as the run in the folder `run`, and learnt from
/// others: the place had other images when it began.
#[must_use]
pub fn learnt_from_other_images<'a>(run: &Path, others: &'a [PathBuf]) -> Option<(&'a Path, Changed)> {
    let recipe = Recipe::load(&run.join("config.toml"), &[]).ok()?;
    let images = LearntFrom::of_run(run)?.images;
    learnt_from_others(others, &recipe.source, &images)
}

fn asks_for_the_same(one: &SourceConfig, other: &SourceConfig) -> bool {
    let place = |source: &SourceConfig| {
        let key = if source.data.is_some() { "source.data" } else { "source.shards" };
        source.read_from().map(|named| in_short(&with_absolute_paths(key, named)))
    };
    place(one) == place(other) && one.color == other.color && one.size == other.size
}
