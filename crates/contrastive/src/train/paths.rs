//! Paths in a recipe, which are from the folder of the file that names them. Names are what they are everywhere.

use std::path::Path;

use zview_data::known_data_sets;
use zview_generator::{embedded_generators, find_manifest};
use zview_runtime::config::{Written, beside, path_from_file};

use super::recipe::Recipe;

/// Values of `views.directions` that are no files.
const DIRECTIONS: [&str; 2] = ["factorised", "principal"];
/// The folder of manifests beside the recipes that come with zview.
const GENERATORS: &str = "generators";

/// Keys of data sets, of recipes, comparisons and evaluations.
const DATA: [&str; 4] = ["source.data", "probe.data", "data", "outlier_data"];

/// What `file` means by `named`, which it says of `key`, one of a recipe, a comparison or an evaluation.
#[must_use]
pub fn path_in_file(file: &Path, key: &str, named: &str) -> String {
    let is_name = match key {
        _ if DATA.contains(&key) => known_data_sets().iter().any(|known| known.name == named),
        "source.generator" => embedded_generators().iter().any(|embedded| embedded.name == named),
        "views.directions" => DIRECTIONS.contains(&named),
        "source.weights" | "source.shards" | "encoder.weights" => false,
        _ => true,
    };
    match key {
        _ if is_name => named.to_owned(),
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
    let settle = |key: &str, named: &mut Option<String>| {
        if let Some(named) = named.as_mut().filter(|_| of_file(key)) {
            *named = path_in_file(file, key, named);
        }
    };
    settle("source.data", &mut recipe.source.data);
    settle("source.generator", &mut recipe.source.generator);
    settle("source.weights", &mut recipe.source.weights);
    settle("source.shards", &mut recipe.source.shards);
    settle("views.directions", &mut recipe.views.directions);
    settle("encoder.weights", &mut recipe.encoder.weights);
    if of_file("source.generators") {
        for share in &mut recipe.source.generators {
            share.generator = path_in_file(file, "source.generator", &share.generator);
            share.weights = share.weights.take().map(|named| path_in_file(file, "source.weights", &named));
        }
    }
    if let Some(probe) = recipe.probe.as_mut().filter(|_| of_file("probe.data")) {
        probe.data = path_in_file(file, "probe.data", &probe.data);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_recipe_means_the_same_from_any_folder() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["configs/generators", "configs/studies/mnist", "photos", "runs/a"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("configs/generators/mine.toml"), "").unwrap();
        fs::write(at("configs/studies/d.safetensors"), "").unwrap();
        let file = at("configs/studies/r.toml");
        let text = "[source]\nkind = \"mix\"\ngenerator = \"mine\"\ndata = \"../../photos\"\nreal_share = 0.5\n\
                    [views]\nkind = \"steered\"\ndirections = \"d.safetensors\"\n[probe]\ndata = \"mnist\"\n";
        fs::write(&file, text).unwrap();
        let recipe = Recipe::load(&file, &[]).unwrap();
        let absolute = |path: &str| Some(at(path).display().to_string());
        assert_eq!(recipe.source.data, absolute("configs/studies/../../photos"));
        assert_eq!(recipe.source.generator, absolute("configs/generators/mine.toml"));
        assert_eq!(recipe.views.directions, absolute("configs/studies/d.safetensors"));
        assert_eq!(recipe.probe.unwrap().data, "mnist", "a name goes before a folder of that name");
        // What is said on the command line is from the current folder.
        let set = ["source.data=photos".to_owned(), "views.directions=principal".to_owned()];
        let recipe = Recipe::load(&file, &set).unwrap();
        assert_eq!(recipe.source.data.as_deref(), Some("photos"));
        assert_eq!(recipe.views.directions.as_deref(), Some("principal"));
        // A run's own recipe says what was meant when it began.
        fs::create_dir(at("runs/a/photos")).unwrap();
        fs::write(at("runs/a/config.toml"), "[source]\nkind = \"real\"\ndata = \"photos\"\n").unwrap();
        fs::write(at("runs/a/events.jsonl"), "").unwrap();
        let recipe = Recipe::load(&at("runs/a/config.toml"), &[]).unwrap();
        assert_eq!(recipe.source.data.as_deref(), Some("photos"));
    }
}
