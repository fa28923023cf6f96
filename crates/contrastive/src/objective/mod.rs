//! Objectives: from views to a loss. One file per method, one line in the table below.
//!
//! A method owns all that is trained beside the encoder and thrown away after it: projector, predictor, target
//! networks, queue. See [`Method`] for what a file has to say.

mod barlow_twins;
mod block_masks;
mod byol;
mod config;
mod cross_entropy;
#[cfg(test)]
mod golden;
mod i_jepa;
mod inverter;
mod latent_step;
mod lejepa;
mod method;
mod moco_v3;
mod nt_xent;
mod pairs;
mod simclr;
mod simsiam;
mod supcon;
mod teacher;
mod vicreg;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

pub use config::MethodConfig;
pub use method::{Method, Outcome, Setting, check_classes};
pub use nt_xent::NtXent;

use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

objectives! {
    "simclr" => simclr::SimClr, "SimCLR: normalised temperature-scaled cross-entropy over the batch";
    "supcon" => supcon::SupCon, "supervised contrastive: views of one label attract each other";
    "moco-v3" => moco_v3::MocoV3, "MoCo v3: contrast against a momentum encoder, with or without a queue";
    "byol" => byol::Byol, "BYOL: predict the momentum encoder's projection of another view";
    "simsiam" => simsiam::SimSiam, "SimSiam: predict the projection of another view, which gets no gradient";
    "barlow-twins" => barlow_twins::BarlowTwins, "Barlow Twins: cross-correlation of views near the identity";
    "vicreg" => vicreg::VicReg, "VICReg: invariance, variance and covariance";
    "lejepa" => lejepa::LeJepa, "LeJEPA: views agree, embeddings are isotropic Gaussian (SIGReg)";
    "i-jepa" => i_jepa::IJepa, "I-JEPA: predict the features of hidden blocks of an image (needs a vit)";
    "latent-step" => latent_step::LatentStep, "BYOL whose predictor is told the latent step between two views";
    "inverter" => inverter::Inverter, "regress the latent from its image";
    "cross-entropy" => cross_entropy::CrossEntropy, "classify the generator's condition or the real label";
}

/// Writes out the table: a configuration and a method for every line.
macro_rules! objectives {
    ($($name:literal => $file:ident::$method:ident, $about:literal;)*) => {
        zview_runtime::kinds! {
            ObjectiveConfig.kind = "kind": AnyConfig, config: MethodConfig, names ObjectiveKind;
            $(#[doc = $about] $method = $name => $file::Config;)*
        }

        /// A method in training: its loss and the networks that it trains beside the encoder.
        #[expect(clippy::large_enum_variant, reason = "a run has one")]
        #[derive(Debug, Clone)]
        pub enum Objective {
            $(#[doc = $about] $method($file::$method),)*
        }

        impl Objective {
            /// The method of `config` for an encoder at its initial weights.
            ///
            /// # Errors
            /// [`SourceError::Recipe`] where the method needs what the views do not have (labels, latents, a second view).
            pub fn new(
                config: &ObjectiveConfig,
                setting: &Setting<'_>,
                encoder: &Encoder,
                random: &mut Stream,
            ) -> Result<Self, SourceError> {
                match &config.kind {
                    $(AnyConfig::$method(config) => {
                        if $file::$method::COMPARES_VIEWS {
                            setting.need_two_views($name)?;
                        }
                        $file::$method::new(config, setting, encoder, random).map(Self::$method)
                    })*
                }
            }

            /// The loss of views with gradients, and the features that it was taken of; see [`Method::forward`].
            #[must_use]
            pub fn forward(&mut self, encoder: &mut Encoder, images: Tensor<4>, batch: &ViewBatch) -> Outcome {
                match self { $(Self::$method(method) => method.forward(encoder, images, batch),)* }
            }

            /// The target encoder, where the method has one; see [`Method::target`].
            #[must_use]
            pub fn target(&mut self) -> Option<&mut Encoder> {
                match self { $(Self::$method(method) => method.target(),)* }
            }

            /// The loss `[1]` of features; see [`Method::loss`].
            #[must_use]
            pub fn loss(
                &mut self,
                features: Tensor<2>,
                target_features: Option<Tensor<2>>,
                batch: &ViewBatch,
            ) -> Tensor<1> {
                match self { $(Self::$method(method) => method.loss(features, target_features, batch),)* }
            }

            /// After an update of the encoder's weights; see [`Method::follow`].
            pub fn follow(&mut self, encoder: &Encoder, progress: f64) {
                match self { $(Self::$method(method) => method.follow(encoder, progress),)* }
            }
        }

        impl Network for Objective {
            fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
                match self { $(Self::$method(method) => method.visit(prefix, visitor),)* }
            }
        }
    };
}
use objectives;

/// The `[objective]` section of a recipe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ObjectiveConfig {
    /// What is minimised; each kind has keys of its own.
    #[serde(flatten, skip_deserializing)]
    pub kind: AnyConfig,
}

impl ObjectiveConfig {
    /// The defaults of a method.
    #[must_use]
    pub fn of(kind: AnyConfig) -> Self {
        Self { kind }
    }

    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.kind.config().problems()
    }
}

#[cfg(test)]
mod tests;
