//! A comparison that was read, expanded and checked as a whole.

use std::path::{Path, PathBuf};

use zview_contrastive::train::Recipe;
use zview_runtime::config::{ConfigError, Written, read_toml_in_layers};

use super::arms::Arm;
use super::changes::{divided, not_reaching};
use super::config::{ArmConfig, ComparisonConfig, Place};
use super::equal_time::at_equal_time;
use super::paths::{changes_in_file, recipe_file, settle_paths};
use crate::grid::{Cell, Key};
use zview_probe::suite::without_effect;

/// A value on an arm's axis.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Axis {
    /// `section.key`
    pub key: String,
    /// Its value.
    pub value: f64,
}

/// One arm with everything that decides what it learns but the seed.
#[derive(Debug, Clone)]
pub struct StudyArm {
    /// Its name.
    pub name: String,
    /// The name that arms of one axis share.
    pub series: String,
    /// Where it lies on that axis.
    pub axis: Option<Axis>,
    /// What its encoder learns from.
    pub taught_by: String,
    /// The arm that it is compared with; none for the reference, unless it says otherwise.
    pub against: Option<String>,
    /// The arm that this one is at the reference's training time.
    pub equal_time_of: Option<String>,
    recipe: PathBuf,
    overrides: Vec<String>,
}

impl StudyArm {
    /// The recipe that it begins with.
    #[must_use]
    pub fn recipe_file(&self) -> PathBuf {
        self.recipe.clone()
    }

    /// What it changes in the recipe, `section.key` and value.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let parts = self.overrides.iter().filter_map(|change| change.split_once('='));
        parts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

/// A comparison, checked.
#[derive(Debug, Clone)]
pub struct Study {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub config: ComparisonConfig,
    /// Its arms, expanded; their cells come first.
    pub arms: Vec<StudyArm>,
    /// The same at the reference's training time, where that is asked for; their cells come last.
    pub at_equal_time: Vec<StudyArm>,
    /// Where runs go.
    pub out: PathBuf,
}

impl Study {
    /// Reads the file `path`; runs go to `out`. A change of a recipe's section, such as `train.steps=5`, reaches every arm
    /// that does not set the key itself; the others are changes of the comparison.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that cannot be read, else [`ConfigError::Invalid`] with everything that is wrong with
    /// it: unknown or repeated arms, recipes that cannot be used, data that is not there, arms of different numbers of
    /// updates, more unique anchors than updates ever see.
    pub fn load(
        path: &Path,
        overrides: &[String],
        out: &Path,
        data_dir: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let (overrides, of_recipes) = divided(overrides);
        let (mut config, written): (ComparisonConfig, Written) = read_toml_in_layers(path, &[&overrides])?;
        settle_paths(&mut config, path, &written);
        config.set.extend(of_recipes.iter().cloned());
        config.evaluation.data.clone_from(&config.data);
        let arms: Vec<StudyArm> = config.arms.iter().flat_map(|arm| expand(arm, &config, path)).collect();
        let own = |arm: &ArmConfig| {
            let varied = arm.vary.iter().map(|vary| vary.key.clone());
            (arm.name.clone(), arm.set.iter().cloned().chain(varied).collect())
        };
        let (told, vain) = not_reaching(&of_recipes, &config.arms.iter().map(own).collect::<Vec<_>>());
        told.iter().for_each(|told| tracing::warn!("{told}"));
        let mut study =
            Self { path: path.to_owned(), config, arms, at_equal_time: Vec::new(), out: out.to_owned() };
        if study.config.equal_time {
            let others = study.arms.iter().filter(|arm| arm.name != study.config.reference);
            study.at_equal_time = others.filter(|arm| study.is_trained(arm)).map(at_equal_time).collect();
        }
        if written.layer("evaluation.max_reject_share").is_none() {
            study.config.evaluation.max_reject_share = study.reject_share_of_arms();
        }
        let mut problems = study.problems(data_dir);
        problems.extend(vain);
        problems.extend(without_effect(&study.config.evaluation, &written, "evaluation."));
        if written.layer("evaluation.data").is_some() {
            problems
                .push("evaluation.data: has no effect, encoders are judged on `data`; remove it".to_owned());
        }
        if problems.is_empty() {
            Ok(study)
        } else {
            Err(ConfigError::Invalid { path: path.to_owned(), problems: written.located(problems) })
        }
    }

    /// All arms in the order of their cells.
    pub(super) fn all_arms(&self) -> impl Iterator<Item = &StudyArm> {
        self.arms.iter().chain(&self.at_equal_time)
    }

    /// Whether an arm takes any step; one whose recipe cannot be used is named elsewhere.
    fn is_trained(&self, arm: &StudyArm) -> bool {
        self.arm(arm, 0).is_ok_and(|arm| arm.recipe.train.steps > 0)
    }

    /// Whether an arm keeps random weights.
    pub(super) fn is_untrained(&self, arm: &StudyArm) -> bool {
        arm.equal_time_of.is_none()
            && self
                .arm(arm, 0)
                .is_ok_and(|arm| arm.recipe.train.steps == 0 && arm.recipe.encoder.weights.is_none())
    }

    /// The largest share of unreadable files that an arm leaves out: all arms are judged on the same images.
    fn reject_share_of_arms(&self) -> f64 {
        let of_arm = |arm: &StudyArm| Some(self.arm(arm, 0).ok()?.recipe.source.max_reject_share);
        self.arms.iter().filter_map(of_arm).fold(0.0, f64::max)
    }

    /// The run folder of an arm's seed.
    #[must_use]
    pub fn run_folder(&self, arm: &StudyArm, seed: u64) -> PathBuf {
        let key = Key { arm: arm.name.clone(), seed, stage: None };
        self.out.join("cells").join(key.folder_name())
    }

    /// The run folders of all cells.
    pub(super) fn run_folders(&self) -> Vec<PathBuf> {
        self.cells().iter().map(Cell::folder).collect()
    }

    /// Everything that decides what an arm's encoder of `seed` learns.
    ///
    /// # Errors
    /// A recipe that cannot be used; an arm at equal time before it is measured what its updates take.
    pub fn arm(&self, arm: &StudyArm, seed: u64) -> Result<Arm, ConfigError> {
        let mut overrides = arm.overrides.clone();
        overrides.push(format!("seed={seed}"));
        let (shared, own) = overrides.split_at(self.config.set.len().min(overrides.len()));
        let layers: Vec<&[String]> = own.iter().map(std::slice::from_ref).collect();
        let mut recipe = Recipe::load_in_layers(&arm.recipe, shared, &layers)?;
        if let Some(points) = self.points(arm) {
            recipe.train.checkpoint_every = recipe.train.steps / points;
            recipe.train.keep_checkpoints = points as usize;
            // Others would take the places of those that are judged.
            recipe.train.checkpoint_minutes = 0;
        }
        let built = Arm { name: arm.name.clone(), taught_by: arm.taught_by.clone(), recipe };
        match &arm.equal_time_of {
            Some(of) => self.with_equal_time(built, of),
            None => Ok(built),
        }
    }

    /// How often an arm is judged, where that is more than once. At equal time it is judged at its end alone.
    pub(super) fn points(&self, arm: &StudyArm) -> Option<u64> {
        self.config.progress.filter(|&points| points > 1 && arm.equal_time_of.is_none())
    }
}

/// An arm for each value, or one.
fn expand(arm: &ArmConfig, config: &ComparisonConfig, file: &Path) -> Vec<StudyArm> {
    let against = |name: &str| {
        let against = arm.against.as_ref().unwrap_or(&config.reference);
        (against != name).then(|| against.clone())
    };
    let recipe = recipe_file(file, arm.recipe.as_ref().unwrap_or(&config.recipe));
    let changes = || [config.set.clone(), changes_in_file(file, &arm.set)].concat();
    let taught_by = |value: Option<f64>| {
        let said = arm.taught_by.clone().unwrap_or_else(|| arm.set.join(", "));
        match (&arm.vary, value) {
            (Some(vary), Some(value)) => {
                format!("{said}{}{} {value}", if said.is_empty() { "" } else { "; " }, vary.key)
            }
            _ => said,
        }
    };
    let Some(vary) = &arm.vary else {
        let of_place = |place: &Place| {
            let varied = config.arms.iter().find(|other| other.name == place.series)?.vary.as_ref()?;
            Some(Axis { key: varied.key.clone(), value: place.value })
        };
        return vec![StudyArm {
            name: arm.name.clone(),
            series: arm.at.as_ref().map_or_else(|| arm.name.clone(), |place| place.series.clone()),
            axis: arm.at.as_ref().and_then(of_place),
            taught_by: taught_by(None),
            against: against(&arm.name),
            equal_time_of: None,
            recipe,
            overrides: changes(),
        }];
    };
    let of_value = |&value: &f64| {
        let name = format!("{}-{value}", arm.name);
        StudyArm {
            against: against(&name),
            name,
            series: arm.name.clone(),
            axis: Some(Axis { key: vary.key.clone(), value }),
            taught_by: taught_by(Some(value)),
            equal_time_of: None,
            recipe: recipe.clone(),
            overrides: [changes(), vec![format!("{}={value}", vary.key)]].concat(),
        }
    };
    vary.values.iter().map(of_value).collect()
}
