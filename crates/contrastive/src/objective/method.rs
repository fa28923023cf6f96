//! What a file of this folder has to say of its method.

use std::fmt::Debug;

use burn::tensor::{Device, Tensor};
use zview_network::{Mode, Network};
use zview_runtime::seed::Stream;

use super::MethodConfig;
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Most classes that a classifier is made for: beyond, its weights and logits fill the memory.
const CLASSES_MAX: usize = 1 << 16;

/// Refuses more classes than a classifier is made for; `field` asks for the classifier.
///
/// # Errors
/// [`SourceError::Recipe`] above 65,536.
pub fn check_classes(field: &'static str, classes: usize) -> Result<(), SourceError> {
    if classes <= CLASSES_MAX {
        return Ok(());
    }
    let problem = format!(
        "the views have {classes} classes, at most {CLASSES_MAX} are told apart; numbers that are different for every \
         anchor are no classes: remove them, or do without a classifier"
    );
    Err(SourceError::Recipe { field, problem })
}

/// What a method is made for.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// B, anchors of a batch.
    pub anchors: usize,
    /// V, views of an anchor.
    pub per_anchor: usize,
    /// Dimensions of the views' latents, where they have any.
    pub latent_dimension: Option<usize>,
    /// Classes of the views' labels, where they have any.
    pub classes: Option<usize>,
    /// Decides what is drawn beside the weights.
    pub run_seed: u64,
    /// Where everything is computed (without autodiff).
    pub device: &'a Device,
}

impl Setting<'_> {
    /// The same device with gradients recorded.
    #[must_use]
    pub fn autodiff_device(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// Refuses a single view per anchor.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where there is but one.
    pub fn need_two_views(&self, kind: &str) -> Result<(), SourceError> {
        if self.per_anchor >= 2 {
            return Ok(());
        }
        Err(SourceError::Recipe {
            field: "views.per_anchor",
            problem: format!(
                "\"{kind}\" compares views of one anchor: expected 2 or more, got {}",
                self.per_anchor
            ),
        })
    }

    /// Classes of the labels that method `kind` needs.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where views have no labels.
    pub fn need_classes(&self, kind: &str) -> Result<usize, SourceError> {
        let classes = self.classes.ok_or_else(|| SourceError::Recipe {
            field: "objective.kind",
            problem: format!(
                "\"{kind}\" needs labels, which these views do not have; take a conditional generator or labelled \
                 images as the source, or another objective"
            ),
        })?;
        check_classes("objective.kind", classes)?;
        Ok(classes)
    }

    /// Dimensions of the latents that method `kind` needs.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where views have no latents.
    pub fn need_latents(&self, kind: &str) -> Result<usize, SourceError> {
        self.latent_dimension.ok_or_else(|| SourceError::Recipe {
            field: "objective.kind",
            problem: format!(
                "\"{kind}\" needs the latents of its views, which the source does not have for every view; take a \
                 generator as the source, view shards with latents, or another objective"
            ),
        })
    }
}

/// What a forward pass gives.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The loss, shape `[1]`.
    pub loss: Tensor<1>,
    /// The encoder's features (B * V, D).
    pub features: Tensor<2>,
}

/// A method: how views become a loss, and the networks that it trains beside the encoder.
///
/// As a [`Network`] it shows what it trains as parameters; target networks and queues, which gradients do not
/// reach, as buffers. Checkpoints keep both.
pub trait Method: Network + Debug {
    /// Its keys in `[objective]`.
    type Config: MethodConfig;

    /// Whether it compares views of one anchor, and so needs at least two.
    const COMPARES_VIEWS: bool = true;

    /// The method at its initial weights, for an encoder at its own.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where it needs what the views do not have.
    fn new(
        config: &Self::Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError>;

    /// The encoder whose features are this method's targets, where it has one of its own.
    fn target(&mut self) -> Option<&mut Encoder> {
        None
    }

    /// The loss `[1]` of the encoder's features (B * V, D), whose row b * V + v is view v of anchor b, and of the
    /// target encoder's features of the same images, without gradients.
    fn loss(
        &mut self,
        features: Tensor<2>,
        target_features: Option<Tensor<2>>,
        batch: &ViewBatch,
    ) -> Tensor<1>;

    /// The loss of `images` (B * V, C, H, W), whose gradients are recorded; `batch` is what is known of them.
    fn forward(&mut self, encoder: &mut Encoder, images: Tensor<4>, batch: &ViewBatch) -> Outcome {
        let target_features = self.target().map(|target| target.forward(images.clone().inner(), Mode::Train));
        let features = encoder.forward(images, Mode::Train);
        Outcome { loss: self.loss(features.clone(), target_features, batch), features }
    }

    /// Moves what follows the encoder, after its weights have moved. `progress` runs from 0 to 1 over the run.
    fn follow(&mut self, encoder: &Encoder, progress: f64) {
        let _ = (encoder, progress);
    }
}
