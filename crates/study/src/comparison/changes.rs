//! Changes of a comparison on the command line: some are of the comparison itself, the others of every arm's recipe.

/// Sections and keys of a recipe that an arm may change. Its seed is the cell's.
const OF_A_RECIPE: [&str; 10] =
    ["source", "anchors", "views", "augment", "encoder", "objective", "optimizer", "train", "watch", "probe"];

/// The changes of the comparison, and those of every arm's recipe, in their order.
pub(super) fn divided(changes: &[String]) -> (Vec<String>, Vec<String>) {
    changes.iter().cloned().partition(|change| !OF_A_RECIPE.contains(&section(change)))
}

/// The changes of `everywhere` whose key an arm sets itself, which goes first: a line each.
pub(super) fn not_reaching(everywhere: &[String], arm: &str, own: &[String]) -> Vec<String> {
    let keys: Vec<&str> = own.iter().map(|change| key(change)).collect();
    let kept = everywhere.iter().filter(|change| keys.contains(&key(change)));
    kept.map(|change| format!("--set {change} does not reach arm {arm}, which sets {} itself", key(change)))
        .collect()
}

fn key(change: &str) -> &str {
    change.split('=').next().unwrap_or_default().trim()
}

fn section(change: &str) -> &str {
    key(change).split('.').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(changes: &[&str]) -> Vec<String> {
        changes.iter().map(|&change| change.to_owned()).collect()
    }

    #[test]
    fn a_change_of_a_recipe_is_told_from_one_of_the_comparison() {
        let (own, recipes) =
            divided(&texts(&["seeds=[0]", "train.steps=5", "evaluation.size=32", "views.std = 1"]));
        assert_eq!(own, texts(&["seeds=[0]", "evaluation.size=32"]));
        assert_eq!(recipes, texts(&["train.steps=5", "views.std = 1"]));
    }

    #[test]
    fn what_an_arm_sets_itself_stays_and_is_said() {
        let told =
            not_reaching(&texts(&["train.steps=5", "views.std=1"]), "random", &texts(&["train.steps=0"]));
        assert_eq!(told, ["--set train.steps=5 does not reach arm random, which sets train.steps itself"]);
    }
}
