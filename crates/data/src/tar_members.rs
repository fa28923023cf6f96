//! The members of a tar archive, one after the other, whatever its bytes are.

use std::io::{self, Read, Seek};

use tar::EntryType;

use crate::name_text::name_text;

/// Bytes that a tar archive is made of.
pub(crate) const BLOCK: u64 = 512;
/// Longest long name or extended header that is read.
const MAX_EXTENSION_BYTES: u64 = 1 << 16;

/// A member with holes, in GNU tar's own form or that of POSIX.
const SPARSE: &str = "sparse members are not read; pack the files without --sparse";

/// What the archive says of a member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TarMember<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: EntryType,
    /// Bytes of its content.
    pub(crate) size: u64,
    /// Where its first header is, that of a long name included.
    pub(crate) start: u64,
    /// Where its content is.
    pub(crate) content: u64,
}

/// Calls `visit` with every member and its content; gives the reader back, and where the last content ends.
///
/// Members are taken raw, and long names put together here, because their length comes from the archive
/// and has to be bounded.
///
/// # Errors
/// What `visit` or the reader gives, or what is wrong with the archive.
pub(crate) fn walk_members<R: Read>(
    reader: R,
    visit: impl FnMut(TarMember<'_>, &mut dyn Read) -> io::Result<()>,
) -> io::Result<(R, u64)> {
    let mut archive = tar::Archive::new(reader);
    let end = walk_entries(archive.entries()?, visit)?;
    Ok((archive.into_inner(), end))
}

/// [`walk_members`] of an archive that is not compressed, passing over contents that `visit` does not read; gives where
/// the last content ends.
///
/// # Errors
/// As [`walk_members`].
pub(crate) fn walk_members_by_seeking<R: Read + Seek>(
    reader: R,
    visit: impl FnMut(TarMember<'_>, &mut dyn Read) -> io::Result<()>,
) -> io::Result<u64> {
    let mut archive = tar::Archive::new(reader);
    walk_entries(archive.entries_with_seek()?, visit)
}

fn walk_entries<R: Read>(
    entries: tar::Entries<'_, R>,
    mut visit: impl FnMut(TarMember<'_>, &mut dyn Read) -> io::Result<()>,
) -> io::Result<u64> {
    let mut long_name: Option<Vec<u8>> = None;
    let mut first_header: Option<u64> = None;
    let mut end_of_members = 0;
    for entry in entries.raw(true) {
        let mut entry = entry?;
        let (kind, size, content) = (entry.header().entry_type(), entry.size(), entry.raw_file_position());
        let start = *first_header.get_or_insert(entry.raw_header_position());
        end_of_members = content.saturating_add(size);
        match kind {
            EntryType::GNULongName => {
                let mut name = read_whole(&mut entry, size, MAX_EXTENSION_BYTES)?;
                while name.last() == Some(&0) {
                    name.pop();
                }
                long_name = Some(name);
            }
            EntryType::XHeader => {
                let header = read_whole(&mut entry, size, MAX_EXTENSION_BYTES)?;
                for extension in tar::PaxExtensions::new(&header) {
                    let extension = extension?;
                    if extension.key_bytes().starts_with(b"GNU.sparse.") {
                        return Err(io::Error::other(SPARSE));
                    }
                    if extension.key_bytes() == b"path" {
                        long_name = Some(extension.value_bytes().to_owned());
                    }
                }
            }
            EntryType::GNULongLink | EntryType::XGlobalHeader => {}
            EntryType::GNUSparse => return Err(io::Error::other(SPARSE)),
            _ => {
                let name = long_name.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
                first_header = None;
                let name = &name_text(&name);
                visit(TarMember { name, kind, size, start, content }, &mut entry)?;
            }
        }
    }
    Ok(end_of_members)
}

/// Exactly `size` bytes, which must not be more than `limit`.
pub(crate) fn read_whole(reader: &mut dyn Read, size: u64, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(size.min(limit)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(io::Error::other(format!("a member of {size} bytes is cut short or too large")))
    }
}
