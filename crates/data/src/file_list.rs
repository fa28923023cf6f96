//! Where each of many encoded images lies, in little memory.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use zview_runtime::hash::sha256_of_bytes;

use crate::name_list::NameList;
use crate::name_text::path_text;
use crate::options::Limits;
use crate::source::{FileBytes, ImageFile, cannot_be_read, read_image_file, read_part};

/// Encoded images: files, members of archives, or bytes in memory. A million files take about 100 MB.
#[derive(Debug)]
pub(crate) struct FileList {
    /// Of the data set, as shown to people: what the names begin with.
    root: String,
    /// As shown to people.
    names: NameList,
    /// Paths that are not the name as it is shown.
    odd_paths: BTreeMap<u32, PathBuf>,
    places: Places,
}

#[derive(Debug)]
enum Places {
    /// Files on disk, each with what it was when it was listed.
    Files(Vec<Stamp>),
    /// Members of archives that are not compressed.
    Members { archives: Vec<PathBuf>, members: Vec<Member> },
    /// What could not be read otherwise.
    Memory(Vec<Vec<u8>>),
    /// The lengths of what was read before.
    Read(Vec<u64>),
}

/// A member's content in its archive.
#[derive(Debug, Clone, Copy)]
struct Member {
    offset: u64,
    bytes: u64,
    archive: u32,
}

/// What a file was when it was listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: i64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self { bytes: metadata.len(), modified: modified.map_or(0, |since| since.as_nanos() as i64) }
    }
}

impl FileList {
    /// The list of `files` of the data set at `root`. Those on disk are asked for their length and time, by several
    /// threads.
    pub(crate) fn new(root: &Path, files: Vec<ImageFile>) -> Self {
        let (mut names, mut odd_paths) = (NameList::default(), BTreeMap::new());
        let (mut paths, mut memory) = (Vec::new(), Vec::new());
        let (mut archives, mut members): (Vec<PathBuf>, Vec<Member>) = Default::default();
        for (number, ImageFile { path: name, bytes, .. }) in files.into_iter().enumerate() {
            match bytes {
                FileBytes::OnDisk(path) => {
                    if path.as_os_str() != name.as_str() {
                        odd_paths.insert(number as u32, path);
                    }
                    paths.push(number);
                }
                FileBytes::InArchive { archive, offset, bytes } => {
                    if archives.last().is_none_or(|last| *last != *archive) {
                        archives.push(archive.to_path_buf());
                    }
                    members.push(Member { offset, bytes, archive: archives.len() as u32 - 1 });
                }
                FileBytes::InMemory(bytes) => memory.push(bytes),
            }
            names.push(&name);
        }
        let mut list = Self { root: path_text(root), names, odd_paths, places: Places::Memory(memory) };
        if !members.is_empty() {
            list.places = Places::Members { archives, members };
        } else if !paths.is_empty() {
            // What cannot be asked says why when it is read.
            let stamp = |&number: &usize| {
                std::fs::metadata(list.path(number)).map(|about| Stamp::of(&about)).unwrap_or_default()
            };
            let stamps = paths.par_iter().map(stamp).collect();
            list.places = Places::Files(stamps);
        }
        list
    }

    /// The names and lengths of files whose images are in memory.
    pub(crate) fn of_read(root: &Path, files: impl IntoIterator<Item = (String, u64)>) -> Self {
        let (mut names, mut lengths) = (NameList::default(), Vec::new());
        for (name, length) in files {
            names.push(&name);
            lengths.push(length);
        }
        Self { root: path_text(root), names, odd_paths: BTreeMap::new(), places: Places::Read(lengths) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of image `number`, as shown to people; `None` where there is no such image.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        self.names.get(number)
    }

    /// The name of an image that there is.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.get(number).unwrap_or("?")
    }

    fn path(&self, number: usize) -> &Path {
        self.odd_paths.get(&(number as u32)).map_or_else(|| Path::new(self.name(number)), PathBuf::as_path)
    }

    /// Hands the encoded bytes of image `number` to `then`; where they cannot be read, or are no longer what they were
    /// when they were listed, gives the reason.
    pub(crate) fn with_bytes<T>(
        &self,
        number: usize,
        limits: &Limits,
        then: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        match &self.places {
            Places::Memory(bytes) => then(&bytes[number]),
            Places::Read(_) => Err("read before".to_owned()),
            Places::Files(stamps) => {
                let path = self.path(number);
                let about = std::fs::metadata(path).map_err(cannot_be_read)?;
                // Before it is read: what comes is then what was listed, or is cut short and found damaged.
                if about.is_file()
                    && stamps[number] != Stamp::default()
                    && Stamp::of(&about) != stamps[number]
                {
                    return Err("changed since the data set was listed".to_owned());
                }
                then(&read_image_file(path, limits)?)
            }
            Places::Members { archives, members } => {
                let Member { offset, bytes, archive } = members[number];
                then(&read_part(&archives[archive as usize], offset, bytes).map_err(cannot_be_read)?)
            }
        }
    }

    /// SHA-256 that changes with which files `chosen` are: their names below the data set's, and lengths; and with their
    /// times, where `times`.
    pub(crate) fn sha256(&self, chosen: &mut dyn Iterator<Item = usize>, times: bool) -> String {
        const CHUNK: usize = 1 << 20;
        let (mut all, mut some) = (String::new(), Vec::new());
        for number in chosen {
            let Stamp { bytes, modified } = match &self.places {
                Places::Files(stamps) => stamps[number],
                Places::Members { members, .. } => Stamp { bytes: members[number].bytes, modified: 0 },
                Places::Memory(bytes) => Stamp { bytes: bytes[number].len() as u64, modified: 0 },
                Places::Read(lengths) => Stamp { bytes: lengths[number], modified: 0 },
            };
            let name = self.name(number);
            let name = name.strip_prefix(&self.root).unwrap_or(name);
            some.extend((name.len() as u64).to_le_bytes());
            some.extend(name.as_bytes());
            some.extend(bytes.to_le_bytes());
            some.extend(if times { modified } else { 0 }.to_le_bytes());
            if some.len() > CHUNK {
                all.push_str(&sha256_of_bytes(&some));
                some.clear();
            }
        }
        all.push_str(&sha256_of_bytes(&some));
        sha256_of_bytes(all.as_bytes())
    }
}
