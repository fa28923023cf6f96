//! Paths that a configuration file names: from the folder of that file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What was said of paths, each once: a file is read by every run of a comparison.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What `file` means by `named`, which it says of `key`: a path from its folder. What is not there but in the current
/// folder is taken from here, as earlier versions took it, with a word; what is in neither stays as it is written.
#[must_use]
pub fn path_from_file(file: &Path, key: &str, named: &str) -> String {
    if let Some(beside) = beside(file, named) {
        return beside.to_string_lossy().into_owned();
    }
    if is_elsewhere(file) && !named.is_empty() && Path::new(named).is_relative() && Path::new(named).exists()
    {
        let said = format!(
            "{}: {key} = \"{named}\" is taken from the current folder, as there is none in the file's; paths are from the \
             folder of the file that names them",
            file.display()
        );
        if SAID.lock().is_ok_and(|mut all| all.insert(said.clone())) {
            tracing::info!("{said}");
        }
    }
    named.to_owned()
}

/// `named` in the folder of `file`, where that is not the current one and has it.
#[must_use]
pub fn beside(file: &Path, named: &str) -> Option<PathBuf> {
    if !is_elsewhere(file) || named.is_empty() {
        return None;
    }
    let path = file.parent()?.join(named.strip_prefix("./").unwrap_or(named));
    path.exists().then_some(path)
}

/// Whether `file` is the configuration that a run folder keeps: it says what was meant when the run began.
#[must_use]
pub fn is_of_a_run(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "config.toml")
        && ["events.jsonl", "result.json"].iter().any(|beside| file.with_file_name(beside).exists())
}

/// Whether `file` is a file in a folder that is not the current one. One that comes with the program is in none.
fn is_elsewhere(file: &Path) -> bool {
    let folder = file.parent().unwrap_or(Path::new(""));
    let here =
        || folder.canonicalize().ok() == std::env::current_dir().and_then(|here| here.canonicalize()).ok();
    !folder.as_os_str().is_empty() && file.is_file() && !is_of_a_run(file) && !here()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_path_is_from_the_folder_of_the_file_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("recipes/r.toml");
        for folder in ["recipes", "photos", "recipes/own"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        fs::write(&file, "").unwrap();
        let meant = |named: &str| path_from_file(&file, "source.data", named);
        let in_recipes = |rest: &str| root.path().join("recipes").join(rest).display().to_string();
        assert_eq!(meant("own"), in_recipes("own"));
        assert_eq!(meant("./own"), in_recipes("own"));
        assert_eq!(meant("../photos"), in_recipes("../photos"));
        let absolute = root.path().join("photos").display().to_string();
        assert_eq!(meant(&absolute), absolute);
        // In the current folder alone (that of the crate), or nowhere.
        assert_eq!(meant("src"), "src");
        assert_eq!(meant("nowhere"), "nowhere");
        // Of files that are not there, such as those of the program, and of files in the current folder.
        assert_eq!(path_from_file(&root.path().join("recipes/absent"), "k", "own"), "own");
        assert_eq!(path_from_file(Path::new("Cargo.toml"), "k", "./src"), "./src");
        assert_eq!(path_from_file(Path::new("./Cargo.toml"), "k", "src"), "src");
        fs::rename(&file, root.path().join("recipes/config.toml")).unwrap();
        fs::write(root.path().join("recipes/events.jsonl"), "").unwrap();
        assert_eq!(path_from_file(&root.path().join("recipes/config.toml"), "k", "own"), "own");
    }
}
