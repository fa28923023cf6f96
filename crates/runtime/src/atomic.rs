//! Files and folders that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file could not be written; what was there before is untouched.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; check free space and permissions", path.display())]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Writes `bytes` to `path` through a temporary file beside it, forced to disk and then renamed.
/// A kill or a power cut leaves the old content or the new, never a part.
///
/// # Errors
/// [`WriteError`]; the temporary file is removed.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_file_with(path, |file| {
        file.write_all(bytes).map_err(|source| WriteError { path: path.to_owned(), source })
    })
}

/// As [`write_file`], with content that `fill` writes, and may read again, piece by piece.
///
/// # Errors
/// What `fill` or the file system gives; the temporary file is removed.
pub fn write_file_with<E: From<WriteError>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |source| E::from(WriteError { path: path.to_owned(), source });
    let temporary = beside(path);
    let mut how = File::options();
    how.read(true).write(true).create(true).truncate(true);
    let written = how.open(&temporary).map_err(failed).and_then(|mut file| {
        fill(&mut file)?;
        (|| {
            file.sync_all()?;
            fs::rename(&temporary, path)?;
            sync_folder(path.parent())
        })()
        .map_err(failed)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary); // the first error is the one to tell
    }
    written
}

/// Fills a new folder through `fill` under a temporary name, forces it to disk and renames it to
/// `path`, which must not exist.
///
/// # Errors
/// What `fill` or the file system gives; the temporary folder is removed.
pub fn write_folder<E: From<WriteError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |source| E::from(WriteError { path: path.to_owned(), source });
    let temporary = beside(path);
    if temporary.exists() {
        fs::remove_dir_all(&temporary).map_err(failed)?;
    }
    fs::create_dir_all(&temporary).map_err(failed)?;
    let written = fill(&temporary).and_then(|()| {
        (|| {
            for entry in fs::read_dir(&temporary)? {
                File::open(entry?.path())?.sync_all()?;
            }
            sync_folder(Some(&temporary))?;
            fs::rename(&temporary, path)?;
            sync_folder(path.parent())
        })()
        .map_err(failed)
    });
    if written.is_err() {
        let _ = fs::remove_dir_all(&temporary); // the first error is the one to tell
    }
    written
}

/// Removes the folder at `path`, first from under its name: a kill leaves the folder whole or gone.
///
/// # Errors
/// [`WriteError`].
pub fn remove_folder(path: &Path) -> Result<(), WriteError> {
    let temporary = beside(path);
    let is_folder = || match fs::symlink_metadata(path)?.is_dir() {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::NotADirectory, "something else has the folder's name")),
    };
    let removed =
        is_folder().and_then(|()| fs::rename(path, &temporary)).and_then(|()| fs::remove_dir_all(&temporary));
    removed.map_err(|source| WriteError { path: path.to_owned(), source })
}

/// Removes what killed processes left half-written in `folder`: the temporary names that [`write_file`] and
/// [`write_folder`] use. Only for a folder that nobody else writes at the moment.
pub(crate) fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_temporary) {
            // They are in nobody's way: what cannot be removed stays.
            let path = entry.path();
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

/// Whether a name is one that [`beside`] gives.
fn is_temporary(name: &str) -> bool {
    let process = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")?.rsplit_once('.'));
    process.is_some_and(|(name, id)| {
        !name.is_empty() && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())
    })
}

/// A hidden name in the same folder, so that the rename stays within one file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy().into_owned());
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn sync_folder(folder: Option<&Path>) -> io::Result<()> {
    // Only Unix lets a folder be opened and synchronised.
    if let Some(folder) = folder.filter(|folder| cfg!(unix) && !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b é.json");
        write_file(&path, b"old").unwrap();
        write_file(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(beside(&folder.join("step-00000003"))).unwrap();
        fs::write(beside(&folder.join("result.json")), b"{").unwrap();
        for kept in ["result.json", ".hidden.tmp", ".1.tmp", "a.1.tmp", ".a.1x.tmp"] {
            fs::write(folder.join(kept), b"x").unwrap();
        }
        remove_leftovers(folder);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 5);
    }

    #[test]
    fn a_failed_rename_names_the_path_and_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("step-00000003");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("old"), b"old").unwrap();
        let fill = |inside: &Path| {
            fs::write(inside.join("new"), b"new")
                .map_err(|source| WriteError { path: inside.to_owned(), source })
        };
        let error = write_folder(&taken, fill).unwrap_err();
        assert!(error.to_string().contains("step-00000003"), "{error}");
        fs::create_dir(folder.path().join("file")).unwrap();
        assert!(write_file(&folder.path().join("file"), b"x").is_err(), "a folder is not replaced by a file");
        assert_eq!(fs::read(taken.join("old")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something was left");
        remove_folder(&taken).unwrap();
        fs::write(&taken, b"a file").unwrap();
        assert!(remove_folder(&taken).unwrap_err().to_string().contains("step-00000003"));
        fs::remove_file(&taken).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_names_the_path_and_leaves_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("file");
        assert!(write_file(&path, b"x").unwrap_err().to_string().contains("missing"));
        let target = folder.path().join("checkpoint");
        let result: Result<(), WriteError> = write_folder(&target, |inside| {
            write_file(&inside.join("model"), b"half")?;
            Err(WriteError { path: inside.to_owned(), source: io::Error::other("disk full") })
        });
        assert!(result.unwrap_err().to_string().contains("disk full"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
