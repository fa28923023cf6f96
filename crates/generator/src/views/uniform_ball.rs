//! Neighbours spread evenly over a ball around the anchor, one of the samplers in the code of Jahanian et al. 2022
//! (<https://arxiv.org/abs/2106.05258>).

use zview_runtime::seed::Stream;

use super::{ViewSampler, ViewsConfig, direction};

/// z' = z + R r u with u uniform on the unit sphere of D dimensions and r^D uniform in 0 to 1. The radius R is
/// std sqrt(D + 2), so that a step has the standard deviation `std` per dimension.
pub(super) struct UniformBall {
    std: f32,
}

impl UniformBall {
    pub(super) const STD_DEFAULT: f32 = 1.0;

    pub(super) fn new(config: &ViewsConfig) -> Self {
        Self { std: config.std }
    }
}

impl ViewSampler for UniformBall {
    fn view(&self, anchor: &[f32], _other: &[f32], stream: &mut Stream, view: &mut [f32]) {
        let dimension = anchor.len() as f64;
        let share = f64::from(stream.uniform()).powf(dimension.recip());
        let length = f64::from(self.std) * (dimension + 2.0).sqrt() * share;
        direction::fill_uniform(stream, view);
        for (view, anchor) in view.iter_mut().zip(anchor) {
            *view = anchor + (length * f64::from(*view)) as f32;
        }
    }
}
