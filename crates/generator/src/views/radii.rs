//! Neighbours at several distances: near and far views of one anchor, after the several radii in the code of
//! Jahanian et al. 2022 (<https://arxiv.org/abs/2106.05258>).

use zview_runtime::seed::Stream;

use super::{ViewSampler, ViewsConfig, direction};

/// z' = z + std r sqrt(D) u with u uniform on the unit sphere of D dimensions and r one of `radii`, each equally
/// likely. At radius r a step has the standard deviation std r per dimension, and always that length.
pub(super) struct Radii {
    std: f32,
    radii: Vec<f32>,
}

impl Radii {
    pub(super) const STD_DEFAULT: f32 = 1.0;

    /// Near, middling and far, where a recipe does not say `radii`.
    pub(super) const DEFAULT: [f32; 3] = [0.5, 1.0, 1.5];

    pub(super) fn new(config: &ViewsConfig) -> Self {
        Self { std: config.std, radii: config.radii.clone().unwrap_or_else(|| Self::DEFAULT.to_vec()) }
    }
}

impl ViewSampler for Radii {
    fn view(&self, anchor: &[f32], _other: &[f32], stream: &mut Stream, view: &mut [f32]) {
        let radius = self.radii[stream.below(self.radii.len() as u64) as usize];
        direction::fill_uniform(stream, view);
        let length = self.std * radius * (anchor.len() as f32).sqrt();
        for (view, anchor) in view.iter_mut().zip(anchor) {
            *view = anchor + length * *view;
        }
    }
}
