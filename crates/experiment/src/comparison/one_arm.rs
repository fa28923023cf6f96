//! Whether encoders are the training seeds of one arm.

use std::path::{Path, PathBuf};

use zview_contrastive::train::Recipe;
use zview_probe::suite::NotOneArm;

use super::arms::differing_keys;

/// Keys that may differ between the seeds of an arm: the seed, and when a run is saved.
const FREE: [&str; 5] = [
    "seed",
    "train.checkpoint_every",
    "train.checkpoint_minutes",
    "train.keep_checkpoints",
    "train.keep_best",
];

/// Checks that the runs of `encoders` differ in nothing but their seed. Of files that are not in a run folder nothing is
/// known.
///
/// # Errors
/// [`NotOneArm`].
pub fn one_arm(encoders: &[PathBuf]) -> Result<(), NotOneArm> {
    let Some(first) = encoders.first() else { return Ok(()) };
    let of_first = recipe_of(first);
    for other in &encoders[1..] {
        let differ = match (&of_first, &recipe_of(other)) {
            (Some(one), Some(two)) => {
                let mut keys = differing_keys(one, &two.with_paths_as_in(one));
                keys.retain(|key| !FREE.contains(&key.as_str()));
                (!keys.is_empty()).then(|| format!("their recipes differ in {}", keys.join(", ")))
            }
            (None, None) => None,
            _ => Some("one of them is not a run".to_owned()),
        };
        if let Some(differ) = differ {
            return Err(NotOneArm { first: first.clone(), other: other.clone(), differ });
        }
    }
    Ok(())
}

/// The recipe of the run that an encoder is of: its folder, or a file or checkpoint within. A run writes down what it does
/// to its images; one that says nothing is of the time when all images had what grey ones have.
fn recipe_of(encoder: &Path) -> Option<Recipe> {
    let absolute = encoder.canonicalize().ok()?;
    let config =
        absolute.ancestors().take(4).map(|folder| folder.join("config.toml")).find(|file| file.is_file())?;
    Recipe::load(&config, &[]).ok().map(|recipe| recipe.of_images(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(parent: &Path, name: &str, more: &str) -> PathBuf {
        let folder = parent.join(name);
        std::fs::create_dir(&folder).unwrap();
        let text = format!("[source]\nkind = \"real\"\ndata = \"letters\"\n{more}");
        std::fs::write(folder.join("config.toml"), text).unwrap();
        std::fs::write(folder.join("events.jsonl"), "").unwrap();
        folder
    }

    #[test]
    fn seeds_of_one_recipe_are_one_arm() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path();
        let seeds = [run(path, "a", ""), run(path, "b", "[train]\ncheckpoint_every = 50\n")];
        assert_eq!(one_arm(&seeds), Ok(()));
        assert_eq!(one_arm(&["x.pth".into(), "y.pth".into()]), Ok(()), "nothing is known of them");
    }

    #[test]
    fn encoders_of_different_recipes_are_never_pooled() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path();
        let arms = [run(path, "a", ""), run(path, "b", "[augment]\nflip = true\n[train]\nsteps = 70\n")];
        let said = one_arm(&arms).unwrap_err().to_string();
        assert!(said.contains("differ in augment.flip, train.steps") && said.contains("--versus"), "{said}");
        assert!(one_arm(&[arms[0].clone(), "y.pth".into()]).is_err());
    }
}
