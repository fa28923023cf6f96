//! The images that an encoder was trained on: what later commands bring theirs to.

use std::path::Path;

use serde::{Deserialize, Serialize};
use zview_data::{ColorMode, ImageShape};
use zview_runtime::run_folder::started_event;

/// Largest side that is believed of a file, in pixels.
const MOST_SIDE: usize = 8192;

/// How images of another size are brought to the encoder's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeRule {
    /// The centre square, bicubic (Catmull-Rom), without aliasing where it shrinks.
    #[default]
    CentreSquareBicubic,
}

/// Size, colours and resize rule of the images that an encoder was trained on; in the header of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewFormat {
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
    /// `grey`, or `rgb` in that order; absent for other numbers of channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<ColorMode>,
    /// How images of another size are brought to this one.
    #[serde(default)]
    pub resize: ResizeRule,
}

impl ViewFormat {
    /// Its key in the event `started` of a run that trains an encoder.
    pub const EVENT_KEY: &str = "view";

    /// The images that the encoder of the run folder `run` sees; `None` where its log does not say it.
    #[must_use]
    pub fn of_run(run: &Path) -> Option<Self> {
        serde_json::from_value(started_event(run)?[Self::EVENT_KEY].clone()).ok()
    }

    /// Of images of this shape.
    #[must_use]
    pub fn of(images: ImageShape) -> Self {
        Self {
            height: images.height,
            width: images.width,
            color: color_of(images.channels),
            resize: ResizeRule::default(),
        }
    }

    /// The side in pixels, where height and width are one.
    #[must_use]
    pub fn side(&self) -> Option<usize> {
        (self.height == self.width).then_some(self.height)
    }

    /// `32x32`, height first.
    #[must_use]
    pub fn size_in_words(&self) -> String {
        format!("{}x{}", self.height, self.width)
    }

    /// `32x32 rgb`
    #[must_use]
    pub fn in_words(&self) -> String {
        let color = match self.color {
            Some(ColorMode::Grey) => " grey",
            Some(ColorMode::Rgb) => " rgb",
            _ => "",
        };
        format!("{}{color}", self.size_in_words())
    }

    /// What no image can be, if it is that.
    pub(super) fn problem(&self) -> Option<String> {
        let possible = 1..=MOST_SIDE;
        let fits = possible.contains(&self.height) && possible.contains(&self.width);
        (!fits).then(|| format!("its header says views of {} pixels", self.size_in_words()))
    }
}

/// The colours of images of so many channels.
fn color_of(channels: usize) -> Option<ColorMode> {
    match channels {
        1 => Some(ColorMode::Grey),
        3 => Some(ColorMode::Rgb),
        _ => None,
    }
}
