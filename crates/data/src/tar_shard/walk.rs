//! Every member of an archive of images, plain or gzipped, to its very end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tar::EntryType;

use crate::content_kind::compression_of;
use crate::error::DataError;
use crate::inflate::open_inflating;
use crate::options::Limits;
use crate::tar_members::{BLOCK, walk_members};

/// Calls `visit` with name, kind, size and content of every member.
pub(super) fn for_each_member(
    path: &Path,
    limits: &Limits,
    mut visit: impl FnMut(&str, EntryType, u64, &mut dyn Read) -> io::Result<()>,
) -> Result<(), DataError> {
    let read_error = |source| DataError::Read { path: path.to_owned(), source };
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(512).read_to_end(&mut start)).map_err(read_error)?;
    let inner = open_inflating(path)?;
    let bounded = Bounded { inner, read: 0, limit: limits.max_set_bytes };
    let walked = walk_members(bounded, |member, reader| visit(member.name, member.kind, member.size, reader));
    walked.and_then(|(reader, end)| read_to_the_end(reader, end)).map_err(|error| DataError::BadFile {
        path: path.to_owned(),
        field: "archive",
        expected: "a whole tar file, plain or gzipped".to_owned(),
        // Whatever its name says.
        got: compression_of(&start).map_or_else(|| error.to_string(), str::to_owned),
        remedy: "fetch or pack it again",
    })
}

/// To the very end, where gzip keeps its checksum. `end_of_members` must have the end mark behind it.
fn read_to_the_end(mut reader: Bounded, end_of_members: u64) -> io::Result<()> {
    io::copy(&mut reader, &mut io::sink())?;
    if reader.read < end_of_members.saturating_add(BLOCK) {
        return Err(io::Error::other("no end mark: cut short"));
    }
    Ok(())
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
