//! Whether a folder may become a run's: what is in it that zview did not put there.

use std::fs;
use std::io;
use std::path::Path;

/// What lies in a run folder before its configuration does, which is written last; and the record of a failed cell of a
/// comparison, which has nothing else.
const BEFORE_ITS_CONFIG: [&str; 8] = [
    "checkpoints",
    "environment.json",
    "events.jsonl",
    "failed.json",
    "samples",
    "tensorboard",
    "views",
    "views.png",
];
const ALONE: &str = "failed.json";

/// What file browsers leave in every folder.
const OF_NOBODY: [&str; 2] = ["Thumbs.db", "desktop.ini"];

/// The first thing in a folder that somebody put there; `None` where there is nothing, or no folder.
///
/// # Errors
/// What the system says of a folder that cannot be read.
pub fn first_entry(folder: &Path) -> io::Result<Option<String>> {
    first_but(folder, &[])
}

/// Why there can be no folder at `folder`: what stands there, or where a folder above it would be, is none. `None` where
/// there is one, or one can be made.
#[must_use]
pub fn no_folder(folder: &Path) -> Option<String> {
    let there = |path: &&Path| !path.as_os_str().is_empty() && fs::symlink_metadata(path).is_ok();
    let nearest = folder.ancestors().find(there)?;
    let what = match fs::metadata(nearest) {
        Ok(found) if found.is_dir() => return None,
        Ok(found) if found.is_file() => "a file",
        Ok(_) => "no folder",
        Err(_) => "a link that leads nowhere",
    };
    Some(format!("{} is {what}", nearest.display()))
}

/// The first thing in a folder that neither is of nobody nor was left by a run that ended before it began.
pub(super) fn first_foreign(folder: &Path) -> io::Result<Option<String>> {
    // Whoever makes a run folder locks it first.
    if folder.join("lock").is_file() {
        first_but(folder, &[&BEFORE_ITS_CONFIG[..], &["lock", "config.toml"]].concat())
    } else {
        first_but(folder, &[ALONE])
    }
}

fn first_but(folder: &Path, known: &[&str]) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut first: Option<String> = None;
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let counts =
            !name.starts_with('.') && !OF_NOBODY.contains(&name.as_str()) && !known.contains(&name.as_str());
        if counts && first.as_ref().is_none_or(|first| name < *first) {
            first = Some(name);
        }
    }
    Ok(first)
}
