//! The bytes of a file, on disk or in memory, and reading them one after another.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use crate::TorchError;

/// Bytes at places.
#[derive(Debug)]
pub(crate) enum Source {
    File { file: RefCell<File>, length: u64 },
    Memory(Vec<u8>),
}

/// A part of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

impl Source {
    pub(crate) fn file(file: File) -> Result<Self, TorchError> {
        let length = file.metadata()?.len();
        Ok(Self::File { file: RefCell::new(file), length })
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::File { length, .. } => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    pub(crate) fn whole(&self) -> Span {
        Span { start: 0, length: self.length() }
    }

    /// Up to `buffer.len()` bytes at `offset`; fewer only where the source ends.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, TorchError> {
        let left = usize::try_from(self.length().saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        let buffer = &mut buffer[..count];
        match self {
            Self::File { file, .. } => {
                let mut file = file.borrow_mut();
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(buffer)?;
            }
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                buffer.copy_from_slice(&bytes[start..start + count]);
            }
        }
        Ok(count)
    }

    /// The bytes of `span`, which has to lie within the source: nothing is allocated for a claim.
    pub(crate) fn bytes(&self, span: Span) -> Result<Vec<u8>, TorchError> {
        self.part(span).map(Cow::into_owned)
    }

    /// As [`Self::bytes`], not copied where they are in memory.
    pub(crate) fn part(&self, span: Span) -> Result<Cow<'_, [u8]>, TorchError> {
        let fits = span.start.checked_add(span.length).is_some_and(|end| end <= self.length());
        let length = usize::try_from(span.length).ok().filter(|_| fits).ok_or_else(|| {
            let (start, length, of) = (span.start, span.length, self.length());
            TorchError::CutOff(format!("{length} bytes at {start} of {of}"))
        })?;
        if let Self::Memory(bytes) = self {
            let start = span.start as usize;
            return Ok(Cow::Borrowed(bytes.get(start..start + length).unwrap_or_default()));
        }
        let mut bytes = vec![0; length];
        self.read_at(span.start, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// `N` bytes at `offset`.
    pub(crate) fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N], TorchError> {
        let mut array = [0; N];
        if self.read_at(offset, &mut array)? < N {
            return Err(TorchError::CutOff(format!("{N} bytes at {offset} of {}", self.length())));
        }
        Ok(array)
    }
}

const BUFFER_BYTES: usize = 1 << 16;

/// Reads a part of a source from front to back.
#[derive(Debug)]
pub(crate) struct Stream {
    source: Rc<Source>,
    end: u64,
    buffer: Vec<u8>,
    /// Where the buffer lies in the source.
    buffer_start: u64,
    /// The next byte, counted in the buffer.
    next: usize,
}

impl Stream {
    pub(crate) fn new(source: &Rc<Source>, span: Span) -> Self {
        let end = span.start.saturating_add(span.length).min(source.length());
        let source = Rc::clone(source);
        Self { source, end, buffer: Vec::new(), buffer_start: span.start, next: 0 }
    }

    pub(crate) fn position(&self) -> u64 {
        self.buffer_start + self.next as u64
    }

    pub(crate) fn left(&self) -> u64 {
        self.end.saturating_sub(self.position())
    }

    fn cut_off(&self, needed: u64) -> TorchError {
        TorchError::CutOff(format!(
            "{needed} more bytes are needed at {}, {} are there",
            self.position(),
            self.left()
        ))
    }

    fn refill(&mut self) -> Result<(), TorchError> {
        let start = self.position();
        let count = self.end.saturating_sub(start).min(BUFFER_BYTES as u64) as usize;
        self.buffer.resize(count, 0);
        let count = self.source.read_at(start, &mut self.buffer)?;
        self.buffer.truncate(count);
        (self.buffer_start, self.next) = (start, 0);
        Ok(())
    }

    pub(crate) fn byte(&mut self) -> Result<u8, TorchError> {
        if self.next >= self.buffer.len() {
            self.refill()?;
        }
        let byte = *self.buffer.get(self.next).ok_or_else(|| self.cut_off(1))?;
        self.next += 1;
        Ok(byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], TorchError> {
        let mut array = [0; N];
        for byte in &mut array {
            *byte = self.byte()?;
        }
        Ok(array)
    }

    /// Appends `count` bytes to `to`.
    pub(crate) fn copy(&mut self, count: usize, to: &mut Vec<u8>) -> Result<(), TorchError> {
        if count as u64 > self.left() {
            return Err(self.cut_off(count as u64));
        }
        let mut left = count;
        while left > 0 {
            if self.next >= self.buffer.len() {
                self.refill()?;
            }
            let part = &self.buffer[self.next..];
            let part = &part[..part.len().min(left)];
            if part.is_empty() {
                return Err(self.cut_off(left as u64));
            }
            to.extend_from_slice(part);
            left -= part.len();
            self.next += part.len();
        }
        Ok(())
    }

    /// Passes over `count` bytes, and says where they lie.
    pub(crate) fn skip(&mut self, count: u64) -> Result<Span, TorchError> {
        if count > self.left() {
            return Err(self.cut_off(count));
        }
        let start = self.position();
        match usize::try_from(count).ok().filter(|count| *count <= self.buffer.len() - self.next) {
            Some(count) => self.next += count,
            None => {
                self.buffer.clear();
                (self.buffer_start, self.next) = (start + count, 0);
            }
        }
        Ok(Span { start, length: count })
    }

    /// A line without its end, of at most `limit` bytes.
    pub(crate) fn line(&mut self, limit: usize) -> Result<Vec<u8>, TorchError> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Ok(line),
                _ if line.len() >= limit => {
                    return Err(TorchError::damaged(format!("a line of more than {limit} bytes")));
                }
                byte => line.push(byte),
            }
        }
    }
}
