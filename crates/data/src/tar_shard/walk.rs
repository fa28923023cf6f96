//! Every member of an archive of images: plain, gzipped, or an archive within a plain one.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::content_kind::compression_of;
use crate::error::DataError;
use crate::inflate::open_inflating;
use crate::options::Limits;
use crate::tar_members::{BLOCK, TarMember, walk_members, walk_members_by_seeking};

/// Calls `visit` with every member and its content. Of an archive that is not compressed, contents that are not read
/// are passed over, and the members' places are those in the file.
///
/// # Errors
/// [`DataError`] where it cannot be read or is damaged.
pub(super) fn for_each_member(
    path: &Path,
    limits: &Limits,
    visit: impl FnMut(TarMember<'_>, &mut dyn Read) -> io::Result<()>,
) -> Result<(), DataError> {
    let walked = if is_gzipped(path)? {
        let bounded = Bounded { inner: open_inflating(path)?, read: 0, limit: limits.max_set_bytes };
        walk_members(bounded, visit).and_then(|(reader, end)| read_to_the_end(reader, end))
    } else {
        Part::whole(path).and_then(|part| walk_part(part, visit))
    };
    walked.map_err(|error| damaged(path, &error))
}

/// [`for_each_member`] of the archive `name` that lies in another one, which is not compressed: `bytes` bytes from
/// `start` on.
///
/// # Errors
/// As [`for_each_member`].
pub(super) fn for_each_inner_member(
    path: &Path,
    name: &str,
    (start, bytes): (u64, u64),
    visit: impl FnMut(TarMember<'_>, &mut dyn Read) -> io::Result<()>,
) -> Result<(), DataError> {
    let part = File::open(path).map(|file| Part { file: BufReader::new(file), start, bytes, at: 0 });
    part.and_then(|part| walk_part(part, visit))
        .map_err(|error| damaged(path, &io::Error::other(format!("{name} in it: {error}"))))
}

/// Whether the file at `path` is compressed by gzip.
///
/// # Errors
/// [`DataError::Read`].
pub(super) fn is_gzipped(path: &Path) -> Result<bool, DataError> {
    start_of(path)
        .map(|start| start.starts_with(&[0x1F, 0x8B]))
        .map_err(|source| DataError::Read { path: path.to_owned(), source })
}

fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(512).read_to_end(&mut start)?;
    Ok(start)
}

fn damaged(path: &Path, error: &io::Error) -> DataError {
    DataError::BadFile {
        path: path.to_owned(),
        field: "archive",
        expected: "a whole tar file, plain or gzipped".to_owned(),
        // Whatever its name says.
        got: start_of(path)
            .ok()
            .and_then(|start| compression_of(&start))
            .map_or_else(|| error.to_string(), str::to_owned),
        remedy: "fetch or pack it again",
    }
}

fn cut_short() -> io::Error {
    io::Error::other("no end mark: cut short")
}

fn walk_part(
    mut part: Part,
    mut visit: impl FnMut(TarMember<'_>, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let (start, bytes) = (part.start, part.bytes);
    let end = walk_members_by_seeking(&mut part, |member, reader| {
        // Passed over, it would not be missed.
        if member.content.saturating_add(member.size) > bytes {
            return Err(cut_short());
        }
        visit(TarMember { content: start + member.content, ..member }, reader)
    })?;
    if bytes < end.saturating_add(BLOCK) { Err(cut_short()) } else { Ok(()) }
}

/// To the very end, where gzip keeps its checksum. `end_of_members` must have the end mark behind it.
fn read_to_the_end(mut reader: Bounded, end_of_members: u64) -> io::Result<()> {
    io::copy(&mut reader, &mut io::sink())?;
    if reader.read < end_of_members.saturating_add(BLOCK) { Err(cut_short()) } else { Ok(()) }
}

/// A part of a file, read as if it were one.
struct Part {
    file: BufReader<File>,
    start: u64,
    bytes: u64,
    at: u64,
}

impl Part {
    fn whole(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file: BufReader::new(file), start: 0, bytes, at: 0 })
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.bytes.saturating_sub(self.at);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if self.at == 0 {
            self.file.seek(SeekFrom::Start(self.start))?;
        }
        let read = self.file.read(&mut buffer[..wanted])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Part {
    /// Small steps stay within what has been read ahead.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
        };
        let at = at.ok_or(io::ErrorKind::InvalidInput)?;
        match i64::try_from(i128::from(at) - i128::from(self.at)) {
            Ok(by) if self.at > 0 => self.file.seek_relative(by)?,
            _ => _ = self.file.seek(SeekFrom::Start(self.start.saturating_add(at)))?,
        }
        self.at = at;
        Ok(at)
    }
}

/// Ends with an error when more than `limit` bytes come out: a small file can inflate to any size.
struct Bounded {
    inner: Box<dyn Read>,
    read: u64,
    limit: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read = self.read.saturating_add(read as u64);
        if self.read > self.limit {
            return Err(io::Error::other(format!("more than {} bytes when inflated", self.limit)));
        }
        Ok(read)
    }
}
