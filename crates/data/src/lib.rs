//! Real labelled images: found, decoded safely, and held as bytes in a fixed order.
//!
//! [`load`] takes a name (`mnist`) or a path and gives an [`ImageSet`]; what a path is (IDX, CIFAR,
//! image folder, tar of one, or what [`pack`] made of any of them) is found from its content. One data set, `glyphs`, is inside the binary. [`VisitOrder`] says which image
//! comes when, [`inspect`] describes a set without keeping it, and [`picture`] writes PNG files.
//! [`view_shards`] holds views of anchors instead, rendered by anything and streamed.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod batches;
mod cifar_binary;
mod cifar_python;
mod class_list;
mod classes;
mod comparable;
mod content_kind;
mod crop;
mod decode;
mod embedded;
mod error;
mod file_list;
mod file_names;
mod gif_structure;
#[cfg(test)]
mod golden_tests;
mod hashed_split;
mod idx;
mod ignored;
mod image_folder;
mod image_set;
mod image_tree;
mod imagenet;
mod inflate;
mod inspect;
mod jpeg_structure;
mod load;
mod name_list;
mod name_text;
mod named;
mod notes;
#[doc(hidden)]
pub mod of_bytes;
mod options;
mod packed;
mod photographs;
pub mod picture;
mod read_ahead;
mod reading;
mod resize;
mod short_name;
mod source;
mod split_names;
mod tar_members;
mod tar_shard;
#[cfg(test)]
mod test_files;
pub mod view_shards;
mod visit_order;
mod webp_structure;
mod without_images;

pub use batches::{ListedBatches, VisitedBatches};
pub use comparable::{Comparable, comparable, load_comparable};
pub use crop::CropBox;
pub use embedded::{ImageGroups, image_groups};
pub use error::{DataError, Reject};
pub use ignored::{Ignored, ignored_in_words};
pub use image_set::{ImageSet, ImageShape, ReadBatch};
pub use inspect::{ClassCount, Inspection, SizeCount, SplitInspection, inspect};
pub use load::load;
pub use named::{KnownDataSet, data_in_file, find as find_data, known_data_sets};
pub use options::{ClassUse, ColorMode, Limits, LoadOptions, Split};
pub use packed::{MadeFrom, PackError, PackOptions, Packed, PackedSplit, is_packed, pack};
pub use read_ahead::ReadAhead;
pub use reading::{Reading, reading, set_reading};
pub use short_name::short_name;
pub use visit_order::{VisitOrder, VisitOrders};
