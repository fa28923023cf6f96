//! View samplers T_z: from an anchor latent to the latents of its views, one file each. Adding one
//! is a file and a line in the table here.

mod adaptive;
mod anchors;
mod angular;
mod config;
mod direction;
mod gaussian;
mod independent;
mod interpolate;
mod kind;
mod latent_sampler;
mod radii;
mod same;
mod sample;
mod space;
mod steered;
mod uniform_ball;

pub use anchors::{AnchorOrder, AnchorsConfig, Conditions};
pub use config::ViewsConfig;
pub(crate) use kind::{Step, ViewSampler};
pub use latent_sampler::LatentSampler;
pub use sample::{sample_latents, sample_latents_of};
pub use space::{LatentSpace, UnitCoordinates};

zview_runtime::kinds! {
    ViewsConfig.kind = "kind": AnySampler, sampler: ViewSampler, names ViewKind;
    /// z' = z + std t, with t truncated normal: a neighbour of the anchor.
    Gaussian = "gaussian" => gaussian::Gaussian;
    /// The anchor turned by a small angle, its norm kept.
    Angular = "angular" => angular::Angular;
    /// z' uniform in a ball around the anchor.
    UniformBall = "uniform-ball" => uniform_ball::UniformBall;
    /// z' at one of several distances from the anchor.
    Radii = "radii" => radii::Radii;
    /// z' part of the way from the anchor to another latent.
    Interpolate = "interpolate" => interpolate::Interpolate;
    /// Gaussian, at a distance that follows how alike the views are to the encoder in training.
    Adaptive = "adaptive" => adaptive::Adaptive;
    /// z' moved along directions that were found in the generator or learned for edits.
    Steered = "steered" => steered::Steered;
    /// z' drawn as a new anchor is: nothing shared but the condition.
    Independent = "independent" => independent::Independent;
    /// z' = z: views differ by pixel augmentation only.
    Same = "same" => same::Same;
}

impl ViewKind {
    /// Whether a view lies a step of `[views] std` from its anchor.
    #[must_use]
    pub fn takes_step(self) -> bool {
        AnySampler::from(self).sampler().takes_step()
    }
}
