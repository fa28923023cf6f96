//! View samplers T_z: from an anchor latent to the latents of its views, one file each. Adding one
//! is a file and a line in the table here.

mod config;
mod gaussian;
mod independent;
mod kind;
mod same;
mod sample;

pub use config::ViewsConfig;
pub use kind::ViewSampler;
pub use sample::sample_latents;

kind::view_kinds! {
    /// z' = z + std t, with t truncated normal: a neighbour of the anchor.
    Gaussian = "gaussian" => gaussian::Gaussian;
    /// z' drawn as a new anchor is: nothing shared but the condition.
    Independent = "independent" => independent::Independent;
    /// z' = z: views differ by pixel augmentation only.
    Same = "same" => same::Same;
}
