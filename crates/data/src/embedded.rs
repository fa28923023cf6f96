//! Data sets inside the binary: the letters `glyphs`, made by `scripts/make_glyphs.py`.

use std::path::Path;

use crate::class_list::ClassList;
use crate::error::DataError;
use crate::idx;
use crate::options::{Limits, Split};
use crate::source::{Items, SplitContent};

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

/// Which images of a set belong together because they are not independent of each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageGroups {
    /// What a group is, in the plural.
    pub unit: &'static str,
    /// The group of each image, (N).
    pub of_image: Vec<usize>,
}

/// The groups of a named data set's split, where they are known: of `glyphs`, the typeface designs (a family,
/// or several that are much alike). Of the classes alone that the list `classes` names, where it is given.
#[must_use]
pub fn image_groups(name: &str, split: Split, classes: Option<&Path>) -> Option<ImageGroups> {
    if name != "glyphs" {
        return None;
    }
    let mut of_image = glyph_groups(split);
    if let Some(list) = classes {
        let path = Path::new(name);
        let SplitContent { items: Items::Packed { labels: Some(labels), .. }, classes, .. } =
            GLYPHS.open(path, split, &Limits::default()).ok()?
        else {
            return None;
        };
        let chosen = ClassList::read(list).and_then(|list| list.choose(path, &classes)).ok()?;
        let mut labels = labels.into_iter();
        of_image.retain(|_| labels.next().is_some_and(|label| chosen.is_kept(label)));
    }
    Some(ImageGroups { unit: "typeface designs", of_image })
}

const PROVENANCE: &str = include_str!("../../../assets/glyphs/provenance.csv");

/// From the table of provenance, whose rows are in the order of the images and end with `group,split,images`;
/// no field holds a comma.
fn glyph_groups(split: Split) -> Vec<usize> {
    let wanted = match split {
        Split::Train => "train",
        Split::Test => "test",
    };
    let rows = PROVENANCE.lines().skip(1).filter_map(|line| {
        let mut fields = line.rsplit(',');
        let images: usize = fields.next()?.parse().ok()?;
        let split = fields.next()?;
        let group: usize = fields.next()?.parse().ok()?;
        (split == wanted).then_some((group, images))
    });
    rows.flat_map(|(group, images)| std::iter::repeat_n(group, images)).collect()
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
        Ok(SplitContent::new(items, classes))
    }
}
