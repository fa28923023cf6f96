//! Gaussian neighbours at a distance that the encoder in training sets: as wide as keeps the views alike to it. In the
//! spirit of COP-Gen (Li et al. 2022, <https://openreview.net/forum?id=zLVLB-OncUY>), which trains the distance against the
//! encoder; here a constraint on the similarity of the views takes the place of a second network.

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::gaussian::Gaussian;
use super::{Step, ViewSampler, ViewsConfig};

/// How far log std moves for a difference of 1 between measured and wanted agreement.
const RATE: f32 = 0.5;

/// The bounds of std.
const STD_RANGE: [f32; 2] = [0.01, 2.0];

/// z' = z + std t as [`Gaussian`], with a std that moves: log std grows by 0.5 (a - agreement) whenever the trainer
/// has measured a, the share of the features' variance that the views of an anchor have in common. `std` in the recipe
/// is where it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adaptive {
    /// The agreement that is sought: the share of the features' variance that the views of an anchor have in common.
    pub agreement: f32,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { agreement: 0.3 } // docs/views-results.md has what it was chosen by
    }
}

impl ViewSampler for Adaptive {
    fn std_default(&self) -> f32 {
        0.2
    }

    fn problems(&self, _: &ViewsConfig) -> Vec<String> {
        let within = self.agreement > 0.0 && self.agreement < 1.0;
        let problem = || format!("`agreement`: expected between 0 and 1, got {}", self.agreement);
        (!within).then(problem).into_iter().collect()
    }

    fn wanted_agreement(&self) -> Option<f32> {
        Some(self.agreement)
    }

    fn view(&self, step: &Step<'_>, anchor: &[f32], other: &[f32], stream: &mut Stream, view: &mut [f32]) {
        Gaussian {}.view(step, anchor, other, stream, view);
    }
}

/// The std after the views were measured to agree by `measured` where `wanted` is wanted.
pub(super) fn adapted_std(std: f32, measured: f32, wanted: f32) -> f32 {
    if !measured.is_finite() {
        return std;
    }
    (std * (RATE * (measured - wanted)).exp()).clamp(STD_RANGE[0], STD_RANGE[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_that_agree_too_well_are_drawn_further_away() {
        assert!(adapted_std(0.5, 0.9, 0.5) > 0.5);
        assert!(adapted_std(0.5, 0.1, 0.5) < 0.5);
        assert_eq!(adapted_std(0.5, 0.5, 0.5), 0.5);
        assert_eq!(adapted_std(0.5, f32::NAN, 0.5), 0.5);
    }

    #[test]
    fn the_std_stays_within_its_bounds_and_settles_where_views_agree_as_wanted() {
        let agreement = |std: f32| 1.0 / (1.0 + std * std);
        let mut std = 0.2;
        for _ in 0..200 {
            std = adapted_std(std, agreement(std), 0.5);
        }
        assert!((std - 1.0).abs() < 1e-3, "{std}");
        let widest = (0..200).fold(0.2, |std, _| adapted_std(std, 1.0, 0.0));
        assert_eq!(widest, STD_RANGE[1]);
    }
}
