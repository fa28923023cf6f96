//! The convolutions of StyleGAN2 (<https://arxiv.org/abs/1912.04958>, section 2.2): modulated by a style,
//! demodulated, with noise; and those to colours. Weights have an equalised learning rate
//! (<https://arxiv.org/abs/1710.10196>, section 4.1).

use burn::tensor::{Tensor, TensorData, activation};
use zview_kernels::matmul;
use zview_network::weights::WeightsError;
use zview_runtime::seed::{Purpose, Stream};

use super::layers::Linear;
use super::loader::Loader;
use super::operations;

pub(super) const SLOPE: f64 = 0.2;
/// Added where a length is divided by.
pub(super) const EPS: f64 = 1e-8;

/// W'_oi = W_oi s_i with the style s = affine(w), then divided by the length of each output's weights
/// (demodulation): a convolution of the scaled input, scaled again. Plus noise and bias, then
/// sqrt(2) leaky ReLU, whose factor sqrt(2) is in the constants here.
#[derive(Debug)]
pub(super) struct StyledConvolution {
    pub(super) affine: Linear,
    /// (O, I, 3, 3), or for upsampling (I, O, 3, 3).
    weight: Tensor<4>,
    /// Sums of the squared weights (I, O), from which the demodulation follows.
    squares: Tensor<2>,
    /// Filter (1, 1, 4, 4) after upsampling.
    blur: Option<Tensor<4>>,
    /// sqrt(2) noise (1, 1, H, W).
    noise: Option<Tensor<4>>,
    /// sqrt(2) bias (O).
    bias: Tensor<1>,
}

/// A modulated 1 x 1 convolution without demodulation, plus a bias.
#[derive(Debug)]
pub(super) struct ToRgb {
    pub(super) affine: Linear,
    /// (C, I, 1, 1).
    pub(super) weight: Tensor<4>,
    bias: Tensor<1>,
}

/// A layer of equalised learning rate: stored weights are about standard normal and are scaled when used, by
/// rate / sqrt(inputs); the bias by the rate. Both also times `gain`.
pub(super) fn equalized(
    loader: &mut Loader<'_>,
    key: &str,
    [outputs, inputs]: [usize; 2],
    rate: f64,
    gain: f64,
) -> Result<Linear, WeightsError> {
    let scale = gain * rate / (inputs as f64).sqrt();
    let weight = loader.scaled(&format!("{key}.weight"), [outputs, inputs], scale)?.transpose();
    let bias = loader.scaled(&format!("{key}.bias"), [outputs], gain * rate)?;
    Ok(Linear { weight, bias: Some(bias) })
}

/// A filter (4, 4), which holds the factor 4 of upsampling.
pub(super) fn filter(loader: &mut Loader<'_>, key: &str) -> Result<Tensor<4>, WeightsError> {
    let values = loader.buffer(key, &[4, 4])?;
    Ok(Tensor::from_data(TensorData::new(values, [1, 1, 4, 4]), loader.device))
}

/// (B, C, H, W) to (B, C, 2 H, 2 W): a zero after each value, then filtered, each channel by itself.
pub(super) fn upsampled(map: Tensor<4>, filter: &Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = map.dims();
    let each = map.reshape([batch * channels, 1, height, width]);
    operations::conv_transpose(each, filter.clone(), None, 2, 1, 0).reshape([
        batch,
        channels,
        2 * height,
        2 * width,
    ])
}

/// (B, I, H, W) times a style (B, I).
fn modulated(map: Tensor<4>, style: Tensor<2>) -> Tensor<4> {
    let [batch, channels] = style.dims();
    map * style.reshape([batch, channels, 1, 1])
}

impl StyledConvolution {
    pub(super) fn load(
        loader: &mut Loader<'_>,
        key: &str,
        style: usize,
        inputs: usize,
        noise: Option<usize>,
        side: usize,
        up: bool,
    ) -> Result<Self, WeightsError> {
        let name = |part: &str| format!("{key}.{part}");
        let known = [Some(1), None, Some(inputs), Some(3), Some(3)];
        let [_, outputs, ..] = loader.extents(&name("conv.weight"), known)?;
        let affine = equalized(loader, &name("conv.modulation"), [inputs, style], 1.0, 1.0)?;
        let scale = 1.0 / ((9 * inputs) as f64).sqrt();
        let weight = loader.learned(&name("conv.weight"), &[1, outputs, inputs, 3, 3])?;
        let scaled: Vec<f64> = weight.into_iter().map(|value| scale * f64::from(value)).collect();
        let square = |o: usize, i: usize| {
            let first = 9 * (o * inputs + i);
            scaled[first..first + 9].iter().map(|value| value * value).sum::<f64>()
        };
        let squares = (0..inputs).flat_map(|i| (0..outputs).map(move |o| (o, i))).map(|(o, i)| square(o, i));
        let squares = loader.tensor(squares, [inputs, outputs]);
        let weight = loader.tensor(scaled, [outputs, inputs, 3, 3]);
        let gain = 2f64.sqrt();
        let strength = f64::from(loader.learned(&name("noise.weight"), &[1])?[0]);
        let noise = noise.map(|place| noise_map(loader, place, side, gain * strength)).transpose()?;
        Ok(Self {
            affine,
            weight: if up { weight.swap_dims(0, 1) } else { weight },
            squares,
            blur: up.then(|| filter(loader, &name("conv.blur.kernel"))).transpose()?,
            noise,
            bias: loader.scaled(&name("activate.bias"), [outputs], gain)?,
        })
    }

    pub(super) fn outputs(&self) -> usize {
        self.squares.dims()[1]
    }

    pub(super) fn forward(&self, map: Tensor<4>, w: &Tensor<2>) -> Tensor<4> {
        let style = self.affine.forward(w.clone());
        let demodulation = (matmul(style.clone().square(), self.squares.clone()) + EPS).sqrt().recip();
        let map = modulated(map, style);
        let map = match &self.blur {
            None => operations::conv(map, self.weight.clone(), None, 1, 1),
            Some(blur) => {
                let map = operations::conv_transpose(map, self.weight.clone(), None, 2, 0, 0);
                let [batch, channels, height, width] = map.dims();
                let each = map.reshape([batch * channels, 1, height, width]);
                let blurred = operations::conv(each, blur.clone(), None, 1, 1);
                blurred.reshape([batch, channels, height - 1, width - 1])
            }
        };
        let [batch, channels, ..] = map.dims();
        let scale = (demodulation * 2f64.sqrt()).reshape([batch * channels]);
        let shift = self.bias.clone().repeat_dim(0, batch);
        let map = operations::scale_and_shift_each(map, scale, shift, false);
        let map = match &self.noise {
            Some(noise) => map + noise.clone(),
            None => map,
        };
        activation::leaky_relu(map, SLOPE)
    }
}

/// Noise map number `place` times `factor`, (1, 1, side, side).
fn noise_map(
    loader: &mut Loader<'_>,
    place: usize,
    side: usize,
    factor: f64,
) -> Result<Tensor<4>, WeightsError> {
    let key = format!("noises.noise_{place}");
    let shape = [1, 1, side, side];
    let values = if loader.has(&key) {
        loader.buffer(&key, &shape)?
    } else {
        let mut stream = Stream::new(0, Purpose::NoiseMap, 0, place as u64);
        (0..side * side).map(|_| stream.normal()).collect()
    };
    Ok(loader.tensor(values.into_iter().map(|value| factor * f64::from(value)), shape))
}

impl ToRgb {
    pub(super) fn load(
        loader: &mut Loader<'_>,
        key: &str,
        [colors, inputs, style]: [usize; 3],
    ) -> Result<Self, WeightsError> {
        let weight = loader.learned(&format!("{key}.conv.weight"), &[1, colors, inputs, 1, 1])?;
        let scale = 1.0 / (inputs as f64).sqrt();
        Ok(Self {
            affine: equalized(loader, &format!("{key}.conv.modulation"), [inputs, style], 1.0, 1.0)?,
            weight: loader
                .tensor(weight.into_iter().map(|value| scale * f64::from(value)), [colors, inputs, 1, 1]),
            bias: loader.parameter(&format!("{key}.bias"), [1, colors, 1, 1])?.reshape([colors]),
        })
    }

    pub(super) fn forward(&self, map: Tensor<4>, w: &Tensor<2>) -> Tensor<4> {
        let map = modulated(map, self.affine.forward(w.clone()));
        operations::conv(map, self.weight.clone(), Some(self.bias.clone()), 1, 0)
    }
}
