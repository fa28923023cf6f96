//! What a command is about to compute on a device.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use serde::Serialize;
use serde_json::{Value, json};
use zview_data::{ImageSet, ImageShape};
use zview_generator::training::{GeneratorTraining, first_losses};
use zview_generator::{Generator, LatentBatch, Manifest};
use zview_kernels::{LayerCall, record_layers};
use zview_runtime::device::read_floats;

use super::SelfCheckError;
use super::agreement::Agreement;
use super::check::{Check, relative_error};
use super::layers::{at_batch, multiplications};
use super::recipe::{SHORT_STEP, check_recipe};
use zview_contrastive::source::SourceError;
use zview_contrastive::train::Recipe;
use zview_encoder::{EncoderConfig, ReadOptions, read_encoder};

/// Rendered pixels: some tens of operations in a row.
const RENDERED: f64 = 1e-4;
/// Anchors whose images the CPU renders too, spread over the batch.
const RENDERED_ANCHORS: usize = 4;
/// Losses of the first update, at equal weights.
const FIRST_LOSSES: f64 = 1e-3;
/// Losses of the second: Adam's first step takes the signs of gradients, also of those that are nearly zero.
const SECOND_LOSSES: f64 = 1e-2;
/// Images that a generator's training is shown to see which layers it has.
const SHOWN: usize = 2;
/// Forward, two gradients; two updates.
const PASSES: f64 = 6.0;

/// What the short check compares beside the operations on their own.
#[derive(Debug, Clone)]
pub enum Workload<'a> {
    /// Steps of a recipe: its layers at its batch, its objective, a training step.
    Recipe {
        /// The recipe.
        recipe: &'a Recipe,
        /// Where named data sets are looked up first.
        data_dir: Option<&'a Path>,
    },
    /// Images of a generator.
    Rendering {
        /// The generator.
        manifest: &'a Manifest,
        /// Its weights, where they are not the manifest's.
        weights: Option<&'a Path>,
        /// The latents of one batch.
        latents: &'a LatentBatch,
    },
    /// Features by a frozen encoder.
    Features {
        /// Run folder or file of the encoder.
        encoder: &'a Path,
        /// How its file is read.
        options: &'a ReadOptions,
        /// What it was made from.
        config: &'a EncoderConfig,
        /// What it has beyond that.
        beyond: &'a [String],
        /// The images.
        shape: ImageShape,
        /// Images at once.
        batch: usize,
    },
    /// Training a generator.
    GeneratorTraining {
        /// The recipe.
        training: &'a GeneratorTraining,
        /// What it learns from.
        images: &'a ImageSet,
    },
}

impl Workload<'_> {
    /// All that decides which shapes are computed; two subjects of one key need one check.
    ///
    /// # Errors
    /// [`SelfCheckError::Source`] where a recipe's generator has no manifest.
    pub(super) fn key(&self) -> Result<Value, SelfCheckError> {
        Ok(match self {
            Self::Recipe { recipe, .. } => json!({ "recipe": recipe_key(recipe)? }),
            Self::Rendering { manifest, latents, .. } => json!({
                "generator": generator_key(manifest), "anchors": latents.anchors, "views": latents.per_anchor,
                "distinct": latents.distinct_views(),
            }),
            Self::Features { config, beyond, shape, batch, .. } => {
                let mut key =
                    json!({ "encoder": value_of(*config), "images": shape_key(*shape), "batch": batch });
                if !beyond.is_empty() {
                    key["beyond"] = json!(beyond);
                }
                key
            }
            Self::GeneratorTraining { training, images } => {
                let mut training = value_of(*training);
                remove(&mut training, &["name", "seed", "licence", "source.data"]);
                for kept in ["steps", "log_every", "samples_every", "checkpoint_every", "keep_checkpoints"] {
                    remove(&mut training, &[&format!("train.{kept}")]);
                }
                let classes = images.classes.len();
                json!({ "training": training, "images": shape_key(images.shape), "classes": classes })
            }
        })
    }

    /// Compares what is particular to this workload.
    pub(super) fn check(&self, agreement: &mut Agreement<'_>) -> Result<(), SelfCheckError> {
        match *self {
            Self::Recipe { recipe, data_dir } => {
                check_recipe(agreement, recipe, data_dir.map(PathBuf::from), SHORT_STEP)
            }
            Self::Rendering { manifest, weights, latents } => {
                check_rendering(agreement, manifest, weights, latents)
            }
            Self::Features { encoder, options, shape, batch, .. } => {
                let on_cpu = read_encoder(encoder, options, &agreement.cpu)?.encoder;
                let on_device = read_encoder(encoder, options, agreement.device())?.encoder;
                let dims = [shape.channels, shape.height, shape.width];
                let features = |images| on_device.features(images);
                // Seen on one image: what is recorded are shapes.
                let one = Tensor::<4>::zeros([1, dims[0], dims[1], dims[2]], &agreement.cpu);
                let (_, layers) = record_layers(|| on_cpu.features(one));
                let layers: Vec<_> = layers.iter().map(|call| at_batch(call, (batch, 1))).collect();
                agreement.layers(&layers, false)?;
                Ok(agreement.features(batch, dims, |images| on_cpu.features(images), features)?)
            }
            Self::GeneratorTraining { training, images } => check_training(agreement, training, images),
        }
    }
}

fn check_rendering(
    agreement: &mut Agreement<'_>,
    manifest: &Manifest,
    weights: Option<&Path>,
    latents: &LatentBatch,
) -> Result<(), SelfCheckError> {
    let render = |device: &Device, latents: &LatentBatch| {
        Generator::load(manifest, weights, device).and_then(|generator| generator.render(latents))
    };
    let (images, layers) = record_layers(|| render(agreement.device(), latents));
    let images = images?;
    agreement.layers(&layers, false)?;
    agreement.announce(1);
    let count = latents.anchors;
    let mut anchors: Vec<usize> = (0..RENDERED_ANCHORS.min(count))
        .map(|place| place * (count - 1) / (RENDERED_ANCHORS.min(count) - 1).max(1))
        .collect();
    anchors.dedup();
    let mut got = Vec::new();
    for &anchor in &anchors {
        let views = images.clone().narrow(0, anchor * latents.per_anchor, latents.per_anchor);
        got.extend(read_floats(views)?);
    }
    let expected = read_floats(render(&agreement.cpu, &latents.select(&anchors))?)?;
    let name = format!("rendering of {} images", latents.images());
    agreement.add(Check::new(&name, "pixels", relative_error(&expected, &got), RENDERED));
    Ok(())
}

fn check_training(
    agreement: &mut Agreement<'_>,
    training: &GeneratorTraining,
    images: &ImageSet,
) -> Result<(), SelfCheckError> {
    training.check_with(images).map_err(zview_generator::training::GeneratorTrainingError::from)?;
    let at = |batch: usize| {
        let mut training = training.clone();
        training.train.batch = batch;
        training
    };
    let batch = training.train.batch;
    let (shown, layers) = record_layers(|| first_losses(&at(SHOWN), images, &agreement.cpu, 1));
    shown?;
    let per_image = multiplications(&layers) / SHOWN as f64;
    let layers: Vec<LayerCall> = layers.iter().map(|call| at_batch(call, (batch, SHOWN))).collect();
    agreement.layers(&layers, true)?;
    agreement.announce(2);
    let few = ((SHORT_STEP / (PASSES * per_image)) as usize).clamp(2, batch);
    let expected = first_losses(&at(few), images, &agreement.cpu, 2)?;
    let got = first_losses(&at(few), images, agreement.device(), 2)?;
    for (update, tolerance) in [FIRST_LOSSES, SECOND_LOSSES].into_iter().enumerate() {
        let differences = expected[update].iter().zip(&got[update]).map(|(cpu, device)| {
            // A loss may lie near zero, so it is measured against 1 at least.
            let error = f64::from((cpu - device).abs()) / f64::from(cpu.abs()).max(1.0);
            if error.is_finite() { error } else { f64::INFINITY }
        });
        let error = differences.fold(0.0, f64::max);
        agreement.add(Check::new(&format!("update {}", update + 1), "losses", error, tolerance));
    }
    Ok(())
}

/// The recipe without what changes no shape. What is not named here counts, so that nothing new is forgotten.
fn recipe_key(recipe: &Recipe) -> Result<Value, SelfCheckError> {
    let mut key = value_of(recipe);
    remove(&mut key, &["seed", "probe", "optimizer.lr", "optimizer.momentum", "optimizer.weight_decay"]);
    remove(
        &mut key,
        &["optimizer.final_lr_share", "optimizer.beta1", "optimizer.beta2", "optimizer.epsilon"],
    );
    remove(&mut key, &["optimizer.trust", "optimizer.exclude_norm_and_bias", "optimizer.groups"]);
    remove(&mut key, &["train.steps", "train.warmup_steps", "train.log_every", "train.checkpoint_every"]);
    remove(&mut key, &["train.keep_checkpoints", "train.keep_best"]);
    remove(&mut key, &["source.generator", "source.weights", "source.max_reject_share", "source.classes"]);
    remove(&mut key, &["views.std", "views.truncation", "objective.temperature"]);
    remove(&mut key, &["encoder.init", "encoder.weights", "encoder.branch"]);
    if let Some(name) = &recipe.source.generator {
        let manifest = Manifest::find(name, &[]).map_err(SourceError::from)?;
        key["generator"] = generator_key(&manifest);
    }
    if let Some(data) = &recipe.source.data {
        // Other images at the same place may have another size.
        let modified = std::fs::metadata(data).and_then(|metadata| metadata.modified()).ok();
        let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        key["data_modified"] = json!(since.map(|since| since.as_secs()));
    }
    Ok(key)
}

fn generator_key(manifest: &Manifest) -> Value {
    let mut key = value_of(manifest);
    remove(&mut key, &["name", "source", "licence", "weights", "state_dict"]);
    if !manifest.layers.is_empty() {
        // Other architectures have some of their sizes from the weights.
        remove(&mut key, &["sha256"]);
    }
    key
}

fn shape_key(shape: ImageShape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}

/// The value as JSON; a path that is not Unicode has none, so then as the language writes it.
fn value_of<T: Serialize + Debug>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_else(|_| Value::String(format!("{value:?}")))
}

/// Takes `section.key` or `key` out of an object.
pub(super) fn remove(object: &mut Value, paths: &[&str]) {
    for path in paths {
        let (object, key) = match path.split_once('.') {
            Some((section, key)) => (object.get_mut(section), key),
            None => (Some(&mut *object), *path),
        };
        if let Some(object) = object.and_then(Value::as_object_mut) {
            object.remove(key);
        }
    }
}
