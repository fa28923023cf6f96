//! What a folder holds in which no images were found.

use std::path::Path;

use crate::ignored::ignored_in_words;
use crate::image_folder;
use crate::view_shards::may_be_shards;

/// What a folder without images holds instead, and what to do about it.
pub(crate) fn without_images(folder: &Path) -> String {
    if may_be_shards(folder) {
        return "a folder of view shards, without labelled images: a recipe reads them with source.kind = \"shards\" and \
                the folder as source.shards"
            .to_owned();
    }
    let ignored = image_folder::left_alone(folder);
    let holds =
        |endings: &[&str]| endings.iter().any(|ending| ignored.keys().any(|why| why.starts_with(ending)));
    let remedy = if holds(&[".zip", ".rar", ".7z"]) {
        "; unpack the archive first"
    } else if holds(&[
        ".npz",
        ".npy",
        ".mat",
        ".h5",
        ".hdf5",
        ".parquet",
        ".mdb",
        ".lmdb",
        ".pkl",
        ".pickle",
        ".tfrecord",
    ]) {
        "; its images must be written as files first, docs/data.md shows how"
    } else if holds(&[".tar", ".tgz", ".gz", ".bz2", ".xz"]) {
        "; unpack the archive and give the folder; archives of images may stay as they are, called train.tar and \
         test.tar or given one by one"
    } else {
        ""
    };
    let there = ignored_in_words(&ignored, "files").unwrap_or_else(|| "it is empty".to_owned());
    format!("a folder with no images in a known format ({there}){remedy}")
}
