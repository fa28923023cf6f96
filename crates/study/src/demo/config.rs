//! What a demo is made of.

use std::path::{Path, PathBuf};

use zview_contrastive::train::Recipe;
use zview_runtime::config::{ConfigError, parse_toml_with};

const RECIPE: &str = include_str!("../../../../configs/demo.toml");
/// What errors call the embedded recipe.
pub const RECIPE_NAME: &str = "configs/demo.toml (built in)";

/// A demo: a recipe that four arms follow from, and where everything goes.
#[derive(Debug, Clone)]
pub struct DemoConfig {
    /// The recipe of the arm `synthetic-gaussian`; its `[probe] data` is also what the arm `real` learns from.
    pub recipe: Recipe,
    /// Folder of the run folders and of `report.html`.
    pub out: PathBuf,
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// The command line, for the page.
    pub command: Vec<String>,
}

/// The recipe in the binary, with `overrides` of the form `section.key=value`.
///
/// # Errors
/// [`ConfigError`]; values that do not work together are left to [`Recipe::validate`].
pub fn embedded_recipe(overrides: &[String]) -> Result<Recipe, ConfigError> {
    parse_toml_with(Path::new(RECIPE_NAME), RECIPE, overrides)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arms::real_against_synthetic;

    #[test]
    fn the_embedded_recipe_makes_the_four_arms() {
        let recipe =
            embedded_recipe(&["train.steps=7".to_owned(), "train.warmup_steps=0".to_owned()]).unwrap();
        assert_eq!(recipe.train.steps, 7);
        assert_eq!(real_against_synthetic(&recipe, Path::new(RECIPE_NAME)).unwrap().len(), 4);
        let error = embedded_recipe(&["train.stepz=7".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("did you mean `steps`?"), "{error}");
    }
}
