//! Where the elements of tensors lie.

use std::collections::HashMap;
use std::io::Read;
use std::rc::Rc;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::source::{Source, Span, Stream};
use crate::zip::Zip;
use crate::{Element, TorchError};

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    /// `length` bytes once inflated.
    Deflated {
        length: u64,
    },
    /// A UTF-8 text, of which each character is a byte: how pickles of protocol 2 write bytes.
    Characters,
}

/// Bytes that tensors are views of.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) source: Rc<Source>,
    pub(crate) span: Span,
    pub(crate) encoding: Encoding,
    /// CRC-32 of the whole.
    pub(crate) checksum: Option<u32>,
    pub(crate) big_endian: bool,
}

/// Deflate makes at most this many bytes of one.
const INFLATION_MAX: u64 = 1032;

impl Storage {
    pub(crate) fn plain(source: &Rc<Source>, span: Span) -> Self {
        let source = Rc::clone(source);
        Self { source, span, encoding: Encoding::Plain, checksum: None, big_endian: false }
    }

    /// Bytes, at most: never more than the file can hold.
    pub(crate) fn length(&self) -> u64 {
        let there = self.span.length.min(self.source.length().saturating_sub(self.span.start));
        match self.encoding {
            Encoding::Plain | Encoding::Characters => there,
            Encoding::Deflated { length } => {
                length.min(there.saturating_mul(INFLATION_MAX).saturating_add(64))
            }
        }
    }

    /// `length` bytes from `offset`. The whole is compared with its checksum.
    pub(crate) fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, TorchError> {
        let end = offset.checked_add(length).filter(|end| *end <= self.length()).ok_or_else(|| {
            TorchError::CutOff(format!("{length} bytes at {offset} of a storage of {}", self.length()))
        })?;
        let bytes = match self.encoding {
            Encoding::Plain => self.source.bytes(Span { start: self.span.start + offset, length })?,
            Encoding::Deflated { .. } => self.inflated(offset, end)?,
            Encoding::Characters => self.characters(offset, end)?,
        };
        if let Some(expected) = self.checksum.filter(|_| offset == 0 && end == self.length()) {
            let mut crc = Crc::new();
            crc.update(&bytes);
            if crc.sum() != expected {
                let got = crc.sum();
                return Err(TorchError::damaged(format!(
                    "its checksum is {got:08x}, expected {expected:08x}"
                )));
            }
        }
        Ok(bytes)
    }

    /// All bytes, whose count is not known before of a text: some characters take two bytes.
    pub(crate) fn whole(&self) -> Result<Vec<u8>, TorchError> {
        match self.encoding {
            Encoding::Characters => self.all_characters(),
            Encoding::Plain | Encoding::Deflated { .. } => self.bytes(0, self.length()),
        }
    }

    fn inflated(&self, offset: u64, end: u64) -> Result<Vec<u8>, TorchError> {
        // The packed bytes have to be there before anything is made of them.
        let fits =
            self.span.start.checked_add(self.span.length).is_some_and(|end| end <= self.source.length());
        if !fits {
            return Err(TorchError::CutOff("a compressed member ends after the file".to_owned()));
        }
        let mut decoder = DeflateDecoder::new(StreamReader(Stream::new(&self.source, self.span)));
        let mut bytes = Vec::new();
        std::io::copy(&mut decoder.by_ref().take(offset), &mut std::io::sink())?;
        decoder.take(end - offset).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != end - offset {
            return Err(TorchError::damaged("a compressed member is shorter than its zip says"));
        }
        Ok(bytes)
    }

    fn all_characters(&self) -> Result<Vec<u8>, TorchError> {
        bytes_of_characters(&self.source.part(self.span)?)
            .ok_or_else(|| TorchError::damaged("a text that holds bytes has other characters"))
    }

    fn characters(&self, offset: u64, end: u64) -> Result<Vec<u8>, TorchError> {
        let bytes = self.all_characters()?;
        let part = bytes.get(offset as usize..end as usize).map(<[u8]>::to_vec);
        part.ok_or_else(|| TorchError::CutOff(format!("{end} bytes of {}", bytes.len())))
    }
}

/// Each character of a UTF-8 text as a byte.
pub(crate) fn bytes_of_characters(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
}

struct StreamReader(Stream);

impl Read for StreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = (buffer.len() as u64).min(self.0.left()).min(1 << 15) as usize;
        let mut part = Vec::with_capacity(count);
        self.0.copy(count, &mut part).map_err(std::io::Error::other)?;
        buffer[..count].copy_from_slice(&part);
        Ok(count)
    }
}

/// A tensor of the tar layout, where a pickle names tensors and not storages.
#[derive(Debug, Clone)]
pub(crate) struct NamedTensor {
    pub(crate) storage: String,
    pub(crate) element: Element,
    pub(crate) shape: Vec<i64>,
    pub(crate) stride: Vec<i64>,
    pub(crate) offset: i64,
}

/// The storages that a pickle names.
#[derive(Debug)]
pub(crate) enum Storages {
    /// There are none: a plain pickle.
    None,
    /// Members of a zip, whose names begin with the text.
    Archive { zip: Zip, prefix: String, big_endian: bool },
    /// Listed with their places; tensors by name in the tar layout.
    Listed { storages: HashMap<String, Storage>, tensors: HashMap<String, NamedTensor> },
}

impl Storages {
    pub(crate) fn find(&self, key: &str) -> Result<Option<Storage>, TorchError> {
        match self {
            Self::None => Ok(None),
            Self::Archive { zip, prefix, big_endian } => {
                // `tensors/` is what the first versions with a zip wrote.
                for folder in ["data", "tensors"] {
                    if let Some(storage) = zip.storage(&format!("{prefix}{folder}/{key}"))? {
                        return Ok(Some(Storage { big_endian: *big_endian, ..storage }));
                    }
                }
                Ok(None)
            }
            Self::Listed { storages, .. } => Ok(storages.get(key).cloned()),
        }
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&NamedTensor> {
        match self {
            Self::Listed { tensors, .. } => tensors.get(name),
            _ => None,
        }
    }
}
