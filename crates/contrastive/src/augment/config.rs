//! The `[augment]` section of a recipe.

use serde::{Deserialize, Serialize};

/// Ranges of pixel augmentation. A range of 0 (or a probability of 0) switches a change off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Side of the output in pixels; the input's own size where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Area of the crop as a share of the image's, lowest and highest.
    pub crop_scale: [f32; 2],
    /// Width over height of the crop, lowest and highest.
    pub crop_ratio: [f32; 2],
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// Share of images whose colours change at all.
    pub colour_probability: f32,
    /// Added to all pixels, uniform in ± this.
    pub brightness: f32,
    /// Multiplies all pixels, uniform in 1 ± this (torchvision's `ColorJitter` brightness).
    pub brightness_factor: f32,
    /// Multiplies the distance to the image's mean grey, uniform in 1 ± this.
    pub contrast: f32,
    /// Multiplies the distance to the pixel's grey, uniform in 1 ± this.
    pub saturation: f32,
    /// Turns the hue by a share of the circle, uniform in ± this (0.5 is the opposite colour).
    pub hue: f32,
    /// Share of images that become grey.
    pub grey_probability: f32,
    /// Share of images that are blurred.
    pub blur_probability: f32,
    /// Standard deviation of the blur in output pixels, lowest and highest.
    pub blur_sigma: [f32; 2],
}

impl Default for AugmentConfig {
    /// The small-scale reference recipe: crop, brightness and contrast.
    fn default() -> Self {
        Self {
            crop_scale: [0.3, 1.0],
            crop_ratio: [0.75, 4.0 / 3.0],
            brightness: 0.2,
            contrast: 0.4,
            ..Self::none()
        }
    }
}

impl AugmentConfig {
    /// No change at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            size: None,
            crop_scale: [1.0, 1.0],
            crop_ratio: [1.0, 1.0],
            flip: false,
            colour_probability: 1.0,
            brightness: 0.0,
            brightness_factor: 0.0,
            contrast: 0.0,
            saturation: 0.0,
            hue: 0.0,
            grey_probability: 0.0,
            blur_probability: 0.0,
            blur_sigma: [0.1, 2.0],
        }
    }

    /// Every change that there is, for checks.
    pub(crate) fn all() -> Self {
        Self {
            flip: true,
            brightness_factor: 0.2,
            saturation: 0.4,
            hue: 0.1,
            grey_probability: 0.3,
            blur_probability: 0.5,
            ..Self::default()
        }
    }

    /// Whether pixels change places.
    pub(super) fn moves_pixels(&self) -> bool {
        self.flip || self.crop_scale != [1.0, 1.0]
    }

    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let ranges = [
            ("crop_scale", self.crop_scale, 1.0),
            ("crop_ratio", self.crop_ratio, 100.0),
            ("blur_sigma", self.blur_sigma, 100.0),
        ];
        for (name, [low, high], most) in ranges {
            if !(low > 0.0 && low <= high && high <= most) {
                problems.push(format!(
                    "augment.{name}: expected [low, high] with 0 < low <= high <= {most}, got [{low}, {high}]"
                ));
            }
        }
        let shares = [
            ("brightness", self.brightness),
            ("brightness_factor", self.brightness_factor),
            ("contrast", self.contrast),
            ("saturation", self.saturation),
            ("colour_probability", self.colour_probability),
            ("grey_probability", self.grey_probability),
            ("blur_probability", self.blur_probability),
        ];
        for (name, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                problems.push(format!("augment.{name}: expected 0 to 1, got {value}"));
            }
        }
        if !(0.0..=0.5).contains(&self.hue) {
            problems.push(format!("augment.hue: expected 0 to 0.5, got {}", self.hue));
        }
        if self.size.is_some_and(|size| !(1..=4096).contains(&size)) {
            problems.push(format!("augment.size: expected 1 to 4096, got {:?}", self.size.unwrap_or(0)));
        }
        problems
    }
}
