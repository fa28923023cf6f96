//! Why images could not be packed.

use std::io;
use std::path::PathBuf;

use zview_runtime::atomic::WriteError;

use crate::error::DataError;

/// Why images could not be packed. Every message names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The images themselves.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The file cannot be written at all.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Something else has the name.
    #[error("{} is there already and is not what was asked for ({got}); remove it, or take another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        got: String,
    },
    /// What an earlier command began is of something else.
    #[error(
        "{} was begun by another command: {differs}; give that command again to go on with it, or remove {} and {} to \
         begin anew",
        path.display(), path.display(), journal.display()
    )]
    OtherPartial {
        /// What was begun.
        path: PathBuf,
        /// Its journal.
        journal: PathBuf,
        /// In what it differs.
        differs: String,
    },
    /// Another process packs into the same file.
    #[error("{}: another process is packing into it; wait for it, or take another name", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The disk has not the room.
    #[error(
        "{} needs {needed} more bytes and its disk has {free} free: {} bytes are missing; free them, take another disk, \
         or take a smaller `size`",
        path.display(), needed.saturating_sub(*free)
    )]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// Bytes that are still to be written at most.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk was full on the way, or failed.
    #[error(
        "cannot write {}: {source}{}; {done} of {images} images are packed, and the same command goes on from there",
        path.display(), missing_in_words(*missing)
    )]
    Stuck {
        /// What is being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// Bytes that do not fit, where it is for want of room and the system tells.
        missing: Option<u64>,
        /// Images that were looked at and are safe.
        done: usize,
        /// All of them.
        images: usize,
    },
}

fn missing_in_words(missing: Option<u64>) -> String {
    missing.map_or_else(String::new, |bytes| format!(": {bytes} bytes are missing; free them"))
}
