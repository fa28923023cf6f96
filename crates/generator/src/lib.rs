//! Other people's generators: reading their weights, rendering images from latents, and drawing
//! neighbouring latents as views of one thing.
//!
//! The way of the data: a [`Manifest`] names a weights file and an architecture, [`Generator`] is
//! the two together on a device, [`LatentSampler`] draws anchors and views into a
//! [`LatentBatch`], and [`Generator::render`] turns that into images.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr))]

pub mod architectures;
mod contact_sheet;
pub mod directions;
mod embedded;
mod error;
mod generator;
mod inspect;
mod latent;
pub mod manifest;
mod reference;
mod throughput;
pub mod training;
pub mod views;

pub use contact_sheet::ContactSheet;
pub use embedded::{EmbeddedGenerator, embedded_generators};
pub use error::GeneratorError;
pub use generator::Generator;
pub use inspect::{InspectOptions, Inspection, inspect};
pub use latent::LatentBatch;
pub use manifest::{Condition, Latent, Manifest, Output, find_manifest, list_manifests};
pub use reference::{ReferenceComparison, compare_with_reference};
pub use throughput::Throughput;
pub use views::{
    AnchorOrder, AnchorsConfig, Conditions, LatentSampler, LatentSpace, UnitCoordinates, ViewKind,
    ViewSampler, ViewsConfig, sample_latents,
};
