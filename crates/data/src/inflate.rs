//! Gzipped files, read as what is in them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::DataError;

/// How often a file may be gzipped: a server may compress what is compressed.
const GZIP_LAYERS: usize = 3;

/// The file's content, inflated as often as it is gzipped.
pub(crate) fn open_inflating(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let open = || -> io::Result<Box<dyn Read>> { inflating(BufReader::new(File::open(path)?), GZIP_LAYERS) };
    open().map_err(|source| DataError::Read { path: path.to_owned(), source })
}

/// What `reader` gives, inflated as often as it is gzipped, `layers` times at most.
pub(crate) fn inflating<'a>(
    mut reader: impl io::BufRead + 'a,
    layers: usize,
) -> io::Result<Box<dyn Read + 'a>> {
    // What cannot be inflated is told when it is read.
    let start = reader.fill_buf().unwrap_or_default();
    if layers == 0 || !start.starts_with(&[0x1F, 0x8B]) {
        return Ok(Box::new(reader));
    }
    let inner: Box<dyn io::BufRead + 'a> = Box::new(BufReader::new(MultiGzDecoder::new(reader)));
    inflating(inner, layers - 1)
}
