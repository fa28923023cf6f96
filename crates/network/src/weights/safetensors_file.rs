//! Safetensors: a length, a JSON header, then the bytes of all tensors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use safetensors::{Dtype, SafeTensors};

use super::WeightsError;
use super::convert::ElementType;
use super::state_dict::StoredTensor;

/// The largest header that the format allows.
const HEADER_BYTES_MAX: u64 = 100_000_000;

/// The tensors of the file at `path` by name, and the texts of its header.
#[allow(clippy::type_complexity, reason = "its callers take it apart at once")]
pub(super) fn read(
    path: &Path,
) -> Result<(BTreeMap<String, StoredTensor>, BTreeMap<String, String>), WeightsError> {
    parse(path, checked_bytes(path)?)
}

/// As [`read`], of bytes that are already here; `path` is only named in errors.
#[allow(clippy::type_complexity, reason = "its callers take it apart at once")]
pub(super) fn parse(
    path: &Path,
    bytes: Vec<u8>,
) -> Result<(BTreeMap<String, StoredTensor>, BTreeMap<String, String>), WeightsError> {
    let bytes = Rc::new(bytes);
    let malformed = |error: safetensors::SafeTensorError| WeightsError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let (header_bytes, metadata) = SafeTensors::read_metadata(&bytes).map_err(malformed)?;
    let data_start = 8 + header_bytes;
    let texts = metadata.metadata().iter().flatten().map(|(key, text)| (key.clone(), text.clone())).collect();
    let tensors = metadata.tensors().into_iter().map(|(name, info)| {
        let (start, end) = info.data_offsets;
        let (bytes, element) = (Rc::clone(&bytes), element_type(info.dtype));
        // The offsets lie within the file: `read_metadata` has checked them.
        let read = move || Ok(bytes[data_start + start..data_start + end].to_vec());
        (name, StoredTensor { element, shape: info.shape.clone(), read: Box::new(read) })
    });
    Ok((tensors.collect(), texts))
}

/// The whole file, after its first eight bytes were found to be possible.
fn checked_bytes(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let unreadable = |source| WeightsError::Read { path: path.to_owned(), source };
    let malformed = |reason| WeightsError::Malformed { path: path.to_owned(), reason };
    let mut file = File::open(path).map_err(unreadable)?;
    let file_bytes = file.metadata().map_err(unreadable)?.len();
    if file_bytes < 8 {
        return Err(malformed(format!("{file_bytes} bytes are too few for safetensors")));
    }
    let mut length = [0u8; 8];
    file.read_exact(&mut length).map_err(unreadable)?;
    let header_bytes = u64::from_le_bytes(length);
    if header_bytes > HEADER_BYTES_MAX || header_bytes > file_bytes - 8 {
        return Err(malformed(format!(
            "a header of {header_bytes} bytes in a file of {file_bytes} (allowed: {HEADER_BYTES_MAX})"
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(file_bytes).unwrap_or(0));
    bytes.extend(length);
    file.take(file_bytes - 8).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn element_type(dtype: Dtype) -> ElementType {
    match dtype {
        Dtype::F64 => ElementType::F64,
        Dtype::F32 => ElementType::F32,
        Dtype::F16 => ElementType::F16,
        Dtype::BF16 => ElementType::BF16,
        Dtype::I64 => ElementType::I64,
        Dtype::I32 => ElementType::I32,
        Dtype::I16 => ElementType::I16,
        Dtype::I8 => ElementType::I8,
        Dtype::U8 => ElementType::U8,
        _ => ElementType::Other("an element type that is not read here"),
    }
}
