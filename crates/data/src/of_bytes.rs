//! Readers of single files as functions of their bytes, for the trials of damaged ones.

use std::path::Path;

use crate::cifar_binary::Kind;
use crate::decode::decode;
use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::options::Limits;
use crate::{cifar_binary, cifar_python};

/// Shape and pixels (C, H, W) of a picture.
///
/// # Errors
/// Why the bytes are none.
pub fn picture(bytes: &[u8]) -> Result<(ImageShape, Vec<u8>), String> {
    decode(bytes, &Limits::default(), |image| (image.shape, image.pixels))
}

/// Pixels (N, C, H, W) and labels of a binary batch of CIFAR-10.
///
/// # Errors
/// [`DataError::BadFile`].
pub fn cifar_binary_batch(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    cifar_binary::read_batch(Path::new("data_batch_1.bin"), bytes, Kind::Cifar10)
}

/// Pixels (N, C, H, W) and labels of a batch of CIFAR's Python format, of CIFAR-10 or CIFAR-100.
///
/// # Errors
/// [`DataError::BadFile`].
pub fn cifar_python_batch(bytes: &[u8], label_key: &'static str) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    cifar_python::read_batch(Path::new("data_batch_1"), bytes.to_vec(), label_key, 100)
}
