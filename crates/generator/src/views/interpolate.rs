//! Part of the way to another latent, along the arc on which latents stay as likely as they were (White 2016,
//! <https://arxiv.org/abs/1609.04468>).

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{Step, ViewSampler, ViewsConfig};

/// z' = cos(a) z + sin(a) z2, with z2 a fresh anchor of the same condition. Views are distributed as anchors are. The
/// angle a is 2 asin(std / 2), so that a step has the standard deviation `std` per dimension (of a latent that is not
/// truncated); at std = sqrt(2) the view is z2.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Interpolate {}

/// sqrt(2): a quarter of the circle, at which nothing of the anchor is left.
const STD_MAX: f32 = std::f32::consts::SQRT_2;

impl ViewSampler for Interpolate {
    fn problems(&self, views: &ViewsConfig) -> Vec<String> {
        let past = views.std > STD_MAX;
        let problem = || {
            format!(
                "`std`: expected at most {STD_MAX:.4} (there the view is the other latent), got {}",
                views.std
            )
        };
        past.then(problem).into_iter().collect()
    }

    fn view(&self, step: &Step<'_>, anchor: &[f32], other: &[f32], _: &mut Stream, view: &mut [f32]) {
        let angle = 2.0 * (f64::from(step.std) / 2.0).asin();
        let (cosine, sine) = (angle.cos(), angle.sin());
        for ((view, anchor), other) in view.iter_mut().zip(anchor).zip(other) {
            *view = (cosine * f64::from(*anchor) + sine * f64::from(*other)) as f32;
        }
    }

    fn uses_other(&self) -> bool {
        true
    }
}
