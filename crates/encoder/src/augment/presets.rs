//! Published recipes of augmentation by name: a preset is one entry of the table.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::config::{AugmentConfig, ViewAugment};

/// One published recipe.
struct Entry {
    name: &'static str,
    /// What it does, in a line.
    about: &'static str,
    /// The strength of colour jitter that it is published with, and its values at a strength.
    strength: Option<f32>,
    config: fn(f32) -> AugmentConfig,
}

const PRESETS: [Entry; 7] = [
    Entry { name: "none", about: "no change at all", strength: None, config: |_| AugmentConfig::none() },
    Entry {
        name: "grey-digits",
        about: "crops of 30 to 100 %, brightness and contrast: for small grey images",
        strength: None,
        config: |_| AugmentConfig::default(),
    },
    // Chen et al. 2020, <https://arxiv.org/abs/2002.05709>, appendix A.
    Entry {
        name: "simclr",
        about: "crops of 8 to 100 %, mirroring, colour jitter, grey, blur: SimCLR on photographs",
        strength: Some(1.0),
        config: |strength| AugmentConfig {
            blur_probability: 0.5,
            ..colours([0.08, 1.0], [0.8, 0.8, 0.8, 0.2], strength)
        },
    },
    // The same, appendix B.9 (CIFAR-10): strength 0.5 and no blur; crops are larger than its 8 %.
    Entry {
        name: "simclr-small",
        about: "crops of 20 to 100 %, mirroring, colour jitter, grey: SimCLR on small photographs",
        strength: Some(0.5),
        config: |strength| colours([0.2, 1.0], [0.8, 0.8, 0.8, 0.2], strength),
    },
    // Grill et al. 2020, <https://arxiv.org/abs/2006.07733>, appendix B, table 6.
    Entry {
        name: "byol",
        about: "as simclr with less saturation and hue; the first view is always blurred, the second may be solarized",
        strength: Some(1.0),
        config: |strength| AugmentConfig {
            per_view: vec![
                ViewAugment {
                    blur_probability: Some(1.0),
                    solarize_probability: Some(0.0),
                    ..ViewAugment::default()
                },
                ViewAugment {
                    blur_probability: Some(0.1),
                    solarize_probability: Some(0.2),
                    ..ViewAugment::default()
                },
            ],
            ..colours([0.08, 1.0], [0.4, 0.4, 0.2, 0.1], strength)
        },
    },
    // Chen et al. 2020, <https://arxiv.org/abs/2003.04297>, section 3, and the authors' code.
    Entry {
        name: "moco-v2",
        about: "crops of 20 to 100 %, mirroring, half of SimCLR's colour jitter, grey, blur",
        strength: Some(1.0),
        config: |strength| AugmentConfig {
            blur_probability: 0.5,
            ..colours([0.2, 1.0], [0.4, 0.4, 0.4, 0.1], strength)
        },
    },
    // Caron et al. 2020 (SwAV), <https://arxiv.org/abs/2006.09882>, appendix A: two large crops, the others small.
    Entry {
        name: "multi-crop",
        about: "two views are crops of 14 to 100 %, all others of 5 to 14 %, else as simclr; of one size",
        strength: Some(1.0),
        config: |strength| {
            let crop = |scale| ViewAugment { crop_scale: Some(scale), ..ViewAugment::default() };
            AugmentConfig {
                blur_probability: 0.5,
                per_view: vec![crop([0.14, 1.0]), crop([0.14, 1.0]), crop([0.05, 0.14])],
                ..colours([0.14, 1.0], [0.8, 0.8, 0.8, 0.2], strength)
            }
        },
    },
];

/// What all of them have: crops, mirroring, colour jitter (brightness, contrast, saturation, hue at strength 1) of 80 %
/// of the images, and 20 % grey ones.
fn colours(crop_scale: [f32; 2], jitter: [f32; 4], strength: f32) -> AugmentConfig {
    let [brightness_factor, contrast, saturation, hue] = jitter.map(|range| range * strength);
    AugmentConfig {
        crop_scale,
        crop_ratio: [0.75, 4.0 / 3.0],
        flip: true,
        colour_probability: 0.8,
        brightness_factor,
        contrast,
        saturation,
        hue,
        grey_probability: 0.2,
        ..AugmentConfig::none()
    }
}

/// The presets' names.
pub const PRESET_NAMES: [&str; PRESETS.len()] = {
    let mut names = [""; PRESETS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = PRESETS[index].name;
        index += 1;
    }
    names
};

/// A published recipe of augmentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset(usize);

impl Preset {
    /// What images in colour get where nothing is said.
    pub(super) const FOR_COLOUR: Self = Self(3);

    fn entry(self) -> &'static Entry {
        &PRESETS[self.0]
    }

    /// The preset of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PRESETS.iter().position(|entry| entry.name == name).map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// What it does, in a line.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// Its numbers, at the published strength where none is given.
    #[must_use]
    pub fn config(self, strength: Option<f32>) -> AugmentConfig {
        (self.entry().config)(strength.or(self.entry().strength).unwrap_or(1.0))
    }

    /// The largest strength at which its ranges are such; `None` where it has none.
    #[must_use]
    pub fn strongest(self) -> Option<f32> {
        self.entry().strength?;
        let AugmentConfig { brightness_factor, contrast, saturation, hue, .. } = self.config(Some(1.0));
        let largest = brightness_factor.max(contrast).max(saturation).max(hue * 2.0);
        Some(1.0 / largest)
    }
}

impl<'de> Deserialize<'de> for Preset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, &PRESET_NAMES))
    }
}
