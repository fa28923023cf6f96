//! What a backend computes for the operations and their gradients, on tensors without recorded gradients.

use std::fmt::Debug;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use crate::backend::NormalizationOptions;
use crate::convolution::Geometry;

/// What one of this crate's backends computes; the operations and their gradients are made of it.
pub(crate) trait Kernels: Backend {
    /// Mean and variance of each channel, as the backward pass of a normalisation needs them.
    type Statistics: Clone + Debug + Send + 'static;

    /// The convolution of `geometry`: (B, O, HO, WO).
    fn convolve(
        geometry: &Geometry,
        input: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Gradient of the convolution of `geometry` with respect to its input: (B, I, H, W).
    fn input_gradient(
        geometry: &Geometry,
        gradient: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Gradient of the convolution of `geometry` with respect to its weight: (O, I, KH, KW).
    fn weight_gradient(
        geometry: &Geometry,
        input: &FloatTensor<Self>,
        gradient: &FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Output (B, C, H, W) and statistics of a batch normalisation.
    fn normalize(
        input: &FloatTensor<Self>,
        residual: Option<&FloatTensor<Self>>,
        weight: &FloatTensor<Self>,
        bias: &FloatTensor<Self>,
        options: NormalizationOptions,
    ) -> (FloatTensor<Self>, Self::Statistics);

    /// Gradients of a batch normalisation, given that of its output.
    fn normalize_gradients(
        forward: &NormForward<Self>,
        gradient: FloatTensor<Self>,
        residual: bool,
        options: NormalizationOptions,
    ) -> NormGradients<Self>;

    /// `input * scale + shift` of each channel, plus a residual, rectified if `relu`.
    fn scale_shift(
        input: &FloatTensor<Self>,
        residual: Option<&FloatTensor<Self>>,
        scale: &FloatTensor<Self>,
        shift: &FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// Mean and variance as tensors (C).
    fn statistics_tensors(statistics: Self::Statistics) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// Gradients of a batch normalisation.
pub(crate) struct NormGradients<B: Backend> {
    /// Of the input.
    pub(crate) input: FloatTensor<B>,
    /// Of the residual, if asked for.
    pub(crate) residual: Option<FloatTensor<B>>,
    /// Of the weight.
    pub(crate) weight: FloatTensor<B>,
    /// Of the bias.
    pub(crate) bias: FloatTensor<B>,
}

/// What the backward pass of a batch normalisation needs; `output` only if there was a residual and a rectifier.
pub(crate) struct NormForward<B: Kernels> {
    pub(crate) input: FloatTensor<B>,
    pub(crate) output: Option<FloatTensor<B>>,
    pub(crate) weight: FloatTensor<B>,
    pub(crate) bias: FloatTensor<B>,
    pub(crate) statistics: B::Statistics,
}
