//! How a network is fine-tuned.

use serde::{Deserialize, Serialize};
use zview_encoder::augment::AugmentConfig;
use zview_network::optimizer::{OptimizerConfig, OptimizerKind};

use zview_features::{Problems, Settings};

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
    /// Share of the last update that is kept, of optimizers that have it; 0.9 where it is not given.
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

impl Settings for FineTuneConfig {
    fn problems(&self) -> Vec<String> {
        let (decays, seeds, augment) = (&self.layer_decays, &self.seeds, &self.augment);
        let (length, count) = match self.length {
            Length::Steps(count) => ("length.steps", count),
            Length::Epochs(count) => ("length.epochs", count),
        };
        let of_decays = !decays.is_empty() && decays.iter().all(|decay| (0.0..=1.0).contains(decay));
        let several = seeds.iter().enumerate().any(|(place, seed)| seeds[..place].contains(seed));
        // Its keys stand in this section here.
        let optimizer = self.optimizer_config(1.0).problems().into_iter();
        let mut optimizer: Vec<String> =
            optimizer.map(|problem| problem.trim_start_matches("optimizer.").to_owned()).collect();
        let of_kind = OptimizerConfig::of(self.optimizer);
        if self.momentum.is_some_and(|given| of_kind.with_own_key("momentum", given).is_none()) {
            optimizer.push(format!("momentum: not used by kind \"{}\"; remove it", self.optimizer.name()));
        }
        Problems::default()
            .at_least("labels_per_class", 1, self.labels_per_class)
            .require(count > 0, length, "1 or more", count)
            .at_least("batch", 1, self.batch)
            .all_positive("learning_rates", &self.learning_rates)
            .require(of_decays, "layer_decays", "one number from 0 to 1, or several", decays)
            .and(optimizer)
            .share("warmup_share", self.warmup_share)
            .and(augment.problems())
            .require(
                augment.size.is_none(),
                "augment.size",
                "nothing: training and test images have one size, that of their data set",
                augment.size.unwrap_or_default(),
            )
            .part("validation_share", self.validation_share)
            .at_least("evaluation_batch", 1, self.evaluation_batch)
            .require(!seeds.is_empty() && !several, "seeds", "one or more, all different", seeds)
            .list()
    }
}

impl FineTuneConfig {
    /// The optimizer at peak rate `lr`, every layer alike.
    pub(super) fn optimizer_config(&self, lr: f64) -> OptimizerConfig {
        let mut config =
            OptimizerConfig { lr, clip_norm: self.clip_norm, ..OptimizerConfig::of(self.optimizer) };
        config.weight_decay = self.weight_decay.unwrap_or(config.weight_decay);
        match self.momentum.and_then(|given| config.clone().with_own_key("momentum", given)) {
            Some(with_momentum) => with_momentum,
            None => config,
        }
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
