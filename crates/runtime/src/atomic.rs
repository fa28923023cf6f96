//! Files and folders that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use crate::destination::{Destination, folder_of, open_stream, take_after};

/// A file could not be written; what was there before is untouched.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; {}", path.display(), remedy(source))]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        ErrorKind::IsADirectory => "name a file in it",
        ErrorKind::NotFound => "make it first, or take another name",
        ErrorKind::NotADirectory => "a file is in the way: move it, or take another name",
        ErrorKind::InvalidFilename => "take a shorter one",
        _ => "check free space and permissions",
    }
}

/// Checks, before there is anything to write, that `path` can be written to as [`write_file`] does it.
///
/// # Errors
/// [`WriteError`]: it is a folder, its folder does not exist, or its links lead nowhere.
pub fn check_writable(path: &Path) -> Result<(), WriteError> {
    Destination::of(path).map(drop).map_err(|source| WriteError { path: path.to_owned(), source })
}

/// Whether something other than a file stands at `path` and takes bytes: a device, a pipe, a socket.
#[must_use]
pub fn is_stream(path: &Path) -> bool {
    Destination::of(path).is_ok_and(|destination| destination.is_stream())
}

/// Writes `bytes` to `path` through a temporary file beside it, forced to disk and then renamed.
/// A kill or a power cut leaves the old content or the new, never a part.
///
/// A symbolic link stays one: the file that it leads to is replaced. That keeps its permissions and its owner. What is
/// no file (a device, a pipe) is opened and written to.
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
    let (target, old) = match Destination::of(path).map_err(failed)? {
        Destination::Stream(stream) => return write_through(fill, failed, || open_stream(&stream)),
        Destination::File(target, old) => (target, old),
    };
    let temporary = beside(&target);
    let mut file = match File::options().read(true).write(true).create(true).truncate(true).open(&temporary) {
        Ok(file) => file,
        // A file that may be written, in a folder in which no file may be made.
        Err(error) if old.is_some() && is_refusal(&error) => {
            return write_through(fill, failed, || in_place(&target));
        }
        Err(error) => return Err(failed(error)),
    };
    let written = fill(&mut file).and_then(|()| {
        let mut replace = || {
            let kept = old.as_ref().map_or(Ok(()), |old| take_after(&file, old));
            file.sync_all()?;
            match kept.and_then(|()| fs::rename(&temporary, &target)) {
                Ok(()) => sync_folder(Some(folder_of(&target))),
                // Another's file that this user may write, or one that is mounted where it is.
                Err(error) if old.is_some() && is_refusal(&error) => {
                    pour(&mut file, in_place(&target)?)?;
                    fs::remove_file(&temporary)
                }
                Err(error) => Err(error),
            }
        };
        replace().map_err(failed)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary); // the first error is the one to tell
    }
    written
}

/// Whether the system lets nobody or not this user replace a file, while writing to it may be allowed.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ResourceBusy | ErrorKind::ReadOnlyFilesystem
    )
}

/// Fills a file without a name, and copies it to what cannot be replaced.
fn write_through<E, W: Write>(
    fill: impl FnOnce(&mut File) -> Result<(), E>,
    failed: impl Fn(io::Error) -> E,
    open: impl FnOnce() -> io::Result<W>,
) -> Result<(), E> {
    let mut file = tempfile::tempfile().map_err(&failed)?;
    fill(&mut file)?;
    open().and_then(|output| pour(&mut file, output)).map_err(failed)
}

fn pour(from: &mut File, mut to: impl Write) -> io::Result<()> {
    from.rewind()?;
    match io::copy(from, &mut to).and_then(|_| to.flush()) {
        // Whoever reads a pipe may stop reading.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn in_place(path: &Path) -> io::Result<File> {
    File::options().write(true).truncate(true).open(path)
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

/// Gives the finished file `from` the name `path` in the same folder, after everything in it has been forced to disk.
///
/// # Errors
/// [`WriteError`]; the file keeps the name that it had.
pub fn name_finished(from: &Path, path: &Path) -> Result<(), WriteError> {
    let named = File::open(from)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(from, path))
        .and_then(|()| sync_folder(Some(folder_of(path))));
    named.map_err(|source| WriteError { path: path.to_owned(), source })
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

/// As much of a name as leaves room for what [`beside`] adds, within the 255 bytes that file systems take.
const MOST_OF_NAME: usize = 200;

/// A hidden name in the same folder, so that the rename stays within one file system.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy().into_owned());
    if name.len() > MOST_OF_NAME {
        let whole = crc32c::crc32c(name.as_bytes());
        name.truncate(name.floor_char_boundary(MOST_OF_NAME));
        name = format!("{name}-{whole:08x}");
    }
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

    #[cfg(unix)]
    mod through {
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

        use super::*;
        use crate::testing::did_not_run;

        /// The names in a folder, to see that nothing is left.
        fn names(folder: &Path) -> Vec<String> {
            let mut names: Vec<String> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        }

        #[test]
        fn a_symbolic_link_stays_one_and_its_target_is_replaced() {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            fs::create_dir_all(folder.join("far/deep")).unwrap();
            fs::write(folder.join("far/deep/target"), b"old").unwrap();
            symlink("far/deep/target", folder.join("first")).unwrap(); // relative, to another folder
            symlink(folder.join("first"), folder.join("second")).unwrap(); // a chain
            symlink("deep/new", folder.join("far/dangling")).unwrap();
            write_file(&folder.join("second"), b"new").unwrap();
            write_file(&folder.join("far/dangling"), b"made").unwrap();
            assert_eq!(fs::read(folder.join("far/deep/target")).unwrap(), b"new");
            assert_eq!(fs::read(folder.join("far/deep/new")).unwrap(), b"made");
            for link in ["first", "second", "far/dangling"] {
                assert!(fs::symlink_metadata(folder.join(link)).unwrap().is_symlink(), "{link}");
            }
            assert_eq!(names(&folder.join("far/deep")), ["new", "target"]);
            assert_eq!(names(folder), ["far", "first", "second"]);
        }

        #[test]
        fn a_link_into_another_file_system_is_followed() {
            let (folder, shared) = (tempfile::tempdir().unwrap(), Path::new("/dev/shm"));
            let Ok(other) = tempfile::tempdir_in(shared) else { return did_not_run("there is no /dev/shm") };
            let target = other.path().join("target");
            fs::write(&target, b"old").unwrap();
            let link = folder.path().join("link");
            symlink(&target, &link).unwrap();
            write_file(&link, b"new").unwrap();
            assert_eq!((fs::read(&target).unwrap(), names(other.path()).len()), (b"new".to_vec(), 1));
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }

        #[test]
        fn links_that_lead_nowhere_and_folders_are_told_for_what_they_are() {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            symlink("b", folder.join("a")).unwrap();
            symlink("a", folder.join("b")).unwrap();
            symlink("absent/file", folder.join("into-nothing")).unwrap();
            symlink(".", folder.join("to-a-folder")).unwrap();
            fs::write(folder.join("file"), b"x").unwrap();
            for (name, words) in [
                ("a", "circle"),
                ("into-nothing", "absent does not exist"),
                ("to-a-folder", "it is a folder; name a file in it"),
                ("file/below", "file is not a folder"),
                ("no/such/folder/file", "no does not exist"),
                ("new/", "names a folder"),
            ] {
                let error = write_file(&folder.join(name), b"x").unwrap_err().to_string();
                assert!(error.contains(words) && error.contains(name), "{name}: {error}");
                assert_eq!(check_writable(&folder.join(name)).unwrap_err().to_string(), error);
            }
            assert!(check_writable(Path::new("a-bare-name")).is_ok());
            assert_eq!(names(folder), ["a", "b", "file", "into-nothing", "to-a-folder"]);
        }

        #[test]
        fn permissions_of_the_file_that_is_replaced_are_kept() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            for mode in [0o640, 0o600, 0o664, 0o444] {
                fs::write(&path, b"old").unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                write_file(&path, b"new").unwrap();
                let found = fs::metadata(&path).unwrap();
                assert_eq!(found.permissions().mode() & 0o7777, mode);
                assert_eq!(fs::read(&path).unwrap(), b"new");
                fs::remove_file(&path).unwrap();
            }
        }

        #[test]
        fn the_owner_of_the_file_that_is_replaced_is_kept() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, b"old").unwrap();
            if std::os::unix::fs::chown(&path, Some(12_345), Some(23_456)).is_err() {
                return did_not_run("only root may give files away");
            }
            write_file(&path, b"new").unwrap();
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.uid(), found.gid()), (12_345, 23_456));
        }

        #[test]
        fn devices_stay_devices() {
            let null = Path::new("/dev/null");
            write_file(null, b"gone").unwrap();
            let found = fs::metadata(null).unwrap();
            assert!(found.file_type().is_char_device(), "it was replaced");
            let full = write_file(Path::new("/dev/full"), b"x");
            if Path::new("/dev/full").exists() {
                assert!(full.unwrap_err().to_string().contains("/dev/full"));
            }
        }

        #[test]
        fn a_named_pipe_gets_the_bytes_and_stays_one() {
            let folder = tempfile::tempdir().unwrap();
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let link = folder.path().join("link");
            symlink("pipe", &link).unwrap();
            for path in [&pipe, &link] {
                let from = pipe.clone();
                let reader = std::thread::spawn(move || fs::read(from).unwrap());
                write_file(path, b"through").unwrap();
                assert_eq!(reader.join().unwrap(), b"through");
            }
            assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
            assert_eq!(names(folder.path()), ["link", "pipe"]);
        }

        #[test]
        fn an_open_descriptor_is_written_on_and_not_replaced() {
            use std::os::fd::AsRawFd;
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            let mut open = File::options().read(true).append(true).create(true).open(&path).unwrap();
            open.write_all(b"before ").unwrap();
            let kept = open.metadata().unwrap().ino();
            for name in
                [format!("/dev/fd/{}", open.as_raw_fd()), format!("/proc/self/fd/{}", open.as_raw_fd())]
            {
                if Path::new(&name).exists() {
                    write_file(Path::new(&name), b"and ").unwrap();
                }
            }
            open.write_all(b"after").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"before and and after");
            assert_eq!(fs::metadata(&path).unwrap().ino(), kept);
            let closed = write_file(Path::new("/dev/fd/987"), b"x").unwrap_err().to_string();
            assert!(closed.contains("/dev/fd/987"), "{closed}");
        }

        #[test]
        fn a_socket_gets_the_bytes() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("socket");
            let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
            let reader = std::thread::spawn(move || {
                let mut bytes = Vec::new();
                listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
                bytes
            });
            write_file(&path, b"through").unwrap();
            assert_eq!(reader.join().unwrap(), b"through");
            assert_eq!(names(folder.path()), ["socket"]);
        }

        #[test]
        fn names_as_long_as_the_file_system_takes_are_written() {
            let folder = tempfile::tempdir().unwrap();
            for name in ["n".repeat(255), "é".repeat(127)] {
                write_file(&folder.path().join(&name), b"x").unwrap();
                assert_eq!(fs::read(folder.path().join(&name)).unwrap(), b"x");
            }
            assert_eq!(names(folder.path()).len(), 2);
            let error = write_file(&folder.path().join("n".repeat(256)), b"x").unwrap_err().to_string();
            assert!(error.contains("take a shorter one"), "{error}");
        }
    }
}
