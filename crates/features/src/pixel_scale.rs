//! Encoders of other origin whose file does not say how they want their pixels.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zview_data::ImageShape;
use zview_runtime::hash::sha256_of_bytes;

use super::extract::FeatureExtractor;

/// Scales by name: mean and standard deviation of red, green and blue, or one number for all channels.
const NAMED: [(&str, &[f32], &[f32]); 4] = [
    ("unit", &[0.0], &[1.0]),
    ("half", &[0.5], &[0.5]),
    ("imagenet", &[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]),
    ("clip", &[0.481_454_66, 0.457_827_5, 0.408_210_73], &[0.268_629_54, 0.261_302_6, 0.275_777_1]),
];
/// How numbers are written.
const NUMBERS: &str = "MEAN:STD, such as 0.5:0.25 or 0.5,0.4,0.3:0.25,0.25,0.2";

/// What an encoder sees of a pixel x in 0 to 1: (x - mean) / std of its channel.
///
/// Written as a name (`unit`, `half`, `imagenet`, `clip`) or as `MEAN:STD`, each a number for all channels or numbers with
/// commas between them, one for each channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PixelScale {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl PixelScale {
    /// How many channels it is for; `None` where it has one number for all.
    #[must_use]
    pub fn channels(&self) -> Option<usize> {
        let longest = self.mean.len().max(self.std.len());
        (longest > 1).then_some(longest)
    }

    /// Whether pixels stay as they are.
    #[must_use]
    pub fn is_unit(&self) -> bool {
        (&*self.mean, &*self.std) == (&[0.0], &[1.0])
    }
}

impl Default for PixelScale {
    fn default() -> Self {
        Self { mean: vec![0.0], std: vec![1.0] }
    }
}

impl FromStr for PixelScale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, mean, std)) = NAMED.iter().find(|(name, ..)| *name == text) {
            return Ok(Self { mean: mean.to_vec(), std: std.to_vec() });
        }
        let Some((mean, std)) = text.split_once(':') else {
            let names: Vec<&str> = NAMED.iter().map(|(name, ..)| *name).collect();
            return Err(format!("`{text}` is none of {}, and not {NUMBERS}", names.join(", ")));
        };
        let numbers = |text: &str| -> Result<Vec<f32>, String> {
            let number = |text: &str| {
                let parsed = text.trim().parse::<f32>().ok().filter(|number| number.is_finite());
                parsed.ok_or_else(|| format!("`{text}` is no number; expected {NUMBERS}"))
            };
            text.split(',').map(number).collect()
        };
        let (mean, std) = (numbers(mean)?, numbers(std)?);
        if let Some(wrong) = std.iter().find(|std| **std <= 0.0) {
            return Err(format!(
                "{wrong} is no standard deviation; expected positive numbers after the colon"
            ));
        }
        if mean.len() > 1 && std.len() > 1 && mean.len() != std.len() {
            return Err(format!(
                "{} means and {} standard deviations; expected {NUMBERS}",
                mean.len(),
                std.len()
            ));
        }
        Ok(Self { mean, std })
    }
}

impl TryFrom<String> for PixelScale {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PixelScale> for String {
    fn from(scale: PixelScale) -> Self {
        scale.to_string()
    }
}

impl Display for PixelScale {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let is_named = |(_, mean, std): &&(&str, &[f32], &[f32])| *mean == &*self.mean && *std == &*self.std;
        if let Some((name, ..)) = NAMED.iter().find(is_named) {
            return formatter.write_str(name);
        }
        let numbers = |numbers: &[f32]| numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        write!(formatter, "{}:{}", numbers(&self.mean), numbers(&self.std))
    }
}

/// An encoder that sees scaled pixels instead of pixels in 0 to 1.
pub struct ScaledPixels<'a> {
    encoder: &'a dyn FeatureExtractor,
    scale: PixelScale,
}

impl<'a> ScaledPixels<'a> {
    /// `encoder` takes as many channels as the scale is for.
    #[must_use]
    pub fn new(encoder: &'a dyn FeatureExtractor, scale: PixelScale) -> Self {
        Self { encoder, scale }
    }
}

impl FeatureExtractor for ScaledPixels<'_> {
    fn feature_dimension(&self) -> usize {
        self.encoder.feature_dimension()
    }

    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let device = images.device();
        let [mean, std] = [&self.scale.mean, &self.scale.std].map(|values| {
            Tensor::<4>::from_data(TensorData::new(values.clone(), [1, values.len(), 1, 1]), &device)
        });
        self.encoder.features((images - mean) / std)
    }

    fn check_images(&self, shape: ImageShape) -> Result<(), String> {
        if let Some(expected) = self.scale.channels().filter(|expected| *expected != shape.channels) {
            let (scale, channels) = (&self.scale, shape.channels);
            return Err(format!(
                "pixels scaled by `{scale}` have {expected} channels, got {channels}; load them in as many colours"
            ));
        }
        self.encoder.check_images(shape)
    }

    fn device(&self) -> &Device {
        self.encoder.device()
    }

    fn state_sha256(&self) -> Result<String, String> {
        let encoder = self.encoder.state_sha256()?;
        let PixelScale { mean, std } = &self.scale;
        Ok(sha256_of_bytes(format!("{encoder} {:?}", [mean, std]).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::Pixels;

    #[test]
    fn scales_are_read_and_written_by_name_and_as_numbers() {
        for text in ["unit", "half", "imagenet", "clip", "0.5:0.25", "0.1,0.2,0.3:0.5", "0.1,0.2:0.3,0.4"] {
            let scale: PixelScale = text.parse().unwrap();
            assert_eq!(scale.to_string(), text);
        }
        assert_eq!("0.5:0.5".parse::<PixelScale>().unwrap().to_string(), "half");
        assert_eq!("0.5,0.5,0.5:0.5".parse::<PixelScale>().unwrap().channels(), Some(3));
        assert!("unit".parse::<PixelScale>().unwrap().is_unit());
        for (text, words) in [
            ("image-net", "unit, half, imagenet, clip"),
            ("0.5:0", "no standard deviation"),
            ("0.5:x", "`x` is no number"),
            ("0.5:inf", "`inf` is no number"),
            ("1,2:1,2,3", "2 means and 3 standard deviations"),
            (":", "is no number"),
        ] {
            let error = text.parse::<PixelScale>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn each_channel_has_its_mean_and_standard_deviation() {
        let pixels = Pixels::new(2);
        let scale: PixelScale = "0.5,0.25:0.5,0.25".parse().unwrap();
        let scaled = ScaledPixels::new(&pixels, scale);
        let images = Tensor::<1>::from_floats([0.75f32, 0.5], &Device::flex()).reshape([1, 2, 1, 1]);
        let got = scaled.features(images).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(got, [0.5, 1.0]);
        let shape = |channels| ImageShape { channels, height: 1, width: 1 };
        assert!(scaled.check_images(shape(3)).unwrap_err().contains("2 channels, got 3"));
    }
}
