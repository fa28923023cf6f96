//! Which corruptions there are, and how strong each is.

use serde::{Deserialize, Serialize};
use zview_data::ImageShape;
use zview_runtime::seed::Stream;

use super::{contrast, gaussian_blur, gaussian_noise, jpeg, occlusion, shift};

/// Severities are 1 to this.
pub const SEVERITIES: u8 = 5;

/// A way of making an image worse. Strengths are those of CIFAR-10-C, made for images of 32 pixels, where it has
/// the corruption (Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
/// and Perturbations", <https://arxiv.org/abs/1903.12261>, and its authors' programs). Its JPEG qualities, 80 to
/// 40, hardly change what a classifier says, and those of ImageNet-C, 25 to 7, are all strong at 32 pixels:
/// here are some of each. What is in pixels there is a share of the shorter side here.
///
/// | corruption | strength | severity 1 | 2 | 3 | 4 | 5 | from |
/// |---|---|---|---|---|---|---|---|
/// | gaussian noise | standard deviation, of 1 | 0.04 | 0.06 | 0.08 | 0.09 | 0.10 | CIFAR-10-C |
/// | gaussian blur | standard deviation, of the side (of 32 pixels: 0.4, 0.6, 0.7, 0.8, 1) | 0.0125 | 0.01875 | 0.021875 | 0.025 | 0.03125 | CIFAR-10-C |
/// | contrast | share of the contrast that is left | 0.75 | 0.5 | 0.4 | 0.3 | 0.15 | CIFAR-10-C |
/// | occlusion | side of the square, of the side | 0.1 | 0.2 | 0.3 | 0.4 | 0.5 | here |
/// | shift | distance, of the side | 0.04 | 0.08 | 0.12 | 0.16 | 0.20 | here |
/// | jpeg | quality, 1 to 100 | 80 | 50 | 25 | 15 | 7 | CIFAR-10-C, ImageNet-C |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// Independent normal noise on every pixel and channel.
    GaussianNoise,
    /// Convolution with a Gaussian.
    GaussianBlur,
    /// Every channel moved towards its mean.
    Contrast,
    /// A square of the image's mean colour.
    Occlusion,
    /// The whole image moved; the edge is repeated.
    Shift,
    /// Compressed as JPEG.
    Jpeg,
}

/// Makes one image (C, H, W) worse with a strength; draws come from the stream.
type Apply = fn(&[u8], ImageShape, f64, &mut Stream) -> Result<Vec<u8>, String>;

/// A corruption's line of the table.
struct Line {
    corruption: Corruption,
    name: &'static str,
    strengths: [f64; SEVERITIES as usize],
    apply: Apply,
}

const fn line(
    corruption: Corruption,
    name: &'static str,
    strengths: [f64; SEVERITIES as usize],
    apply: Apply,
) -> Line {
    Line { corruption, name, strengths, apply }
}

/// In the order of the enumeration.
static TABLE: [Line; 6] = [
    line(Corruption::GaussianNoise, "gaussian noise", [0.04, 0.06, 0.08, 0.09, 0.10], gaussian_noise::apply),
    line(
        Corruption::GaussianBlur,
        "gaussian blur",
        [0.0125, 0.01875, 0.021_875, 0.025, 0.031_25],
        gaussian_blur::apply,
    ),
    line(Corruption::Contrast, "contrast", [0.75, 0.5, 0.4, 0.3, 0.15], contrast::apply),
    line(Corruption::Occlusion, "occlusion", [0.1, 0.2, 0.3, 0.4, 0.5], occlusion::apply),
    line(Corruption::Shift, "shift", [0.04, 0.08, 0.12, 0.16, 0.20], shift::apply),
    line(Corruption::Jpeg, "jpeg", [80.0, 50.0, 25.0, 15.0, 7.0], jpeg::apply),
];

impl Corruption {
    /// Every corruption.
    #[must_use]
    pub fn all() -> Vec<Self> {
        TABLE.iter().map(|line| line.corruption).collect()
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.line().name
    }

    /// The strengths of severity 1 to 5.
    #[must_use]
    pub fn strengths(self) -> [f64; SEVERITIES as usize] {
        self.line().strengths
    }

    pub(super) fn apply(
        self,
        pixels: &[u8],
        shape: ImageShape,
        strength: f64,
        stream: &mut Stream,
    ) -> Result<Vec<u8>, String> {
        (self.line().apply)(pixels, shape, strength, stream)
    }

    fn line(self) -> &'static Line {
        &TABLE[self as usize]
    }
}

/// A byte from a number in 0 to 255: rounded to the nearest, clamped.
pub(super) fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enumeration() {
        for (number, corruption) in Corruption::all().into_iter().enumerate() {
            assert_eq!(corruption as usize, number, "{}", corruption.name());
            let written = serde_json::to_value(corruption).unwrap();
            assert_eq!(written, corruption.name().replace(' ', "-"));
        }
    }
}
