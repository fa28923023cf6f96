//! How a network is fine-tuned.

use serde::{Deserialize, Serialize};
use zview_encoder::augment::AugmentConfig;
use zview_network::optimizer::{AnyRule, OptimizerConfig, OptimizerKind};

use crate::ProbeError;
use zview_features::FeatureError;

/// How long training takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// So many updates.
    Steps(u64),
    /// So many passes over the labelled images, rounded up to whole batches.
    Epochs(u64),
}

/// The classifier's weights before the first update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadStart {
    /// All zero (Kolesnikov et al. 2020, "Big Transfer", section 3.3, <https://arxiv.org/abs/1912.11370>).
    Zero,
    /// A linear probe of the encoder's features of the same labelled images, its penalty chosen among them: LP-FT
    /// (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features", <https://arxiv.org/abs/2202.10054>).
    /// For pretrained encoders: the batch norms of random weights have no statistics yet to make features with.
    LinearProbe,
}

/// How a network is fine-tuned, or trained from scratch. Both use the same recipe, and each chooses its learning rate
/// and layer decay from the same candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FineTuneConfig {
    /// Labelled images of each class; `None` for all.
    pub labels_per_class: Option<usize>,
    /// How long training takes: `{ steps = N }` or `{ epochs = N }`. Validation and final fit take as many updates.
    pub length: Length,
    /// Images per update; all of them where there are fewer.
    pub batch: usize,
    /// Peak learning rates of the head to choose from.
    pub learning_rates: Vec<f64>,
    /// Layer decays to choose from, 0 to 1: layer l of an encoder of L layers learns at the rate times
    /// decay^(L - l). 1 gives all layers the head's rate; at 0 only the head moves, and batch statistics.
    pub layer_decays: Vec<f64>,
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// Of `sgd` and `lars`: share of the last update that is kept; 0.9 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// Weight decay as the optimizer means it; its default where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Gradients are shortened to this norm where theirs is larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Share of the updates over which the rate rises to its peak; it falls to 0 along half a cosine after that.
    pub warmup_share: f64,
    /// Changes to training images; test images are taken as they are.
    pub augment: AugmentConfig,
    /// The classifier's first weights.
    pub head: HeadStart,
    /// The share of each class's labelled images held out to choose among candidates, where there are several.
    pub validation_share: f64,
    /// Images encoded at once when accuracy is measured.
    pub evaluation_batch: usize,
    /// One whole repetition for each: labelled images, first weights, order and augmentation.
    pub seeds: Vec<u64>,
}

impl Default for FineTuneConfig {
    fn default() -> Self {
        Self {
            labels_per_class: None,
            length: Length::Steps(400),
            batch: 64,
            learning_rates: vec![1e-3, 3e-3, 1e-2, 3e-2],
            layer_decays: vec![0.7, 1.0],
            optimizer: OptimizerKind::AdamW,
            momentum: None,
            weight_decay: None,
            clip_norm: None,
            warmup_share: 0.1,
            augment: AugmentConfig::default(),
            head: HeadStart::Zero,
            validation_share: 0.2,
            evaluation_batch: 256,
            seeds: vec![0],
        }
    }
}

/// The momentum of optimizers that have one.
fn momentum_of(kind: &mut AnyRule) -> Option<&mut f64> {
    match kind {
        AnyRule::Sgd(keys) => Some(&mut keys.momentum),
        AnyRule::Lars(keys) => Some(&mut keys.momentum),
        _ => None,
    }
}

impl FineTuneConfig {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] for the first of them.
    pub fn check(&self) -> Result<(), ProbeError> {
        let positive = |value: &f64| *value > 0.0 && value.is_finite();
        let open_share = |value: f64| value > 0.0 && value < 1.0;
        let length = match self.length {
            Length::Steps(count) | Length::Epochs(count) => count,
        };
        let mut seeds = self.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        let mut optimizer = self.optimizer_config(1.0).problems();
        if self.momentum.is_some() && momentum_of(&mut self.optimizer.into()).is_none() {
            optimizer.push(format!(
                "optimizer.momentum: not used by kind \"{}\"; remove it",
                self.optimizer.name()
            ));
        }
        let augment = self.augment.problems();
        let checks: [(&'static str, bool, &'static str, String); 13] = [
            ("labels_per_class", self.labels_per_class != Some(0), "at least 1", "0".to_owned()),
            ("length", length > 0, "at least 1 step or epoch", "0".to_owned()),
            ("batch", self.batch > 0, "at least 1", "0".to_owned()),
            (
                "learning_rates",
                !self.learning_rates.is_empty() && self.learning_rates.iter().all(positive),
                "one or more positive numbers",
                format!("{:?}", self.learning_rates),
            ),
            (
                "layer_decays",
                !self.layer_decays.is_empty() && self.layer_decays.iter().all(|d| (0.0..=1.0).contains(d)),
                "one or more numbers from 0 to 1",
                format!("{:?}", self.layer_decays),
            ),
            ("optimizer", optimizer.is_empty(), "used with settings that fit it", optimizer.join("; ")),
            (
                "warmup_share",
                (0.0..=1.0).contains(&self.warmup_share),
                "0 to 1",
                self.warmup_share.to_string(),
            ),
            ("augment", augment.is_empty(), "within its limits", augment.join("; ")),
            (
                "augment.size",
                self.augment.size.is_none(),
                "left out: training and test images have one size, that of their data set",
                format!("{:?}", self.augment.size.unwrap_or_default()),
            ),
            (
                "validation_share",
                open_share(self.validation_share),
                "between 0 and 1, both excluded",
                self.validation_share.to_string(),
            ),
            ("evaluation_batch", self.evaluation_batch > 0, "at least 1", "0".to_owned()),
            ("seeds", !seeds.is_empty(), "one seed or more", "none".to_owned()),
            ("seeds", seeds.len() == self.seeds.len(), "all different", format!("{:?}", self.seeds)),
        ];
        match checks.into_iter().find(|(_, holds, ..)| !holds) {
            Some((key, _, expected, got)) => {
                Err(ProbeError::Features(FeatureError::Setting { key, expected, got }))
            }
            None => Ok(()),
        }
    }

    /// The optimizer at peak rate `lr`, every layer alike.
    pub(super) fn optimizer_config(&self, lr: f64) -> OptimizerConfig {
        let mut config =
            OptimizerConfig { lr, clip_norm: self.clip_norm, ..OptimizerConfig::of(self.optimizer) };
        config.weight_decay = self.weight_decay.unwrap_or(config.weight_decay);
        if let (Some(given), Some(momentum)) = (self.momentum, momentum_of(&mut config.kind)) {
            *momentum = given;
        }
        config
    }

    /// Images per update with `images` labelled ones.
    pub(super) fn batch_of(&self, images: usize) -> usize {
        self.batch.min(images)
    }

    /// Updates with `images` labelled ones.
    pub(super) fn steps(&self, images: usize) -> u64 {
        match self.length {
            Length::Steps(steps) => steps,
            Length::Epochs(epochs) => epochs.saturating_mul(images.div_ceil(self.batch_of(images)) as u64),
        }
    }
}
