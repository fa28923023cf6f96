//! Batch normalisation (Ioffe and Szegedy 2015, <https://arxiv.org/abs/1502.03167>) with stored statistics.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::layers::BatchNorm as TrainedNorm;
use zview_network::weights::WeightsError;
use zview_network::{AnyVisitor, Mode, Network};

use super::conv::with_channels;
use super::loader::{eps, eps_problem, is_yes, says_no, yes};
use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// (x - mean) / sqrt(variance + eps) weight + bias, with the stored statistics; `weight`, `bias`, `running_mean` and
/// `running_var`, each (channels).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Prefix in the state dict.
    pub key: String,
    /// Number of channels, or of flat features.
    pub channels: usize,
    /// Added to the variance; default 1e-5.
    #[serde(default = "eps")]
    pub eps: f64,
    /// Whether there are `weight` and `bias`; default true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub affine: bool,
    /// Whether the statistics are stored; `false` is refused, because an image would then depend on its batch.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub track_running_stats: bool,
}

/// What to do about batch normalisation without stored statistics.
const NO_STATISTICS: &str = "normalises by the statistics of the batch, so that an image would depend on the images \
    beside it: that is not read. Run the network on some batches with `track_running_stats=True` and momentum None, \
    and save it again";

impl BatchNorm {
    /// Of `key`, with weight and bias and the usual eps.
    #[must_use]
    pub fn new(key: String, channels: usize) -> Self {
        Self { key, channels, eps: eps(), affine: true, track_running_stats: true }
    }
}

/// `got`, with `channels` channels or features.
pub(super) fn with_channels_or_features(got: Features, channels: usize) -> Features {
    match got {
        Features::Flat(_) => Features::Flat(channels),
        map @ Features::Map { .. } => with_channels(map, channels),
    }
}

/// Features of `channels` channels, or that many flat ones, pass as they are.
pub(super) fn of_channels(from: Features, channels: usize) -> Result<Features, String> {
    match from {
        Features::Flat(got) | Features::Map { channels: got, .. } if got == channels => Ok(from),
        got => Err(format!("expected {channels} channels (`channels`), got {got}")),
    }
}

impl LayerSpec for BatchNorm {
    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn not_taken(&self, part: &str) -> Option<String> {
        says_no(part, &["weight", "bias"], "affine", self.affine)
    }

    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        let mut problems = eps_problem(self.eps);
        if !self.track_running_stats {
            problems.push(format!("`track_running_stats = false` {NO_STATISTICS}"));
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
        if self.affine
            && self.eps == eps()
            && let Some(device) = loader.makes_fresh(2 * self.channels)
        {
            let norm = TrainedNorm::new(self.channels, device);
            return Ok(Box::new(InTraining { key: self.key.clone(), norm, relu: false }));
        }
        ScaleAndShift::of_statistics(loader, &self.key, self.channels, self.eps, self.affine)
            .map(|step| -> Box<dyn Step> { Box::new(step) })
    }
}

/// A factor and a summand (C) for each channel, then rectified if `relu`.
#[derive(Debug, Clone)]
pub(super) struct ScaleAndShift {
    scale: Tensor<1>,
    shift: Tensor<1>,
    relu: bool,
}

impl ScaleAndShift {
    /// (x - mean) / sqrt(variance + eps) * weight + bias as scale * x + shift, worked out in f64.
    pub(super) fn of_statistics(
        loader: &mut LayerLoader<'_>,
        key: &str,
        channels: usize,
        eps: f64,
        affine: bool,
    ) -> Result<Self, WeightsError> {
        let tensors = loader.file("a normalisation of this kind")?;
        let mean_key = format!("{key}.running_mean");
        if !tensors.has(&mean_key) && tensors.has(&format!("{key}.weight")) {
            let (path, present) = (tensors.state_dict.path().to_owned(), tensors.state_dict.keys().len());
            let hint = format!("; a norm without stored statistics {NO_STATISTICS}");
            return Err(WeightsError::MissingKey { path, key: mean_key, present, hint });
        }
        let (weight, bias) = if affine {
            (
                tensors.learned(&format!("{key}.weight"), &[channels])?,
                tensors.learned(&format!("{key}.bias"), &[channels])?,
            )
        } else {
            (vec![1.0; channels], vec![0.0; channels])
        };
        let mean = tensors.buffer(&mean_key, &[channels])?;
        let variance_key = format!("{key}.running_var");
        let variance: Vec<f64> =
            tensors.buffer(&variance_key, &[channels])?.into_iter().map(f64::from).collect();
        tensors.inverse_std(&variance_key, &variance, eps)?; // refuses what has no root
        let scale = |c: usize| f64::from(weight[c]) / (variance[c] + eps).sqrt();
        let shift = |c: usize| f64::from(bias[c]) - f64::from(mean[c]) * scale(c);
        Ok(Self {
            scale: tensors.tensor((0..channels).map(scale), [channels]),
            shift: tensors.tensor((0..channels).map(shift), [channels]),
            relu: false,
        })
    }
}

impl Step for ScaleAndShift {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        now.scaled_and_shifted(self.scale.clone(), self.shift.clone(), self.relu)
    }

    fn take_relu(&mut self) -> bool {
        self.relu = true;
        true
    }
}

/// With weights and statistics that training changes, then rectified if `relu`.
#[derive(Debug, Clone)]
struct InTraining {
    key: String,
    norm: TrainedNorm,
    relu: bool,
}

impl Step for InTraining {
    fn forward(&self, now: Activations, _classes: Option<&Tensor<1, Int>>) -> Activations {
        now.through_map(|map| self.norm.clone().forward(map, None, self.relu, Mode::Evaluate))
    }

    fn train(&mut self, now: Activations, _classes: Option<&Tensor<2>>) -> Activations {
        now.through_map(|map| self.norm.forward(map, None, self.relu, Mode::Train))
    }

    fn visit(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        self.norm.visit(&format!("{prefix}{}", self.key), visitor);
    }

    fn take_relu(&mut self) -> bool {
        self.relu = true;
        true
    }
}
