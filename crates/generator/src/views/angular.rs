//! Angular neighbours: the anchor turned by a small angle, one of the samplers that Jahanian et al. 2022 compare
//! (<https://arxiv.org/abs/2106.05258>). Their code divides by the norm of the whole batch; here each row keeps its
//! own.

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{Step, ViewSampler};

/// z' = |z| (z + std t) / |z + std t|, every t_d standard normal truncated to [-truncation, truncation].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Angular {}

impl ViewSampler for Angular {
    fn view(&self, step: &Step<'_>, anchor: &[f32], _: &[f32], stream: &mut Stream, view: &mut [f32]) {
        let mut moved: Vec<f64> = Vec::with_capacity(anchor.len());
        for value in anchor {
            moved.push(f64::from(*value) + f64::from(step.std * stream.truncated_normal(step.truncation)));
        }
        let norm =
            |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
        let length = norm(&mut anchor.iter().map(|value| f64::from(*value)));
        let factor = length / norm(&mut moved.iter().copied()).max(f64::MIN_POSITIVE);
        for (view, moved) in view.iter_mut().zip(moved) {
            *view = (moved * factor) as f32;
        }
    }
}
