//! Checks of an output file before there is anything to write.

use std::fs;
use std::path::Path;

use zview_runtime::atomic::{check_writable, is_stream};

use crate::failure::Failure;

/// What a run folder consists of: no output takes the place of one of these.
const OF_A_RUN: [&str; 7] = [
    "config.toml",
    "encoder.safetensors",
    "environment.json",
    "events.jsonl",
    "generator.toml",
    "lock",
    "result.json",
];

/// Refuses an output that cannot be written (it is a folder, its folder is missing, its links lead nowhere) or that is
/// one of the `inputs`: files, or run folders.
pub fn check_output_file(option: &str, path: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    check_writable(path).map_err(|error| Failure::usage(format!("{option}: {error}")))?;
    let Ok(target) = fs::canonicalize(path) else { return Ok(()) }; // it does not exist yet
    for input in inputs {
        let Ok(read) = fs::canonicalize(input) else { continue };
        let is_part = target.parent() == Some(&read)
            && target.file_name().is_some_and(|name| OF_A_RUN.iter().any(|part| name == *part));
        if target == read || is_part {
            let what = if is_part { "is a file of the run" } else { "is the file that is read" };
            return Err(Failure::usage(format!("{option} {} {what}; take another name", path.display())));
        }
    }
    Ok(())
}

/// Refuses an output whose ending is none of `endings`, as the ending decides the format. A device or a pipe has none.
pub fn check_ending(option: &str, path: &Path, endings: &[&str]) -> Result<(), Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if is_stream(path) || ending.as_deref().is_some_and(|ending| endings.contains(&ending)) {
        return Ok(());
    }
    Err(wrong_ending(option, path, endings))
}

/// Says which `endings` there are for an output that has none of them.
pub fn wrong_ending(option: &str, path: &Path, endings: &[&str]) -> Failure {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let expected: Vec<String> = endings.iter().map(|ending| format!(".{ending}")).collect();
    let got = ending.map_or_else(|| "none".to_owned(), |ending| format!(".{ending}"));
    Failure::usage(format!(
        "{option} {}: the ending decides the format: expected {}, got {got}",
        path.display(),
        expected.join(" or ")
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_is_an_input_is_refused_through_links_too() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        let (encoder, log) = (folder.path().join("encoder.pth"), run.join("events.jsonl"));
        for file in [&encoder, &log] {
            fs::write(file, "x").unwrap();
        }
        let refused = |path: &Path, inputs: &[&Path]| check_output_file("--out", path, inputs).is_err();
        assert!(refused(&encoder, &[&encoder]));
        assert!(refused(&folder.path().join("run/../encoder.pth"), &[&encoder]));
        assert!(refused(&log, &[&run]) && !refused(&run.join("numbers.csv"), &[&run]));
        assert!(!refused(&folder.path().join("other.pth"), &[&encoder, &folder.path().join("absent")]));
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&encoder, &link).unwrap();
            assert!(refused(&link, &[&encoder]) && refused(&encoder, &[&link]));
        }
    }
}
