//! A recipe: everything that decides what an encoder learns.

use std::path::Path;

use serde::{Deserialize, Serialize};
use zview_generator::{AnchorOrder, AnchorsConfig, ViewsConfig};
use zview_runtime::config::{ConfigError, Written, is_of_a_run, parse_toml_in_layers, read_toml_in_layers};

use crate::objective::ObjectiveConfig;
use crate::source::{CropFrom, SourceConfig, SourceKind};
use crate::watch::WatchConfig;
use zview_encoder::EncoderConfig;
use zview_encoder::augment::Augment;
use zview_network::optimizer::OptimizerConfig;

use super::length::end_warm_up_in_time;
use super::paths::settle_paths;
use super::precision::Precision;
use super::without_effect::without_effect;

/// A recipe file. Unknown keys are refused; what is not given has the reference recipe's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Decides every random draw of the run.
    #[serde(default)]
    pub seed: u64,
    /// Where views come from.
    pub source: SourceConfig,
    /// Which anchors a generator's views are of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub anchors: AnchorsConfig,
    /// How an anchor's latents differ.
    #[serde(default)]
    pub views: ViewsConfig,
    /// How pixels differ.
    #[serde(default, skip_serializing_if = "Augment::is_open")]
    pub augment: Augment,
    /// What is trained.
    #[serde(default)]
    pub encoder: EncoderConfig,
    /// What is minimised.
    #[serde(default)]
    pub objective: ObjectiveConfig,
    /// How.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// How long.
    #[serde(default)]
    pub train: TrainConfig,
    /// What is watched while it trains.
    #[serde(default)]
    pub watch: WatchConfig,
    /// What the encoder is evaluated on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeConfig>,
}

fn is_default(anchors: &AnchorsConfig) -> bool {
    *anchors == AnchorsConfig::default()
}

/// The `[train]` section of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Optimizer steps; 0 keeps the initial weights (the random encoder of a comparison).
    pub steps: u64,
    /// B, anchors that the encoder sees at once.
    pub batch: usize,
    /// Batches per step; the gradients are their mean.
    pub accumulate: u64,
    /// Steps over which the learning rate rises to its peak; where it is not given, at most `steps`.
    pub warmup_steps: u64,
    /// Losses are read from the device, checked and logged every so many steps.
    pub log_every: u64,
    /// A checkpoint is written every so many steps; 0 leaves it to the clock.
    pub checkpoint_every: u64,
    /// A checkpoint is written where the last one is so many minutes old; 0 writes none by the clock. The last step
    /// always has one.
    pub checkpoint_minutes: u64,
    /// A picture of the views is written every so many steps; 0 writes one at the start only.
    pub views_every: u64,
    /// How many of the newest checkpoints stay.
    pub keep_checkpoints: usize,
    /// Whether the best checkpoint stays too: by the online probe's accuracy where there is one, else by the mean
    /// loss, since the checkpoint before it.
    pub keep_best: bool,
    /// In what the encoder's images are kept on a GPU.
    pub precision: Precision,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 400,
            batch: 128,
            accumulate: 1,
            warmup_steps: 50,
            log_every: 10,
            checkpoint_every: 0,
            checkpoint_minutes: 10,
            views_every: 0,
            keep_checkpoints: 3,
            keep_best: true,
            precision: Precision::F32,
        }
    }
}

impl TrainConfig {
    /// Whether the loss is read from the device, checked and logged once `steps_taken` steps are taken, if nothing
    /// stops the run before.
    #[must_use]
    pub fn logged_after(&self, steps_taken: u64) -> bool {
        steps_taken.is_multiple_of(self.log_every)
            || (self.checkpoint_every > 0 && steps_taken.is_multiple_of(self.checkpoint_every))
            || steps_taken == self.steps
    }
}

/// The `[probe]` section of a recipe: what `zview probe RUN` evaluates on when it is not told otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// Name or path of the labelled images.
    pub data: String,
    /// How many training images may be used; the reference protocol takes the first 10,000.
    #[serde(default = "reference_train_pool")]
    pub train_pool: usize,
}

fn reference_train_pool() -> usize {
    10_000
}

/// Views of a batch: their similarities fill 4 GiB.
const MOST_VIEWS: usize = 1 << 15;
/// Beyond these, products of steps, batches and anchors are no longer counted right.
pub(super) const MOST_STEPS: u64 = 1 << 40;
const MOST_ACCUMULATED: u64 = 1 << 16;

impl Recipe {
    /// The side in pixels that it asks of its images; `None` where they keep their own.
    #[must_use]
    pub fn side(&self) -> Option<usize> {
        self.augment.written().and_then(|augment| augment.size).or(self.source.size)
    }

    /// Views that a step is computed from.
    #[must_use]
    pub fn views_per_step(&self) -> usize {
        self.train.accumulate as usize * self.train.batch * self.views.per_anchor
    }

    /// Reads a recipe and applies `overrides` of the form `section.key=value`.
    ///
    /// # Errors
    /// [`ConfigError`], with everything wrong at once.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        Self::load_in_layers(path, &[], &[overrides])
    }

    /// As [`Self::load`], with overrides in layers: a key of an earlier layer is left in peace where a later one chooses
    /// a kind that does not use it. The first ones, `shared`, are made of other recipes too, some of which use them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_in_layers(path: &Path, shared: &[String], layers: &[&[String]]) -> Result<Self, ConfigError> {
        let layers = [&[shared], layers].concat();
        Self::settled(path, read_toml_in_layers(path, &layers)?)
    }

    /// As [`Self::load_in_layers`], of a recipe's text; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse_in_layers(
        path: &Path,
        text: &str,
        shared: &[String],
        layers: &[&[String]],
    ) -> Result<Self, ConfigError> {
        let layers = [&[shared], layers].concat();
        Self::settled(path, parse_toml_in_layers(path, text, &layers)?)
    }

    /// Checks what was read, and settles what depends on when a key was written.
    fn settled(path: &Path, (mut recipe, written): (Self, Written)) -> Result<Self, ConfigError> {
        let written = written.with_shared_layer(1);
        recipe.augment.settle(|key| written.layer(&format!("augment.{key}")));
        let belongs = |key: &str| written.belongs_with(key, "source.kind");
        recipe.source.settle(|key| belongs(&format!("source.{key}")));
        let crops = recipe.source.data.is_some() && recipe.source.size.is_some();
        if crops && recipe.source.crop_from == CropFrom::Unsaid && !is_of_a_run(path) {
            recipe.source.crop_from = CropFrom::Whole;
        }
        if recipe.source.kind == SourceKind::Real && !belongs("anchors") {
            recipe.anchors = AnchorsConfig::default();
        }
        end_warm_up_in_time(&mut recipe.train, &written);
        let mut problems = recipe.problems();
        // What a run folder keeps has every key, also those that its kinds do not use.
        if !is_of_a_run(path) {
            problems.extend(without_effect(&recipe, &written));
            settle_paths(&mut recipe, path, &written);
        }
        refuse(path, written.located(problems))?;
        recipe.encoder = recipe.encoder.resolved();
        Ok(recipe)
    }

    /// The recipe with what it leaves to the images, which have `channels` channels.
    #[must_use]
    pub fn of_images(&self, channels: usize) -> Self {
        Self { augment: Augment::of(self.augment.of_images(channels)), ..self.clone() }
    }

    /// The recipe with what it leaves to the images as the run of `stored` has it, unless no images have decided that.
    #[must_use]
    pub fn as_in(&self, stored: &Self) -> Self {
        let decided = self.augment.is_open() && stored.augment.may_be_decided();
        let augment = if decided { &stored.augment } else { &self.augment };
        Self { augment: augment.clone(), ..self.clone() }
    }

    /// Checks that the parts can work together.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with one line per problem.
    pub fn validate(&self, path: &Path) -> Result<(), ConfigError> {
        refuse(path, self.problems())
    }

    /// Everything wrong with it, one line each.
    fn problems(&self) -> Vec<String> {
        let mut problems = self.source.problems();
        if self.source.kind == SourceKind::Shards {
            // Their anchors are what they are; only the order is chosen.
            if !is_default(&AnchorsConfig { order: AnchorOrder::default(), ..self.anchors }) {
                problems.push(
                    "anchors: of view shards only the `order` is chosen; remove the other keys".to_owned(),
                );
            }
        } else {
            problems.extend(self.anchors.problems());
        }
        if self.source.kind == SourceKind::Real && !is_default(&self.anchors) {
            problems.push("anchors: real images are their own anchors; remove the section".to_owned());
        }
        problems.extend(self.views.validate().into_iter().map(in_views));
        problems.extend(self.augment.problems(self.views.per_anchor));
        problems.extend(self.encoder.problems());
        problems.extend(self.objective.problems());
        problems.extend(self.optimizer.problems());
        problems.extend(self.watch.problems());
        if self.train.batch < 2 {
            problems.push(format!(
                "train.batch: expected 2 or more (others are the negatives), got {}",
                self.train.batch
            ));
        }
        if self.train.batch.saturating_mul(self.views.per_anchor) > MOST_VIEWS {
            problems.push(format!(
                "train.batch: expected at most {} with {} views each (the objective compares every view with every \
                 other), got {}",
                MOST_VIEWS / self.views.per_anchor.max(1),
                self.views.per_anchor,
                self.train.batch
            ));
        }
        for (key, got, range) in [
            ("accumulate", self.train.accumulate, 1..=MOST_ACCUMULATED),
            ("steps", self.train.steps, 0..=MOST_STEPS),
        ] {
            if !range.contains(&got) {
                let (least, most) = range.into_inner();
                problems.push(format!("train.{key}: expected {least} to {most}, got {got}"));
            }
        }
        if self.train.precision == Precision::F16 && self.encoder.vit().is_some() {
            // Their parameters' gradients would be sums of 16 bits, which overflow.
            problems.push("train.precision: a vit computes in \"f32\", got \"f16\"".to_owned());
        }
        if self.train.log_every == 0 {
            problems.push("train.log_every: expected 1 or more, got 0".to_owned());
        }
        if self.train.keep_checkpoints == 0 {
            problems.push("train.keep_checkpoints: expected 1 or more, got 0".to_owned());
        }
        if self.train.steps > 0 && self.train.warmup_steps > self.train.steps {
            problems.push(format!(
                "train.warmup_steps: expected at most train.steps ({}), got {}",
                self.train.steps, self.train.warmup_steps
            ));
        }
        if self.probe.as_ref().is_some_and(|probe| probe.train_pool == 0) {
            problems.push("probe.train_pool: expected 1 or more, got 0".to_owned());
        }
        if self.probe.as_ref().is_some_and(|probe| probe.data.trim().is_empty()) {
            problems.push("probe.data: expected a name or a path, got nothing".to_owned());
        }
        problems
    }
}

fn refuse(path: &Path, problems: Vec<String>) -> Result<(), ConfigError> {
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::Invalid { path: path.to_owned(), problems }) }
}

/// A problem that names its key from within the section `[views]`, as `std`.
fn in_views(problem: String) -> String {
    match problem.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        Some((key, rest)) => format!("views.{key}{rest}"),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use zview_runtime::config::parse_toml;

    use super::*;

    const MINIMAL: &str = "[source]\nkind = \"real\"\ndata = \"mnist\"\n";

    fn load(text: &str, overrides: &[&str]) -> Result<Recipe, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, text).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        Recipe::load(&path, &overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_given_is_the_reference_recipe() {
        let recipe = load(MINIMAL, &[]).unwrap();
        assert_eq!(recipe.train.steps, 400);
        assert_eq!(recipe.augment.of_images(1).crop_scale, [0.3, 1.0]);
        let recipe = recipe.of_images(1);
        let again: Recipe = parse_toml(Path::new("resolved"), &toml::to_string(&recipe).unwrap()).unwrap();
        assert_eq!(again, recipe, "the resolved recipe reads back as itself");
    }

    #[test]
    fn a_later_layer_may_choose_a_source_that_does_not_use_what_an_earlier_one_says() {
        let text = "[source]\nkind = \"generator\"\ngenerator = \"gan\"\nweights = \"w.pt\"\n[anchors]\nunique = 9\n\
                    [views]\nkind = \"gaussian\"\n";
        let real = load(text, &["source.kind=real", "source.data=mnist", "views.kind=same"]).unwrap();
        let source = &real.source;
        assert_eq!(
            (source.data.as_deref(), &source.generator, &source.weights),
            (Some("mnist"), &None, &None)
        );
        assert!(is_default(&real.anchors));
        let shared = ["source.data=mnist".to_owned()];
        let path = Path::new("recipe.toml");
        let generated = Recipe::parse_in_layers(path, text, &shared, &[]).unwrap();
        assert_eq!((generated.source.data, generated.anchors.unique), (None, Some(9)));
        assert!(load(text, &["source.data=mnist"]).unwrap_err().contains("source.data: not used"));
    }

    #[test]
    fn what_is_left_to_the_images_is_as_the_run_has_it_and_no_preset_that_somebody_chose() {
        let open = load(MINIMAL, &[]).unwrap();
        for channels in [1, 3] {
            let stored = open.of_images(channels);
            assert_eq!(open.as_in(&stored), stored);
        }
        let chosen = load(MINIMAL, &["augment.preset=simclr"]).unwrap().of_images(3);
        assert_ne!(open.as_in(&chosen), chosen);
        assert_eq!(chosen.as_in(&open.of_images(3)), chosen, "what is said is not left to anybody");
    }

    #[test]
    fn set_changes_values_of_any_type() {
        let recipe =
            load(MINIMAL, &["train.steps=70", "encoder.stem=imagenet", "augment.flip=true"]).unwrap();
        assert_eq!((recipe.train.steps, recipe.augment.of_images(1).flip), (70, true));
        assert!(load(MINIMAL, &["train.stepz=7"]).unwrap_err().contains("did you mean `steps`?"));
        assert!(load(MINIMAL, &["seed"]).unwrap_err().contains("key=value"));
    }

    #[test]
    fn few_steps_without_a_word_of_warm_up_work() {
        let recipe = load(MINIMAL, &["train.steps=20"]).unwrap();
        assert_eq!((recipe.train.steps, recipe.train.warmup_steps), (20, 20));
        assert_eq!(load(MINIMAL, &[]).unwrap().train.warmup_steps, 50);
        let asked = load(MINIMAL, &["train.steps=20", "train.warmup_steps=30"]).unwrap_err();
        assert!(asked.contains("train.warmup_steps: expected at most train.steps (20), got 30"), "{asked}");
    }

    #[test]
    fn a_change_of_the_steps_shortens_the_warm_up_that_the_recipe_says() {
        let text = format!("{MINIMAL}[train]\nsteps = 200\nwarmup_steps = 20\n");
        let warm_up = |overrides: &[&str]| load(&text, overrides).map(|recipe| recipe.train.warmup_steps);
        assert_eq!(warm_up(&["train.steps=3"]), Ok(3));
        assert_eq!(warm_up(&["train.steps=30"]), Ok(20));
        assert_eq!(warm_up(&["train.steps=0"]), Ok(20), "nothing is warmed up");
        let in_one = warm_up(&["train.steps=3", "train.warmup_steps=5"]).unwrap_err();
        assert!(in_one.contains("(--set train.warmup_steps=5; --set train.steps=3)"), "{in_one}");
        let shared = ["train.steps=3".to_owned()];
        let own = ["train.warmup_steps=5".to_owned()];
        let path = Path::new("recipe.toml");
        let of_arm = |own: &[&[String]]| Recipe::parse_in_layers(path, &text, &shared, own);
        assert_eq!(of_arm(&[]).unwrap().train.warmup_steps, 3);
        assert!(of_arm(&[&own]).is_err(), "an arm that says it means it");
    }

    #[test]
    fn everything_wrong_is_listed_at_once() {
        let error =
            load(MINIMAL, &["train.batch=1", "optimizer.lr=-1", "objective.temperature=0"]).unwrap_err();
        let too_many = load(MINIMAL, &["train.batch=20000"]).unwrap_err();
        assert!(too_many.contains("train.batch: expected at most 16384 with 2 views each"), "{too_many}");
        for field in ["train.batch", "optimizer.lr", "objective.temperature"] {
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn a_transformer_has_32_bits() {
        let error = load(MINIMAL, &["train.precision=f16", "encoder.arch=vit"]).unwrap_err();
        assert!(error.contains("train.precision: a vit computes in"), "{error}");
        assert!(load(MINIMAL, &["train.precision=f16", "encoder.arch=conv"]).is_ok());
    }

    #[test]
    fn a_source_says_what_it_needs_and_what_it_does_not_use() {
        assert!(
            load("[source]\nkind = \"generator\"\n", &[]).unwrap_err().contains("source.generator: needed")
        );
        let error = load(MINIMAL, &["source.generator=x"]).unwrap_err();
        assert!(error.contains("source.generator: not used"), "{error}");
    }
}
