//! Paths in a recipe, which are from the folder of the file that names them. Names are what they are everywhere.

use std::path::{Path, PathBuf};

use zview_data::{data_in_file, known_data_sets};
use zview_generator::{embedded_generators, find_manifest};
use zview_runtime::config::{Written, beside, path_from_file};

use super::recipe::Recipe;
use crate::source::CropFrom;

/// Values of `views.directions` that are no files.
const DIRECTIONS: [&str; 2] = ["factorised", "principal"];
/// The folder of manifests beside the recipes that come with zview.
const GENERATORS: &str = "generators";

/// Keys of data sets, of recipes, comparisons and evaluations.
const DATA: [&str; 4] = ["source.data", "probe.data", "data", "outlier_data"];

/// Whether `named` is a name of `key`, and no path.
fn is_name(key: &str, named: &str) -> bool {
    match key {
        _ if DATA.contains(&key) => known_data_sets().iter().any(|known| known.name == named),
        "source.generator" => embedded_generators().iter().any(|embedded| embedded.name == named),
        "views.directions" => DIRECTIONS.contains(&named),
        "source.classes" | "source.weights" | "source.shards" | "encoder.weights" => false,
        _ => true,
    }
}

/// What `file` means by `named`, which it says of `key`, one of a recipe, a comparison or an evaluation.
#[must_use]
pub fn path_in_file(file: &Path, key: &str, named: &str) -> String {
    match key {
        _ if DATA.contains(&key) => data_in_file(file, key, named),
        _ if is_name(key, named) => named.to_owned(),
        "source.generator" => generator(file, key, named),
        _ => path_from_file(file, key, named),
    }
}

/// A manifest: beside the file, or by its name; a name is looked up in `configs/generators` here and then in the folders
/// `generators` on the way up from the file.
fn generator(file: &Path, key: &str, named: &str) -> String {
    let by_name = || beside(file, named).is_none() && !Path::new(named).exists();
    if by_name() && find_manifest(named, &[]).is_err() {
        let folders: Vec<_> = file.ancestors().skip(1).map(|folder| folder.join(GENERATORS)).collect();
        if let Ok(found) = find_manifest(named, &folders) {
            return found.to_string_lossy().into_owned();
        }
    }
    path_from_file(file, key, named)
}

/// Brings the paths that the file at `file` itself says to what it means by them.
pub(super) fn settle_paths(recipe: &mut Recipe, file: &Path, written: &Written) {
    let of_file = |key: &str| written.layer(key) == Some(0);
    each_path(recipe, &mut |section, key, named| {
        if of_file(section) {
            *named = path_in_file(file, key, named);
        }
    });
}

/// What `named`, of `key`, is from every folder. Names, and what is not there, stay as they are.
pub(super) fn with_absolute_paths(key: &str, named: &str) -> String {
    if is_name(key, named) || named.is_empty() {
        return named.to_owned();
    }
    let found = match key {
        "source.generator" if !Path::new(named).exists() => find_manifest(named, &[]).ok(),
        _ => Path::new(named).exists().then(|| PathBuf::from(named)),
    };
    let absolute = found.filter(|path| path.exists()).and_then(|path| std::path::absolute(path).ok());
    absolute.map_or_else(|| named.to_owned(), |path| path.to_string_lossy().into_owned())
}

impl Recipe {
    /// The recipe with paths that mean the same from every folder, as a run folder keeps it.
    #[must_use]
    pub fn with_absolute_paths(&self) -> Self {
        let mut recipe = self.clone();
        each_path(&mut recipe, &mut |_, key, named| *named = with_absolute_paths(key, named));
        recipe
    }

    /// The recipe with the paths of `stored`, and what runs of earlier versions do not say, where they mean the same as its
    /// own.
    #[must_use]
    pub fn with_paths_as_in(&self, stored: &Self) -> Self {
        let mut theirs = Vec::new();
        each_path(&mut stored.clone(), &mut |_, key, named| theirs.push((key.to_owned(), named.clone())));
        let mut recipe = self.clone();
        each_path(&mut recipe, &mut |_, key, named| {
            let own = in_short(&with_absolute_paths(key, named));
            let same = |(of, stored): &&(String, String)| {
                of == key && in_short(&with_absolute_paths(key, stored)) == own
            };
            if let Some((_, stored)) = theirs.iter().find(same) {
                named.clone_from(stored);
            }
        });
        if [recipe.source.crop_from, stored.source.crop_from] == [CropFrom::Square, CropFrom::Unsaid] {
            recipe.source.crop_from = CropFrom::Unsaid;
        }
        recipe
    }
}

/// One way to write a path of something that is there, for comparing.
pub(super) fn in_short(path: &str) -> PathBuf {
    let path = Path::new(path);
    if path.is_absolute() { path.canonicalize().unwrap_or_else(|_| path.to_owned()) } else { path.to_owned() }
}

/// Calls `change` with each path or name of the recipe: the key that it is written under, the kind of path that it is, and
/// itself.
fn each_path(recipe: &mut Recipe, change: &mut dyn FnMut(&str, &str, &mut String)) {
    let Recipe { source, views, encoder, probe, .. } = recipe;
    for (key, named) in [
        ("source.data", &mut source.data),
        ("source.classes", &mut source.classes),
        ("source.generator", &mut source.generator),
        ("source.weights", &mut source.weights),
        ("source.shards", &mut source.shards),
        ("views.directions", views.directions_mut().unwrap_or(&mut None)),
        ("encoder.weights", &mut encoder.weights),
    ] {
        if let Some(named) = named {
            change(key, key, named);
        }
    }
    if let Some(probe) = probe {
        change("probe.data", "probe.data", &mut probe.data);
    }
    for share in &mut source.generators {
        change("source.generators", "source.generator", &mut share.generator);
        if let Some(weights) = &mut share.weights {
            change("source.generators", "source.weights", weights);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_run_folder_keeps_means_the_same_from_any_folder() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("r.toml");
        // The current folder is that of the crate.
        let text = "[source]\nkind = \"real\"\ndata = \"src/train/\"\n[probe]\ndata = \"mnist\"\n";
        fs::write(&path, text).unwrap();
        let recipe = Recipe::load(&path, &[]).unwrap();
        let kept = recipe.with_absolute_paths();
        let data = kept.source.data.as_deref().unwrap();
        assert!(Path::new(data).is_absolute() && Path::new(data).is_dir(), "{data}");
        assert_eq!(kept.probe.as_ref().unwrap().data, "mnist", "a name stays one");
        assert_eq!(recipe.with_paths_as_in(&kept), kept, "a run is resumed from the same folder");
        assert_eq!(kept.with_paths_as_in(&recipe), recipe, "as is one of an earlier version");
        let other = Recipe::load(&path, &["source.data=src".to_owned()]).unwrap();
        assert_ne!(other.with_paths_as_in(&kept).source.data, kept.source.data);
    }

    #[test]
    fn a_recipe_means_the_same_from_any_folder() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["configs/generators", "configs/studies/mnist", "photos", "runs/a"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("configs/generators/mine.toml"), "").unwrap();
        fs::write(at("configs/studies/d.safetensors"), "").unwrap();
        fs::write(at("configs/classes.txt"), "").unwrap();
        let file = at("configs/studies/r.toml");
        let text = "[source]\nkind = \"mix\"\ngenerator = \"mine\"\ndata = \"../../photos\"\n\
                    classes = \"../classes.txt\"\nreal_share = 0.5\n\
                    [views]\nkind = \"steered\"\ndirections = \"d.safetensors\"\n[probe]\ndata = \"mnist\"\n";
        fs::write(&file, text).unwrap();
        let recipe = Recipe::load(&file, &[]).unwrap();
        let absolute = |path: &str| Some(at(path).display().to_string());
        assert_eq!(recipe.source.data, absolute("configs/studies/../../photos"));
        assert_eq!(recipe.source.classes, absolute("configs/studies/../classes.txt"));
        assert_eq!(recipe.source.generator, absolute("configs/generators/mine.toml"));
        assert_eq!(recipe.views.directions().cloned(), absolute("configs/studies/d.safetensors"));
        assert_eq!(recipe.probe.unwrap().data, "mnist", "a name goes before a folder of that name");
        // What is said on the command line is from the current folder.
        let set = ["source.data=photos".to_owned(), "views.directions=principal".to_owned()];
        let recipe = Recipe::load(&file, &set).unwrap();
        assert_eq!(recipe.source.data.as_deref(), Some("photos"));
        assert_eq!(recipe.views.directions().map(String::as_str), Some("principal"));
        // A run's own recipe says what was meant when it began.
        fs::create_dir(at("runs/a/photos")).unwrap();
        fs::write(at("runs/a/config.toml"), "[source]\nkind = \"real\"\ndata = \"photos\"\n").unwrap();
        fs::write(at("runs/a/events.jsonl"), "").unwrap();
        let recipe = Recipe::load(&at("runs/a/config.toml"), &[]).unwrap();
        assert_eq!(recipe.source.data.as_deref(), Some("photos"));
    }
}
