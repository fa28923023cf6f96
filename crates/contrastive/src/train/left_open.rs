//! What a recipe leaves to the images, and a run that is continued.

use zview_runtime::config::read_toml;

use super::pretrain::PretrainOptions;
use super::recipe::Recipe;

/// The recipe with what it leaves to the images as the run that is resumed has it: that was decided when it began, maybe
/// by an earlier version.
pub(super) fn as_begun(recipe: &Recipe, options: &PretrainOptions<'_>) -> Recipe {
    if !(options.resume && recipe.augment.is_open()) {
        return recipe.clone();
    }
    // As it stands, and not as a recipe is judged: an earlier version may have allowed what is refused by now. A run whose
    // recipe cannot be read is told of where it is taken.
    let stored = read_toml::<Recipe>(&options.out.join("config.toml")).ok();
    stored.map_or_else(|| recipe.clone(), |stored| recipe.as_in(&stored))
}

/// What was decided for the user, one sentence each: said now, and kept in the log.
pub(super) fn decided(recipe: &Recipe, channels: usize, before: &[String]) -> Vec<String> {
    let by_images = recipe.augment.decided_by(channels);
    if let Some(decided) = &by_images {
        tracing::info!(target: "zview_encoder::augment", "{decided}");
    }
    before.iter().cloned().chain(by_images).collect()
}
