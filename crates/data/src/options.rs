//! What to load and how, and how much of the machine it may take.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::reading::reading;

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// What is learnt from.
    Train,
    /// What is only measured on.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Train => "train",
            Self::Test => "test",
        })
    }
}

/// Colour channels to bring all images to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColorMode {
    /// What the format says; of image files, colour if any of either split is, the same in both.
    #[default]
    AsStored,
    /// One channel: luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B).
    Grey,
    /// Three channels: grey is repeated.
    Rgb,
}

impl ColorMode {
    /// Channels to give when `stored` channels (1 or 3) are there.
    pub(crate) fn channels(self, stored: usize) -> usize {
        match self {
            Self::AsStored => stored,
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

/// What images without a class mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClassUse {
    /// In a set with classes they are unusable.
    #[default]
    Needed,
    /// They make the whole set one without classes: pretraining needs none.
    Optional,
}

/// Bounds on what a data set may take, checked before anything is allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Width and height of one image, in pixels.
    pub max_side: usize,
    /// Width times height of one image.
    pub max_pixels: usize,
    /// Bytes of one decoded image.
    pub max_image_bytes: u64,
    /// Bytes of one image file.
    pub max_file_bytes: u64,
    /// Bytes of a whole set: decoded in memory, and what an archive inflates to.
    pub max_set_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_side: 16_384,
            max_pixels: 64 << 20,
            max_image_bytes: 512 << 20,
            max_file_bytes: 256 << 20,
            max_set_bytes: 8 << 30,
        }
    }
}

impl Limits {
    /// The side in pixels of the largest square image.
    #[must_use]
    pub fn most_side(&self) -> usize {
        self.max_side.min(self.max_pixels.isqrt())
    }
}

/// What size an image is brought to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Square side in pixels; its own size where it is not given.
    pub(crate) size: Option<usize>,
    /// What the shorter side is resized to before the centre is kept; `size` where it is not given.
    pub(crate) resize: Option<usize>,
}

/// How to load a data set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadOptions {
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// Colour channels to bring all images to.
    pub color: ColorMode,
    /// Square side in pixels: the shorter side is resized to it and the centre kept.
    pub size: Option<usize>,
    /// Where the shorter side is resized to more than `size` before the centre is kept: 256 for 224, say.
    pub resize: Option<usize>,
    /// Whether image files are read each time that they are wanted, however few there are: parts of whole photographs can
    /// be had then.
    pub streamed: bool,
    /// Bytes of decoded images that may be in memory; more are read each time that they are wanted. What [`reading`] says
    /// where it is not given.
    ///
    /// [`reading`]: crate::reading()
    pub memory: Option<u64>,
    /// Whether [`inspect`](crate::inspect()) decodes image files, which finds what is damaged and what the pixels are.
    pub decode: bool,
    /// Share (0 to 1) of image files that may be unusable and are then left out.
    pub max_reject_share: f64,
    /// Whether classes are needed.
    pub class_use: ClassUse,
    /// A text file with a class in each line, by the name of its folder or its whole name: only images of these are taken.
    pub classes: Option<PathBuf>,
    /// Bounds on sizes.
    pub limits: Limits,
}

impl LoadOptions {
    /// What size each image is brought to.
    pub(crate) fn fit(&self) -> Fit {
        Fit { size: self.size, resize: self.resize.filter(|_| self.size.is_some()) }
    }

    /// Bytes of decoded images that a set may have in memory.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.unwrap_or_else(|| reading().memory_of_a_set())
    }

    /// Whether classes are needed, as they are where some of them are taken.
    pub(crate) fn class_use(&self) -> ClassUse {
        if self.classes.is_some() { ClassUse::Needed } else { self.class_use }
    }

    /// Refuses values that cannot work.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        if !(0.0..=1.0).contains(&self.max_reject_share) {
            return Err(DataError::InvalidOption {
                option: "max_reject_share",
                expected: "a share from 0 to 1".to_owned(),
                got: self.max_reject_share.to_string(),
            });
        }
        let most = self.limits.most_side();
        if let Some(resize) = self.resize
            && !self.size.is_some_and(|size| (size..=most).contains(&resize))
        {
            return Err(DataError::InvalidOption {
                option: "resize",
                expected: format!("`size` to {most} pixels, and a `size`"),
                got: format!(
                    "{resize} with a size of {}",
                    self.size.map_or("none".to_owned(), |size| size.to_string())
                ),
            });
        }
        match self.size {
            Some(size) if !(1..=most).contains(&size) => Err(DataError::InvalidOption {
                option: "size",
                expected: format!("1 to {most} pixels per side"),
                got: size.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_options_are_refused_by_name() {
        for share in [-0.1, 1.1, f64::NAN] {
            let options = LoadOptions { max_reject_share: share, ..LoadOptions::default() };
            assert!(options.check().unwrap_err().to_string().contains("`max_reject_share`"));
        }
        for size in [0, 8_193, 20_000, usize::MAX] {
            let options = LoadOptions { size: Some(size), ..LoadOptions::default() };
            assert!(options.check().unwrap_err().to_string().contains("`size`"), "{size}");
        }
        assert!(LoadOptions { size: Some(8_192), ..LoadOptions::default() }.check().is_ok());
    }

    #[test]
    fn color_modes_are_spelt_in_kebab_case() {
        let spelt = |mode| serde_json::to_string(&mode).unwrap();
        assert_eq!(spelt(ColorMode::AsStored), "\"as-stored\"");
        assert_eq!(spelt(ColorMode::Grey), "\"grey\"");
        assert_eq!(serde_json::from_str::<ColorMode>("\"rgb\"").unwrap(), ColorMode::Rgb);
    }
}
