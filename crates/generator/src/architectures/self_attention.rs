//! Self-attention over the positions of a map (Zhang et al. 2019, "SAGAN",
//! <https://arxiv.org/abs/1805.08318>); in the form of BigGAN keys and values are max-pooled.

use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, activation, module};
use zview_kernels::{matmul, pass};
use zview_network::weights::WeightsError;

use super::layers::Convolution;
use super::loader::Loader;
use super::spectral_norm::SpectralNorm;

/// The most values of the attention matrices that are on the device at once.
const VALUES_AT_ONCE: usize = 1 << 24;

/// out = x + o(g A^T), A = softmax over the pooled positions of theta^T phi.
#[derive(Debug, Clone)]
pub(crate) struct SelfAttention {
    /// C to fewer channels, such as C/8.
    pub(crate) theta: Convolution,
    /// C to as many, then pooled.
    pub(crate) phi: Convolution,
    /// C to the input of o, or to C; then pooled.
    pub(crate) g: Convolution,
    /// To C. The factor gamma is in its weights; in those of g where there is no o.
    pub(crate) o: Option<Convolution>,
    /// Side of the windows that are pooled, 1 or 2.
    pub(crate) pool: usize,
}

/// What a checkpoint calls the four convolutions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) theta: &'static str,
    pub(super) phi: &'static str,
    pub(super) g: &'static str,
    pub(super) o: &'static str,
}

impl SelfAttention {
    /// `gamma_shape` is [1] or [], as the file has it.
    pub(super) fn load(
        loader: &mut Loader<'_>,
        norm: SpectralNorm,
        key: &str,
        names: Names,
        channels: usize,
        gamma_shape: &[usize],
    ) -> Result<Self, WeightsError> {
        let gamma = loader.learned(&format!("{key}.gamma"), gamma_shape)?;
        let mut conv = |name: &str, outputs: usize, inputs: usize| {
            Convolution::normalized(loader, norm, &format!("{key}.{name}"), [outputs, inputs, 1, 1], false)
        };
        let theta = conv(names.theta, channels / 8, channels)?;
        let phi = conv(names.phi, channels / 8, channels)?;
        let g = conv(names.g, channels / 2, channels)?;
        let o = conv(names.o, channels, channels / 2)?;
        Ok(Self { theta, phi, g, o: Some(o.times(f64::from(gamma[0]))), pool: 2 })
    }

    /// (B, C, H, W) to the same.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, _, height, width] = x.dims();
        let (positions, pooled) = (height * width, self.pooled([height, width]));
        let (narrow, wide) = (self.theta.weight.dims()[0], self.g.weight.dims()[0]);
        let pool = |map| match self.pool {
            1 => map,
            side => module::max_pool2d(map, MaxPoolOptions::new([side; 2]).with_stride([side; 2])),
        };
        let theta = self.theta.forward(x.clone()).reshape([batch, narrow, positions]).swap_dims(1, 2);
        let phi = pool(self.phi.forward(x.clone())).reshape([batch, narrow, pooled]);
        let g = pool(self.g.forward(x.clone())).reshape([batch, wide, pooled]);
        // A is (B, H W, H W / 4): a few images at a time.
        let at_once = (VALUES_AT_ONCE / (positions * pooled)).clamp(1, batch.max(1));
        let parts = (0..batch).step_by(at_once).map(|first| {
            let rows = at_once.min(batch - first);
            let part = |all: &Tensor<3>| all.clone().narrow(0, first, rows);
            let attention = pass(matmul(part(&theta), part(&phi)), |logits| activation::softmax(logits, 2));
            matmul(part(&g), attention.swap_dims(1, 2))
        });
        let attended = Tensor::cat(parts.collect(), 0).reshape([batch, wide, height, width]);
        match &self.o {
            Some(o) => x + o.forward(attended),
            None => x + attended,
        }
    }

    /// Positions of keys and values.
    fn pooled(&self, [height, width]: [usize; 2]) -> usize {
        (height / self.pool) * (width / self.pool)
    }
}
