//! One operation, run on a device on inputs that are always the same.

use burn::tensor::{Device, Tensor, TensorData};
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::{Purpose, Stream};

use super::check::{Check, relative_error};

/// Rounding of one operation, relative to its largest value: measured up to 2e-6 on a software adapter.
const TOLERANCE: f64 = 1e-5;
/// Inputs are at least this far from zero, where rectifiers have a kink.
const KINK_MARGIN: f32 = 0.05;

/// A named input: drawn once, and the same numbers on every device.
#[derive(Debug, Clone)]
struct Input {
    name: &'static str,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// What an operation gets.
pub(super) struct Inputs<'a> {
    inputs: &'a [Input],
    tensors: &'a [Tensor<1>],
    /// Where the tensors are.
    pub device: &'a Device,
}

impl Inputs<'_> {
    /// The input at `index` in its own shape.
    pub fn get<const D: usize>(&self, index: usize) -> Tensor<D> {
        let mut shape = [1; D];
        shape.copy_from_slice(&self.inputs[index].shape);
        self.tensors[index].clone().reshape(shape)
    }
}

type Compute = Box<dyn Fn(&Inputs<'_>) -> Tensor<1>>;

/// An operation with its inputs.
pub struct Operation {
    /// Its name, with what it is set to.
    pub name: &'static str,
    inputs: Vec<Input>,
    differentiable: bool,
    compute: Compute,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operation").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Operation {
    /// An operation on inputs of these names and shapes, compared with all its gradients; `compute` gives all
    /// its results, flattened.
    pub(super) fn new(
        name: &'static str,
        inputs: &[(&'static str, &[usize])],
        compute: impl Fn(&Inputs<'_>) -> Tensor<1> + 'static,
    ) -> Self {
        // Keyed by the names, so that a new operation leaves the inputs of the others as they are.
        let key = name.bytes().fold(0u64, |key, byte| key.wrapping_mul(257).wrapping_add(u64::from(byte)));
        let draw = |(index, &(name, shape)): (usize, &(&'static str, &[usize]))| {
            let random = &mut Stream::new(0, Purpose::Check, key, index as u64);
            let values = (0..shape.iter().product()).map(|_| away_from_zero(random)).collect();
            Input { name, shape: shape.to_vec(), values }
        };
        let inputs = inputs.iter().enumerate().map(draw).collect();
        Self { name, inputs, differentiable: true, compute: Box::new(compute) }
    }

    /// The same, compared by its result alone.
    pub(super) fn forward_only(
        name: &'static str,
        inputs: &[(&'static str, &[usize])],
        compute: impl Fn(&Inputs<'_>) -> Tensor<1> + 'static,
    ) -> Self {
        Self { differentiable: false, ..Self::new(name, inputs, compute) }
    }

    /// The same operation with `change` applied to what it computes: a planted fault.
    #[must_use]
    pub fn with_fault(self, change: impl Fn(Tensor<1>) -> Tensor<1> + 'static) -> Self {
        let compute = self.compute;
        Self { compute: Box::new(move |inputs| change(compute(inputs))), ..self }
    }

    /// Compares `on_device`, run on `device`, with this one, run on `cpu`.
    pub(super) fn compare(
        &self,
        on_device: &Self,
        cpu: &Device,
        device: &Device,
    ) -> Result<Check, ReadError> {
        let (expected, got) = (self.run(cpu)?, on_device.run(device)?);
        let worst = expected
            .iter()
            .zip(&got)
            .map(|((what, expected), (_, got))| (relative_error(expected, got), what))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let (error, what) = worst.map_or((f64::INFINITY, "nothing"), |(error, what)| (error, what));
        Ok(Check::new(self.name, what, error, TOLERANCE))
    }

    /// The result, then the gradient of every input, each with what it is.
    fn run(&self, device: &Device) -> Result<Vec<(String, Vec<f32>)>, ReadError> {
        let device = &if self.differentiable { device.clone().autodiff() } else { device.clone() };
        // Every input is tracked, as what training computes has (`training_input`).
        let upload = |input: &Input| {
            let data = TensorData::new(input.values.clone(), [input.values.len()]);
            let tensor = Tensor::<1>::from_data(data, device);
            if self.differentiable { tensor.require_grad() } else { tensor }
        };
        let tensors: Vec<Tensor<1>> = self.inputs.iter().map(upload).collect();
        let result = (self.compute)(&Inputs { inputs: &self.inputs, tensors: &tensors, device });
        if !self.differentiable {
            return Ok(vec![("result".to_owned(), read_floats(result)?)]);
        }
        let count = result.dims()[0];
        let random = &mut Stream::new(0, Purpose::Check, 0, count as u64);
        let weights: Vec<f32> = (0..count).map(|_| random.normal()).collect();
        let weights = Tensor::<1>::from_data(TensorData::new(weights, [count]), device);
        let gradients = (result.clone() * weights).sum().backward();
        let mut parts = vec![("result".to_owned(), read_floats(result.inner())?)];
        for (input, tensor) in self.inputs.iter().zip(&tensors) {
            // An input without gradient is compared as an empty one: equal only if it has none anywhere.
            let gradient = tensor.grad(&gradients).map_or(Ok(Vec::new()), read_floats)?;
            parts.push((format!("gradient of {}", input.name), gradient));
        }
        Ok(parts)
    }
}

/// A standard normal number that is not within [`KINK_MARGIN`] of zero.
fn away_from_zero(random: &mut Stream) -> f32 {
    let value = random.normal();
    value + KINK_MARGIN.copysign(value)
}
