//! Archives of image folders: a folder with `train.tar.gz` and `test.tar.gz`, or one tar file.
//!
//! Nothing is unpacked to disk. Of a plain archive only the headers are read, and an image where it lies when it is
//! wanted; archives in it (`n01440764.tar`) are folders of images. A gzipped one is read twice: once for the names, which
//! decide splits and classes, once for the members of the wanted split, which stay in memory as they are encoded.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tar::EntryType;

use crate::content_kind::{Content, START_BYTES, content_of};
use crate::error::{DataError, Reject};
use crate::file_names::{Named, is_hidden, named, no_image};
use crate::ignored::{Ignored, ignore, ignored_in_words};
use crate::image_tree::{
    Arranged, Part, TreeFile, all_in_split_folders, arrange, beside_in_words, strip_wrapper,
};
use crate::imagenet::{FlatImage, Labelled, Places, label_flat_split, name_classes, split_of_archive};
use crate::name_text::{composed, path_text};
use crate::options::{Limits, LoadOptions, Split};
use crate::source::{FileBytes, ImageFile, Items, SplitContent};
use crate::split_names::role_of;
use crate::tar_members::{BLOCK, TarMember, read_whole};

use walk::{for_each_inner_member, for_each_member, is_gzipped};

mod walk;

const ENDINGS: [&str; 3] = [".tar", ".tar.gz", ".tgz"];

/// True for a (lower-case) file name of an archive.
pub(crate) fn has_tar_ending(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// True if `folder` holds an archive named after a split, or those of ImageNet.
pub(crate) fn is_tar_folder(folder: &Path) -> bool {
    !split_archives(folder).is_empty()
}

/// True if `folder` holds the archives of ImageNet, and no folder of a split that they have been unpacked to.
pub(crate) fn is_imagenet_folder(folder: &Path) -> bool {
    !imagenet_archives(folder).is_empty()
}

/// Archives whose names (`train.tar`, `Training.tar.gz`, `val.tgz`) say which split they hold, by name; of several of
/// one name the plain one. Where there are none, ImageNet's.
fn split_archives(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut archives = archives_in(folder, |stem| role_of(stem).map(|_| stem.to_owned()));
    archives.sort();
    archives.dedup_by(|later, first| later.0 == first.0);
    if archives.is_empty() { imagenet_archives(folder) } else { archives }
}

fn imagenet_archives(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut archives = archives_in(folder, |stem| split_of_archive(stem).map(str::to_owned));
    if archives.is_empty() || has_split_folders(folder) {
        return Vec::new();
    }
    archives.sort();
    archives.dedup_by(|later, first| later.0 == first.0);
    archives
}

/// Whether a folder in `folder` is named after a split.
pub(crate) fn has_split_folders(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| role_of(&entry.file_name().to_string_lossy()).is_some())
        .any(|entry| entry.path().is_dir())
}

/// The archives in `folder` whose names `split` knows, with what it calls them.
fn archives_in(folder: &Path, split: impl Fn(&str) -> Option<String>) -> Vec<(String, PathBuf)> {
    let archive = |entry: std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let lower = name.to_lowercase();
        let ending = ENDINGS.iter().find(|ending| lower.ends_with(*ending))?;
        let split = split(&name[..name.len() - ending.len()])?;
        entry.path().is_file().then(|| (split, entry.path()))
    };
    std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(archive).collect()
}

/// An image member of an archive.
#[derive(Debug)]
struct Member {
    /// Index into the list of archives.
    archive: usize,
    /// That archive.
    path: Arc<Path>,
    /// Its name as the archive says it, without what does not matter ([`plain`]).
    name: String,
    /// Why it cannot be an image.
    problem: Option<String>,
    /// Where its content is in the file of the archive, and its bytes; `None` where that is compressed.
    place: Option<(u64, u64)>,
}

impl FlatImage for Member {
    fn shown(&self) -> String {
        format!("{}: {}", path_text(&self.path), self.name)
    }
}

/// A folder of archives or a single archive, of which the names have been read.
#[derive(Debug)]
pub(crate) struct TarImages {
    path: PathBuf,
    /// By the name of the split they hold, where their own says it.
    archives: Vec<(Option<String>, PathBuf)>,
    arranged: Arranged<Member>,
    ignored: Ignored,
    /// Images of the test split whose class nothing says.
    without_line: Vec<Reject>,
}

impl TarImages {
    /// Reads the members' names.
    ///
    /// # Errors
    /// Where an archive is damaged, or what its folders are for is not clear.
    pub(crate) fn open(path: &Path, options: &LoadOptions) -> Result<Self, DataError> {
        let archives: Vec<(Option<String>, PathBuf)> = if path.is_dir() {
            split_archives(path).into_iter().map(|(stem, path)| (Some(stem), path)).collect()
        } else {
            vec![(None, path.to_owned())]
        };
        let (mut members, mut ignored) = (Vec::new(), Ignored::new());
        for (archive, (stem, archive_path)) in archives.iter().enumerate() {
            let mut listed = list(archive, archive_path, &options.limits, &mut ignored)?;
            strip_wrapper(&mut listed);
            // An archive named after a split holds that split, whether or not its members say so.
            if let Some(stem) = stem.as_ref().filter(|_| !all_in_split_folders(&listed)) {
                for member in &mut listed {
                    member.parts.insert(0, stem.clone());
                }
            }
            members.extend(listed);
        }
        if members.is_empty() {
            let there = ignored_in_words(&ignored, "members").unwrap_or_else(|| "it is empty".to_owned());
            let found = format!("an archive without images ({there}); if they are packed in it, unpack it");
            return Err(DataError::NotRecognised { path: path.to_owned(), found });
        }
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let places = Places::around(folder, &[]);
        let unclear = |question| DataError::Unclear { path: path.to_owned(), question };
        let Labelled { notes, rejects: without_line } =
            label_flat_split(&mut members, &places, options.class_use()).map_err(unclear)?;
        let mut arranged = arrange(members, options.class_use()).map_err(unclear)?;
        arranged.notes.splice(0..0, notes);
        arranged.notes.extend(name_classes(&mut arranged.classes, &places));
        for (folder, images) in &arranged.beside {
            *ignored.entry(beside_in_words(folder)).or_default() += images;
        }
        Ok(Self { path: path.to_owned(), archives, arranged, ignored, without_line })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file `path` is one of its archives.
    pub(crate) fn uses(&self, path: &Path) -> bool {
        self.archives.iter().any(|(_, archive)| archive == path)
    }

    /// The name of each class.
    pub(crate) fn classes(&self) -> &[String] {
        &self.arranged.classes
    }

    /// The members of a split, of the classes of which `is_kept` says so where it is given; each split can be had once.
    pub(crate) fn take(
        &mut self,
        split: Split,
        is_kept: Option<&[bool]>,
        limits: &Limits,
    ) -> Result<SplitContent, DataError> {
        let Part { files: members, without_class } =
            self.arranged.take(split, is_kept).ok_or_else(|| DataError::MissingSplit {
                path: self.path.clone(),
                split,
                expected: format!("{split}.tar.gz in its folder, or members {split}/<class>/*.jpg"),
                got: self.arranged.instead.clone(),
            })?;
        let mut content: Vec<HashMap<String, Vec<u8>>> = Vec::new();
        for (archive, (_, archive_path)) in self.archives.iter().enumerate() {
            let wanted: BTreeSet<&str> = members
                .iter()
                .map(|(member, _)| member)
                .filter(|member| member.archive == archive)
                .filter(|member| member.problem.is_none() && member.place.is_none())
                .map(|member| member.name.as_str())
                .collect();
            let is_read = !wanted.is_empty();
            content.push(if is_read { read(archive_path, &wanted, limits)? } else { HashMap::new() });
        }
        let (mut files, mut rejects) = (Vec::new(), Vec::new());
        for (member, label) in members {
            let path = member.shown();
            let bytes = match member.place {
                Some((offset, bytes)) => {
                    Some(FileBytes::InArchive { archive: Arc::clone(&member.path), offset, bytes })
                }
                None => content[member.archive].remove(&member.name).map(FileBytes::InMemory),
            };
            match (bytes, member.problem) {
                (Some(bytes), None) => files.push(ImageFile { path, label, bytes }),
                (_, problem) => {
                    let reason = problem.unwrap_or_else(|| "gone when the archive was read again".to_owned());
                    rejects.push(Reject { path, reason });
                }
            }
        }
        rejects.extend(without_class.iter().map(|member| Reject {
            path: member.shown(),
            reason: member.problem.clone().unwrap_or_else(|| "outside any class folder".to_owned()),
        }));
        if split == Split::Test {
            rejects.append(&mut self.without_line);
        }
        Ok(SplitContent {
            rejects,
            ignored: self.ignored.clone(),
            notes: self.arranged.notes.clone(),
            ..SplitContent::new(Items::Files(files), self.arranged.classes.clone())
        })
    }
}

/// A member's name without `.` and doubled slashes, which different programs write into one archive.
fn plain(name: &str) -> String {
    name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// All members that may be images; of several with one name the last counts, as when unpacking. Archives in one that is
/// not compressed are folders.
fn list(
    archive: usize,
    path: &Path,
    limits: &Limits,
    ignored: &mut Ignored,
) -> Result<Vec<TreeFile<Member>>, DataError> {
    let in_place = !is_gzipped(path)?;
    let (mut found, mut inner) = (HashMap::new(), Vec::new());
    for_each_member(path, limits, |member, reader| {
        let TarMember { name, kind, size, content, .. } = member;
        let folder = plain(name);
        let stem = folder.strip_suffix(".tar").filter(|stem| !is_hidden(own_name(stem)));
        if let Some(stem) = stem.filter(|_| in_place && is_regular(kind)) {
            let mut start = Vec::new();
            reader.take(BLOCK).read_to_end(&mut start)?;
            if is_tar_start(&start) {
                inner.push((stem.to_owned(), (content, size)));
                return Ok(());
            }
        }
        listed(member, "", in_place, limits, reader, &mut found, ignored)
    })?;
    for (folder, place) in inner {
        let name = format!("{folder}.tar");
        for_each_inner_member(path, &name, place, |member, reader| {
            listed(member, &folder, true, limits, reader, &mut found, ignored)
        })?;
    }
    let shared: Arc<Path> = path.into();
    Ok(found
        .into_iter()
        .map(|(name, (problem, place))| {
            let parts: Vec<String> = name.split('/').map(composed).collect();
            let path = Arc::clone(&shared);
            TreeFile { parts, content: Member { archive, path, name, problem, place } }
        })
        .collect())
}

/// Whether a file that begins with `start` is an archive.
fn is_tar_start(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

/// By name: why it cannot be an image, and its place.
type Found = HashMap<String, (Option<String>, Option<(u64, u64)>)>;

fn own_name(name: &str) -> &str {
    name.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn is_regular(kind: EntryType) -> bool {
    matches!(kind, EntryType::Regular | EntryType::Continuous)
}

/// Adds a member to those that were `found` below `folder` if it may be an image, else to those that are `ignored`.
fn listed(
    member: TarMember<'_>,
    folder: &str,
    in_place: bool,
    limits: &Limits,
    reader: &mut dyn Read,
    found: &mut Found,
    ignored: &mut Ignored,
) -> io::Result<()> {
    let TarMember { name, kind, size, content, .. } = member;
    let own_name = own_name(name);
    let by_name = named(own_name);
    let is_file = is_regular(kind);
    let mut parts = name.split('/').filter(|part| !part.is_empty() && *part != ".");
    let why_hidden = parts.find(|part| is_hidden(part)).map(named);
    match (&why_hidden, &by_name) {
        (Some(Named::Ignored(why)), _) | (None, Named::Ignored(why)) if is_file => {
            ignore(ignored, why.clone());
            return Ok(());
        }
        (None, Named::Image) => {}
        (None, Named::Unknown) if is_file => {
            let mut start = Vec::new();
            reader.take(START_BYTES as u64).read_to_end(&mut start)?;
            if !matches!(content_of(&start), Content::Image(_)) {
                ignore(ignored, no_image(own_name));
                return Ok(());
            }
        }
        _ => {
            // Folders that are called like anything have no content of their own.
            if matches!(kind, EntryType::Link | EntryType::Symlink) {
                ignore(ignored, "links inside the archive");
            }
            return Ok(());
        }
    }
    let problem = match kind {
        EntryType::Directory => Some("a folder, not an image file".to_owned()),
        EntryType::Link | EntryType::Symlink => {
            Some("a link inside the archive, not an image file".to_owned())
        }
        _ if is_file && size > limits.max_file_bytes => {
            Some(format!("{size} bytes, the limit for one file is {}", limits.max_file_bytes))
        }
        _ if is_file => None,
        _ => Some("not a regular file".to_owned()),
    };
    let place = (in_place && is_file).then_some((content, size));
    let name = if folder.is_empty() { plain(name) } else { format!("{folder}/{}", plain(name)) };
    found.insert(name, (problem, place));
    Ok(())
}

/// The bytes of the wanted members, none of which is above the limit for one file.
fn read(
    path: &Path,
    wanted: &BTreeSet<&str>,
    limits: &Limits,
) -> Result<HashMap<String, Vec<u8>>, DataError> {
    let mut content = HashMap::new();
    for_each_member(path, limits, |member, reader| {
        let name = plain(member.name);
        if wanted.contains(name.as_str()) {
            content.insert(name, read_whole(reader, member.size, limits.max_file_bytes)?);
        }
        Ok(())
    })?;
    Ok(content)
}

#[cfg(test)]
mod tests;
