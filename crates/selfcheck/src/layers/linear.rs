//! Fully connected layers: small enough for the CPU to compute whole.

use burn::tensor::{Device, Tensor, TensorData};
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::{Purpose, Stream};

use super::{Part, noise, relative_error};

/// The parts of a layer of (rows, inputs) to (rows, outputs).
pub(super) fn check(
    [rows, inputs, outputs]: [usize; 3],
    gradients: bool,
    cpu: &Device,
    device: &Device,
) -> Result<Vec<Part>, ReadError> {
    let random = &mut Stream::new(0, Purpose::Check, 4, 0);
    let features = noise(rows * inputs, 1.0, random);
    let weight = noise(outputs * inputs, 1.0 / (inputs as f32).sqrt(), random);
    let bias = noise(outputs, 1.0, random);
    let upstream = noise(rows * outputs, 1.0, random);
    // What it is, its values, and the terms of each value's sum.
    type Parts = Vec<(&'static str, Vec<f32>, usize)>;
    let run = |device: &Device| -> Result<Parts, ReadError> {
        let device = &if gradients { device.clone().autodiff() } else { device.clone() };
        let matrix = |values: &[f32], dims: [usize; 2]| {
            let tensor = Tensor::<2>::from_data(TensorData::new(values.to_vec(), dims), device);
            if gradients { tensor.require_grad() } else { tensor }
        };
        let (features, weight) = (matrix(&features, [rows, inputs]), matrix(&weight, [outputs, inputs]));
        let bias = matrix(&bias, [1, outputs]);
        let result = features.clone().matmul(weight.clone().transpose()) + bias.clone();
        if !gradients {
            return Ok(vec![("result", read_floats(result)?, inputs)]);
        }
        let slopes = (result.clone() * matrix(&upstream, [rows, outputs])).sum().backward();
        let gradient = |tensor: &Tensor<2>| tensor.grad(&slopes).map_or(Ok(Vec::new()), read_floats);
        Ok(vec![
            ("result", read_floats(result.inner())?, inputs),
            ("gradient of input", gradient(&features)?, outputs),
            ("gradient of weight", gradient(&weight)?, rows),
            ("gradient of bias", gradient(&bias)?, rows),
        ])
    };
    let (expected, got) = (run(cpu)?, run(device)?);
    let pairs = expected.iter().zip(&got);
    Ok(pairs
        .map(|((what, expected, terms), (_, got, _))| {
            Part::new(what, relative_error(expected, got), *terms as f64)
        })
        .collect())
}
