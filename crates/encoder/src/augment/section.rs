//! The `[augment]` section of a recipe, as it is written: a preset, and keys that take the place of its values.

use serde::{Deserialize, Serialize, Serializer};

use super::config::{AugmentConfig, ViewAugment, leave_to_all_views};
use super::presets::Preset;

/// The keys of a preset's recipe, each of which may be written beside it.
macro_rules! section {
    ($($key:ident: $kind:ty,)*) => {
        /// What a recipe may say of augmentation.
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, rename = "AugmentConfig", default)]
        pub(super) struct AugmentSection {
            /// A published recipe; keys beside it take the place of its values.
            preset: Option<Preset>,
            /// Multiplies the ranges of the preset's colour jitter (SimCLR's s).
            strength: Option<f32>,
            size: Option<usize>,
            $($key: Option<$kind>,)*
        }

        impl AugmentSection {
            /// Exactly these numbers.
            fn of(config: AugmentConfig) -> Self {
                Self { preset: None, strength: None, size: config.size, $($key: Some(config.$key),)* }
            }

            /// `base` with what is written.
            fn over(&self, base: AugmentConfig) -> AugmentConfig {
                AugmentConfig {
                    size: self.size.or(base.size),
                    $($key: self.$key.clone().unwrap_or(base.$key),)*
                }
            }

            /// The keys that take the place of a preset's values.
            fn keys(&self) -> Vec<&'static str> {
                let written = [$((stringify!($key), self.$key.is_some()),)*];
                written.into_iter().filter(|(_, written)| *written).map(|(key, _)| key).collect()
            }

            /// Takes back each key that `earlier` says of.
            fn forget(&mut self, earlier: impl Fn(&str) -> bool) {
                $(if earlier(stringify!($key)) { self.$key = None; })*
            }
        }
    };
}

section! {
    crop_scale: [f32; 2],
    crop_ratio: [f32; 2],
    flip: bool,
    colour_probability: f32,
    brightness: f32,
    brightness_factor: f32,
    contrast: f32,
    saturation: f32,
    hue: f32,
    grey_probability: f32,
    blur_probability: f32,
    blur_sigma: [f32; 2],
    solarize_probability: f32,
    per_view: Vec<ViewAugment>,
}

impl AugmentSection {
    /// The numbers that it comes to.
    fn config(&self) -> AugmentConfig {
        let mut base = self.preset.map_or_else(AugmentConfig::default, |preset| preset.config(self.strength));
        let keys = self.keys();
        base.leave_to_all_views(|key| keys.contains(&key));
        self.over(base)
    }

    /// What is wrong with the preset and its strength.
    fn problem(&self) -> Option<String> {
        let strength = self.strength?;
        let Some(preset) = self.preset else {
            return Some(
                "augment.strength: needed only beside augment.preset, which is not given; name one, such as \
                 \"simclr-small\", or remove it"
                    .to_owned(),
            );
        };
        match preset.strongest() {
            None => Some(format!(
                "augment.strength: not used by preset \"{}\", which has no strength; remove it",
                preset.name()
            )),
            Some(most) if !(strength > 0.0 && strength <= most) => Some(format!(
                "augment.strength: expected above 0, at most {most} for preset \"{}\", got {strength}",
                preset.name()
            )),
            Some(_) => None,
        }
    }
}

impl TryFrom<AugmentSection> for AugmentConfig {
    type Error = String;

    fn try_from(section: AugmentSection) -> Result<Self, String> {
        section.problem().map_or_else(|| Ok(section.config()), Err)
    }
}

/// What a recipe says of augmentation. Where it says nothing, the images decide: those in colour take `simclr-small`,
/// others the small-scale reference recipe. Written out, it is the numbers of all keys.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Augment {
    section: AugmentSection,
}

impl Augment {
    /// Exactly these numbers.
    #[must_use]
    pub fn of(config: AugmentConfig) -> Self {
        Self { section: AugmentSection::of(config) }
    }

    /// Whether the images decide.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.section == AugmentSection::default()
    }

    /// What is written; `None` where the images decide.
    #[must_use]
    pub fn written(&self) -> Option<AugmentConfig> {
        (!self.is_open()).then(|| self.section.config())
    }

    /// What images of `channels` channels get.
    #[must_use]
    pub fn of_images(&self, channels: usize) -> AugmentConfig {
        match self.written() {
            Some(written) => written,
            None if channels == 3 => Preset::FOR_COLOUR.config(None),
            None => AugmentConfig::default(),
        }
    }

    /// Whether images may have decided it: those in colour, grey ones, or, in an earlier version, any.
    #[must_use]
    pub fn may_be_decided(&self) -> bool {
        let written = self.written();
        written.is_none()
            || [1, 3].map(|channels| Some(Self::default().of_images(channels))).contains(&written)
    }

    /// What is said where images of `channels` channels decide otherwise than grey ones.
    #[must_use]
    pub fn decided_by(&self, channels: usize) -> Option<String> {
        (self.is_open() && channels == 3).then(|| {
            format!(
                "the images are in colour and the recipe says nothing of augmentation: augment.preset = \"{}\" ({})",
                Preset::FOR_COLOUR.name(),
                Preset::FOR_COLOUR.about()
            )
        })
    }

    /// Whether `key` is written itself, and does not come from a preset.
    #[must_use]
    pub fn writes(&self, key: &str) -> bool {
        self.section.keys().contains(&key)
    }

    /// Without the keys that were written before the preset was chosen, or before a key that takes their place: `layer`
    /// tells when a key was written.
    pub fn settle(&mut self, layer: impl Fn(&str) -> Option<usize>) {
        let chosen = layer("preset").unwrap_or(0);
        let earlier = |key: &str| layer(key).is_some_and(|written| written < chosen);
        self.section.forget(earlier);
        if earlier("strength") {
            self.section.strength = None;
        }
        if let Some(per_view) = &mut self.section.per_view {
            let written = layer("per_view").unwrap_or(0);
            leave_to_all_views(per_view, |key| layer(key).is_some_and(|later| later > written));
        }
    }

    /// Everything wrong with it, one line each, given the number of an anchor's views.
    #[must_use]
    pub fn problems(&self, per_anchor: usize) -> Vec<String> {
        if let Some(problem) = self.section.problem() {
            return vec![problem];
        }
        let config = self.section.config();
        let mut problems = config.problems();
        let own = config.per_view.len();
        if own > per_anchor {
            let preset = self.section.preset.filter(|_| self.section.per_view.is_none());
            let which = preset.map_or_else(
                || "augment.per_view".to_owned(),
                |preset| format!("augment.preset: \"{}\"", preset.name()),
            );
            problems.push(format!(
                "{which}: tells {own} views of an anchor apart, but views.per_anchor is {per_anchor}; set it to {own} or \
                 more"
            ));
        }
        problems
    }
}

impl PartialEq for Augment {
    /// What comes to the same is the same, however it is written.
    fn eq(&self, other: &Self) -> bool {
        self.written() == other.written()
    }
}

impl Serialize for Augment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written().serialize(serializer)
    }
}
