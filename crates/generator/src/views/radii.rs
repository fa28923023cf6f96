//! Neighbours at several distances: near and far views of one anchor, after the several radii in the code of
//! Jahanian et al. 2022 (<https://arxiv.org/abs/2106.05258>).

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{Step, ViewSampler, ViewsConfig, direction};

/// z' = z + std r sqrt(D) u with u uniform on the unit sphere of D dimensions and r one of `radii`, each equally
/// likely. At radius r a step has the standard deviation std r per dimension, and always that length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Radii {
    /// The distances, in units of `std`.
    pub radii: Vec<f32>,
}

impl Default for Radii {
    fn default() -> Self {
        Self { radii: vec![0.5, 1.0, 1.5] }
    }
}

impl ViewSampler for Radii {
    fn problems(&self, _: &ViewsConfig) -> Vec<String> {
        let fits = |radius: &f32| radius.is_finite() && *radius >= 0.0;
        if !self.radii.is_empty() && self.radii.iter().all(fits) {
            return Vec::new();
        }
        vec![format!("`radii`: expected one or more of 0 or above, got {:?}", self.radii)]
    }

    fn view(&self, step: &Step<'_>, anchor: &[f32], _: &[f32], stream: &mut Stream, view: &mut [f32]) {
        let radius = self.radii[stream.below(self.radii.len() as u64) as usize];
        direction::fill_uniform(stream, view);
        let length = step.std * radius * (anchor.len() as f32).sqrt();
        for (view, anchor) in view.iter_mut().zip(anchor) {
            *view = anchor + length * *view;
        }
    }
}
