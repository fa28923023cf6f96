//! Paths in a comparison's file, which are from its folder.

use std::path::{Component, Path, PathBuf};

use zview_contrastive::train::path_in_file;
use zview_runtime::config::{Written, shipped};

use super::config::ComparisonConfig;

/// The recipe that `file` names: from its folder, or one that comes with the program.
pub(super) fn recipe_file(file: &Path, named: &Path) -> PathBuf {
    let beside = file.parent().unwrap_or(Path::new("")).join(named);
    // A folder of that name, of the images themselves say, is no recipe.
    if !beside.is_file() && shipped(&beside).is_none() && shipped(named).is_some() {
        return named.to_owned();
    }
    beside
}

/// Brings the paths that `file` itself says of the comparison to what it means by them.
pub(super) fn settle_paths(config: &mut ComparisonConfig, file: &Path, written: &Written) {
    let of_file = |key: &str| written.layer(key) == Some(0);
    if of_file("data") {
        config.data.iter_mut().for_each(|named| *named = shortened(path_in_file(file, "data", named)));
    }
    config.evaluation = config.evaluation.clone().with_paths_from(file, written, "evaluation.");
    if of_file("set") {
        config.set = changes_in_file(file, &config.set);
    }
}

/// The path without `folder/..`, where it means the same; it is what the data set is called.
fn shortened(path: String) -> String {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in Path::new(&path).components() {
        match parts.last() {
            Some(Component::Normal(_)) if part == Component::ParentDir => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let short: PathBuf = parts.iter().collect();
    let changed = short.components().count() < Path::new(&path).components().count();
    let same =
        || short.canonicalize().is_ok_and(|of| Path::new(&path).canonicalize().is_ok_and(|is| is == of));
    if changed && same() { short.to_string_lossy().into_owned() } else { path }
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
    fn a_data_set_beside_the_folder_of_its_comparison_is_called_without_a_way_back() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["cmp", "square"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let at = |path: &str| root.path().join(path).to_string_lossy().into_owned();
        assert_eq!(shortened(at("cmp/../square")), at("square"));
        for kept in ["square/", "../square", "./square", "mnist", "absent/../square"] {
            assert_eq!(shortened(kept.to_owned()), kept);
        }
        #[cfg(unix)]
        {
            // A link's parent is elsewhere.
            fs::create_dir_all(root.path().join("far/away")).unwrap();
            std::os::unix::fs::symlink(root.path().join("far/away"), root.path().join("link")).unwrap();
            assert_eq!(shortened(at("link/../square")), at("link/../square"));
        }
    }

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
