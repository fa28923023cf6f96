//! Part of the way to another latent, along the arc on which latents stay as likely as they were (White 2016,
//! <https://arxiv.org/abs/1609.04468>).

use zview_runtime::seed::Stream;

use super::{ViewSampler, ViewsConfig};

/// z' = cos(a) z + sin(a) z2, with z2 a fresh anchor of the same condition. Views are distributed as anchors are. The
/// angle a is 2 asin(std / 2), so that a step has the standard deviation `std` per dimension (of a latent that is not
/// truncated); at std = sqrt(2) the view is z2.
pub(super) struct Interpolate {
    cosine: f64,
    sine: f64,
}

impl Interpolate {
    pub(super) const STD_DEFAULT: f32 = 1.0;

    /// sqrt(2): a quarter of the circle, at which nothing of the anchor is left.
    pub(super) const STD_MAX: f32 = std::f32::consts::SQRT_2;

    pub(super) fn new(config: &ViewsConfig) -> Self {
        let angle = 2.0 * (f64::from(config.std) / 2.0).asin();
        Self { cosine: angle.cos(), sine: angle.sin() }
    }
}

impl ViewSampler for Interpolate {
    fn view(&self, anchor: &[f32], other: &[f32], _stream: &mut Stream, view: &mut [f32]) {
        for ((view, anchor), other) in view.iter_mut().zip(anchor).zip(other) {
            *view = (self.cosine * f64::from(*anchor) + self.sine * f64::from(*other)) as f32;
        }
    }

    fn uses_other(&self) -> bool {
        true
    }
}
