//! The file of a comparison.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::contrasts::ContrastConfig;
use zview_probe::suite::SuiteConfig;

fn any_question() -> String {
    "Which arm is better?".to_owned()
}

/// A comparison as its file says it. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonConfig {
    /// What is asked, for the top of the report.
    #[serde(default = "any_question")]
    pub question: String,
    /// The arm that the others are compared with.
    pub reference: String,
    /// The recipe that every arm begins with; a path from this file's folder.
    pub recipe: PathBuf,
    /// Changes of every arm's recipe, `section.key=value`; an arm's own come after them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Seeds; every arm is trained once with each.
    pub seeds: Vec<u64>,
    /// Labelled data sets that encoders are judged on.
    pub data: Vec<String>,
    /// What is asked of the arms, and tested; where there is none, every arm is tested against what it is compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contrasts: Vec<ContrastConfig>,
    /// Three arms whose accuracies say how much of a gap is recovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapConfig>,
    /// Arms may take different numbers of updates.
    #[serde(default)]
    pub unequal_updates: bool,
    /// How often each arm is judged while it trains, at evenly spaced updates, the last being the end; once where it
    /// is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u64>,
    /// Every arm but the reference is trained once more, with as many updates as fit into the reference's training time.
    #[serde(default)]
    pub equal_time: bool,
    /// How encoders are judged; its `data` is the one above, its seeds are those of the cells.
    #[serde(default)]
    pub evaluation: SuiteConfig,
    /// What is compared.
    pub arms: Vec<ArmConfig>,
}

/// One arm, or several that differ in one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmConfig {
    /// What it is called, on the page and as a folder.
    pub name: String,
    /// What its encoder learns from, in a few words; the settings where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught_by: Option<String>,
    /// Another recipe than the comparison's; a path from the file's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<PathBuf>,
    /// Changes of the recipe, `section.key=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// An arm for each of several values of one key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vary: Option<Vary>,
    /// The arm that it is compared with, in place of the comparison's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Where a single arm lies on the axis of others, such as the real images among the shares of real images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// A place on the axis of an arm that varies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The name of the arm that varies.
    pub series: String,
    /// Where, in its key's unit.
    pub value: f64,
}

/// One key of the recipe and its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    /// `section.key`
    pub key: String,
    /// A value for each arm.
    pub values: Vec<f64>,
}

/// (views - synthetic) / (real - synthetic): the share of the gap that views in latent space recover.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapConfig {
    /// The arm of real images.
    pub real: String,
    /// The arm of generated images without a step in latent space.
    pub synthetic: String,
    /// The arm with it.
    pub views: String,
}
