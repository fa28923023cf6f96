//! Finding manifests by name or path.

use std::path::{Path, PathBuf};

use super::{Manifest, weights_at};
use crate::GeneratorError;
use crate::embedded::embedded_generators;
use zview_network::weights::nearest_names;

/// Where manifests are looked up by name, under the current folder.
pub const DEFAULT_FOLDER: &str = "configs/generators";

/// The manifest beside the weights in a generator's own folder.
const FILE_IN_FOLDER: &str = "generator.toml";

impl Manifest {
    /// Finds and reads a manifest: an embedded generator by its name, or what [`find_manifest`] finds.
    ///
    /// # Errors
    /// As [`find_manifest`] and [`Manifest::read`]; [`GeneratorError::NotAManifest`] for weights in its place.
    pub fn find(name_or_path: &str, folders: &[PathBuf]) -> Result<Self, GeneratorError> {
        match embedded_generators().iter().find(|embedded| embedded.name == name_or_path) {
            Some(embedded) => Ok(embedded.manifest()?),
            None => {
                let path = find_manifest(name_or_path, folders)?;
                match weights_at(&path) {
                    Some(what) => Err(GeneratorError::NotAManifest { path, what }),
                    None => Ok(Self::read(&path)?),
                }
            }
        }
    }
}

/// Finds a manifest: `name_or_path` is the file, its folder, or a name. A name is looked up as
/// `<name>.toml` and `<name>/generator.toml` in [`DEFAULT_FOLDER`] and then in each of `folders`.
///
/// # Errors
/// [`GeneratorError::NoManifest`] with the places that were tried and the nearest known names.
pub fn find_manifest(name_or_path: &str, folders: &[PathBuf]) -> Result<PathBuf, GeneratorError> {
    let given = Path::new(name_or_path);
    let mut tried = vec![given.to_owned(), given.join(FILE_IN_FOLDER)];
    // Joined to a folder an absolute path is itself.
    let searched = || std::iter::once(Path::new(DEFAULT_FOLDER)).chain(folders.iter().map(PathBuf::as_path));
    for folder in searched().filter(|_| !given.is_absolute()) {
        tried.push(folder.join(format!("{name_or_path}.toml")));
        tried.push(folder.join(name_or_path).join(FILE_IN_FOLDER));
    }
    if let Some(found) = tried.iter().find(|path| path.is_file()) {
        return Ok(found.clone());
    }
    let folders: Vec<PathBuf> = searched().map(Path::to_owned).collect();
    let embedded = embedded_generators().iter().map(|embedded| embedded.name.to_owned());
    let listed = list_manifests(&folders);
    let names: Vec<String> = listed.iter().filter_map(|path| manifest_name(path)).chain(embedded).collect();
    let nearest = nearest_names(name_or_path, names.iter().map(String::as_str), 3).join("`, `");
    let hint = match weights_in(given) {
        Some(weights) => format!(
            ": {} is weights without a manifest (`zview generator inspect {}` drafts one)",
            weights.display(),
            weights.display()
        ),
        None if nearest.is_empty() => String::new(),
        None => format!("; known here: `{nearest}`"),
    };
    Err(GeneratorError::NoManifest { asked: name_or_path.to_owned(), tried, hint })
}

/// The first weights file in a folder, by name.
fn weights_in(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    let of_weights = |path: &PathBuf| {
        let known = path.extension().and_then(|ending| ending.to_str());
        known.is_some_and(|ending| ["pth", "pt", "safetensors", "onnx", "bin", "ckpt"].contains(&ending))
            && weights_at(path).is_some()
            && !path.ends_with("reference.safetensors")
    };
    files.into_iter().find(of_weights)
}

/// Every manifest in `folders` (`*.toml` and `*/generator.toml`), sorted by path within each;
/// folders that are absent or unreadable hold none.
#[must_use]
pub fn list_manifests(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let mut here: Vec<PathBuf> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let path = if path.is_dir() { path.join(FILE_IN_FOLDER) } else { path };
                (path.extension()? == "toml" && path.is_file()).then_some(path)
            })
            .collect();
        here.sort();
        found.append(&mut here);
    }
    found
}

/// The name that finds the manifest at `path` again.
fn manifest_name(path: &Path) -> Option<String> {
    let named = if path.ends_with(FILE_IN_FOLDER) { path.parent()?.file_name() } else { path.file_stem() };
    named?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_found_by_file_folder_and_name() {
        let root = tempfile::tempdir().unwrap();
        let folders = [root.path().to_owned()];
        std::fs::create_dir(root.path().join("faces")).unwrap();
        let in_folder = root.path().join("faces").join(FILE_IN_FOLDER);
        let alone = root.path().join("digits.toml");
        std::fs::write(&in_folder, "").unwrap();
        std::fs::write(&alone, "").unwrap();

        assert_eq!(find_manifest("faces", &folders).unwrap(), in_folder);
        assert_eq!(find_manifest("digits", &folders).unwrap(), alone);
        assert_eq!(find_manifest(alone.to_str().unwrap(), &[]).unwrap(), alone);
        let folder = root.path().join("faces");
        assert_eq!(find_manifest(folder.to_str().unwrap(), &[]).unwrap(), in_folder);
        assert_eq!(list_manifests(&folders), [alone, in_folder]);
    }

    #[test]
    fn a_folder_of_weights_without_a_manifest_says_how_to_draft_one() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("generator.pth"), b"PK\x03\x04").unwrap();
        let error = find_manifest(root.path().to_str().unwrap(), &[]).unwrap_err().to_string();
        assert!(error.contains("generator.pth` drafts one"), "{error}");
        assert_eq!(error.matches("generator.toml").count(), 1, "{error}");
    }

    #[test]
    fn an_unknown_name_says_where_it_was_looked_for_and_what_there_is() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("mnist-vae.toml"), "").unwrap();
        let error = find_manifest("mnist-vea", &[root.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("mnist-vea.toml") && error.contains("`mnist-vae`"), "{error}");
    }
}
