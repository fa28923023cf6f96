//! From the device to the host.

use burn::tensor::{Device, Tensor};

/// The device did not give a tensor's values.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot read from the device: {message}")]
pub struct ReadError {
    message: String,
}

/// The values of a tensor in row-major order; waits until the device has computed them.
///
/// # Errors
/// [`ReadError`] where the device fails.
pub fn read_floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ReadError> {
    let data = tensor.try_into_data().map_err(|error| ReadError { message: error.to_string() })?;
    data.try_into_vec::<f32>().map_err(|error| ReadError { message: format!("{error:?}") })
}

/// Waits until the device has done everything that was asked of it.
///
/// # Errors
/// [`ReadError`] where the device fails.
pub(super) fn wait(device: &Device) -> Result<(), ReadError> {
    device.sync().map_err(|error| ReadError { message: error.to_string() })
}
