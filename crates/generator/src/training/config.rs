//! What decides a generator's training; one TOML file.

use std::path::Path;

use serde::{Deserialize, Serialize};
use zview_data::{ColorMode, known_data_sets};
use zview_runtime::config::{ConfigError, Former, Written, path_from_file, read_toml_renamed};
use zview_runtime::run_folder::{RunFolder, RunFolderError};

use super::{Recipe, TrainingMethod};

/// A training recipe of a generator. Unknown keys are refused; the file has what `method` holds in a section of its
/// name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Recipe", into = "Recipe")]
pub struct GeneratorTraining {
    /// The name that the generator's manifest gets.
    pub name: String,
    /// Decides every random draw.
    pub seed: u64,
    /// The licence of the weights, as the manifest will say it.
    pub licence: String,
    /// How it is trained.
    pub method: TrainingMethod,
    /// The images; only their training split is read.
    pub source: SourceConfig,
    /// The network that is trained.
    pub generator: GeneratorConfig,
    /// Adam.
    pub optimizer: OptimizerConfig,
    /// Steps, batch and what is kept.
    pub train: TrainConfig,
}

pub(super) fn licence_not_stated() -> String {
    "not stated".to_owned()
}

/// The `[source]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// A named data set or a path.
    pub data: String,
    /// Grey or colour; as stored where it is not given.
    #[serde(default)]
    pub color: ColorMode,
    /// Side in pixels that images are fitted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// A text file with a class in each line: only images of these are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<String>,
}

/// The `[generator]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratorConfig {
    /// D, values per latent.
    pub latent_dimension: usize,
    /// Channels of every feature map but the full-sized one, which has a quarter.
    pub width: usize,
    /// Whether it is told the class.
    pub conditional: bool,
    /// Values of a class's embedding, where it is told the class.
    pub class_dimension: usize,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self { latent_dimension: 64, width: 64, conditional: false, class_dimension: 32 }
    }
}

/// The `[optimizer]` section: Adam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Learning rate of the generator (of encoder and decoder in a VAE).
    pub lr: f64,
    /// Learning rate of the discriminator.
    pub discriminator_lr: f64,
    /// Share of the first moment that an update keeps.
    pub beta1: f64,
    /// Share of the second moment that an update keeps.
    pub beta2: f64,
    /// From this share of the steps on, the rates fall linearly to zero; 1 keeps them.
    pub decay_from: f64,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self { lr: 1e-3, discriminator_lr: 1e-3, beta1: 0.0, beta2: 0.9, decay_from: 0.5 }
    }
}

/// The `[train]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Updates of the generator.
    pub steps: u64,
    /// Images per update.
    pub batch: usize,
    /// Share of the running average of the weights that an update keeps; the average is what is
    /// written. 0 writes the last weights.
    pub average_decay: f64,
    /// Steps between two entries of the event log.
    pub log_every: u64,
    /// Steps between two sample grids; 0 makes only the last.
    pub samples_every: u64,
    /// Steps between two checkpoints; 0 leaves it to the clock.
    pub checkpoint_every: u64,
    /// A checkpoint is written where the last one is so many minutes old; 0 writes none by the clock. The last step
    /// always has one.
    pub checkpoint_minutes: u64,
    /// How many checkpoints are kept.
    pub keep_checkpoints: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 10_000,
            batch: 64,
            average_decay: 0.999,
            log_every: 50,
            samples_every: 1_000,
            checkpoint_every: 1_000,
            checkpoint_minutes: 10,
            keep_checkpoints: 2,
        }
    }
}

/// What keys were called in earlier versions.
const FORMER: [Former; 2] = [Former { was: "data.name", now: "data" }, Former { was: "data", now: "source" }];

impl GeneratorTraining {
    /// Reads a recipe and applies `overrides` of the form `section.key=value`.
    ///
    /// # Errors
    /// [`ConfigError`], with everything wrong at once.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        let (recipe, written): (Recipe, Written) = read_toml_renamed(path, &[overrides], &FORMER)?;
        let of_methods = recipe.changed_of_methods();
        let mut training = Self::from(recipe);
        training.settle_path(path, &written);
        training.name_after_other_data(&written);
        let mut problems = training.problems();
        problems.extend(training.without_effect(of_methods, &written));
        if problems.is_empty() {
            Ok(training)
        } else {
            Err(ConfigError::Invalid { path: path.to_owned(), problems: written.located(problems) })
        }
    }

    /// What the run in `folder` was begun with.
    pub(super) fn of_run(folder: &RunFolder) -> Result<Self, RunFolderError> {
        folder.config_renamed(&FORMER)
    }

    /// Images that the file at `file` itself names are in its folder, unless they are known by that name; so is the list of
    /// classes.
    fn settle_path(&mut self, file: &Path, written: &Written) {
        let is_known = known_data_sets().iter().any(|known| known.name == self.source.data);
        if written.layer("source.data") == Some(0) && !is_known {
            self.source.data = path_from_file(file, "source.data", &self.source.data);
        }
        if let Some(list) =
            self.source.classes.as_mut().filter(|_| written.layer("source.classes") == Some(0))
        {
            *list = path_from_file(file, "source.classes", list);
        }
    }

    /// The recipe with paths that mean the same from every folder, as a run folder keeps it.
    pub(super) fn with_absolute_paths(&self) -> Self {
        let name = &self.source.data;
        let is_known = known_data_sets().iter().any(|known| known.name == name);
        let absolute = |named: &str| {
            let path = Path::new(named).exists().then(|| std::path::absolute(named).ok()).flatten();
            path.map(|path| path.to_string_lossy().into_owned())
        };
        let mut training = self.clone();
        if let Some(path) = absolute(name).filter(|_| !is_known) {
            training.source.data = path;
        }
        if let Some(list) = &mut training.source.classes {
            *list = absolute(list).unwrap_or_else(|| list.clone());
        }
        training
    }

    /// The recipe with the paths of `stored`, where they mean the same as its own.
    pub(super) fn with_paths_as_in(&self, stored: &Self) -> Self {
        let mut training = self.clone();
        let (own, theirs) = (self.with_absolute_paths().source, stored.with_absolute_paths().source);
        if own.data == theirs.data {
            training.source.data.clone_from(&stored.source.data);
        }
        if own.classes == theirs.classes {
            training.source.classes.clone_from(&stored.source.classes);
        }
        training
    }

    /// A recipe that is given other images than its own makes another generator: it does not carry the name and the
    /// licence of the recipe's.
    fn name_after_other_data(&mut self, written: &Written) {
        let changed = |key: &str| written.layer(key) > Some(0);
        if !changed("source.data") {
            return;
        }
        let data = Path::new(self.source.data.trim_end_matches('/'));
        let stem = data.file_stem().and_then(|stem| stem.to_str()).filter(|stem| *stem != "..");
        if let Some(stem) = stem.filter(|_| !changed("name")) {
            stem.clone_into(&mut self.name);
        }
        if !changed("licence") {
            self.licence = licence_not_stated();
        }
        tracing::warn!(
            "source.data was changed, so that the generator is called {} and its licence is \"{}\"; --set name=NAME and \
             --set licence=LICENCE say otherwise",
            self.name,
            self.licence
        );
    }

    /// The learning-rate factor of a step counted from 0.
    #[must_use]
    pub(super) fn rate_factor(&self, step: u64) -> f64 {
        let done = step as f64 / self.train.steps.max(1) as f64;
        let from = self.optimizer.decay_from;
        if done <= from || from >= 1.0 { 1.0 } else { ((1.0 - done) / (1.0 - from)).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use zview_data::{ImageSet, ImageShape};

    use super::*;

    fn load(text: &str, overrides: &[&str]) -> Result<GeneratorTraining, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, text).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        GeneratorTraining::load(&path, &overrides).map_err(|error| error.to_string())
    }

    const MINIMAL: &str = "name = \"digits\"\nmethod = \"gan\"\n[source]\ndata = \"mnist\"\n";

    #[test]
    fn a_recipe_reads_back_as_itself_and_lists_everything_wrong() {
        let training = load(MINIMAL, &["optimizer.decay_from=0.5", "train.steps=100"]).unwrap();
        let text = toml::to_string_pretty(&training).unwrap();
        assert_eq!(load(&text, &[]).unwrap(), training);
        assert_eq!([training.rate_factor(50), training.rate_factor(75)], [1.0, 0.5]);
        let error = load(MINIMAL, &["train.batch=1", "optimizer.lr=0", "generator.width=0"]).unwrap_err();
        for key in ["train.batch", "optimizer.lr", "generator.width"] {
            assert!(error.contains(key), "{error}");
        }
        assert!(load(MINIMAL, &["gan.width=3"]).unwrap_err().contains("unknown field `width`"));
        assert!(load(MINIMAL, &["vae.width=3"]).unwrap_err().contains("unknown field `width`"));
    }

    #[test]
    fn a_section_of_another_method_is_left_out_and_refused_where_it_says_something() {
        let both = format!("{MINIMAL}[gan]\ndiscriminator_width = 8\n[vae]\nencoder_width = 32\n");
        let training = load(&both, &[]).unwrap();
        let text = toml::to_string(&training).unwrap();
        assert!(text.contains("[gan]") && !text.contains("[vae]"), "{text}");
        let error = load(&both, &["vae.kl_weight=2", "optimizer.discriminator_lr=1"]).unwrap_err();
        assert!(error.contains("vae.kl_weight: has no effect with method = \"gan\""), "{error}");
        assert!(!error.contains("discriminator_lr"), "{error}");
        let error = load(&both, &["method=vae", "optimizer.discriminator_lr=1"]).unwrap_err();
        assert!(error.contains("optimizer.discriminator_lr: has no effect with method = \"vae\""), "{error}");
        assert!(!error.contains("gan."), "{error}");
    }

    #[test]
    fn a_generator_of_other_images_does_not_carry_anothers_name_and_licence() {
        let text = format!("licence = \"CC-BY\"\n{MINIMAL}");
        let own = load(&text, &["train.steps=100"]).unwrap();
        assert_eq!((&*own.name, &*own.licence), ("digits", "CC-BY"));
        let photos = load(&text, &["source.data=pictures/photos/"]).unwrap();
        assert_eq!((&*photos.name, &*photos.licence), ("photos", "not stated"));
        let named = load(&text, &["source.data=photos", "name=mine", "licence=MIT"]).unwrap();
        assert_eq!((&*named.name, &*named.licence), ("mine", "MIT"));
    }

    #[test]
    fn images_that_do_not_go_with_it_are_told_with_the_remedy() {
        let training = load(MINIMAL, &["generator.conditional=true", "train.batch=8"]).unwrap();
        let images = |count: usize, side: usize, classes: usize| {
            let shape = ImageShape { channels: 1, height: side, width: side };
            let labels = (0..count).map(|index| (index % classes) as u32).collect();
            let names = (0..classes).map(|class| class.to_string()).collect();
            ImageSet::new("x", shape, vec![0; count * side * side], Some(labels), names).unwrap()
        };
        assert!(training.problems_with(&images(8, 28, 2)).is_empty());
        assert!(training.problems_with(&images(1, 28, 1))[0].contains("at least 2 images"));
        assert!(training.problems_with(&images(7, 28, 2))[0].contains("at most the 7 images"));
        assert!(training.problems_with(&images(8, 27, 2))[0].contains("set source.size"));
        assert!(training.problems_with(&images(8, 28, 1))[0].contains("generator.conditional"));
    }

    #[test]
    fn the_list_of_classes_is_in_the_folder_of_the_recipe() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("classes.txt"), "0\n").unwrap();
        std::fs::write(at("recipe.toml"), format!("{MINIMAL}classes = \"classes.txt\"\n")).unwrap();
        let load = |set: &[String]| GeneratorTraining::load(&at("recipe.toml"), set).unwrap();
        let training = load(&[]);
        assert_eq!(training.source.classes.as_deref(), at("classes.txt").to_str());
        // A run goes on where the list is named otherwise, and is the same.
        let spelt = load(&[format!("source.classes={}", at("./classes.txt").display())]);
        let kept = spelt.with_absolute_paths();
        assert_eq!(training.with_paths_as_in(&kept).source, kept.source);
        let other = load(&["source.classes=other.txt".to_owned()]);
        assert_ne!(other.with_paths_as_in(&kept).source, kept.source);
    }
}
