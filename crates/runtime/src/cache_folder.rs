//! Where things are kept that can be had again.

use std::ffi::OsString;
use std::path::PathBuf;

/// zview's folder in the user's cache folder: `$XDG_CACHE_HOME/zview`, else `~/.cache/zview`; on macOS
/// `~/Library/Caches/zview`, on Windows `%LOCALAPPDATA%\zview`. `None` where there is no home. The folder may not
/// be there yet.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    cache_folder_from(|variable| std::env::var_os(variable))
}

/// The same from an environment that `variable` reads.
#[must_use]
pub fn cache_folder_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    cache_folder_of(std::env::consts::OS, variable)
}

fn cache_folder_of(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative folder would be another one for every working directory.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| match system {
        "windows" => folder("LOCALAPPDATA"),
        "macos" => folder("HOME").map(|home| home.join("Library").join("Caches")),
        _ => folder("HOME").map(|home| home.join(".cache")),
    });
    cache.map(|cache| cache.join("zview"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_systems_and_none_without_a_home() {
        let of = |system: &str, variables: &[(&str, &str)]| {
            cache_folder_of(system, |name| {
                variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
            })
        };
        // Absolute on the system that runs the test.
        let home = std::env::temp_dir();
        let home = home.to_str().unwrap();
        let under =
            |parts: &[&str]| Some(parts.iter().fold(PathBuf::from(home), |path, part| path.join(part)));
        assert_eq!(of("linux", &[("HOME", home)]), under(&[".cache", "zview"]));
        assert_eq!(of("macos", &[("HOME", home)]), under(&["Library", "Caches", "zview"]));
        assert_eq!(of("windows", &[("LOCALAPPDATA", home)]), under(&["zview"]));
        assert_eq!(of("linux", &[("HOME", "/x"), ("XDG_CACHE_HOME", home)]), under(&["zview"]));
        assert_eq!(of("linux", &[("HOME", home), ("XDG_CACHE_HOME", "here")]), under(&[".cache", "zview"]));
        assert_eq!(of("linux", &[("HOME", "")]), None);
        assert_eq!(of("linux", &[]), None);
    }
}
