//! View shards: views of anchors, several images each, that were rendered elsewhere.
//!
//! [`ShardWriter`] writes them, [`ViewShards`] opens them and decodes any anchor's views, [`BatchReader`] gives
//! the batches of a run and works ahead of it. The format is described in `docs/view-shards.md`.

mod anchor_text;
mod batches;
mod classes;
mod error;
mod folder_index;
mod listing;
mod manifest;
mod merged;
mod names;
mod reader;
mod stored_images;
mod tar_index;
mod writer;

#[cfg(test)]
mod tests;

pub use batches::{BatchPlan, BatchReader, ShardBatch};
pub use error::ShardError;
pub(crate) use listing::may_be_shards;
pub use manifest::{FORMAT_VERSION, MANIFEST_NAME, ShardEntry, ShardManifest, THIS_ARCHIVE};
pub use reader::{ShardOptions, ViewShards};
pub use writer::{AnchorViews, ShardContent, ShardWriter, write_shard_folder, write_single_shard};
