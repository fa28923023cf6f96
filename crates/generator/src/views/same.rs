//! No step at all: every view is the anchor. With pixel augmentation on top this is SimCLR on
//! generated images (<https://arxiv.org/abs/2002.05709>), the baseline without latent views.

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{Step, ViewSampler};

/// z' = z.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Same {}

impl ViewSampler for Same {
    fn std_default(&self) -> f32 {
        0.0
    }

    fn takes_step(&self) -> bool {
        false
    }

    fn view(&self, _: &Step<'_>, anchor: &[f32], _: &[f32], _: &mut Stream, view: &mut [f32]) {
        view.copy_from_slice(anchor);
    }

    fn views_differ(&self) -> bool {
        false
    }
}
