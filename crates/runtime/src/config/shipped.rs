//! Configuration files that come with the program, and are read by name where there is no file of that name.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

/// A file that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its path in the source's `configs/`, without the ending.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

static SHIPPED: OnceLock<&'static [Shipped]> = OnceLock::new();
/// The names that were said to be taken, or are taken without a word.
static SAID: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

/// From now on `files` are read by name. The first call counts.
pub fn ship(files: &'static [Shipped]) {
    let _ = SHIPPED.set(files);
}

/// The shipped file `name` is what a command is made of: that it is taken is not said.
pub fn take_silently(name: &'static str) {
    if let Ok(mut said) = SAID.lock() {
        said.insert(name);
    }
}

/// The shipped file that `path` names: by its name, with or without `configs/` before and `.toml` behind.
#[must_use]
pub fn shipped(path: &Path) -> Option<&'static Shipped> {
    let text = path.to_str()?.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|above| *above != "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let name = parts.join("/");
    let name = name.as_str();
    let name = name.strip_prefix("configs/").unwrap_or(name);
    let name = name.strip_suffix(".toml").unwrap_or(name);
    SHIPPED.get()?.iter().find(|file| file.name == name)
}

/// The text of the shipped file that `path` names, which is said once.
pub(super) fn shipped_text(path: &Path) -> Option<String> {
    let Shipped { name, text } = shipped(path)?;
    if SAID.lock().is_ok_and(|mut said| said.insert(name)) {
        tracing::info!("there is no file {}: taking the recipe {name} that comes with zview", path.display());
    }
    Some((*text).to_owned())
}

/// What to write for a file that is not there: the shipped name nearest to it.
pub(super) fn nearest_shipped(path: &Path) -> Option<&'static str> {
    let asked = path.file_stem()?.to_str()?;
    let last = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    SHIPPED
        .get()?
        .iter()
        .map(|file| (strsim::damerau_levenshtein(asked, last(file.name)), file.name))
        .filter(|(distance, name)| *distance <= last(name).len() / 4)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use crate::config::read_toml;

    use super::*;

    #[test]
    fn a_name_finds_what_comes_with_the_program_and_a_file_goes_first() {
        ship(&[Shipped { name: "methods/first", text: "steps = 1\n" }]);
        let read = |path: &str| read_toml::<toml::Table>(Path::new(path)).map_err(|error| error.to_string());
        let names = [
            "methods/first",
            "methods/first.toml",
            "configs/methods/first.toml",
            "./studies/../methods/first",
        ];
        for path in names {
            assert_eq!(read(path).unwrap()["steps"].as_integer(), Some(1), "{path}");
        }
        let error = read("methods/frist.toml").unwrap_err();
        assert!(error.contains("methods/first") && error.contains("zview recipe list"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("first.toml");
        std::fs::write(&own, "steps = 2\n").unwrap();
        assert_eq!(read(own.to_str().unwrap()).unwrap()["steps"].as_integer(), Some(2));
        assert!(read("/nowhere/methods/first.toml").is_err(), "a path from the root is a file");
    }
}
