//! A zip's directory, ZIP64 included, and where its members lie.

use std::collections::HashMap;
use std::rc::Rc;

use crate::TorchError;
use crate::limits::{DIRECTORY_BYTES, INFLATED_PICKLE_BYTES, MEMBERS};
use crate::source::{Source, Span, Stream};
use crate::storage::{Encoding, Storage};

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";
const END_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const END_BYTES: u64 = 22;
const LOCATOR_BYTES: u64 = 20;
const COMMENT_BYTES_MAX: u64 = 0xffff;

#[derive(Debug, Clone, Copy)]
struct Member {
    /// Where its local header is.
    header: u64,
    packed: u64,
    length: u64,
    method: u16,
    checksum: u32,
    encrypted: bool,
}

/// The members of a zip.
#[derive(Debug)]
pub(crate) struct Zip {
    source: Rc<Source>,
    members: HashMap<String, Member>,
}

impl Zip {
    pub(crate) fn looks_like(source: &Source) -> Result<bool, TorchError> {
        let mut start = [0; 4];
        source.read_at(0, &mut start)?;
        Ok(&start == LOCAL || &start == END)
    }

    pub(crate) fn open(source: &Rc<Source>) -> Result<Self, TorchError> {
        let directory = Directory::find(source)?;
        let mut stream = Stream::new(source, directory.span);
        let mut members = HashMap::new();
        while stream.left() >= 46 {
            if &stream.array::<4>()? != CENTRAL {
                return Err(TorchError::damaged("the zip's directory is not one"));
            }
            if members.len() >= MEMBERS {
                return Err(TorchError::TooLarge(format!("the zip has more than {MEMBERS} members")));
            }
            let (name, member) = central_entry(&mut stream, directory.shift)?;
            members.insert(name, member);
        }
        Ok(Self { source: Rc::clone(source), members })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Where the bytes of the member `name` lie; `None` if there is none.
    pub(crate) fn storage(&self, name: &str) -> Result<Option<Storage>, TorchError> {
        let Some(member) = self.members.get(name) else { return Ok(None) };
        if member.encrypted {
            return Err(TorchError::Encrypted);
        }
        let encoding = match member.method {
            0 => Encoding::Plain,
            8 => Encoding::Deflated { length: member.length },
            other => return Err(TorchError::Kind(format!("zip compression method {other} of `{name}`"))),
        };
        let header: [u8; 30] = self.source.array(member.header)?;
        if !header.starts_with(LOCAL) {
            return Err(TorchError::damaged(format!(
                "the zip's member `{name}` is not where its directory says"
            )));
        }
        let start = member.header + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let span = Span { start, length: member.packed };
        let checksum = Some(member.checksum).filter(|checksum| *checksum != 0);
        Ok(Some(Storage { source: Rc::clone(&self.source), span, encoding, checksum, big_endian: false }))
    }

    /// The member `name` as a source and a place in it: inflated where it is compressed.
    pub(crate) fn open_member(&self, name: &str) -> Result<Option<(Rc<Source>, Span)>, TorchError> {
        let Some(storage) = self.storage(name)? else { return Ok(None) };
        if storage.length() > INFLATED_PICKLE_BYTES as u64 && storage.encoding != Encoding::Plain {
            return Err(TorchError::TooLarge(format!("`{name}` inflates to {} bytes", storage.length())));
        }
        Ok(Some(match storage.encoding {
            Encoding::Plain => (storage.source, storage.span),
            _ => {
                let source = Rc::new(Source::Memory(storage.bytes(0, storage.length())?));
                let span = source.whole();
                (source, span)
            }
        }))
    }
}

/// Where the directory is.
struct Directory {
    span: Span,
    /// How far everything lies behind where the zip says: something was put in front of it.
    shift: u64,
}

impl Directory {
    fn find(source: &Source) -> Result<Self, TorchError> {
        let length = source.length();
        let tail = source.bytes(Span {
            start: length.saturating_sub(END_BYTES + COMMENT_BYTES_MAX),
            length: length.min(END_BYTES + COMMENT_BYTES_MAX),
        })?;
        let tail_start = length - tail.len() as u64;
        let ends = (0..tail.len().saturating_sub(END_BYTES as usize - 1)).rev();
        let end = ends
            .filter(|at| tail[*at..].starts_with(END))
            .find(|at| *at + END_BYTES as usize + usize::from(u16_at(&tail, at + 20)) <= tail.len());
        let Some(end) = end else { return Err(cut_off(source)?) };
        let record = &tail[end..];
        let (mut size, mut start) = (u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
        let mut records_start = tail_start + end as u64;
        if let Some((at, size_64, start_64)) = end_64(source, records_start)? {
            (records_start, size, start) = (at, size_64, start_64);
        }
        // The directory ends where the end records begin; PyTorch and others tell the same start.
        if size > DIRECTORY_BYTES {
            return Err(TorchError::TooLarge(format!("the zip's directory has {size} bytes")));
        }
        let is_directory = |at: u64| -> Result<bool, TorchError> {
            let mut four = [0; 4];
            source.read_at(at, &mut four)?;
            Ok(size == 0 || &four == CENTRAL)
        };
        let before_end = records_start.checked_sub(size);
        let fits = start.checked_add(size).is_some_and(|end| end <= records_start);
        if fits && is_directory(start)? {
            return Ok(Self { span: Span { start, length: size }, shift: 0 });
        }
        match before_end {
            Some(at) if at >= start && is_directory(at)? => {
                Ok(Self { span: Span { start: at, length: size }, shift: at - start })
            }
            _ => Err(TorchError::damaged("the zip's directory is not where its end says")),
        }
    }
}

/// Place, directory size and directory start of the ZIP64 end record, to which a locator before the end at `end` leads.
fn end_64(source: &Source, end: u64) -> Result<Option<(u64, u64, u64)>, TorchError> {
    let Some(at) = end.checked_sub(LOCATOR_BYTES) else { return Ok(None) };
    let locator: [u8; LOCATOR_BYTES as usize] = source.array(at)?;
    if !locator.starts_with(LOCATOR_64) {
        return Ok(None);
    }
    // Where it says, or right before the locator where something was put in front of the zip.
    for place in [u64_at(&locator, 8), at.saturating_sub(56)] {
        let mut record = [0; 56];
        if source.read_at(place, &mut record)? == record.len() && record.starts_with(END_64) {
            return Ok(Some((place, u64_at(&record, 40), u64_at(&record, 48))));
        }
    }
    Ok(None)
}

/// The error for a zip without its end: what its last member would need, if that can be told.
fn cut_off(source: &Source) -> Result<TorchError, TorchError> {
    let (mut at, mut members) = (0u64, 0usize);
    let mut header = [0; 30];
    while members < MEMBERS && source.read_at(at, &mut header)? == header.len() && header.starts_with(LOCAL) {
        let sizes_follow = u16_at(&header, 6) & 8 != 0 && u32_at(&header, 18) == 0;
        if sizes_follow || u32_at(&header, 18) == u32::MAX {
            break;
        }
        let lengths = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        at += 30 + lengths + u64::from(u32_at(&header, 18));
        members += 1;
    }
    let length = source.length();
    Ok(TorchError::CutOff(if at > length {
        format!("it has {length} of at least {at} bytes")
    } else {
        format!("it has {length} bytes, and the end of its zip is missing")
    }))
}

fn central_entry(stream: &mut Stream, shift: u64) -> Result<(String, Member), TorchError> {
    let entry: [u8; 42] = stream.array()?;
    let lengths = [24, 26, 28].map(|at| usize::from(u16_at(&entry, at)));
    let (mut name, mut extra) = (Vec::new(), Vec::new());
    stream.copy(lengths[0], &mut name)?;
    stream.copy(lengths[1], &mut extra)?;
    stream.skip(lengths[2] as u64)?;
    let mut sizes = [16, 20, 38].map(|at| u64::from(u32_at(&entry, at))); // packed, length, header
    let mut wide = field(&extra, 1);
    // In the order in which ZIP64 gives them: length, packed, header.
    for index in [1, 0, 2] {
        if sizes[index] == u64::from(u32::MAX) && wide.len() >= 8 {
            sizes[index] = u64_at(wide, 0);
            wide = &wide[8..];
        }
    }
    let member = Member {
        header: sizes[2].saturating_add(shift),
        packed: sizes[0],
        length: sizes[1],
        method: u16_at(&entry, 6),
        checksum: u32_at(&entry, 12),
        encrypted: u16_at(&entry, 4) & 1 != 0,
    };
    Ok((String::from_utf8_lossy(&name).into_owned(), member))
}

/// The extra field `id`, or nothing.
fn field(mut extra: &[u8], id: u16) -> &[u8] {
    while extra.len() >= 4 {
        let end = (4 + usize::from(u16_at(extra, 2))).min(extra.len());
        if u16_at(extra, 0) == id {
            return &extra[4..end];
        }
        extra = &extra[end..];
    }
    &[]
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
