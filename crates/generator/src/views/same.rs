//! No step at all: every view is the anchor. With pixel augmentation on top this is SimCLR on
//! generated images (<https://arxiv.org/abs/2002.05709>), the baseline without latent views.

use zview_runtime::seed::Stream;

use super::{ViewSampler, ViewsConfig};

/// z' = z.
pub(super) struct Same;

impl Same {
    pub(super) const STD_DEFAULT: f32 = 0.0;

    pub(super) fn new(_config: &ViewsConfig) -> Self {
        Self
    }
}

impl ViewSampler for Same {
    fn view(&self, anchor: &[f32], _other: &[f32], _stream: &mut Stream, view: &mut [f32]) {
        view.copy_from_slice(anchor);
    }

    fn views_differ(&self) -> bool {
        false
    }
}
