//! The folder for files that can be made again.

use std::ffi::OsString;
use std::path::PathBuf;

/// zview's own folder in the user's cache folder, from the process environment that `variable` reads:
/// `$XDG_CACHE_HOME` where it is an absolute path, else `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on
/// Windows and `~/.cache` elsewhere. `None` where no such folder is known.
#[must_use]
pub fn user_cache_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    on(std::env::consts::OS, variable)
}

fn on(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A path relative to wherever the program was started would scatter files.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.has_root());
    let of_system = || match system {
        "macos" => folder("HOME").map(|home| home.join("Library").join("Caches")),
        "windows" => folder("LOCALAPPDATA"),
        _ => folder("HOME").map(|home| home.join(".cache")),
    };
    folder("XDG_CACHE_HOME").or_else(of_system).map(|cache| cache.join("zview"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(system: &str, set: &[(&str, &str)]) -> Option<PathBuf> {
        on(system, |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn each_system_has_its_own_place_and_xdg_wins() {
        let home = ("HOME", "/home/ann");
        assert_eq!(folder("linux", &[home]).unwrap(), PathBuf::from("/home/ann/.cache/zview"));
        assert_eq!(folder("macos", &[home]).unwrap(), PathBuf::from("/home/ann/Library/Caches/zview"));
        assert_eq!(folder("windows", &[("LOCALAPPDATA", "/local")]).unwrap(), PathBuf::from("/local/zview"));
        for system in ["linux", "macos"] {
            let set = [home, ("XDG_CACHE_HOME", "/cache")];
            assert_eq!(folder(system, &set).unwrap(), PathBuf::from("/cache/zview"));
        }
    }

    #[test]
    fn a_relative_or_missing_folder_is_never_used() {
        let relative = [("XDG_CACHE_HOME", "cache"), ("HOME", "/home/ann")];
        assert_eq!(folder("linux", &relative).unwrap(), PathBuf::from("/home/ann/.cache/zview"));
        assert_eq!(folder("linux", &[("XDG_CACHE_HOME", ""), ("HOME", "here")]), None);
        assert_eq!(folder("windows", &[("HOME", "/home/ann")]), None);
    }
}
