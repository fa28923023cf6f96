//! Self-attention over the positions of a map (Zhang et al. 2019, "SAGAN", <https://arxiv.org/abs/1805.08318>).

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::conv::with_channels;
use super::loader::{is_no, is_one, one, says_no, yes};
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::architectures::layers::Convolution;
use crate::architectures::loader::Loader;
use crate::architectures::self_attention::SelfAttention;
use crate::manifest::Features;

/// x + gamma V softmax(Q^T K)^T with 1 x 1 convolutions Q, K and V of x; the softmax is over the places of K.
///
/// Under `key` lie the convolutions by their names here (weights (out, in, 1, 1), (out, in, 1) or (out, in)) and the
/// number `gamma`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SelfAttentionLayer {
    /// Prefix in the state dict.
    pub key: String,
    /// Channels in and out.
    pub channels: usize,
    /// Name of Q; default `query_conv`.
    #[serde(default = "query_conv")]
    pub queries: String,
    /// Name of K; default `key_conv`.
    #[serde(default = "key_conv")]
    pub keys: String,
    /// Name of V; default `value_conv`.
    #[serde(default = "value_conv")]
    pub values: String,
    /// Name of a convolution of the result, before gamma; default there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Name of the factor; default `gamma`.
    #[serde(default = "gamma")]
    pub gamma: String,
    /// Side of the windows that keys and values are max-pooled over, 1 (not at all, the default) or 2.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub pool: usize,
    /// Whether Q^T K is divided by the root of its number of channels; default false.
    #[serde(default, skip_serializing_if = "is_no")]
    pub scaled: bool,
    /// Whether the convolutions have biases; default true.
    #[serde(default = "yes")]
    pub bias: bool,
}

/// The most pairs of pixels, each of which has a number in the attention of an image.
const PAIRS_MAX: usize = 1 << 28;

fn query_conv() -> String {
    "query_conv".to_owned()
}

fn key_conv() -> String {
    "key_conv".to_owned()
}

fn value_conv() -> String {
    "value_conv".to_owned()
}

fn gamma() -> String {
    "gamma".to_owned()
}

impl LayerSpec for SelfAttentionLayer {
    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn not_taken(&self, part: &str) -> Option<String> {
        let (_, part) = part.rsplit_once('.')?;
        says_no(part, &["bias"], "bias", self.bias)
    }

    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        let problem = || format!("expected `pool` of 1 or 2, got {}", self.pool);
        if [1, 2].contains(&self.pool) { Vec::new() } else { vec![problem()] }
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        match from {
            Features::Map { channels, height, width }
                if channels == self.channels && height >= self.pool && width >= self.pool =>
            {
                // Both sides are below 2^28, as is their product.
                if (height * width).saturating_mul(height * width) > PAIRS_MAX {
                    return Err(format!("expected a map of at most {PAIRS_MAX} pairs of pixels, got {from}"));
                }
                Ok(from)
            }
            got => Err(format!("expected a map of {} channels (`channels`), got {got}", self.channels)),
        }
    }

    fn wanted(&self, got: Features) -> Features {
        with_channels(got, self.channels)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let loader = loader.file("self-attention")?;
        let gamma_key = format!("{}.{}", self.key, self.gamma);
        let shape = match loader.state_dict.shape(&gamma_key) {
            Some(shape) if shape.iter().product::<usize>() == 1 => shape.to_vec(),
            _ => vec![1],
        };
        let gamma = f64::from(loader.learned(&gamma_key, &shape)?[0]);
        let mut conv = |name: &str, outputs: Option<usize>, inputs: usize| {
            self.convolution(loader, &format!("{}.{name}", self.key), outputs, inputs)
        };
        let theta = conv(&self.queries, None, self.channels)?;
        let narrow = theta.weight.dims()[0];
        let phi = conv(&self.keys, Some(narrow), self.channels)?;
        let wide = if self.output.is_some() { None } else { Some(self.channels) };
        let g = conv(&self.values, wide, self.channels)?;
        let o = self
            .output
            .as_ref()
            .map(|name| conv(name, Some(self.channels), g.weight.dims()[0]))
            .transpose()?;
        let scale = if self.scaled { (narrow as f64).sqrt().recip() } else { 1.0 };
        // Rows of the attention sum to 1, so gamma can be a factor of V and its bias.
        let (g, o) = match o {
            Some(o) => (g, Some(o.times(gamma))),
            None => (g.times(gamma), None),
        };
        Ok(Box::new(SelfAttention { theta: theta.times(scale), phi, g, o, pool: self.pool }))
    }
}

impl SelfAttentionLayer {
    /// The convolution `key`, whose number of outputs is the file's unless it is known.
    fn convolution(
        &self,
        loader: &mut Loader<'_>,
        key: &str,
        outputs: Option<usize>,
        inputs: usize,
    ) -> Result<Convolution, WeightsError> {
        let weight_key = format!("{key}.weight");
        let stored = loader.state_dict.shape(&weight_key).map(<[usize]>::to_vec);
        let shape = match stored.as_deref() {
            Some([out, rest @ ..])
                if rest.len() <= 3
                    && rest.first() == Some(&inputs)
                    && rest[1..].iter().all(|extent| *extent == 1)
                    && *out > 0
                    && outputs.is_none_or(|outputs| outputs == *out) =>
            {
                [*out, inputs, 1, 1]
            }
            // Refused below, by the shape that was expected.
            _ => loader.extents(&weight_key, [outputs, Some(inputs), Some(1), Some(1)])?,
        };
        let values = loader.learned(&weight_key, stored.as_deref().unwrap_or(&shape))?;
        let weight = loader.tensor(values.into_iter().map(f64::from), shape);
        let bias = self.bias.then(|| loader.parameter(&format!("{key}.bias"), [shape[0]])).transpose()?;
        Ok(Convolution { weight, bias })
    }
}

impl Step for SelfAttention {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        Activations::Map(Self::forward(self, now.into_map()))
    }
}
