//! Sizes of the operations, from the shapes of their tensors.

use burn::backend::TensorMetadata;

use crate::backend::ConvolutionOptions;
use crate::convolution::Geometry;

/// Sizes of the convolution of `input` (B, I, H, W) with `weight` (O, I, KH, KW).
pub(crate) fn geometry(
    input: &impl TensorMetadata,
    weight: &impl TensorMetadata,
    options: ConvolutionOptions,
) -> Geometry {
    let [batch, in_channels, height, width] = dims(input);
    let [out_channels, _, kernel_y, kernel_x] = dims(weight);
    let (input, kernel) = ([height, width], [kernel_y, kernel_x]);
    let size = |axis: usize| {
        let padded = input[axis] + 2 * options.padding[axis];
        (padded + options.stride[axis]).saturating_sub(kernel[axis]) / options.stride[axis]
    };
    Geometry {
        batch,
        in_channels,
        out_channels,
        input,
        output: [size(0), size(1)],
        kernel,
        stride: options.stride,
        padding: options.padding,
    }
}

/// Sizes of the convolution whose input gradient the transposed convolution of `input` (B, I, H, W) with
/// `weight` (I, O, KH, KW) is: its output is our input.
pub(crate) fn transposed_geometry(
    input: &impl TensorMetadata,
    weight: &impl TensorMetadata,
    options: ConvolutionOptions,
) -> Geometry {
    let [batch, out_channels, height, width] = dims(input);
    let [_, in_channels, kernel_y, kernel_x] = dims(weight);
    let (output, kernel) = ([height, width], [kernel_y, kernel_x]);
    let size = |axis: usize| {
        let ConvolutionOptions { stride, padding, output_padding } = options;
        let grown = output[axis].saturating_sub(1) * stride[axis] + kernel[axis] + output_padding[axis];
        grown.saturating_sub(2 * padding[axis])
    };
    Geometry {
        batch,
        in_channels,
        out_channels,
        input: [size(0), size(1)],
        output,
        kernel,
        stride: options.stride,
        padding: options.padding,
    }
}

/// (B, C, H, W) of a tensor of images.
pub(crate) fn dims(tensor: &impl TensorMetadata) -> [usize; 4] {
    let shape = tensor.shape();
    [shape[0], shape[1], shape[2], shape[3]]
}
