//! Independent views: another latent of the same condition, one of the samplers that Jahanian et
//! al. 2022 compare with the Gaussian one (<https://arxiv.org/abs/2106.05258>).

use zview_runtime::seed::Stream;

use super::{ViewSampler, ViewsConfig};

/// z' ~ N(0, I) truncated to [-truncation, truncation], whatever the anchor is.
pub(super) struct Independent;

impl Independent {
    /// The step is as wide as the latent space itself.
    pub(super) const STD_DEFAULT: f32 = 1.0;

    pub(super) fn new(_config: &ViewsConfig) -> Self {
        Self
    }
}

impl ViewSampler for Independent {
    fn view(&self, _anchor: &[f32], other: &[f32], _stream: &mut Stream, view: &mut [f32]) {
        view.copy_from_slice(other);
    }

    fn uses_other(&self) -> bool {
        true
    }

    fn redraws_categories(&self) -> bool {
        true
    }
}
