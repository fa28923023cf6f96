//! Where the bytes of an output go: a symbolic link is followed to the file that it means, which is replaced; what is
//! no file (a terminal, a pipe, `/dev/null`) is written to.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// As many links in a row as Linux follows.
const MOST_LINKS: usize = 40;

/// What stands at an output's path, links followed.
#[derive(Debug)]
pub(crate) enum Destination {
    /// A file, there already if there is metadata of it.
    File(PathBuf, Option<Metadata>),
    /// Something that takes bytes and is no file.
    Stream(PathBuf),
}

impl Destination {
    /// Looks at `path`, without opening anything.
    ///
    /// # Errors
    /// Where it is a folder, its folder is missing, or its links lead nowhere.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut at = path.to_owned();
        for _ in 0..=MOST_LINKS {
            if is_descriptor(&at) {
                return Ok(Self::Stream(at));
            }
            match fs::symlink_metadata(&at) {
                Ok(found) if found.is_symlink() => {
                    let target = fs::read_link(&at)?;
                    at = folder_of(&at).join(target);
                }
                Ok(found) if found.is_dir() => {
                    return Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder"));
                }
                Ok(found) if found.is_file() => return Ok(Self::File(at, Some(found))),
                Ok(_) => return Ok(Self::Stream(at)),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return new_file(at);
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("its symbolic links lead round in a circle, or there are more than 40 in a row"))
    }

    /// Whether something other than a file takes the bytes.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }
}

fn new_file(path: PathBuf) -> io::Result<Destination> {
    let folder = folder_of(&path);
    if path.file_name().is_none()
        || path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR])
    {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it names a folder"));
    }
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(Destination::File(path, None)),
        Ok(_) => {
            Err(io::Error::new(ErrorKind::NotADirectory, format!("{} is not a folder", folder.display())))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("the folder {} does not exist", missing(folder).display());
            Err(io::Error::new(ErrorKind::NotFound, message))
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(io::Error::new(error.kind(), format!("{} is not in a folder", folder.display())))
        }
        Err(error) => Err(error),
    }
}

/// The uppermost folder of `folder`'s path that does not exist.
fn missing(folder: &Path) -> &Path {
    let absent = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    absent.last().unwrap_or(folder)
}

/// The folder that a path is in; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a path is one of the names of an open file of a process, such as `/dev/stdout` or `/dev/fd/3`: what it
/// links to may be a pipe, which has no path, or a file that somebody else writes too and that must stay the same one.
fn is_descriptor(path: &Path) -> bool {
    let folder = fs::canonicalize(folder_of(path)).unwrap_or_default();
    let in_order = folder.starts_with("/proc") && folder.ends_with("fd") || folder == Path::new("/dev/fd");
    in_order && descriptor_number(path).is_some()
}

fn descriptor_number(path: &Path) -> Option<i32> {
    path.file_name()?.to_str()?.parse().ok()
}

/// Opens what [`Destination::Stream`] names.
pub(crate) fn open_stream(path: &Path) -> io::Result<Box<dyn Write>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if is_descriptor(path)
            && let Some(own) = own_descriptor(path)
        {
            return Ok(Box::new(own?));
        }
        if fs::symlink_metadata(path)?.file_type().is_socket() {
            return Ok(Box::new(std::os::unix::net::UnixStream::connect(path)?));
        }
    }
    Ok(Box::new(File::options().write(true).open(path)?))
}

/// A second handle on an open file of this process, which goes on where the first is.
#[cfg(unix)]
fn own_descriptor(path: &Path) -> Option<io::Result<File>> {
    use std::os::fd::{FromRawFd, OwnedFd};
    let folder = fs::canonicalize(folder_of(path)).ok()?;
    let own = folder == Path::new("/dev/fd") || folder.starts_with(format!("/proc/{}", std::process::id()));
    let number = descriptor_number(path).filter(|_| own)?;
    // SAFETY: the call makes a new descriptor or fails, whatever the number is.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Some(Err(io::Error::last_os_error()));
    }
    // SAFETY: the descriptor was just made and is nobody else's.
    Some(Ok(File::from(unsafe { OwnedFd::from_raw_fd(copy) })))
}

/// Gives `new` the permissions and the owner of the file that it is to replace.
///
/// # Errors
/// Where this user may not: the file must then be written in place.
pub(crate) fn take_after(new: &File, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let made = new.metadata()?;
        let differs = |a: u32, b: u32| (a != b).then_some(a);
        let (owner, group) = (differs(old.uid(), made.uid()), differs(old.gid(), made.gid()));
        if owner.is_some() || group.is_some() {
            std::os::unix::fs::fchown(new, owner, group)?;
        }
    }
    new.set_permissions(old.permissions())
}
