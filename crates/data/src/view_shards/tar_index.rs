//! The index of one tar shard: where each anchor's members are.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use tar::EntryType;
use zview_runtime::hash::sha256_of_reader;

use super::anchor_text::AnchorText;
use super::classes::{ClassTable, ClassValue};
use super::manifest::{MANIFEST_BYTES_MAX, MANIFEST_NAME, THIS_ARCHIVE};
use super::names::MemberName;
use super::stored_images::StoredImages;
use super::{ShardEntry, ShardError, ShardManifest, ShardOptions};
use crate::content_kind::{Content, content_of};
use crate::decode::{decode, shape_of};
use crate::file_names::{ending as last_ending, has_image_ending};
use crate::ignored::{Ignored, ignore};
use crate::name_text::name_text;
use crate::tar_members::{BLOCK, TarMember, read_whole, walk_members};

/// Largest class or latents of an anchor that are read, in bytes.
pub(super) const TEXT_BYTES_MAX: u64 = 16 << 20;

/// Where an anchor's members are in its shard, all next to each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct TarAnchor {
    /// Where the first header is.
    pub(super) start: u64,
    /// From there to the end of the last content.
    pub(super) bytes: u32,
    /// Index of the shard.
    pub(super) shard: u32,
    pub(super) class: Option<NonNegative>,
    pub(super) views: u16,
}

/// 0 to 2^31 - 1, as its complement so that `Option` takes no more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NonNegative(std::num::NonZeroI32);

impl NonNegative {
    pub(super) fn new(value: i64) -> Option<Self> {
        let value = i32::try_from(value).ok().filter(|value| *value >= 0)?;
        std::num::NonZeroI32::new(!value).map(Self)
    }

    pub(super) fn get(self) -> i32 {
        !self.0.get()
    }
}

/// What one shard holds.
#[derive(Debug)]
pub(super) struct TarIndex {
    /// Their classes are places in `classes`.
    pub(super) anchors: Vec<TarAnchor>,
    pub(super) classes: ClassTable,
    pub(super) images: StoredImages,
    /// Anchors that have a class.
    pub(super) labelled: usize,
    /// D, where every anchor has latents.
    pub(super) latent_dimension: Option<usize>,
    /// Members that are not needed, by why.
    pub(super) ignored: Ignored,
}

/// The manifest that is the first member of an archive, and where what follows it begins.
pub(super) fn embedded_manifest(path: &Path) -> Result<Option<(ShardManifest, u64)>, ShardError> {
    let read_error = |source| ShardError::Read { path: path.to_owned(), source };
    let mut found = None;
    let file = BufReader::new(File::open(path).map_err(read_error)?);
    // Only the first member is looked at; what is wrong with the others is told by their index.
    let _stopped = walk_members(file, |member, reader| {
        if member.name == MANIFEST_NAME {
            let text = read_whole(reader, member.size, MANIFEST_BYTES_MAX)?;
            found = Some((text, (member.content + member.size).next_multiple_of(BLOCK)));
        }
        Err(io::Error::other("seen"))
    });
    found.map(|(text, end)| Ok((ShardManifest::parse(path, &text)?, end))).transpose()
}

/// Checks the shard at `path` against its manifest's `entry`, from the byte `begin`.
fn check_entry(path: &Path, entry: &ShardEntry, begin: u64) -> Result<(), ShardError> {
    let damaged = |problem: String| ShardError::Damaged { shard: path.to_owned(), member: None, problem };
    let open = || {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len().saturating_sub(begin);
        file.seek(SeekFrom::Start(begin))?;
        Ok((file, bytes))
    };
    let (file, bytes) = open().map_err(|error: io::Error| damaged(format!("cannot be read: {error}")))?;
    if bytes != entry.bytes {
        return Err(damaged(format!("{bytes} bytes, the manifest says {}", entry.bytes)));
    }
    let sha256 = sha256_of_reader(file).map_err(|error| damaged(format!("cannot be read: {error}")))?;
    if !sha256.eq_ignore_ascii_case(&entry.sha256) {
        return Err(damaged(format!("sha256 is {sha256}, the manifest says {}", entry.sha256)));
    }
    Ok(())
}

/// The index of the shard at `path`, number `shard` of its set. Where a manifest vouches for its bytes (`entry`),
/// images are looked at no further than their headers; otherwise every image is decoded once.
///
/// # Errors
/// [`ShardError::Damaged`], naming the member.
pub(super) fn index_shard(
    path: &Path,
    shard: u32,
    entry: Option<&ShardEntry>,
    options: &ShardOptions,
) -> Result<TarIndex, ShardError> {
    if let Some(entry) = entry {
        let begin =
            if entry.file == THIS_ARCHIVE { embedded_manifest(path)?.map_or(0, |(_, end)| end) } else { 0 };
        check_entry(path, entry, begin)?;
    }
    let damaged = |member: &str, problem: String| ShardError::Damaged {
        shard: path.to_owned(),
        member: (!member.is_empty()).then(|| member.to_owned()),
        problem,
    };
    let file = File::open(path).map_err(|error| damaged("", format!("cannot be read: {error}")))?;
    let length = file.metadata().map_err(|error| damaged("", format!("cannot be read: {error}")))?.len();
    let mut reader = BufReader::new(file);
    let start = io::BufRead::fill_buf(&mut reader).unwrap_or_default();
    if let Content::Other(what) = content_of(start)
        && what.contains("compressed")
    {
        return Err(damaged("", format!("{what}: anchors are read from anywhere in an archive")));
    }
    let mut builder = Builder::new(shard, entry.is_none(), options);
    let mut last = String::new();
    let mut refused = None;
    let walked = walk_members(reader, |member, content| {
        member.name.clone_into(&mut last);
        builder.take(member, content).map_err(|problem| {
            refused = Some(problem);
            io::Error::other("refused")
        })
    });
    let end = match (walked, refused) {
        (_, Some(problem)) => return Err(damaged(&last, problem)),
        (Err(error), None) => return Err(damaged(&last, format!("not a whole tar file: {error}"))),
        (Ok((_, end)), None) => end,
    };
    if length < end.saturating_add(BLOCK) {
        return Err(damaged(&last, "not a whole tar file: no end mark, cut short".to_owned()));
    }
    let index = builder.finish().map_err(|problem| damaged(&last, problem))?;
    match entry {
        Some(entry) if entry.anchors != index.anchors.len() => {
            Err(damaged("", format!("{} anchors, the manifest says {}", index.anchors.len(), entry.anchors)))
        }
        _ => Ok(index),
    }
}

/// An anchor whose members are being met.
struct Open {
    key: String,
    start: u64,
    end: u64,
    views: usize,
    class: Option<ClassValue>,
    /// Whether the class is from a member `.cls`, which says it for certain.
    has_cls: bool,
    /// The member that says the class.
    said_by: String,
    /// (number, D) of its latents.
    latents: Option<(usize, usize)>,
    /// Whether there are latents that are of no use.
    has_other_latents: bool,
}

impl Open {
    /// The class as `member` says it, `certain` where that is all it says.
    ///
    /// # Errors
    /// Where another member says another one. A number and a name may be of one class.
    fn say_class(&mut self, member: &str, class: Option<ClassValue>, certain: bool) -> Result<(), String> {
        if let (Some(said), Some(class)) = (&self.class, &class)
            && std::mem::discriminant(said) == std::mem::discriminant(class)
            && said != class
        {
            let (class, by, said) = (class.name(), &self.said_by, said.name());
            return Err(format!("it says class {class}, but {by} says class {said}; make them agree"));
        }
        if certain || !self.has_cls {
            self.class = class;
            self.has_cls |= certain;
            member.clone_into(&mut self.said_by);
        }
        Ok(())
    }
}

struct Builder<'a> {
    index: TarIndex,
    shard: u32,
    decode_all: bool,
    options: &'a ShardOptions,
    open: Option<Open>,
    keys: HashSet<String>,
    with_latents: usize,
}

impl<'a> Builder<'a> {
    fn new(shard: u32, decode_all: bool, options: &'a ShardOptions) -> Self {
        let index = TarIndex {
            anchors: Vec::new(),
            classes: ClassTable::default(),
            images: StoredImages::default(),
            labelled: 0,
            latent_dimension: None,
            ignored: Ignored::new(),
        };
        Self { index, shard, decode_all, options, open: None, keys: HashSet::new(), with_latents: 0 }
    }

    fn take(&mut self, member: TarMember<'_>, content: &mut dyn Read) -> Result<(), String> {
        let TarMember { name, kind, size, start, content: at } = member;
        let parsed = MemberName::parse(name)?;
        match kind {
            EntryType::Directory => return Ok(()),
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Link | EntryType::Symlink => return Err("a link, expected a file".to_owned()),
            _ => return Err("not a regular file".to_owned()),
        }
        if name == MANIFEST_NAME {
            return Ok(());
        }
        let Some(MemberName { key, ending }) = parsed else {
            ignore(&mut self.index.ignored, "hidden, or without an ending");
            return Ok(());
        };
        if self.open.as_ref().is_none_or(|open| open.key != key) {
            self.close()?;
            if !self.keys.insert(key.to_owned()) {
                return Err(format!("the members of {key} are not next to each other"));
            }
            let key = key.to_owned();
            self.open = Some(Open {
                key,
                start,
                end: at,
                views: 0,
                class: None,
                has_cls: false,
                said_by: String::new(),
                latents: None,
                has_other_latents: false,
            });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.end = at.saturating_add(size);
        let limits = &self.options.limits;
        if has_image_ending(&ending) || has_image_ending(name) {
            let bytes = read(content, size, limits.max_file_bytes)?;
            let shape = if self.decode_all {
                decode(&bytes, limits, |image| image.shape)?
            } else {
                shape_of(&bytes, limits)?
            };
            self.index.images.add(shape, self.options)?;
            open.views += 1;
            return Ok(());
        }
        let unneeded = match ending.as_str() {
            "json" | "cls" | "class" | "label" if size > TEXT_BYTES_MAX => Some("too long"),
            "json" => {
                let text = AnchorText::parse(&read(content, size, TEXT_BYTES_MAX)?);
                let unneeded = text.is_empty().then_some("without class or latents");
                if let Some(class) = text.class {
                    open.say_class(name, class, false)?;
                }
                if let Some(latents) = text.latents {
                    let dimension = latents.first().map_or(0, Vec::len);
                    let alike = dimension > 0 && latents.iter().all(|latent| latent.len() == dimension);
                    open.latents = alike.then_some((latents.len(), dimension));
                    open.has_other_latents |= !alike;
                }
                open.has_other_latents |= text.has_other_latents;
                unneeded
            }
            "cls" | "class" | "label" => {
                let bytes = read(content, size, TEXT_BYTES_MAX)?;
                // Of UTF-16 only half would be text.
                let is_wide = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
                let class = if is_wide { Err(()) } else { ClassValue::parse(&name_text(&bytes)) };
                match class {
                    Ok(class) => {
                        open.say_class(name, class, true)?;
                        None
                    }
                    Err(()) => Some("no class"),
                }
            }
            _ => Some(""),
        };
        if let Some(why) = unneeded {
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            ignore(&mut self.index.ignored, format!(".{}{why}", last_ending(name)));
        }
        Ok(())
    }

    /// The anchor whose members have all been met.
    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if open.views == 0 {
            ignore(&mut self.index.ignored, "of a key without images");
            return Ok(());
        }
        let Open { key, start, end, views, class, latents, has_other_latents, .. } = open;
        let of_anchor = |problem: String| format!("{key}: {problem}");
        let bytes = u32::try_from(end - start).map_err(|_| of_anchor("more than 4 GiB".to_owned()))?;
        let views = u16::try_from(views).map_err(|_| of_anchor("more than 65535 views".to_owned()))?;
        // Only some objectives need latents: where they do not fit, there are none.
        let fits = latents.is_some_and(|(count, dimension)| {
            count == usize::from(views) && *self.index.latent_dimension.get_or_insert(dimension) == dimension
        });
        self.with_latents += usize::from(fits);
        if has_other_latents || (latents.is_some() && !fits) {
            ignore(&mut self.index.ignored, "latents that do not fit: not one list of numbers for each view");
        }
        let class = class.and_then(|class| self.index.classes.place(class));
        self.index.labelled += usize::from(class.is_some());
        self.index.anchors.push(TarAnchor { start, bytes, shard: self.shard, class, views });
        Ok(())
    }

    fn finish(mut self) -> Result<TarIndex, String> {
        self.close()?;
        if self.with_latents != self.index.anchors.len() {
            if self.with_latents > 0 {
                let others = "latents that fit, which other anchors lack".to_owned();
                *self.index.ignored.entry(others).or_default() += self.with_latents;
            }
            self.index.latent_dimension = None;
        }
        self.index.anchors.shrink_to_fit();
        Ok(self.index)
    }
}

fn read(content: &mut dyn Read, size: u64, limit: u64) -> Result<Vec<u8>, String> {
    if size > limit {
        return Err(format!("{size} bytes, the limit for one file is {limit}"));
    }
    read_whole(content, size, limit).map_err(|error| format!("not a whole tar file: {error}"))
}
