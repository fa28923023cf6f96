//! Other people's generators: reading their weights, rendering images from latents, and drawing
//! neighbouring latents as views of one thing.
//!
//! The way of the data: a [`Manifest`] names a weights file and an architecture, [`Generator`] is
//! the two together on a device, [`LatentSampler`] draws anchors and views into a
//! [`LatentBatch`], and [`Generator::render`] turns that into images.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr))]

mod account;
pub mod architectures;
mod contact_sheet;
pub mod directions;
mod draft;
mod embedded;
mod error;
mod generator;
mod inspect;
mod latent_batch;
pub mod layers;
pub mod manifest;
pub mod prior;
mod reference;
mod said_once;
mod throughput;
pub mod training;
pub mod views;

pub use account::Unneeded;
pub use contact_sheet::ContactSheet;
pub use draft::Draft;
pub use embedded::{EmbeddedGenerator, embedded_generators};
pub use error::GeneratorError;
pub use generator::Generator;
pub use inspect::{InspectOptions, Inspection, inspect};
pub use latent_batch::LatentBatch;
pub use manifest::{Condition, Latent, Manifest, Output, find_manifest, list_manifests, weights_at};
pub use reference::{REFERENCE_TOLERANCE, ReferenceComparison, compare_with_reference};
pub use throughput::Throughput;
pub use views::{
    AnchorOrder, AnchorsConfig, AnySampler, Conditions, LatentSampler, LatentSpace, UnitCoordinates,
    ViewKind, ViewsConfig, sample_latents, sample_latents_of,
};
