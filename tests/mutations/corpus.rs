//! The files that cases begin with.

use std::fs;
use std::path::{Path, PathBuf};

/// Larger golden files are left out: cases are to be fast.
const MOST_BYTES: u64 = 32 << 10;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One file.
#[derive(Debug, Clone)]
pub struct Golden {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Every small file of the repository's `folders` (and of folders in them) that `wanted` takes, in name order.
pub fn golden_files(folders: &[&str], wanted: impl Fn(&Path) -> bool) -> Vec<Golden> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&repository().join(folder), &mut paths);
    }
    paths.retain(|path| wanted(path) && fs::metadata(path).is_ok_and(|found| found.len() <= MOST_BYTES));
    paths.sort();
    paths.dedup();
    let read = |path: &PathBuf| Golden {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        bytes: fs::read(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

/// Whether a path ends with one of these.
pub fn ends_with(endings: &'static [&'static str]) -> impl Fn(&Path) -> bool {
    move |path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, paths) } else { paths.push(path) }
    }
}
