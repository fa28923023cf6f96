//! Arms: encoders that differ in nothing but what they are taught by.

use std::path::Path;

use zview_contrastive::source::{SourceConfig, SourceKind};
use zview_contrastive::train::{Recipe, TrainConfig};
use zview_generator::{AnchorsConfig, ViewKind};
use zview_runtime::config::ConfigError;

/// The untrained encoder.
pub const RANDOM: &str = "random";
/// Real images, told apart by pixel augmentation.
pub const REAL: &str = "real";
/// Generated images, told apart by pixel augmentation.
pub const SYNTHETIC_TX: &str = "synthetic-tx";
/// Generated images, told apart by a step in latent space and pixel augmentation.
pub const SYNTHETIC_GAUSSIAN: &str = "synthetic-gaussian";

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// What it is called, on the page and as a folder.
    pub name: String,
    /// What its encoder learns from, in a few words.
    pub taught_by: String,
    /// Everything that decides what it learns.
    pub recipe: Recipe,
}

/// The four arms of "do we still need the data set?", from the recipe `base` of the Gaussian one.
///
/// Seed, initial weights, batch, steps, augmentation, encoder, objective and optimizer are those of `base`
/// in every arm: equal updates. `random` takes no step.
///
/// # Errors
/// [`ConfigError::Invalid`] (naming `path`) where `base` is not a recipe of Gaussian views from a
/// generator with a data set to probe on.
pub fn real_against_synthetic(base: &Recipe, path: &Path) -> Result<[Arm; 4], ConfigError> {
    let mut problems = Vec::new();
    if base.source.kind != SourceKind::Generator {
        problems.push("source.kind: expected \"generator\"; the arm `real` follows from it".to_owned());
    }
    if base.views.kind != ViewKind::Gaussian {
        problems.push(format!(
            "views.kind: expected \"gaussian\" (the arm `{SYNTHETIC_TX}` follows from it), got \"{}\"",
            base.views.kind.name()
        ));
    }
    if base.train.steps == 0 {
        problems.push(format!("train.steps: expected 1 or more (the arm `{RANDOM}` takes none), got 0"));
    }
    let (Some(probe), true) = (&base.probe, problems.is_empty()) else {
        if base.probe.is_none() {
            problems.push("probe.data: needed, not given: the labelled images to compare on".to_owned());
        }
        return Err(ConfigError::Invalid { path: path.to_owned(), problems });
    };
    let source = SourceConfig {
        kind: SourceKind::Real,
        generator: None,
        weights: None,
        generators: Vec::new(),
        same_classes: false,
        data: Some(probe.data.clone()),
        ..base.source.clone()
    };
    let same = base.views.without_step();
    let anchors = AnchorsConfig::default();
    let real = Recipe { source, anchors, views: same.clone(), ..base.clone() };
    let untaught = TrainConfig { steps: 0, warmup_steps: 0, ..base.train.clone() };
    let generator = base.source.generator.as_deref().unwrap_or_default();
    let data = &probe.data;
    let arm = |name: &str, taught_by: String, recipe: Recipe| {
        recipe.validate(path)?;
        Ok(Arm { name: name.to_owned(), taught_by, recipe })
    };
    Ok([
        arm(RANDOM, "nothing: initial weights".to_owned(), Recipe { train: untaught, ..real.clone() })?,
        arm(REAL, format!("real images of {data}; Tx"), real)?,
        arm(SYNTHETIC_TX, format!("samples of {generator}; Tx"), Recipe { views: same, ..base.clone() })?,
        arm(
            SYNTHETIC_GAUSSIAN,
            format!("samples of {generator}; Tx + Gaussian {}", base.views.std),
            base.clone(),
        )?,
    ])
}

/// `section.key` of every value in which two recipes differ.
#[must_use]
pub fn differing_keys(a: &Recipe, b: &Recipe) -> Vec<String> {
    let values = |recipe| serde_json::to_value(recipe).unwrap_or_default();
    let mut keys = Vec::new();
    collect_differing("", &values(a), &values(b), &mut keys);
    keys
}

fn collect_differing(name: &str, a: &serde_json::Value, b: &serde_json::Value, keys: &mut Vec<String>) {
    let empty = serde_json::Map::new();
    match (a.as_object(), b.as_object()) {
        (Some(_), _) | (_, Some(_)) => {
            let (a, b) = (a.as_object().unwrap_or(&empty), b.as_object().unwrap_or(&empty));
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in names {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                let value = |of: &serde_json::Map<String, serde_json::Value>| {
                    of.get(key).cloned().unwrap_or_default()
                };
                collect_differing(&inner, &value(a), &value(b), keys);
            }
        }
        _ if a != b => keys.push(name.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use zview_runtime::config::parse_toml;

    pub(crate) fn base() -> Recipe {
        let text = "seed = 5\n[source]\nkind = \"generator\"\ngenerator = \"gan\"\nweights = \"w.pt\"\n\
                    [views]\nkind = \"gaussian\"\nstd = 0.25\n[train]\nsteps = 40\nwarmup_steps = 4\n\
                    [probe]\ndata = \"letters\"\n";
        parse_toml(Path::new("base.toml"), text).unwrap()
    }

    #[test]
    fn arms_differ_only_in_what_they_are_taught_by() {
        let arms = real_against_synthetic(&base(), Path::new("base.toml")).unwrap();
        let names: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
        assert_eq!(names, [RANDOM, REAL, SYNTHETIC_TX, SYNTHETIC_GAUSSIAN]);
        let [random, real, tx, gaussian] = &arms;
        assert_eq!(gaussian.recipe, base());
        assert_eq!(differing_keys(&tx.recipe, &gaussian.recipe), ["views.kind", "views.std"]);
        assert_eq!(
            differing_keys(&real.recipe, &tx.recipe),
            ["source.data", "source.generator", "source.kind", "source.weights"]
        );
        assert_eq!(differing_keys(&random.recipe, &real.recipe), ["train.steps", "train.warmup_steps"]);
        assert_eq!(real.recipe.source.data.as_deref(), Some("letters"));
        assert_eq!(random.recipe.train.steps, 0);
    }

    #[test]
    fn a_recipe_that_makes_no_such_arms_is_refused_with_everything_wrong() {
        let mut recipe = base();
        recipe.views.kind = ViewKind::Same;
        recipe.train.steps = 0;
        recipe.probe = None;
        let error = real_against_synthetic(&recipe, Path::new("base.toml")).unwrap_err().to_string();
        for key in ["views.kind", "train.steps", "probe.data"] {
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
