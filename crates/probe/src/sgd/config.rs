//! How the probe is trained.

use serde::{Deserialize, Serialize};
use zview_encoder::augment::AugmentConfig;

use zview_features::{Problems, Settings};

/// How a linear classifier is trained by stochastic gradient descent on a frozen encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdProbeConfig {
    /// Learning rates of the first step, for batches of `batch`; all are trained at once. With more
    /// than one the best on held-out training images is taken.
    pub learning_rates: Vec<f64>,
    /// How often every training image is visited.
    pub epochs: usize,
    /// Images of a step.
    pub batch: usize,
    /// Momentum, PyTorch's (not Nesterov's).
    pub momentum: f64,
    /// Added to the gradient of the weights (not of the biases) times the weights.
    pub weight_decay: f64,
    /// Area of the training crops as a share of the image's, lowest and highest.
    pub crop_scale: [f32; 2],
    /// Width over height of the training crops, lowest and highest.
    pub crop_ratio: [f32; 2],
    /// Whether half of the training images are mirrored left to right.
    pub flip: bool,
    /// Side in pixels to which crops, and whole images where nothing is cropped, are resized; the
    /// images' own size where it is not given.
    pub size: Option<usize>,
    /// The share of each class's training images held out to choose the learning rate.
    pub validation_share: f64,
    /// Whether the chosen rate is trained again on all training images, or the classifier of the part
    /// that was not held out is taken.
    pub refit: bool,
    /// Seed of order, crops, split and interval.
    pub seed: u64,
}

impl Default for SgdProbeConfig {
    fn default() -> Self {
        Self {
            learning_rates: vec![0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0],
            epochs: 100,
            batch: 256,
            momentum: 0.9,
            weight_decay: 0.0,
            crop_scale: [0.3, 1.0],
            crop_ratio: [0.75, 4.0 / 3.0],
            flip: false,
            size: None,
            validation_share: 0.1,
            refit: true,
            seed: 0,
        }
    }
}

impl SgdProbeConfig {
    /// What is done to training images: crop and flip, as in the literature, and no colours.
    pub(super) fn augment(&self) -> AugmentConfig {
        AugmentConfig {
            size: self.size,
            crop_scale: self.crop_scale,
            crop_ratio: self.crop_ratio,
            flip: self.flip,
            ..AugmentConfig::none()
        }
    }

    /// Whether every visit of a training image is the same.
    pub(super) fn is_without_augmentation(&self) -> bool {
        !self.flip && self.crop_scale == [1.0, 1.0]
    }
}

impl Settings for SgdProbeConfig {
    fn problems(&self) -> Vec<String> {
        let range = |[low, high]: [f32; 2], most: f32| low > 0.0 && low <= high && high <= most;
        let (momentum, decay, size) = (self.momentum, self.weight_decay, self.size);
        Problems::default()
            .all_positive("learning_rates", &self.learning_rates)
            .at_least("epochs", 1, self.epochs)
            .at_least("batch", 1, self.batch)
            .require((0.0..1.0).contains(&momentum), "momentum", "0 to below 1", momentum)
            .require(decay >= 0.0 && decay.is_finite(), "weight_decay", "0 or more", decay)
            .require(
                range(self.crop_scale, 1.0),
                "crop_scale",
                "[low, high] with 0 < low <= high <= 1",
                self.crop_scale,
            )
            .require(
                range(self.crop_ratio, 100.0),
                "crop_ratio",
                "[low, high] with 0 < low <= high <= 100",
                self.crop_ratio,
            )
            .require(
                size.is_none_or(|size| (1..=4096).contains(&size)),
                "size",
                "1 to 4096 pixels",
                size.unwrap_or_default(),
            )
            .part("validation_share", self.validation_share)
            .list()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named() {
        SgdProbeConfig::default().check().unwrap();
        let base = SgdProbeConfig::default;
        for (key, config) in [
            ("learning_rates", SgdProbeConfig { learning_rates: vec![], ..base() }),
            ("learning_rates", SgdProbeConfig { learning_rates: vec![1.0, f64::NAN], ..base() }),
            ("epochs", SgdProbeConfig { epochs: 0, ..base() }),
            ("batch", SgdProbeConfig { batch: 0, ..base() }),
            ("momentum", SgdProbeConfig { momentum: 1.0, ..base() }),
            ("weight_decay", SgdProbeConfig { weight_decay: -1.0, ..base() }),
            ("crop_scale", SgdProbeConfig { crop_scale: [0.5, 1.5], ..base() }),
            ("crop_ratio", SgdProbeConfig { crop_ratio: [2.0, 1.0], ..base() }),
            ("size", SgdProbeConfig { size: Some(0), ..base() }),
            ("validation_share", SgdProbeConfig { validation_share: 1.0, ..base() }),
        ] {
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
        assert!(serde_json::from_str::<SgdProbeConfig>(r#"{"lr": 1}"#).is_err());
    }
}
