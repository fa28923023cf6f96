//! Normalisation by an image's own statistics: instance norm (Ulyanov et al. 2016,
//! <https://arxiv.org/abs/1607.08022>), group norm (Wu and He 2018, <https://arxiv.org/abs/1803.08494>), layer norm (Ba
//! et al. 2016, <https://arxiv.org/abs/1607.06450>) and pixel norm (Karras et al. 2018,
//! <https://arxiv.org/abs/1710.10196>, section 4.2).

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::batch_norm::{ScaleAndShift, of_channels, with_channels_or_features};
use super::loader::{eps, eps_problem, is_no, is_yes, says_no, yes};
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// Each channel of each image by its own mean and variance over pixels; with `affine` times `weight` plus `bias`
/// (channels). With `track_running_stats` the stored statistics are used instead, as PyTorch does it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceNorm {
    /// Prefix in the state dict, of one with tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Number of channels.
    pub channels: usize,
    /// Added to the variance; default 1e-5.
    #[serde(default = "eps")]
    pub eps: f64,
    /// Whether there are `weight` and `bias`; default false, as in PyTorch.
    #[serde(default, skip_serializing_if = "is_no")]
    pub affine: bool,
    /// Whether `running_mean` and `running_var` are used; default false, as in PyTorch.
    #[serde(default, skip_serializing_if = "is_no")]
    pub track_running_stats: bool,
}

/// Groups of neighbouring channels of each image by their own mean and variance; then times `weight` plus `bias`
/// (channels).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GroupNorm {
    /// Prefix in the state dict, of one with tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Number of groups.
    pub groups: usize,
    /// Number of channels.
    pub channels: usize,
    /// Added to the variance; default 1e-5.
    #[serde(default = "eps")]
    pub eps: f64,
    /// Whether there are `weight` and `bias`; default true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub affine: bool,
}

/// All features of each image by their mean and variance; then times `weight` plus `bias`, of the features' shape.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNorm {
    /// Prefix in the state dict, of one with tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Added to the variance; default 1e-5.
    #[serde(default = "eps")]
    pub eps: f64,
    /// Whether there are `weight` and `bias`; default true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub affine: bool,
}

/// x / sqrt(mean over channels of x^2 + eps), at each pixel.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PixelNorm {
    /// Added to the mean square; default 1e-8.
    #[serde(default = "pixel_norm_eps")]
    pub eps: f64,
}

fn pixel_norm_eps() -> f64 {
    1e-8
}

/// The problem of a layer that has tensors and no key, or a key and no tensors.
fn key_problem(key: Option<&str>, tensors: bool) -> Option<String> {
    match (key, tensors) {
        (None, true) => Some("expected the `key` of its `weight` and `bias`, got none".to_owned()),
        (Some(key), false) => Some(format!(
            "expected no `key`, because it has no tensors (`affine = false`), got `{key}`; if the file has \
             `{key}.weight`, write `affine = true`"
        )),
        _ => None,
    }
}

/// (B, R, N): each row of N values less its mean and divided by sqrt(variance + eps).
fn normalised(rows: Tensor<3>, eps: f64) -> Tensor<3> {
    let centred = rows.clone() - rows.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    centred / (variance + eps).sqrt()
}

impl LayerSpec for InstanceNorm {
    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn not_taken(&self, part: &str) -> Option<String> {
        let statistics = ["running_mean", "running_var"];
        says_no(part, &["weight", "bias"], "affine", self.affine)
            .or_else(|| says_no(part, &statistics, "track_running_stats", self.track_running_stats))
    }

    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        let mut problems = eps_problem(self.eps);
        problems.extend(key_problem(self.key.as_deref(), self.affine || self.track_running_stats));
        problems
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        match of_channels(from, self.channels)? {
            Features::Map { height, width, .. } if height * width > 1 || self.track_running_stats => Ok(from),
            got => Err(format!("expected a map of more than one pixel, got {got}")),
        }
    }

    fn wanted(&self, got: Features) -> Features {
        with_channels_or_features(got, self.channels)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let key = self.key.as_deref().unwrap_or_default();
        if self.track_running_stats {
            let step = ScaleAndShift::of_statistics(loader, key, self.channels, self.eps, self.affine)?;
            return Ok(Box::new(step));
        }
        let affine = loader.affine(self.affine, key, self.channels)?;
        Ok(Box::new(Grouped { groups: self.channels, eps: self.eps, affine }))
    }
}

impl LayerSpec for GroupNorm {
    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn not_taken(&self, part: &str) -> Option<String> {
        says_no(part, &["weight", "bias"], "affine", self.affine)
    }

    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        let mut problems = eps_problem(self.eps);
        problems.extend(key_problem(self.key.as_deref(), self.affine));
        if self.groups == 0 || !self.channels.is_multiple_of(self.groups) {
            let (channels, groups) = (self.channels, self.groups);
            problems.push(format!("expected `groups` that divide {channels} channels, got {groups}"));
        }
        problems
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        of_channels(from, self.channels)
    }

    fn wanted(&self, got: Features) -> Features {
        with_channels_or_features(got, self.channels)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let affine = loader.affine(self.affine, self.key.as_deref().unwrap_or_default(), self.channels)?;
        Ok(Box::new(Grouped { groups: self.groups, eps: self.eps, affine }))
    }
}

/// Channels in groups that are normalised together.
#[derive(Debug, Clone)]
struct Grouped {
    groups: usize,
    eps: f64,
    /// Factor and summand (C).
    affine: Option<[Tensor<1>; 2]>,
}

impl Step for Grouped {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        now.through_map(|map| {
            let [batch, channels, height, width] = map.dims();
            let rows = map.reshape([batch, self.groups, channels / self.groups * height * width]);
            let map = normalised(rows, self.eps).reshape([batch, channels, height, width]);
            match &self.affine {
                Some([scale, shift]) => {
                    zview_kernels::scale_shift(map, None, scale.clone(), shift.clone(), false)
                }
                None => map,
            }
        })
    }
}

impl LayerSpec for LayerNorm {
    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn not_taken(&self, part: &str) -> Option<String> {
        says_no(part, &["weight", "bias"], "affine", self.affine)
    }

    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        let mut problems = eps_problem(self.eps);
        problems.extend(key_problem(self.key.as_deref(), self.affine));
        problems
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        Ok(from)
    }

    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let key = self.key.as_deref().unwrap_or_default();
        let mut affine = None;
        if self.affine {
            let file = loader.file("layer-norm")?;
            let mut part = |part: &str| match from {
                Features::Flat(features) => file.parameter(&format!("{key}.{part}"), [features]),
                Features::Map { channels, height, width } => {
                    let values = file.parameter(&format!("{key}.{part}"), [channels, height, width])?;
                    Ok(values.reshape([channels * height * width]))
                }
            };
            affine = Some([part("weight")?, part("bias")?]);
        }
        Ok(Box::new(Whole { eps: self.eps, affine }))
    }
}

/// All features of an image, normalised together.
#[derive(Debug, Clone)]
struct Whole {
    eps: f64,
    /// Factor and summand (C H W).
    affine: Option<[Tensor<1>; 2]>,
}

impl Step for Whole {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        now.through_map(|map| {
            let shape @ [batch, channels, height, width] = map.dims();
            let mut rows = normalised(map.reshape([batch, 1, channels * height * width]), self.eps);
            if let Some([scale, shift]) = &self.affine {
                rows = rows * scale.clone().reshape([1, 1, -1]) + shift.clone().reshape([1, 1, -1]);
            }
            rows.reshape(shape)
        })
    }
}

impl LayerSpec for PixelNorm {
    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        eps_problem(self.eps)
    }

    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        Ok(from)
    }

    fn load(&self, _loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(self.clone()))
    }
}

impl Step for PixelNorm {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        now.through_map(|map| map.clone() / (map.square().mean_dim(1) + self.eps).sqrt())
    }
}
