//! What tests need that not every machine has, for the tests of every crate.
//!
//! A test whose need is absent says so in one line on stderr and returns. Where the environment variable `ZVIEW_REQUIRE`
//! names the need (`adapter`, `shared`, `python`, `browser`, with commas between), the test fails instead.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a test may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A graphics adapter, a software one too.
    Adapter,
    /// The folder `shared` beside the checkout.
    Shared,
    /// A Python with certain packages.
    Python,
    /// A browser without a window.
    Browser,
}

impl Need {
    const ALL: [(&'static str, Self); 4] = [
        ("adapter", Self::Adapter),
        ("shared", Self::Shared),
        ("python", Self::Python),
        ("browser", Self::Browser),
    ];

    /// Whether `list`, the value of `ZVIEW_REQUIRE`, names this need.
    fn is_in(self, list: &str) -> bool {
        let named = |word: &str| Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, need)| *need);
        let mut found = false;
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let need = named(word);
            assert!(need.is_some(), "ZVIEW_REQUIRE: `{word}` is none of adapter, shared, python, browser");
            found |= need == Some(self);
        }
        found
    }
}

/// Passes on what a test needs. Where it was not found, the test fails if `ZVIEW_REQUIRE` names the need, and is to
/// return if not; `absence` says what there is not.
fn needs<T>(need: Need, absence: impl Display, found: Option<T>) -> Option<T> {
    let required = need.is_in(&std::env::var("ZVIEW_REQUIRE").unwrap_or_default());
    assert!(found.is_some() || !required, "ZVIEW_REQUIRE asks for what is absent: {absence}");
    if found.is_none() {
        did_not_run(absence);
    }
    found
}

/// Says why the test that calls this does not run, or not all of it.
pub fn did_not_run(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    // Not by `eprintln`, which is shown of failed tests alone.
    let _ = writeln!(std::io::stderr(), "did not run: {test}: {why}");
}

/// The adapter, or whatever tells of one, that a test found.
pub fn adapter<T>(found: Option<T>) -> Option<T> {
    needs(Need::Adapter, "this machine has no graphics adapter, not even a software one", found)
}

/// A file or folder of the folder `shared` beside the checkout, by its path in there or from the root.
pub fn shared(path: impl AsRef<Path>) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    needs(Need::Shared, format_args!("{} is absent", path.display()), path.exists().then_some(&path)).cloned()
}

/// The Python that `ZVIEW_PYTHON` names, or `python3`, if it has `packages`.
pub fn python(packages: &[&str]) -> Option<PathBuf> {
    let python = std::env::var_os("ZVIEW_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let packages = packages.join(", ");
    let imported = Command::new(&python).args(["-c", &format!("import {packages}")]).output();
    let has_them = imported.is_ok_and(|output| output.status.success());
    let absence =
        format!("{} has not {packages}; name a Python that has with ZVIEW_PYTHON", python.display());
    needs(Need::Python, absence, has_them.then_some(python))
}

/// The command of a Chromium.
pub fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs =
        |name: &str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let absence = format!("this machine has no {}", names.join(", "));
    needs(Need::Browser, absence, names.into_iter().find(|name| runs(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_named_in_the_list() {
        assert!(Need::Adapter.is_in("adapter") && Need::Shared.is_in("browser, shared"));
        assert!(!Need::Python.is_in("adapter,shared") && !Need::Browser.is_in(""));
    }

    #[test]
    #[should_panic(expected = "`adaptor` is none of adapter, shared, python, browser")]
    fn a_need_that_nobody_knows_is_refused() {
        Need::Adapter.is_in("shared,adaptor");
    }
}
