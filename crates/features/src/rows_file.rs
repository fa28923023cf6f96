//! Features as a safetensors file.

use std::collections::HashMap;

use burn::tensor::{Device, Tensor, TensorData};
use zview_network::NamedTensors;

use crate::FeatureError;

/// A safetensors file of one tensor `features` (N, D) of `values`, row by row, with `metadata` in its header.
///
/// # Errors
/// [`FeatureError::State`] where they have no such form.
pub fn rows_as_safetensors(
    values: Vec<f32>,
    dimension: usize,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, FeatureError> {
    let rows = values.len() / dimension.max(1);
    let features = Tensor::<2>::from_data(TensorData::new(values, [rows, dimension]), &Device::flex());
    let mut tensors = NamedTensors::default();
    tensors
        .add("features", features)
        .and_then(|()| tensors.to_bytes(metadata))
        .map_err(|error| FeatureError::State { message: error.to_string() })
}
