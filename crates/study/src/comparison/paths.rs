//! Paths in a comparison's file, which are from its folder.

use std::path::{Path, PathBuf};

use zview_contrastive::train::path_in_file;
use zview_runtime::config::{Written, shipped};

use super::config::ComparisonConfig;

/// The recipe that `file` names: from its folder, or one that comes with the program.
pub(super) fn recipe_file(file: &Path, named: &Path) -> PathBuf {
    let beside = file.parent().unwrap_or(Path::new("")).join(named);
    if !beside.exists() && shipped(&beside).is_none() && shipped(named).is_some() {
        return named.to_owned();
    }
    beside
}

/// Brings the paths that `file` itself says of the comparison to what it means by them.
pub(super) fn settle_paths(config: &mut ComparisonConfig, file: &Path, written: &Written) {
    let of_file = |key: &str| written.layer(key) == Some(0);
    if of_file("data") {
        config.data.iter_mut().for_each(|named| *named = path_in_file(file, "data", named));
    }
    config.evaluation = config.evaluation.clone().with_paths_from(file, written, "evaluation.");
    if of_file("set") {
        config.set = changes_in_file(file, &config.set);
    }
}

/// Changes of recipes, `section.key=value`, whose paths are those of `file`.
pub(super) fn changes_in_file(file: &Path, changes: &[String]) -> Vec<String> {
    let meant = |change: &String| {
        let (key, value) = change.split_once('=')?;
        let (key, named) = (key.trim(), value.trim().trim_matches(['"', '\'']));
        let path = path_in_file(file, key, named);
        (path != named).then(|| format!("{key}={}", serde_json::Value::from(path)))
    };
    changes.iter().map(|change| meant(change).unwrap_or_else(|| change.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn changes_name_paths_from_the_folder_of_their_comparison() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("photos")).unwrap();
        let file = root.path().join("study.toml");
        fs::write(&file, "").unwrap();
        let changes =
            ["source.data=./photos", "source.data = \"photos\"", "source.data=mnist", "train.steps=3"];
        let changes = changes_in_file(&file, &changes.map(str::to_owned));
        let photos = format!("source.data=\"{}\"", root.path().join("photos").display());
        assert_eq!(changes, [&*photos, &*photos, "source.data=mnist", "train.steps=3"]);
        assert_eq!(recipe_file(&file, Path::new("recipes/a.toml")), root.path().join("recipes/a.toml"));
    }
}
