//! Independent views: another latent of the same condition, one of the samplers that Jahanian et
//! al. 2022 compare with the Gaussian one (<https://arxiv.org/abs/2106.05258>).

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{Step, ViewSampler};

/// z' ~ N(0, I) truncated to [-truncation, truncation], whatever the anchor is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Independent {}

impl ViewSampler for Independent {
    fn takes_step(&self) -> bool {
        false
    }

    fn view(&self, _: &Step<'_>, _: &[f32], other: &[f32], _: &mut Stream, view: &mut [f32]) {
        view.copy_from_slice(other);
    }

    fn uses_other(&self) -> bool {
        true
    }

    fn redraws_categories(&self) -> bool {
        true
    }
}
