//! Rows of features in a file: written piece by piece, with a hash of each chunk behind them, and mapped.
//!
//! A header of [`HEADER_BYTES`] (JSON in one line, filled up with spaces), the values (N, D) row by row as little-endian
//! f32, then the SHA-256 of every chunk of rows, as hexadecimal.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use memmap2::Mmap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zview_runtime::atomic::WriteError;
use zview_runtime::hash::sha256_of_bytes;

use crate::FeatureError;

/// Version of the file.
pub(crate) const FORMAT: u32 = 2;
const HEADER_BYTES: usize = 128;
/// Bytes of rows that have one hash, or one row where it has more.
const CHUNK_BYTES: usize = 1 << 20;
/// Characters of a hash.
const HASH_BYTES: usize = 64;
const VALUE_BYTES: usize = size_of::<f32>();

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    format: u32,
    rows: usize,
    dimension: usize,
    rows_per_chunk: usize,
}

impl Header {
    fn new(rows: usize, dimension: usize) -> Self {
        let rows_per_chunk = (CHUNK_BYTES / (VALUE_BYTES * dimension.max(1))).max(1);
        Self { format: FORMAT, rows, dimension, rows_per_chunk }
    }

    fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.resize(HEADER_BYTES - 1, b' ');
        line.push(b'\n');
        Ok(line)
    }

    fn chunk_bytes(&self) -> usize {
        self.rows_per_chunk * self.dimension * VALUE_BYTES
    }

    /// Bytes of all values, and of the whole file.
    fn sizes(&self) -> Option<(usize, usize)> {
        let values = self.rows.checked_mul(self.dimension)?.checked_mul(VALUE_BYTES)?;
        let hashes = self.rows.div_ceil(self.rows_per_chunk).checked_mul(HASH_BYTES)?;
        Some((values, values.checked_add(HEADER_BYTES)?.checked_add(hashes)?))
    }
}

/// Takes the rows of a file one after another; holds a chunk of them at most.
#[derive(Debug)]
pub struct RowWriter<'a> {
    file: &'a mut File,
    path: &'a Path,
    header: Header,
    chunk: Vec<u8>,
    hashes: String,
    values: usize,
}

impl RowWriter<'_> {
    /// The next rows, (R, D).
    ///
    /// # Errors
    /// A number of values that is no number of rows, a value that is not finite (images count from the first row),
    /// [`FeatureError::Write`].
    pub fn push(&mut self, rows: &[f32]) -> Result<(), FeatureError> {
        let dimension = self.header.dimension;
        if !rows.len().is_multiple_of(dimension) {
            let expected = rows.len().next_multiple_of(dimension);
            return Err(FeatureError::Size { what: "values of whole rows", expected, got: rows.len() });
        }
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            let (image, value) = ((self.values + at) / dimension, rows[at]);
            return Err(FeatureError::NotFinite { image, dimension: at % dimension, value });
        }
        self.values += rows.len();
        for row in rows.chunks_exact(dimension) {
            self.chunk.extend(row.iter().flat_map(|value| value.to_le_bytes()));
            if self.chunk.len() == self.header.chunk_bytes() {
                self.end_chunk()?;
            }
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), FeatureError> {
        self.hashes.push_str(&sha256_of_bytes(&self.chunk));
        self.file.write_all(&self.chunk).map_err(|source| failed(self.path, source))?;
        self.chunk.clear();
        Ok(())
    }
}

/// Writes `rows` rows of `dimension` values, which `fill` gives, to `file`, whose name in messages is `path`.
///
/// # Errors
/// What `fill` gives, another number of rows than promised, [`FeatureError::Write`].
pub(crate) fn write_rows(
    (file, path): (&mut File, &Path),
    (rows, dimension): (usize, usize),
    fill: impl FnOnce(&mut RowWriter<'_>) -> Result<(), FeatureError>,
) -> Result<(), FeatureError> {
    if dimension == 0 {
        return Err(FeatureError::Size { what: "dimension of the features, at least", expected: 1, got: 0 });
    }
    let header = Header::new(rows, dimension);
    header.line().and_then(|line| file.write_all(&line)).map_err(|source| failed(path, source))?;
    let (chunk, hashes) = (Vec::with_capacity(header.chunk_bytes()), String::new());
    let mut writer = RowWriter { file, path, header, chunk, hashes, values: 0 };
    fill(&mut writer)?;
    let expected = rows.saturating_mul(dimension);
    if writer.values != expected {
        return Err(FeatureError::Size { what: "feature values of a file", expected, got: writer.values });
    }
    if !writer.chunk.is_empty() {
        writer.end_chunk()?;
    }
    let RowWriter { file, hashes, .. } = writer;
    file.write_all(hashes.as_bytes()).and_then(|()| file.flush()).map_err(|source| failed(path, source))
}

/// What the system says of a file of features.
pub(crate) fn failed(path: &Path, source: io::Error) -> FeatureError {
    FeatureError::Write(WriteError { path: path.to_owned(), source })
}

/// A mapped file of rows: the system reads what is touched, and may forget it again.
#[derive(Debug)]
pub(crate) struct RowFile {
    map: Mmap,
    header: Header,
    value_bytes: usize,
}

impl RowFile {
    /// Maps `file`, whose header and length must be those of `rows` rows of `dimension` values.
    pub(crate) fn new(file: &File, rows: usize, dimension: usize) -> io::Result<Self> {
        let header = Header::new(rows, dimension);
        let other = || io::Error::new(io::ErrorKind::InvalidData, "it is no file of these features");
        let (value_bytes, file_bytes) = header.sizes().ok_or_else(other)?;
        if file.metadata()?.len() != file_bytes as u64 {
            return Err(other());
        }
        // SAFETY: the map is only read, as bytes, of which every value is valid. Whoever changes the file meanwhile
        // changes features; whoever cuts it short ends this process, as for every program that maps files. zview itself
        // never writes to a file that has its final name.
        let map = unsafe { Mmap::map(file) }?;
        let found = serde_json::from_slice::<Header>(&map[..HEADER_BYTES]).ok();
        if found.as_ref() != Some(&header) { Err(other()) } else { Ok(Self { map, header, value_bytes }) }
    }

    /// Whether every chunk has its hash; each is read once.
    pub(crate) fn is_undamaged(&self) -> bool {
        let (values, hashes) = self.map[HEADER_BYTES..].split_at(self.value_bytes);
        let chunks = values.par_chunks(self.header.chunk_bytes()).zip(hashes.par_chunks(HASH_BYTES));
        chunks.all(|(chunk, hash)| sha256_of_bytes(chunk).as_bytes() == hash)
    }

    /// N.
    pub(crate) fn rows(&self) -> usize {
        self.header.rows
    }

    /// `count` rows from `first` on, (count, D).
    pub(crate) fn values(&self, first: usize, count: usize) -> Cow<'_, [f32]> {
        let row_bytes = self.header.dimension * VALUE_BYTES;
        let values = &self.map[HEADER_BYTES..HEADER_BYTES + self.value_bytes];
        let bytes = &values[first * row_bytes..(first + count) * row_bytes];
        if cfg!(target_endian = "little") {
            // SAFETY: every four bytes are an f32.
            let (before, floats, after) = unsafe { bytes.align_to::<f32>() };
            if before.is_empty() && after.is_empty() {
                return Cow::Borrowed(floats);
            }
        }
        bytes.as_chunks::<VALUE_BYTES>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}
