//! Gaussian neighbours (Jahanian et al. 2022, <https://arxiv.org/abs/2106.05258>).

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{Step, ViewSampler};

/// z' = z + std t, every t_d standard normal truncated to [-truncation, truncation]. At
/// truncation 2 the step's true standard deviation is 0.88 std. The default, 1, is the paper's for a
/// class-conditional generator; its unconditional one has 0.2.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaussian {}

impl ViewSampler for Gaussian {
    fn view(&self, step: &Step<'_>, anchor: &[f32], _: &[f32], stream: &mut Stream, view: &mut [f32]) {
        for (view, anchor) in view.iter_mut().zip(anchor) {
            *view = anchor + step.std * stream.truncated_normal(step.truncation);
        }
    }
}
