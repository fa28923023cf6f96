//! The operations of generators, one small function each, so that a faster one can take its place.

use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions, InterpolateMode, InterpolateOptions};
use burn::tensor::{Int, Tensor};

/// (B, in, H, W) with weight (out, in, k, k).
pub(crate) fn conv(
    map: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    with_bias(zview_kernels::conv2d(map, weight, [stride; 2], [padding; 2]), bias)
}

/// (B, in, H, W) with weight (in, out, k, k).
pub(crate) fn conv_transpose(
    map: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Tensor<4> {
    let ([batch, inputs, height, width], [_, outputs, kernel, _]) = (map.dims(), weight.dims());
    let made = if [height, width, padding, output_padding] == [1, 1, 0, 0] {
        // Of a single position each output sees every input once: one matrix product.
        let weight = weight.reshape([inputs, outputs * kernel * kernel]);
        zview_kernels::linear(map.reshape([batch, inputs]), weight, None)
            .reshape([batch, outputs, kernel, kernel])
    } else {
        zview_kernels::conv_transpose2d(map, weight, [stride; 2], [padding; 2], [output_padding; 2])
    };
    with_bias(made, bias)
}

/// As [`conv`], of a kernel with gaps or of groups of channels: stride, padding, dilation and groups.
pub(crate) fn sparse_conv(
    map: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    [stride, padding, dilation, groups]: [usize; 4],
) -> Tensor<4> {
    let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], groups);
    zview_kernels::sparse_conv2d(map, weight, bias, options)
}

/// As [`conv_transpose`], of a kernel with gaps or of groups of channels: stride, padding, output padding, dilation
/// and groups.
pub(crate) fn sparse_conv_transpose(
    map: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    [stride, padding, output_padding, dilation, groups]: [usize; 5],
) -> Tensor<4> {
    let options =
        ConvTransposeOptions::new([stride; 2], [padding; 2], [output_padding; 2], [dilation; 2], groups);
    zview_kernels::sparse_conv_transpose2d(map, weight, bias, options)
}

/// (B, C, H, W) plus (C).
fn with_bias(map: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    match bias {
        Some(bias) => map + bias.reshape([1, -1, 1, 1]),
        None => map,
    }
}

/// (B, C, H, W) with a factor and a summand (B C) for each channel of each image, then rectified if `relu`.
pub(crate) fn scale_and_shift_each(
    map: Tensor<4>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    relu: bool,
) -> Tensor<4> {
    let [batch, channels, height, width] = map.dims();
    // The channels of all images as those of one.
    let one = map.reshape([1, batch * channels, height, width]);
    zview_kernels::scale_shift(one, None, scale, shift, relu).reshape([batch, channels, height, width])
}

/// (B, C, H, W) to (B, C, factor H, factor W), every pixel repeated.
pub(crate) fn upsample_nearest(map: Tensor<4>, factor: usize) -> Tensor<4> {
    let [_, _, height, width] = map.dims();
    let size = [height * factor, width * factor];
    module::interpolate(map, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size))
}

/// Rows of `embedding` (classes, E) by class (B), after the features (B, D): (B, D + E).
pub(crate) fn concatenate_embedding(
    features: Tensor<2>,
    embedding: Tensor<2>,
    condition: Tensor<1, Int>,
) -> Tensor<2> {
    Tensor::cat(vec![features, embedding.select(0, condition)], 1)
}
