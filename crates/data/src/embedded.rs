//! Data sets inside the binary: the letters `glyphs`, made by `scripts/make_glyphs.py`.

use std::path::Path;

use crate::error::DataError;
use crate::idx;
use crate::options::{Limits, Split};
use crate::source::SplitContent;

/// One split as MNIST's pair of gzipped IDX files.
struct IdxPair {
    images: &'static [u8],
    labels: &'static [u8],
}

/// A data set inside the binary.
pub(crate) struct EmbeddedDataSet {
    train: IdxPair,
    test: IdxPair,
    classes: &'static [&'static str],
}

impl std::fmt::Debug for EmbeddedDataSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EmbeddedDataSet").field("classes", &self.classes).finish_non_exhaustive()
    }
}

macro_rules! asset {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/", $name))
    };
}

/// A to Z, by label.
pub(crate) const LETTERS: [&str; 26] = [
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U",
    "V", "W", "X", "Y", "Z",
];

/// Capital letters of free typefaces; no typeface is in both splits.
pub(crate) static GLYPHS: EmbeddedDataSet = EmbeddedDataSet {
    train: IdxPair {
        images: asset!("glyphs/train-images-idx3-ubyte.gz"),
        labels: asset!("glyphs/train-labels-idx1-ubyte.gz"),
    },
    test: IdxPair {
        images: asset!("glyphs/t10k-images-idx3-ubyte.gz"),
        labels: asset!("glyphs/t10k-labels-idx1-ubyte.gz"),
    },
    classes: &LETTERS,
};

impl EmbeddedDataSet {
    /// One split; `shown` is what errors call the data set.
    pub(crate) fn open(
        &self,
        shown: &Path,
        split: Split,
        limits: &Limits,
    ) -> Result<SplitContent, DataError> {
        let pair = match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        };
        let items = idx::read_pair(shown, pair.images, pair.labels, limits)?;
        let classes = self.classes.iter().map(|&class| class.to_owned()).collect();
        Ok(SplitContent { items, classes, rejects: Vec::new() })
    }
}
