//! What a view sampler is.

use std::fmt::Debug;

use zview_runtime::seed::Stream;

use super::{UnitCoordinates, ViewsConfig};
use crate::{Generator, GeneratorError};

/// Of a step from an anchor to a view.
pub(crate) struct Step<'a> {
    /// `[views] std`, or what it is by now.
    pub(crate) std: f32,
    /// `[views] truncation`.
    pub(crate) truncation: f32,
    /// [`ViewSampler::directions`] (K, D).
    pub(crate) directions: &'a [f32],
}

/// Draws a view's latent from its anchor's, in a space where every dimension has mean 0 and standard deviation 1
/// ([`UnitCoordinates`]). Its fields are the keys that only it has.
pub(crate) trait ViewSampler: Debug {
    /// `[views] std` where a recipe does not say it.
    fn std_default(&self) -> f32 {
        1.0
    }

    /// Whether a view lies a step of `[views] std` from its anchor.
    fn takes_step(&self) -> bool {
        true
    }

    /// What is wrong with its keys, and with others in its eyes, one line each.
    fn problems(&self, _: &ViewsConfig) -> Vec<String> {
        Vec::new()
    }

    /// Writes the latent of one view to `view` (D), given the anchor's `anchor` (D), another latent `other` (D; empty
    /// unless [`Self::uses_other`]) and the view's own stream.
    fn view(&self, step: &Step<'_>, anchor: &[f32], other: &[f32], stream: &mut Stream, view: &mut [f32]);

    /// Whether a fresh latent of the same condition is wanted for each view.
    fn uses_other(&self) -> bool {
        false
    }

    /// Whether the one-hot parts of a view's latent are the other latent's instead of the anchor's.
    fn redraws_categories(&self) -> bool {
        false
    }

    /// Whether views differ from their anchor at all; if not, each anchor is rendered once.
    fn views_differ(&self) -> bool {
        true
    }

    /// The agreement of views that is sought; `None` where their distance is fixed.
    fn wanted_agreement(&self) -> Option<f32> {
        None
    }

    /// Directions (K, D) to step along in `coordinates`, where it does so.
    ///
    /// # Errors
    /// [`GeneratorError::Directions`] where they cannot be found or read.
    fn directions(
        &self,
        _: &ViewsConfig,
        _: &Generator,
        _: &UnitCoordinates,
    ) -> Result<Vec<f32>, GeneratorError> {
        Ok(Vec::new())
    }
}
