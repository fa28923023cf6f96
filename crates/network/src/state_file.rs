//! A network's state from and to files.

use std::collections::HashMap;
use std::path::Path;

use crate::weights::{StateDict, WeightsError};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use zview_runtime::atomic::{self, WriteError};
use zview_runtime::device::{ReadError, read_floats};

use crate::{Network, StateVisitor};

/// A network's state could not be read from or written to a file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file does not hold what the network needs.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The tensors could not be put in a file's form.
    #[error("cannot store the tensors: {0}")]
    Form(#[from] SafeTensorError),
    /// The device did not give the tensors' values.
    #[error("tensor `{name}`: {source}")]
    Device {
        /// The tensor.
        name: String,
        /// What the framework said.
        source: ReadError,
    },
}

/// What a network is filled from: tensors by the network's own names.
pub trait TensorSource {
    /// The tensor `name` in row-major order.
    ///
    /// # Errors
    /// [`WeightsError`] where it is missing, of another shape or type, or cannot be read.
    fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError>;

    /// The number `name`; `None` where there is none.
    ///
    /// # Errors
    /// As [`Self::floats`].
    fn counter(&mut self, name: &str) -> Result<Option<u64>, WeightsError>;
}

impl TensorSource for StateDict {
    fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        self.take(name, shape)
    }

    fn counter(&mut self, name: &str) -> Result<Option<u64>, WeightsError> {
        if self.shape(name).is_none() {
            return Ok(None);
        }
        let values = self.take_integers(name, &[])?;
        Ok(Some(values.first().map_or(0, |&value| value.max(0) as u64)))
    }
}

/// Fills `network` from `state`; keys begin with `prefix`. Missing counters stay 0: old files lack them.
///
/// # Errors
/// [`StateError::Weights`] for the first key that is missing or has another shape.
pub fn read_network(
    network: &mut impl Network,
    prefix: &str,
    state: &mut impl TensorSource,
) -> Result<(), StateError> {
    struct Read<'a, S> {
        state: &'a mut S,
        result: Result<(), WeightsError>,
    }
    impl<S: TensorSource> Read<'_, S> {
        fn fill<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            if self.result.is_err() {
                return;
            }
            let shape = tensor.dims();
            match self.state.floats(name, &shape) {
                Ok(values) => {
                    let device = tensor.clone().inner().device();
                    *tensor = Tensor::from_data(TensorData::new(values, shape), &device);
                }
                Err(error) => self.result = Err(error),
            }
        }
    }
    impl<S: TensorSource> StateVisitor for Read<'_, S> {
        fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            self.fill(name, tensor);
        }
        fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            self.fill(name, tensor);
        }
        fn counter(&mut self, name: &str, count: &mut u64) {
            if self.result.is_ok() {
                match self.state.counter(name) {
                    Ok(found) => *count = found.unwrap_or(*count),
                    Err(error) => self.result = Err(error),
                }
            }
        }
    }
    let mut reader = Read { state, result: Ok(()) };
    network.visit(prefix, &mut reader);
    Ok(reader.result?)
}

/// Tensors on the host, by name, in the order in which they were added.
#[derive(Debug, Default)]
pub struct NamedTensors {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl NamedTensors {
    /// Every tensor of `network`; names begin with `prefix`.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn of_network(network: &impl Network, prefix: &str) -> Result<Self, StateError> {
        struct Collect {
            tensors: NamedTensors,
            result: Result<(), StateError>,
        }
        impl StateVisitor for Collect {
            fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
                if self.result.is_ok() {
                    self.result = self.tensors.add(name, tensor.clone());
                }
            }
            fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
                self.parameter(name, tensor);
            }
            fn counter(&mut self, name: &str, count: &mut u64) {
                let bytes = (*count as i64).to_le_bytes().to_vec();
                self.tensors.tensors.push((name.to_owned(), Dtype::I64, Vec::new(), bytes));
            }
        }
        let mut collect = Collect { tensors: Self::default(), result: Ok(()) };
        network.clone().visit(prefix, &mut collect);
        collect.result.map(|()| collect.tensors)
    }

    /// Adds one tensor.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn add<const D: usize>(&mut self, name: &str, tensor: Tensor<D>) -> Result<(), StateError> {
        let shape = tensor.dims().to_vec();
        let values = read_floats(tensor.inner())
            .map_err(|source| StateError::Device { name: name.to_owned(), source })?;
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name.to_owned(), Dtype::F32, shape, bytes));
        Ok(())
    }

    /// Adds every tensor of `other`.
    pub fn extend(&mut self, other: Self) {
        self.tensors.extend(other.tensors);
    }

    /// The tensors' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.iter().map(|(name, ..)| name.as_str())
    }

    /// The name of the first tensor with a value that is not finite.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<&str> {
        let finite = |bytes: &[u8]| {
            bytes
                .chunks_exact(4)
                .all(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]).is_finite())
        };
        let found = self.tensors.iter().find(|(_, dtype, _, bytes)| *dtype == Dtype::F32 && !finite(bytes));
        found.map(|(name, ..)| name.as_str())
    }

    /// The safetensors form, with `metadata` in its header.
    ///
    /// # Errors
    /// [`StateError::Form`].
    pub fn to_bytes(&self, metadata: HashMap<String, String>) -> Result<Vec<u8>, StateError> {
        let views = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, SafeTensorError>>()?;
        Ok(safetensors::serialize(views, Some(metadata))?)
    }
}

/// Writes `tensors` as safetensors, whole or not at all.
///
/// # Errors
/// [`StateError`].
pub fn write_tensors(
    path: &Path,
    tensors: &NamedTensors,
    metadata: HashMap<String, String>,
) -> Result<(), StateError> {
    Ok(atomic::write_file(path, &tensors.to_bytes(metadata)?)?)
}
