//! Passed checks are remembered: one small JSON file each in the user's cache folder.
//!
//! The file's name is the hash of its key: the adapter and its driver, this very executable, and all that decides
//! the shapes of what is computed. Any other driver, build or shape is another file. A file that is damaged or
//! says anything else than expected counts for nothing.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zview_runtime::atomic::{WriteError, write_file};
use zview_runtime::device::ChosenDevice;
use zview_runtime::hash::{sha256_of_bytes, sha256_of_file};

use super::workload::remove;

/// Version of the file.
const FORMAT: u32 = 1;

/// Where one passed check is, or would be, remembered.
#[derive(Debug)]
pub(super) struct Remembered {
    path: PathBuf,
    key: Value,
}

impl Remembered {
    /// The place under `folder` for checks of `workload` on `device` by this executable; `None` where the
    /// executable cannot be read.
    pub(super) fn new(folder: &Path, device: &ChosenDevice, workload: &Value) -> Option<Self> {
        // The version alone would take two builds for one.
        let executable = std::env::current_exe().and_then(|path| sha256_of_file(&path)).ok()?;
        // Everything that is said of the device, but for what was asked for to get it.
        let mut device = serde_json::to_value(device).ok()?;
        remove(&mut device, &["request", "reason", "selfcheck", "adapter.request"]);
        Some(Self::of(folder, &device, workload, &executable))
    }

    fn of(folder: &Path, device: &Value, workload: &Value, executable: &str) -> Self {
        let key = json!({
            "zview": env!("CARGO_PKG_VERSION"),
            "executable": executable,
            "device": device,
            "workload": workload,
        });
        let name = sha256_of_bytes(key.to_string().as_bytes());
        Self { path: folder.join("selfcheck").join(format!("{name}.json")), key }
    }

    /// Whether the check was passed before.
    pub(super) fn passed(&self) -> bool {
        let Ok(text) = std::fs::read(&self.path) else { return false };
        let stored: Value = serde_json::from_slice(&text).unwrap_or_default();
        stored["format"] == FORMAT && stored["passed"] == true && stored["key"] == self.key
    }

    /// Remembers that it was passed, with so many checks.
    pub(super) fn remember(&self, checks: usize) -> Result<(), WriteError> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| WriteError { path: folder.to_owned(), source })?;
        }
        let content = json!({ "format": FORMAT, "passed": true, "checks": checks, "key": self.key });
        write_file(&self.path, format!("{content:#}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_driver_build_and_shapes_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let of = |driver: &str, workload: &str, build: &str| {
            Remembered::of(folder.path(), &json!({ "driver": driver }), &json!(workload), build)
        };
        let first = of("1.0", "batch 128", "abc");
        assert!(!first.passed());
        first.remember(40).unwrap();
        assert!(of("1.0", "batch 128", "abc").passed());
        for (driver, workload, build) in
            [("1.1", "batch 128", "abc"), ("1.0", "batch 256", "abc"), ("1.0", "batch 128", "abd")]
        {
            assert!(!of(driver, workload, build).passed(), "{driver} {workload} {build}");
        }
    }

    #[test]
    fn a_damaged_file_counts_for_nothing_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = Remembered::of(folder.path(), &json!({ "driver": "1.0" }), &json!("x"), "abc");
        place.remember(40).unwrap();
        let whole = std::fs::read_to_string(&place.path).unwrap();
        let damages = ["", "{", "null", "[]", &whole[..whole.len() / 2]].map(str::to_owned);
        let others = [("\"format\": 1", "\"format\": 2"), ("true", "false"), ("abc", "abd")];
        for damaged in damages.into_iter().chain(others.map(|(from, to)| whole.replace(from, to))) {
            std::fs::write(&place.path, &damaged).unwrap();
            assert!(!place.passed(), "{damaged}");
        }
        place.remember(40).unwrap();
        assert!(place.passed());
    }
}
