//! What pixel augmentation does, in numbers.

use serde::{Deserialize, Serialize};

use super::section::AugmentSection;

/// Ranges of pixel augmentation. A range of 0 (or a probability of 0) switches a change off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "AugmentSection")]
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
    /// Share of images whose values of 0.5 and more are inverted.
    #[serde(skip_serializing_if = "is_off")]
    pub solarize_probability: f32,
    /// What is different for the first view of an anchor, the second and so on; later views are as the last one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub per_view: Vec<ViewAugment>,
}

/// What a view of its own has instead of the section's values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ViewAugment {
    /// Area of the crop as a share of the image's, lowest and highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_scale: Option<[f32; 2]>,
    /// Share of images that are blurred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blur_probability: Option<f32>,
    /// Share of images whose values of 0.5 and more are inverted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solarize_probability: Option<f32>,
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
            solarize_probability: 0.0,
            per_view: Vec::new(),
        }
    }

    /// Every change that there is, for checks.
    #[must_use]
    pub fn all() -> Self {
        Self {
            flip: true,
            brightness_factor: 0.2,
            saturation: 0.4,
            hue: 0.1,
            grey_probability: 0.3,
            blur_probability: 0.5,
            solarize_probability: 0.3,
            ..Self::default()
        }
    }

    /// Takes back what views have of their own of each key that `common` says of.
    pub(super) fn leave_to_all_views(&mut self, common: impl Fn(&str) -> bool) {
        leave_to_all_views(&mut self.per_view, common);
    }

    /// What each view has, in the order of an anchor's views; later views are as the last one.
    pub(super) fn views(&self) -> Vec<Self> {
        let alone = Self { per_view: Vec::new(), ..self.clone() };
        let of_view = |own: &ViewAugment| Self {
            crop_scale: own.crop_scale.unwrap_or(self.crop_scale),
            blur_probability: own.blur_probability.unwrap_or(self.blur_probability),
            solarize_probability: own.solarize_probability.unwrap_or(self.solarize_probability),
            ..alone.clone()
        };
        if self.per_view.is_empty() { vec![alone] } else { self.per_view.iter().map(of_view).collect() }
    }

    /// Whether every image comes out as it went in, but for its size.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let still = |view: &Self| {
            let Self { brightness, brightness_factor, contrast, saturation, hue, .. } = view;
            let colours = [brightness, brightness_factor, contrast, saturation, hue];
            let chances = [&view.grey_probability, &view.blur_probability, &view.solarize_probability];
            !view.moves_pixels() && colours.into_iter().chain(chances).all(|change| *change == 0.0)
        };
        self.views().iter().all(still)
    }

    /// Whether pixels change places.
    pub(super) fn moves_pixels(&self) -> bool {
        self.flip || self.crop_scale != [1.0, 1.0]
    }

    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        range(&mut problems, "crop_scale", self.crop_scale, 1.0);
        range(&mut problems, "crop_ratio", self.crop_ratio, 100.0);
        range(&mut problems, "blur_sigma", self.blur_sigma, 100.0);
        for (name, value) in [
            ("brightness", self.brightness),
            ("brightness_factor", self.brightness_factor),
            ("contrast", self.contrast),
            ("saturation", self.saturation),
            ("colour_probability", self.colour_probability),
            ("grey_probability", self.grey_probability),
            ("blur_probability", self.blur_probability),
            ("solarize_probability", self.solarize_probability),
        ] {
            share(&mut problems, name, value);
        }
        if !(0.0..=0.5).contains(&self.hue) {
            problems.push(format!("augment.hue: expected 0 to 0.5, got {}", self.hue));
        }
        for (number, view) in self.per_view.iter().enumerate() {
            let key = |name: &str| format!("per_view[{number}].{name}");
            if let Some(scale) = view.crop_scale {
                range(&mut problems, &key("crop_scale"), scale, 1.0);
            }
            for (name, value) in [
                ("blur_probability", view.blur_probability),
                ("solarize_probability", view.solarize_probability),
            ] {
                share(&mut problems, &key(name), value.unwrap_or(0.0));
            }
        }
        if self.size.is_some_and(|size| !(1..=4096).contains(&size)) {
            problems.push(format!("augment.size: expected 1 to 4096, got {:?}", self.size.unwrap_or(0)));
        }
        problems
    }
}

/// What is off is not written: earlier versions did not know it.
#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
fn is_off(share: &f32) -> bool {
    *share == 0.0
}

/// Takes back what views have of their own of each key that `common` says of.
pub(super) fn leave_to_all_views(per_view: &mut Vec<ViewAugment>, common: impl Fn(&str) -> bool) {
    for view in per_view.iter_mut() {
        view.crop_scale = view.crop_scale.filter(|_| !common("crop_scale"));
        view.blur_probability = view.blur_probability.filter(|_| !common("blur_probability"));
        view.solarize_probability = view.solarize_probability.filter(|_| !common("solarize_probability"));
    }
    if per_view.iter().all(|view| *view == ViewAugment::default()) {
        per_view.clear();
    }
}

fn range(problems: &mut Vec<String>, name: &str, [low, high]: [f32; 2], most: f32) {
    if !(low > 0.0 && low <= high && high <= most) {
        problems.push(format!(
            "augment.{name}: expected [low, high] with 0 < low <= high <= {most}, got [{low}, {high}]"
        ));
    }
}

fn share(problems: &mut Vec<String>, name: &str, value: f32) {
    if !(0.0..=1.0).contains(&value) {
        problems.push(format!("augment.{name}: expected 0 to 1, got {value}"));
    }
}
