//! Changes of a comparison on the command line: some are of the comparison itself, the others of every arm's recipe.

/// Sections and keys of a recipe that an arm may change. Its seed is the cell's.
const OF_A_RECIPE: [&str; 10] =
    ["source", "anchors", "views", "augment", "encoder", "objective", "optimizer", "train", "watch", "probe"];

/// The changes of the comparison, and those of every arm's recipe, in their order.
pub(super) fn divided(changes: &[String]) -> (Vec<String>, Vec<String>) {
    changes.iter().cloned().partition(|change| !OF_A_RECIPE.contains(&section(change)))
}

/// The changes of `everywhere` whose key each of `arms`, by name with what it sets itself, keeps: a line each. An error
/// for one that reaches none of them.
pub(super) fn not_reaching(
    everywhere: &[String],
    arms: &[(String, Vec<String>)],
) -> (Vec<String>, Vec<String>) {
    let (mut told, mut vain) = (Vec::new(), Vec::new());
    for change in everywhere {
        let key = key(change);
        let keep: Vec<&(String, Vec<String>)> =
            arms.iter().filter(|(_, own)| own.iter().any(|own| self::key(own) == key)).collect();
        if keep.len() == arms.len() {
            let names: Vec<&str> = arms.iter().map(|(arm, _)| arm.as_str()).collect();
            vain.push(format!(
                "--set {change}: reaches no arm, as {} set {key} themselves; change the arms in a file of your own",
                names.join(", ")
            ));
            continue;
        }
        // Nobody means the length of training of an encoder that has none.
        let meant = keep.iter().filter(|(_, own)| !(key.starts_with("train.") && is_untrained(own)));
        told.extend(
            meant.map(|(arm, _)| format!("--set {change} does not reach arm {arm}, which sets {key} itself")),
        );
    }
    (told, vain)
}

fn is_untrained(own: &[String]) -> bool {
    own.iter().any(|change| change.replace(' ', "") == "train.steps=0")
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
        let arms = |random: &[&str]| {
            [
                ("random".to_owned(), texts(random)),
                ("far".to_owned(), texts(&["views.std=2", "train.steps=9"])),
            ]
        };
        let changes = texts(&["train.batch=5", "views.std=1"]);
        let (told, vain) = not_reaching(&changes, &arms(&["train.steps=0", "train.batch=9"]));
        assert_eq!(told, ["--set views.std=1 does not reach arm far, which sets views.std itself"]);
        assert!(vain.is_empty());
        let (told, vain) = not_reaching(&texts(&["train.steps=5"]), &arms(&["train.steps=0"]));
        assert!(told.is_empty() && vain.len() == 1, "{told:?}");
        assert!(
            vain[0].starts_with("--set train.steps=5: reaches no arm, as random, far set train.steps"),
            "{vain:?}"
        );
    }
}
