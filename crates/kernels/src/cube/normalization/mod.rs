//! Batch normalisation in training mode: each channel's sums in parts, their end in one unit per channel, then
//! one pass over the images. The same backward. Sums are kept in 32 bits whatever the images hold, and added in a
//! fixed order.

mod kernels;

use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use kernels::{
    Rectifier, SizesLaunch, UNITS, gradient_sums_kernel, input_gradient_kernel, normalize_kernel,
    parameter_gradients_kernel, scale_shift_kernel, statistics_kernel, value_sums_kernel,
};

use super::launch::{contiguous, empty, numbers, plane_of_workgroups, storage_type};
use crate::backend::NormalizationOptions;
use crate::primitives::{NormForward, NormGradients};
use crate::sizes::dims;

/// Workgroups to aim at where sums are taken.
const WORKGROUPS: usize = 1024;
/// Values that a unit adds up at least, where there are enough.
const FEWEST_VALUES: usize = 8;

/// Sizes of images, and how they are cut.
#[derive(Clone, Copy)]
struct Images {
    batch: usize,
    channels: usize,
    plane: usize,
    epsilon: f32,
}

impl Images {
    fn of(images: &CubeTensor, epsilon: f64) -> Self {
        let [batch, channels, height, width] = dims(images);
        Self { batch, channels, plane: height * width, epsilon: epsilon as f32 }
    }

    fn values(&self) -> usize {
        self.batch * self.channels * self.plane
    }

    /// Parts that each channel is cut into.
    fn parts(&self) -> usize {
        let values = self.batch * self.plane;
        (WORKGROUPS / self.channels.max(1)).min(values / (UNITS * FEWEST_VALUES)).max(1)
    }

    fn sizes(&self) -> SizesLaunch {
        let per_part = (self.batch * self.plane).div_ceil(self.parts());
        SizesLaunch::new(
            self.batch as u32,
            self.channels as u32,
            self.plane as u32,
            per_part as u32,
            self.epsilon,
        )
    }

    /// A workgroup for each channel and part.
    fn part_workgroups(&self) -> CubeCount {
        CubeCount::Static(self.channels as u32, self.parts() as u32, 1)
    }

    /// A unit for each channel.
    fn channel_workgroups(&self) -> CubeCount {
        CubeCount::Static(self.channels.div_ceil(UNITS) as u32, 1, 1)
    }

    /// A unit for each value.
    fn value_workgroups(&self) -> CubeCount {
        let [x, y] = plane_of_workgroups(self.values().div_ceil(UNITS));
        CubeCount::Static(x, y, 1)
    }
}

fn cube_dim() -> CubeDim {
    CubeDim::new_1d(UNITS as u32)
}

fn statistics(input: &CubeTensor, images: Images) -> (CubeTensor, CubeTensor) {
    let [mean, variance] = [(); 2].map(|()| numbers(input, Shape::from([images.channels])));
    let parts = numbers(input, Shape::from([2 * images.channels * images.parts()]));
    // SAFETY: indices are below the sizes of the tensors, and no two units write to the same place.
    unsafe {
        value_sums_kernel::launch_unchecked(
            &input.client,
            images.part_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            parts.clone().into_buffer_arg(),
            images.sizes(),
            storage_type(input),
        );
        statistics_kernel::launch_unchecked(
            &input.client,
            images.channel_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            parts.into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            images.sizes(),
            images.parts() as u32,
            storage_type(input),
        );
    }
    (mean, variance)
}

/// Output, and mean and variance, of a batch normalisation.
pub(super) fn normalize(
    input: &CubeTensor,
    residual: Option<&CubeTensor>,
    weight: &CubeTensor,
    bias: &CubeTensor,
    options: NormalizationOptions,
) -> (CubeTensor, (CubeTensor, CubeTensor)) {
    let input = contiguous(input);
    let images = Images::of(&input, options.epsilon);
    let (mean, variance) = statistics(&input, images);
    let output = empty(&input, Shape::from(dims(&input)));
    // Where there is no residual, the kernel does not read what stands in its place.
    let added = residual.map_or_else(|| input.clone(), contiguous);
    // SAFETY: as above.
    unsafe {
        normalize_kernel::launch_unchecked(
            &input.client,
            images.value_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            added.into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            contiguous(weight).into_buffer_arg(),
            contiguous(bias).into_buffer_arg(),
            output.clone().into_buffer_arg(),
            images.sizes(),
            residual.is_some(),
            options.relu,
            storage_type(&input),
        );
    }
    (output, (mean, variance))
}

/// Gradients of a batch normalisation, given that of its output.
pub(super) fn normalize_gradients(
    forward: &NormForward<burn_cubecl::CubeBackend>,
    gradient: &CubeTensor,
    keep: bool,
    options: NormalizationOptions,
) -> NormGradients<burn_cubecl::CubeBackend> {
    let (input, gradient) = (contiguous(&forward.input), contiguous(gradient));
    let (weight, bias) = (contiguous(&forward.weight), contiguous(&forward.bias));
    let (mean, variance) = &forward.statistics;
    let images = Images::of(&input, options.epsilon);
    let rectifier = match (options.relu, &forward.output) {
        (false, _) => Rectifier::None,
        (true, None) => Rectifier::Recomputed,
        (true, Some(_)) => Rectifier::Output,
    };
    // Only `Rectifier::Output` reads it.
    let output = forward.output.as_ref().map_or_else(|| input.clone(), contiguous);
    let parts = numbers(&input, Shape::from([2 * images.channels * images.parts()]));
    let [weight_gradient, bias_gradient, slope, offset] =
        [(); 4].map(|()| numbers(&input, Shape::from([images.channels])));
    let input_gradient = empty(&input, Shape::from(dims(&input)));
    // Without a rectifier the residual's gradient is the output's.
    let written = keep && rectifier != Rectifier::None;
    let residual_gradient =
        if written { empty(&input, Shape::from(dims(&input))) } else { numbers(&input, Shape::from([1])) };
    // SAFETY: as above; the residual's gradient is written only where there is room for it.
    unsafe {
        gradient_sums_kernel::launch_unchecked(
            &input.client,
            images.part_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            output.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            weight.clone().into_buffer_arg(),
            bias.clone().into_buffer_arg(),
            parts.clone().into_buffer_arg(),
            images.sizes(),
            rectifier,
            storage_type(&input),
        );
        parameter_gradients_kernel::launch_unchecked(
            &input.client,
            images.channel_workgroups(),
            cube_dim(),
            parts.into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            weight.clone().into_buffer_arg(),
            weight_gradient.clone().into_buffer_arg(),
            bias_gradient.clone().into_buffer_arg(),
            slope.clone().into_buffer_arg(),
            offset.clone().into_buffer_arg(),
            images.sizes(),
            images.parts() as u32,
        );
        input_gradient_kernel::launch_unchecked(
            &input.client,
            images.value_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            output.into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            mean.clone().into_buffer_arg(),
            variance.clone().into_buffer_arg(),
            weight.into_buffer_arg(),
            bias.into_buffer_arg(),
            slope.into_buffer_arg(),
            offset.into_buffer_arg(),
            input_gradient.clone().into_buffer_arg(),
            residual_gradient.clone().into_buffer_arg(),
            images.sizes(),
            rectifier,
            written,
            storage_type(&input),
        );
    }
    let residual = keep.then_some(if written { residual_gradient } else { gradient });
    NormGradients { input: input_gradient, residual, weight: weight_gradient, bias: bias_gradient }
}

/// `input * scale + shift` of each channel, plus a residual, rectified if `relu`.
pub(super) fn scale_shift(
    input: &CubeTensor,
    residual: Option<&CubeTensor>,
    scale: &CubeTensor,
    shift: &CubeTensor,
    relu: bool,
) -> CubeTensor {
    let input = contiguous(input);
    let images = Images::of(&input, 0.0);
    let output = empty(&input, Shape::from(dims(&input)));
    let added = residual.map_or_else(|| input.clone(), contiguous);
    // SAFETY: as above.
    unsafe {
        scale_shift_kernel::launch_unchecked(
            &input.client,
            images.value_workgroups(),
            cube_dim(),
            input.clone().into_buffer_arg(),
            added.into_buffer_arg(),
            contiguous(scale).into_buffer_arg(),
            contiguous(shift).into_buffer_arg(),
            output.clone().into_buffer_arg(),
            images.sizes(),
            residual.is_some(),
            relu,
            storage_type(&input),
        );
    }
    output
}
