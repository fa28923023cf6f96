//! What is most likely not meant in a comparison that can be run all the same.

use zview_contrastive::train::{Recipe, all_warm_up};

use super::study::Study;

impl Study {
    /// A sentence for each, to be said before anything runs.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let seed = self.config.seeds.first().copied().unwrap_or(0);
        // One whose recipe cannot be used is refused elsewhere.
        let recipe =
            |arm: &super::study::StudyArm| Some((arm.name.clone(), self.arm(arm, seed).ok()?.recipe));
        of_recipes(&self.arms.iter().filter_map(recipe).collect::<Vec<_>>())
    }
}

/// Remarks on arms, each with its name and recipe.
fn of_recipes(arms: &[(String, Recipe)]) -> Vec<String> {
    let mut remarks = Vec::new();
    for (position, (name, recipe)) in arms.iter().enumerate() {
        if let Some((twin, _)) = arms[..position].iter().find(|(_, other)| other == recipe) {
            remarks.push(format!(
                "arms {twin} and {name} have the same recipe and seeds: what they differ by is noise of the device; change \
                 a key in one of them, unless that is what you want to see"
            ));
        }
    }
    let mut warm_ups: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, recipe) in arms {
        let Some(told) = all_warm_up(&recipe.train) else { continue };
        match warm_ups.iter_mut().find(|(known, _)| *known == told) {
            Some((_, names)) => names.push(name.as_str()),
            None => warm_ups.push((told, vec![name.as_str()])),
        }
    }
    remarks.extend(warm_ups.into_iter().map(|(told, names)| {
        let arms = if names.len() == 1 { "arm" } else { "arms" };
        format!("{arms} {}: {told}", names.join(", "))
    }));
    remarks
}

#[cfg(test)]
mod tests {
    use super::super::arms::tests::base;
    use super::*;

    fn arm(name: &str, change: impl FnOnce(&mut Recipe)) -> (String, Recipe) {
        let mut recipe = base();
        (recipe.train.steps, recipe.train.warmup_steps) = (100, 10);
        change(&mut recipe);
        (name.to_owned(), recipe)
    }

    #[test]
    fn two_arms_of_the_same_recipe_are_both_named() {
        let arms = [arm("small", |_| {}), arm("far", |recipe| recipe.views.std = 2.0), arm("moco", |_| {})];
        let told = of_recipes(&arms);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("arms small and moco have the same recipe and seeds"), "{told:?}");
        assert!(of_recipes(&arms[..2]).is_empty());
    }

    #[test]
    fn a_warm_up_of_all_steps_is_said_once_for_all_arms_that_have_it() {
        let short = |steps| move |recipe: &mut Recipe| recipe.train.warmup_steps = steps;
        let far = arm("far", |recipe| (recipe.views.std, recipe.train.warmup_steps) = (2.0, 100));
        let told = of_recipes(&[arm("near", short(100)), far, arm("other", short(9))]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("arms near, far: train.warmup_steps = 100"), "{told:?}");
    }
}
