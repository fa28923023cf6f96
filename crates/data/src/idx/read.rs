//! The content of an IDX file: a magic number, the dimensions, then values; plain, gzipped, or gzipped again.

use std::io::{self, Read};
use std::path::Path;

use crate::content_kind::{Content as Kind, content_of};
use crate::error::DataError;
use crate::options::Limits;

const REPLACE: &str = "fetch or copy the file again";
/// The types of values of the format, by their code.
const TYPES: [(u8, usize, &str); 6] = [
    (0x08, 1, "unsigned bytes"),
    (0x09, 1, "signed bytes"),
    (0x0B, 2, "16-bit integers"),
    (0x0C, 4, "32-bit integers"),
    (0x0D, 4, "32-bit floats"),
    (0x0E, 8, "64-bit floats"),
];

/// What a file is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Unsigned bytes of three dimensions (N, H, W), or four with channels first or last.
    Images,
    /// Integers of one dimension, or of two (N, several) of which the first of each row counts, as QMNIST has them.
    Labels,
}

/// Dimensions and big-endian values.
pub(super) struct Content {
    pub(super) dimensions: Vec<usize>,
    type_code: u8,
    pub(super) bytes: Vec<u8>,
}

impl Content {
    /// The values as integers; of rows the first.
    pub(super) fn first_of_rows(&self) -> Vec<i64> {
        let bytes = match self.type_code {
            0x0B => 2,
            0x0C => 4,
            _ => 1,
        };
        let row = bytes * self.dimensions[1..].iter().product::<usize>();
        let value = |row: &[u8]| match (self.type_code, row) {
            (0x0B, &[a, b, ..]) => i16::from_be_bytes([a, b]).into(),
            (0x0C, &[a, b, c, d, ..]) => i32::from_be_bytes([a, b, c, d]).into(),
            (0x09, &[a, ..]) => (a as i8).into(),
            (_, &[a, ..]) => a.into(),
            (_, []) => 0,
        };
        self.bytes.chunks_exact(row.max(1)).map(value).collect()
    }
}

/// Reads an inflated IDX file.
///
/// Never holds more than the header says, nor inflates more than one byte past it.
pub(super) fn read_idx(
    path: &Path,
    mut reader: Box<dyn Read + '_>,
    wanted: Wanted,
    limits: &Limits,
) -> Result<Content, DataError> {
    let bad_because = |field, expected: String, got: String, remedy| DataError::BadFile {
        path: path.to_owned(),
        field,
        expected,
        got,
        remedy,
    };
    let bad = |field, expected: String, got: String| bad_because(field, expected, got, REPLACE);
    let (start, cut) = read_up_to(path, reader.as_mut(), 4)?;
    let &[zero, zero_too, type_code, rank] = start.as_slice() else {
        let expected = if wanted == Wanted::Images { 16 } else { 8 };
        let got = format!("{}: the file is cut short", start.len());
        return Err(bad("header", format!("{expected} bytes"), got));
    };
    let known_type = TYPES.iter().find(|(code, ..)| *code == type_code);
    let (standard, ranks, types): (_, &[u8], &[u8]) = match wanted {
        Wanted::Images => ("0x00000803 (unsigned bytes, 3 dimensions)", &[3, 4], &[0x08]),
        Wanted::Labels => ("0x00000801 (unsigned bytes, 1 dimension)", &[1, 2], &[0x08, 0x09, 0x0B, 0x0C]),
    };
    if [zero, zero_too] != [0, 0]
        || known_type.is_none()
        || !ranks.contains(&rank)
        || !types.contains(&type_code)
    {
        let magic = format!("{:#010x}", u32::from_be_bytes([zero, zero_too, type_code, rank]));
        let (got, remedy) = match (known_type, [zero, zero_too]) {
            (Some((code, _, name)), [0, 0]) if !types.contains(code) => (
                format!("{magic} ({name}, {rank} dimensions)"),
                if wanted == Wanted::Images {
                    "write the pixels as unsigned bytes from 0 to 255"
                } else {
                    "write the labels as integers"
                },
            ),
            (Some((_, _, name)), [0, 0]) if wanted == Wanted::Images && rank == 2 => (
                format!("{magic} ({name}, 2 dimensions: flattened images)"),
                "write them again with the dimensions (images, rows, columns)",
            ),
            (Some((_, _, name)), [0, 0]) => (format!("{magic} ({name}, {rank} dimensions)"), REPLACE),
            _ => match content_of(&start) {
                Kind::Other(what) if what.contains("unpack") => (format!("{magic}: {what}"), REPLACE),
                _ => (magic, REPLACE),
            },
        };
        return Err(bad_because("magic number", standard.to_owned(), got, remedy));
    }
    let (header, _) = read_up_to(path, reader.as_mut(), 4 * u64::from(rank))?;
    if cut || header.len() < 4 * usize::from(rank) {
        let got = format!("{}: the file is cut short", start.len() + header.len());
        return Err(bad("header", format!("{} bytes", 4 + 4 * usize::from(rank)), got));
    }
    let dimensions: Vec<usize> = header
        .chunks_exact(4)
        .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]) as usize)
        .collect();
    if dimensions.contains(&0) {
        return Err(bad("dimensions", "none of them 0".to_owned(), format!("{dimensions:?}")));
    }
    if let Some(side) = dimensions[1..].iter().find(|&&side| side > limits.max_side) {
        return Err(bad(
            "dimensions",
            format!("at most {} pixels per side", limits.max_side),
            side.to_string(),
        ));
    }
    let value_bytes = known_type.map_or(1, |(_, bytes, _)| *bytes as u64);
    let length = dimensions.iter().try_fold(value_bytes, |product, &next| product.checked_mul(next as u64));
    let Some(length) = length.filter(|&length| length <= limits.max_set_bytes) else {
        return Err(DataError::TooLarge {
            path: path.to_owned(),
            what: format!("its header ({dimensions:?})"),
            bytes: length.map_or_else(|| "more than 2^64".to_owned(), |length| length.to_string()),
            limit: limits.max_set_bytes,
        });
    };
    // One byte more than announced, to see whether there is more.
    let (data, cut) = read_up_to(path, reader.as_mut(), length + 1)?;
    if data.len() as u64 == length && cut {
        let got = "its end, with the checksum, is missing".to_owned();
        return Err(bad("gzip stream", "a whole one".to_owned(), got));
    }
    if data.len() as u64 != length {
        let got = if data.len() as u64 > length {
            "more".to_owned()
        } else {
            format!("{}: the file is cut short", data.len())
        };
        return Err(bad("data", format!("{length} bytes, as the header {dimensions:?} says"), got));
    }
    Ok(Content { dimensions, type_code, bytes: data })
}

/// At most `limit` bytes; fewer if the file ends before. True if it is a gzip stream without its end.
fn read_up_to(path: &Path, reader: &mut dyn Read, limit: u64) -> Result<(Vec<u8>, bool), DataError> {
    let mut bytes = Vec::new();
    match reader.take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok((bytes, false)),
        // What is missing is told by the caller, who knows the field.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok((bytes, true)),
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Err(DataError::BadFile {
                path: path.to_owned(),
                field: "gzip stream",
                expected: "a whole one with its checksum".to_owned(),
                got: error.to_string(),
                remedy: REPLACE,
            })
        }
        Err(source) => Err(DataError::Read { path: path.to_owned(), source }),
    }
}
