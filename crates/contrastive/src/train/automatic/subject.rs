//! What is to be learnt from, looked through.

use std::path::{Path, PathBuf};

use zview_data::{ClassUse, DataError, Inspection, LoadOptions, Reject, Split, inspect};
use zview_generator::{GeneratorError, Manifest};

/// Why there is nothing to make a recipe of.
#[derive(Debug, thiserror::Error)]
pub enum AutomaticError {
    /// The images cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The generator cannot be read.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// Views of anchors, which are alike, and not images that each differ from all others.
    #[error(
        "{name} holds view shards ({images} images, up to {views} views of an anchor), which a recipe reads; these lines \
         in a .toml file are one, named instead of {name}:\n[source]\nkind = \"shards\"\nshards = \"{name}\""
    )]
    Shards {
        /// The shards.
        name: String,
        /// All views.
        images: usize,
        /// The most of an anchor.
        views: usize,
    },
    /// Too few to contrast.
    #[error(
        "{name}: pretraining contrasts images with each other and needs 2 for training or more, got {images}{}",
        rejects.first().map_or_else(String::new, |first| format!(
            "; {} cannot be read ({}: {})", files(rejects.len()), first.path, first.reason
        ))
    )]
    TooFew {
        /// The images.
        name: String,
        /// How many for training.
        images: usize,
        /// Files that cannot be read.
        rejects: Vec<Reject>,
    },
}

/// `1 file`, `2 files`.
fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

/// Image files of which all are read before a recipe is made: more take longer than anybody would wait.
const MOST_DECODED: usize = 20_000;

/// Files that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// How many, of both splits.
    pub files: usize,
    /// The first of them, and why.
    pub first: Reject,
    /// Of the split that has the larger share of them: how many, and of how many files.
    pub most: (usize, usize),
}

impl Unreadable {
    fn of(found: &Inspection) -> Option<Self> {
        let first = found.rejects.first()?.clone();
        let of_splits = found.splits.iter().map(|split| (split.rejects, split.images + split.rejects));
        let share = |(rejects, files): &(usize, usize)| *rejects as f64 / (*files).max(1) as f64;
        let most = of_splits.max_by(|a, b| share(a).total_cmp(&share(b)))?;
        Some(Self { files: found.rejects.len(), first, most })
    }

    /// The least share, in ten-thousandths, that leaves them out.
    #[must_use]
    pub fn share(&self) -> f64 {
        let (rejects, files) = self.most;
        (rejects * 10_000).div_ceil(files.max(1)) as f64 / 10_000.0
    }

    /// `1 file cannot be read (cat/broken.jpg: cut short)`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let more = if self.files > 1 { ", …" } else { "" };
        format!("{} cannot be read ({}: {}{more})", files(self.files), self.first.path, self.first.reason)
    }
}

/// What is known of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// As they were named.
    pub name: String,
    /// How many there are for training.
    pub count: usize,
    /// 1 or 3.
    pub channels: usize,
    /// The shorter side of the middle one, in pixels.
    pub short_side: usize,
    /// Height and width of all of them, where it is the same.
    pub extent: Option<[usize; 2]>,
    /// Classes of all of them; fewer than 2 where there is nothing to tell apart.
    pub classes: usize,
    /// Whether there are images for testing too.
    pub tested: bool,
    /// Whether all of them were read, and not their headers alone.
    pub decoded: bool,
    /// Image files that cannot be read.
    pub unreadable: Option<Unreadable>,
}

/// What is to be learnt from.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// Images of a data set.
    Images(Images),
    /// Samples of a generator.
    Generator {
        /// As it was named.
        name: String,
        /// 1 or 3.
        channels: usize,
        /// The shorter side, in pixels.
        short_side: usize,
        /// Classes that it can be asked for.
        classes: Option<usize>,
    },
}

impl Subject {
    /// Looks through the images that `name` names, of the classes alone that the list `classes` names, where it is given.
    ///
    /// # Errors
    /// [`AutomaticError`] where they cannot be read, or are too few.
    pub fn images(
        name: &str,
        data_dir: Option<PathBuf>,
        classes: Option<PathBuf>,
    ) -> Result<Self, AutomaticError> {
        let options =
            LoadOptions { data_dir, classes, class_use: ClassUse::Optional, ..LoadOptions::default() };
        let mut found = inspect(name, &options)?;
        if !found.decoded && found.images <= MOST_DECODED {
            found = inspect(name, &LoadOptions { decode: true, ..options })?;
        }
        if let Some([_, views]) = found.views_per_anchor.filter(|[_, most]| *most > 1) {
            return Err(AutomaticError::Shards { name: name.to_owned(), images: found.images, views });
        }
        let images = of_inspection(name, &found);
        match images.count {
            count @ (0 | 1) => {
                Err(AutomaticError::TooFew { name: name.to_owned(), images: count, rejects: found.rejects })
            }
            _ => Ok(Self::Images(images)),
        }
    }

    /// Reads the manifest that `name` names.
    ///
    /// # Errors
    /// [`AutomaticError::Generator`].
    pub fn generator(name: &str) -> Result<Self, AutomaticError> {
        let manifest = Manifest::find(name, &[])?;
        Ok(Self::Generator {
            name: name.to_owned(),
            channels: manifest.output.channels,
            short_side: manifest.output.height.min(manifest.output.width),
            classes: manifest.classes(),
        })
    }

    /// As it was named.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Images(Images { name, .. }) | Self::Generator { name, .. } => name,
        }
    }
}

/// What a run folder of what `path` names is called: the last part of the path, without endings of archives.
#[must_use]
pub fn short_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let last = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let endings = [".gz", ".tgz", ".tar", ".zip", ".toml"];
    let mut name = last.as_str();
    while let Some(shorter) = endings.iter().find_map(|ending| name.strip_suffix(ending)) {
        name = shorter;
    }
    if name.is_empty() { "images".to_owned() } else { name.to_owned() }
}

fn of_inspection(name: &str, found: &Inspection) -> Images {
    let of_split = |split: Split| found.splits.iter().find(|seen| seen.split == split);
    let mut sides: Vec<(usize, usize)> =
        found.sizes.iter().map(|size| (size.width.min(size.height), size.images)).collect();
    sides.sort_unstable();
    let mut left = found.images / 2;
    let middle = sides.iter().find(|(_, images)| {
        let reached = left < *images;
        left = left.saturating_sub(*images);
        reached
    });
    Images {
        name: name.to_owned(),
        count: of_split(Split::Train).map_or(0, |split| split.images),
        channels: if found.sizes.iter().any(|size| size.channels == 3) { 3 } else { 1 },
        short_side: middle.map_or(0, |(side, _)| *side),
        extent: found.shape.map(|shape| [shape.height, shape.width]),
        classes: if found.labelled { found.classes.len() } else { 0 },
        tested: of_split(Split::Test).is_some_and(|split| split.images > 0),
        decoded: found.decoded,
        unreadable: Unreadable::of(found),
    }
}
