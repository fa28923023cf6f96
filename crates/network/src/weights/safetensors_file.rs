//! Safetensors: a length, a JSON header, then the bytes of all tensors.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use zview_torch_file::Element;

use super::stored::{Content, StoredTensor, Tensors};
use super::{WeightsError, not_weights};

/// The largest header that is read; the format allows four times as much, real ones have a few megabytes.
const HEADER_BYTES_MAX: u64 = 25_000_000;

/// Where the bytes are.
enum Bytes {
    File(RefCell<File>),
    Memory(Vec<u8>),
}

impl Bytes {
    /// `length` bytes from `start`, which lie within.
    fn read(&self, start: u64, length: u64) -> Result<Vec<u8>, String> {
        match self {
            Self::File(file) => {
                let mut file = file.borrow_mut();
                let mut bytes = vec![0; usize::try_from(length).map_err(|error| error.to_string())?];
                file.seek(SeekFrom::Start(start)).map_err(|error| error.to_string())?;
                file.read_exact(&mut bytes).map_err(|error| error.to_string())?;
                Ok(bytes)
            }
            Self::Memory(bytes) => {
                let range = usize::try_from(start).ok().zip(usize::try_from(start + length).ok());
                let part = range.and_then(|(start, end)| bytes.get(start..end));
                part.map(<[u8]>::to_vec).ok_or_else(|| "its bytes are not there".to_owned())
            }
        }
    }
}

/// The tensors of the file at `path`, which are read when they are taken.
pub(super) fn read(path: &Path) -> Result<Content, WeightsError> {
    let unreadable = |source| WeightsError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let content = content(Bytes::File(RefCell::new(file)), length);
    content.map_err(|reason| {
        not_weights::known(path).unwrap_or(WeightsError::Malformed { path: path.to_owned(), reason })
    })
}

/// As [`read`], of bytes that are already here; `path` is only named in errors.
pub(super) fn parse(path: &Path, bytes: Vec<u8>) -> Result<Content, WeightsError> {
    let length = bytes.len() as u64;
    content(Bytes::Memory(bytes), length)
        .map_err(|reason| WeightsError::Malformed { path: path.to_owned(), reason })
}

fn content(bytes: Bytes, length: u64) -> Result<Content, String> {
    if length < 8 {
        return Err(format!("{length} bytes are too few for safetensors"));
    }
    let first = bytes.read(0, 8)?;
    let header_bytes = u64::from_le_bytes(first.try_into().unwrap_or_default());
    if header_bytes > HEADER_BYTES_MAX || header_bytes > length - 8 {
        return Err(format!(
            "a header of {header_bytes} bytes in a file of {length} (allowed: {HEADER_BYTES_MAX})"
        ));
    }
    let header = bytes.read(8, header_bytes)?;
    let header: Header = serde_json::from_slice(&header).map_err(|error| format!("its header: {error}"))?;
    let start = 8 + header_bytes;
    let data_bytes = length - start;
    let mut spans: Vec<(u64, u64)> = header.tensors.values().map(|info| info.data_offsets).collect();
    spans.sort_unstable();
    let mut end = 0;
    for (from, to) in spans {
        if from != end || to < from {
            return Err(format!("its tensors leave a gap or overlap at byte {end}"));
        }
        end = to;
    }
    if end != data_bytes {
        let problem = if end > data_bytes { "it is cut off" } else { "bytes follow its tensors" };
        return Err(format!("{problem}: {} bytes of {}", length, start + end));
    }
    let bytes = Rc::new(bytes);
    let mut tensors = Tensors::new();
    for (name, info) in header.tensors {
        let (from, to) = info.data_offsets;
        let element = element_type(&info.dtype);
        let count = info.shape.iter().try_fold(1u64, |count, extent| count.checked_mul(*extent as u64));
        let promised = count.and_then(|count| count.checked_mul(element.bytes()));
        if element.bytes() > 0 && promised != Some(to - from) {
            return Err(format!("tensor `{name}` of shape {:?} has {} bytes", info.shape, to - from));
        }
        let bytes = Rc::clone(&bytes);
        let read = move || bytes.read(start + from, to - from);
        let stored = StoredTensor {
            element,
            shape: info.shape,
            dictionary: String::new(),
            unreadable: None,
            holder: None,
            read: Box::new(read),
        };
        tensors.insert(name, stored);
    }
    Ok(Content { tensors, metadata: header.metadata, root: "a dictionary".to_owned() })
}

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

#[derive(Default)]
struct Header {
    tensors: BTreeMap<String, Info>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("tensors by name")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Header, M::Error> {
                let mut header = Header::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        header.metadata =
                            map.next_value::<Option<BTreeMap<String, String>>>()?.unwrap_or_default();
                    } else if header.tensors.insert(name.clone(), map.next_value()?).is_some() {
                        return Err(serde::de::Error::custom(format!("tensor `{name}` is there twice")));
                    }
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Of the format's own name.
fn element_type(dtype: &str) -> Element {
    match dtype {
        "F64" => Element::F64,
        "F32" => Element::F32,
        "F16" => Element::F16,
        "BF16" => Element::BF16,
        "I64" => Element::I64,
        "I32" => Element::I32,
        "I16" => Element::I16,
        "I8" => Element::I8,
        "U64" => Element::U64,
        "U32" => Element::U32,
        "U16" => Element::U16,
        "U8" => Element::U8,
        "BOOL" => Element::Bool,
        "C64" => Element::named("complex64"),
        "F8_E4M3" => Element::named("float8_e4m3fn"),
        "F8_E5M2" => Element::named("float8_e5m2"),
        "F8_E8M0" => Element::named("float8_e8m0fnu"),
        other => Element::Other(other.to_owned(), 0),
    }
}
