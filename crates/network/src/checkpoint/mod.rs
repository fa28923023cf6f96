//! Checkpoints: folders that are there whole or not at all, with a hash for every file.
//!
//! A [`Snapshot`] holds everything that changes, on the host; a [`CheckpointWriter`] writes it on a thread of its own
//! while training goes on; a [`Checkpoint`] is one that was found intact; [`Retention`] says which stay.

mod error;
mod manifest;
mod retention;
mod saved;
mod snapshot;
#[cfg(test)]
mod tests;
mod writer;

pub use error::CheckpointError;
pub use manifest::{CHECKPOINT_FORMAT, Score};
pub use retention::Retention;
pub use saved::Checkpoint;
pub use snapshot::Snapshot;
pub use writer::{CheckpointWriter, Written};
