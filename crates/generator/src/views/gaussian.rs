//! Gaussian neighbours (Jahanian et al. 2022, <https://arxiv.org/abs/2106.05258>).

use zview_runtime::seed::Stream;

use super::{ViewSampler, ViewsConfig};

/// z' = z + std t, every t_d standard normal truncated to [-truncation, truncation]. At
/// truncation 2 the step's true standard deviation is 0.88 std.
pub(super) struct Gaussian {
    std: f32,
    truncation: f32,
}

impl Gaussian {
    /// The paper's for a class-conditional generator; its unconditional one has 0.2.
    pub(super) const STD_DEFAULT: f32 = 1.0;

    pub(super) fn new(config: &ViewsConfig) -> Self {
        Self { std: config.std, truncation: config.truncation }
    }
}

impl ViewSampler for Gaussian {
    fn view(&self, anchor: &[f32], _other: &[f32], stream: &mut Stream, view: &mut [f32]) {
        for (view, anchor) in view.iter_mut().zip(anchor) {
            *view = anchor + self.std * stream.truncated_normal(self.truncation);
        }
    }
}
