//! Why images could not be loaded.

use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::options::Split;

/// An image file that was not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The file; for a member of an archive, the archive, a colon and the member.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why images could not be loaded. Every message names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing is at the path, and it is no name of a data set.
    #[error(
        "{} does not exist: give the path of a data set, or one of the names {known}{suggestion}",
        path.display()
    )]
    Unknown {
        /// What was asked for.
        path: PathBuf,
        /// The names that exist.
        known: String,
        /// The nearest name as a question, or empty.
        suggestion: String,
    },
    /// A named data set is in none of the folders that were looked at.
    #[error("data set `{name}` was not found{}\n{remedy}", looked_list(looked))]
    NotFound {
        /// The name.
        name: String,
        /// Every folder that was looked at, in order.
        looked: Vec<PathBuf>,
        /// How to get it.
        remedy: String,
    },
    /// The path is there but holds none of the known formats.
    #[error(
        "{}: {found}; expected a folder of IDX files (train-images-idx3-ubyte[.gz]), of CIFAR files \
         (data_batch_1[.bin]), of images (train/<class>/*.jpg or <class>/*.png), of archives (train.tar.gz), \
         or one IDX or tar file, or one that `zview data pack` made",
        path.display()
    )]
    NotRecognised {
        /// The path.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// What is there can be read in more than one way.
    #[error("{}: {question}", path.display())]
    Unclear {
        /// The data set.
        path: PathBuf,
        /// What is not clear, and how to make it so.
        question: String,
    },
    /// The data set has no such part.
    #[error("{}: no {split} split: expected {expected}, got {got}", path.display())]
    MissingSplit {
        /// The data set.
        path: PathBuf,
        /// The split that was asked for.
        split: Split,
        /// Where it would be.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A list of classes to take names one that the data set does not have.
    #[error(
        "{}, line {line}: {} has no class `{class}` among its {classes}{nearest}; correct the line or remove it",
        list.display(), set.display()
    )]
    UnknownClass {
        /// The list.
        list: PathBuf,
        /// Its line, from 1 on.
        line: usize,
        /// What it names.
        class: String,
        /// The data set.
        set: PathBuf,
        /// How many classes that has.
        classes: usize,
        /// The nearest name as part of the sentence, or empty.
        nearest: String,
    },
    /// Classes are to be taken of images that have none.
    #[error(
        "{}: the {split} split has no classes, of which {} names some; give a set with classes, or no list of them",
        path.display(), list.display()
    )]
    WithoutClasses {
        /// The data set.
        path: PathBuf,
        /// The split that was asked for.
        split: Split,
        /// The list of classes.
        list: PathBuf,
    },
    /// A field of a file is not what its format or its companion file says.
    #[error("{}: {field}: expected {expected}, got {got}; {remedy}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// The field, in the format's own words.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
        /// What to do.
        remedy: &'static str,
    },
    /// An image cannot be used that is read when it is wanted.
    #[error(
        "{name}: {reason}; mend it or take it out of {} (training goes on without it where `max_reject_share` allows it)",
        path.display()
    )]
    Unreadable {
        /// The data set.
        path: PathBuf,
        /// The file, or the archive and its member.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The thread that reads images ahead is gone.
    #[error("images cannot be read ahead: {0}; free memory or threads, and go on with --resume")]
    Reader(String),
    /// There is no usable image.
    #[error("{}: no usable image in the {split} split; {remedy}", path.display())]
    Empty {
        /// The data set.
        path: PathBuf,
        /// The split that was asked for.
        split: Split,
        /// What to do.
        remedy: &'static str,
    },
    /// Images differ in size and no common size was asked for.
    #[error(
        "images differ in size: {first} is {first_size}, {other} is {other_size}; set `size` (pixels per side) \
         to bring all to one square size"
    )]
    UnequalSizes {
        /// The first image, by name.
        first: String,
        /// Its width x height.
        first_size: String,
        /// One of another size.
        other: String,
        /// Its width x height.
        other_size: String,
    },
    /// More memory would be needed than the limits allow.
    #[error(
        "{}: {what} needs {bytes} bytes, the limit is {limit}; use fewer or smaller images (set `size`)",
        path.display()
    )]
    TooLarge {
        /// The data set or file.
        path: PathBuf,
        /// Which part of it.
        what: String,
        /// What it would take, as far as known.
        bytes: String,
        /// The limit.
        limit: u64,
    },
    /// More image files are unusable than allowed.
    #[error("{}", too_many_rejects(path, first_rejects, *rejects, *files, *max_reject_share))]
    TooManyRejects {
        /// The data set.
        path: PathBuf,
        /// At most the first ten.
        first_rejects: Vec<Reject>,
        /// How many there are.
        rejects: usize,
        /// Image files, usable or not.
        files: usize,
        /// The share that is allowed.
        max_reject_share: f64,
    },
    /// View shards that cannot be used.
    #[error(transparent)]
    Shards {
        /// Why.
        source: Box<crate::view_shards::ShardError>,
    },
    /// A loading option that cannot work.
    #[error("`{option}`: expected {expected}, got {got}")]
    InvalidOption {
        /// The option.
        option: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// Parts of an image set that do not fit together.
    #[error("image set `{name}`: {field}: expected {expected}, got {got}; build it from parts of one source")]
    Inconsistent {
        /// The image set.
        name: String,
        /// The part.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
}

fn looked_list(looked: &[PathBuf]) -> String {
    if looked.is_empty() {
        return ": there is nowhere to look (no data folder given, ZVIEW_DATA and HOME unset)".to_owned();
    }
    let mut text = ". Looked in:".to_owned();
    for folder in looked {
        let _ = write!(text, "\n  - {}", folder.display());
    }
    text
}

fn too_many_rejects(
    path: &std::path::Path,
    first_rejects: &[Reject],
    rejects: usize,
    files: usize,
    max_reject_share: f64,
) -> String {
    let mut text = format!(
        "{}: {rejects} of {files} image files cannot be used (allowed share: {max_reject_share}):",
        path.display()
    );
    for reject in first_rejects {
        let _ = write!(text, "\n  - {}: {}", reject.path, reject.reason);
    }
    if rejects > first_rejects.len() {
        let _ = write!(text, "\n  - ... and {} more", rejects - first_rejects.len());
    }
    text.push_str(
        "\nrepair or remove them, or leave them out with --max-reject-share SHARE (in a recipe's [source]: \
         `max_reject_share = SHARE`; for a comparison: --set source.max_reject_share=SHARE)",
    );
    text
}
