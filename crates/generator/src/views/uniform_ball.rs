//! Neighbours spread evenly over a ball around the anchor, one of the samplers in the code of Jahanian et al. 2022
//! (<https://arxiv.org/abs/2106.05258>).

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{Step, ViewSampler, direction};

/// z' = z + R r u with u uniform on the unit sphere of D dimensions and r^D uniform in 0 to 1. The radius R is
/// std sqrt(D + 2), so that a step has the standard deviation `std` per dimension.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UniformBall {}

impl ViewSampler for UniformBall {
    fn view(&self, step: &Step<'_>, anchor: &[f32], _: &[f32], stream: &mut Stream, view: &mut [f32]) {
        let dimension = anchor.len() as f64;
        let share = f64::from(stream.uniform()).powf(dimension.recip());
        let length = f64::from(step.std) * (dimension + 2.0).sqrt() * share;
        direction::fill_uniform(stream, view);
        for (view, anchor) in view.iter_mut().zip(anchor) {
            *view = anchor + (length * f64::from(*view)) as f32;
        }
    }
}
