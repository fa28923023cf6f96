//! PyTorch files (zip, legacy and tar), read as data by the crate `pytorch-reader`: a pickle's
//! function calls are skipped over, never made.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pytorch_reader::{DType, PytorchError, PytorchReader, Tensor};

use super::WeightsError;
use super::convert::ElementType;
use super::state_dict::StoredTensor;

pub(super) fn read(
    path: &Path,
    top_level_key: Option<&str>,
) -> Result<BTreeMap<String, StoredTensor>, WeightsError> {
    let file_bytes =
        std::fs::metadata(path).map_err(|source| WeightsError::Read { path: path.to_owned(), source })?.len();
    let opened = guarded(|| match top_level_key {
        Some(key) => PytorchReader::with_top_level_key(path, key),
        None => PytorchReader::new(path),
    })
    .map_err(|reason| WeightsError::Malformed { path: path.to_owned(), reason })?;
    let reader = opened.map_err(|error| as_weights_error(path, top_level_key, error))?;
    let tensors = reader.into_tensors().into_iter();
    Ok(tensors.map(|(name, tensor)| (name, stored(tensor, file_bytes))).collect())
}

fn stored(tensor: Tensor, file_bytes: u64) -> StoredTensor {
    let (element, shape) = (element_type(tensor.dtype()), tensor.shape().to_vec());
    let read = move || {
        // A view can promise more than the file holds (an expanded scalar): weights never do, as
        // torch.save does not compress.
        if tensor.byte_len() as u64 > file_bytes {
            let (name, claimed) = (&tensor.name, tensor.byte_len());
            return Err(format!("tensor `{name}` claims {claimed} bytes in a file of {file_bytes}"));
        }
        guarded(|| tensor.read())?.map_err(|error| error.to_string())
    };
    StoredTensor { element, shape, read: Box::new(read) }
}

/// A panic in the third-party reader is a damaged file to us, not a crash.
fn guarded<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(action)).map_err(|_| "the reader stumbled over its content".to_owned())
}

fn as_weights_error(path: &Path, top_level_key: Option<&str>, error: PytorchError) -> WeightsError {
    let path = path.to_owned();
    match (error, top_level_key) {
        (PytorchError::KeyNotFound(reason), Some(key)) => {
            WeightsError::NoStateDict { path, key: key.to_owned(), reason }
        }
        // The reader has no variants of its own for "parsed, but not a dictionary".
        (PytorchError::InvalidFormat(reason), _)
            if reason.contains("dictionary at the root") || reason.contains("root is not a dictionary") =>
        {
            WeightsError::NoTensors { path, detail: format!(" ({reason})") }
        }
        (PytorchError::InvalidFormat(reason), Some(key)) if reason.starts_with("Top-level key") => {
            WeightsError::NoStateDict { path, key: key.to_owned(), reason }
        }
        (error, _) => WeightsError::Malformed { path, reason: error.to_string() },
    }
}

fn element_type(dtype: DType) -> ElementType {
    match dtype {
        DType::F64 => ElementType::F64,
        DType::F32 => ElementType::F32,
        DType::F16 => ElementType::F16,
        DType::BF16 => ElementType::BF16,
        DType::I64 => ElementType::I64,
        DType::I32 => ElementType::I32,
        DType::I16 => ElementType::I16,
        DType::I8 => ElementType::I8,
        DType::U8 => ElementType::U8,
        DType::U16 => ElementType::Other("uint16"),
        DType::U32 => ElementType::Other("uint32"),
        DType::U64 => ElementType::Other("uint64"),
        DType::Bool => ElementType::Other("bool"),
    }
}
