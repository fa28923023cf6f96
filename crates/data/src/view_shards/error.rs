//! Why view shards could not be read or written.

use std::io;
use std::path::PathBuf;

use zview_runtime::atomic::WriteError;

use crate::picture::PictureError;

/// Why view shards could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path is there but holds no view shards.
    #[error(
        "{}: {found}; expected a folder with manifest.json and .tar files, a folder of .tar files, one .tar file, \
         or a folder of images named [class/]anchor-000000-view-0.png",
        path.display()
    )]
    NotRecognised {
        /// The path.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// The manifest cannot be used.
    #[error("{}: {field}: expected {expected}, got {got}; write the shards again", path.display())]
    Manifest {
        /// The manifest, or the archive that it is in.
        path: PathBuf,
        /// Which part of it.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// A shard is not what it was written as, or holds what cannot be used.
    #[error(
        "{}{}: {problem}; fetch or write it again, or leave damaged shards out with `skip_damaged = true` in [source]",
        shard.display(),
        member.as_ref().map_or_else(String::new, |member| format!(": {member}"))
    )]
    Damaged {
        /// The shard.
        shard: PathBuf,
        /// The member, where it is one that is wrong.
        member: Option<String>,
        /// What is wrong.
        problem: String,
    },
    /// Nothing is left once damaged shards are left out.
    #[error(
        "{}{}: {problem}; nothing is left, because everything else is damaged too: fetch or write the shards again",
        shard.display(),
        member.as_ref().map_or_else(String::new, |member| format!(": {member}"))
    )]
    AllDamaged {
        /// The first damaged shard.
        shard: PathBuf,
        /// The member, where it is one that is wrong.
        member: Option<String>,
        /// What is wrong.
        problem: String,
    },
    /// An anchor has fewer views than are asked for.
    #[error(
        "{}: {anchor}: {views} views, `[views] per_anchor` asks for {per_anchor}; lower it, or write more views",
        shard.display()
    )]
    TooFewViews {
        /// The shard.
        shard: PathBuf,
        /// The anchor's key.
        anchor: String,
        /// How many it has.
        views: usize,
        /// How many are asked for.
        per_anchor: usize,
    },
    /// A batch has more anchors than there are.
    #[error("{}: {anchors} anchors, a batch has {batch}; lower `train.batch`, or write more anchors", path.display())]
    TooFewAnchors {
        /// The shards.
        path: PathBuf,
        /// How many there are.
        anchors: usize,
        /// B.
        batch: usize,
    },
    /// What is to be written does not fit what was announced.
    #[error("{}: {what}: expected {expected}, got {got}", path.display())]
    Unfit {
        /// The shard or folder.
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
        /// What was announced.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// The threads that read ahead could not be had, or ended.
    #[error("no thread to read view shards with: {0}; end other programs and try again")]
    Thread(String),
    /// A view could not be encoded.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}
