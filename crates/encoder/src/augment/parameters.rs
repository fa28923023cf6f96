//! What one image's augmentation is: drawn on the host, independent of every other image.

use zview_data::{CropBox, ImageShape};
use zview_runtime::seed::{Purpose, Stream};

use super::config::AugmentConfig;

/// A blur so narrow that it changes nothing.
const NO_BLUR: f32 = 1e-3;

/// Parameters of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ImageParameters {
    /// First edge of the crop in input pixels.
    pub top: f32,
    /// Height of the crop in input pixels.
    pub height: f32,
    /// First edge in input pixels; the right one, with a negative width, where the image is mirrored.
    pub left: f32,
    /// Width of the crop in input pixels, negative where the image is mirrored.
    pub width: f32,
    pub brightness: f32,
    pub brightness_factor: f32,
    pub contrast: f32,
    pub saturation: f32,
    /// Share of the circle.
    pub hue: f32,
    /// 1 where the image becomes grey, else 0.
    pub grey: f32,
    /// Output pixels.
    pub blur_sigma: f32,
    /// 1 where bright values are inverted, else 0.
    pub solarize: f32,
}

impl ImageParameters {
    pub(super) fn draw(
        config: &AugmentConfig,
        input: ImageShape,
        run_seed: u64,
        step: u64,
        index: u64,
    ) -> Self {
        let random = &mut Stream::new(run_seed, Purpose::Augmentation, step, index);
        let CropBox { left, top, width, height, mirrored } = crop(config, input, random);
        let coloured = random.chance(config.colour_probability);
        // Every number is drawn whether it is used or not, so that switching one change off leaves
        // the others as they were.
        let mut around = |centre: f32, range: f32| {
            let value = random.uniform_in(centre - range, centre + range);
            if coloured { value } else { centre }
        };
        let brightness = around(0.0, config.brightness);
        let brightness_factor = around(1.0, config.brightness_factor);
        let contrast = around(1.0, config.contrast);
        let saturation = around(1.0, config.saturation);
        let hue = around(0.0, config.hue);
        let grey = f32::from(u8::from(random.chance(config.grey_probability)));
        let blurred = random.chance(config.blur_probability);
        let sigma = random.uniform_in(config.blur_sigma[0], config.blur_sigma[1]);
        let solarize = f32::from(u8::from(random.chance(config.solarize_probability)));
        Self {
            top,
            height,
            left: if mirrored { left + width } else { left },
            width: if mirrored { -width } else { width },
            brightness,
            brightness_factor,
            contrast,
            saturation,
            hue,
            grey,
            blur_sigma: if blurred { sigma } else { NO_BLUR },
            solarize,
        }
    }
}

/// Width and height of the crop: area uniform, ratio log-uniform, redrawn until it fits (torchvision's
/// `RandomResizedCrop`, without its rounding to whole pixels); after ten tries the whole image.
/// The parts of whole photographs that augmentation keeps, for those who cut them before the device sees an image: the
/// same as it would cut on the device.
#[derive(Debug, Clone)]
pub struct PhotographCrops {
    views: Vec<AugmentConfig>,
    per_anchor: usize,
}

impl PhotographCrops {
    /// Of images augmented as `config` says, `per_anchor` views of each anchor; `None` where it keeps whole images.
    #[must_use]
    pub fn new(config: &AugmentConfig, per_anchor: usize) -> Option<Self> {
        let crops =
            config.crop_scale != [1.0, 1.0] || config.views().iter().any(|of| of.crop_scale != [1.0, 1.0]);
        crops.then(|| Self { views: config.views(), per_anchor: per_anchor.max(1) })
    }

    /// What is kept of the image `index` of a batch, whose whole has that shape.
    #[must_use]
    pub fn of_image(&self, whole: ImageShape, run_seed: u64, step: u64, index: u64) -> CropBox {
        let view = (index % self.per_anchor as u64) as usize;
        let config = &self.views[view.min(self.views.len() - 1)];
        crop(config, whole, &mut Stream::new(run_seed, Purpose::Augmentation, step, index))
    }
}

/// What is drawn first.
fn crop(config: &AugmentConfig, input: ImageShape, random: &mut Stream) -> CropBox {
    let [width, height] = crop_size(config, input, random);
    let left = random.uniform() * (input.width as f32 - width);
    let top = random.uniform() * (input.height as f32 - height);
    CropBox { left, top, width, height, mirrored: config.flip && random.chance(0.5) }
}

/// Width and height of torchvision's `RandomResizedCrop`, but for its rounding to whole pixels.
fn crop_size(config: &AugmentConfig, input: ImageShape, random: &mut Stream) -> [f32; 2] {
    let whole = [input.width as f32, input.height as f32];
    let [ratio_low, ratio_high] = config.crop_ratio.map(f32::ln);
    for _ in 0..10 {
        let area = whole[0] * whole[1] * random.uniform_in(config.crop_scale[0], config.crop_scale[1]);
        let ratio = random.uniform_in(ratio_low, ratio_high).exp();
        let size = [(area * ratio).sqrt(), (area / ratio).sqrt()];
        if size[0] <= whole[0] && size[1] <= whole[1] {
            return size;
        }
    }
    if config.crop_scale == [1.0, 1.0] {
        return whole;
    }
    // As much as the ratio allows: of a square all of it.
    let [width, height] = whole;
    let [low, high] = config.crop_ratio;
    [width.min(height * high), height.min(width / low)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_lie_within_the_image_and_have_the_asked_areas() {
        let config = AugmentConfig { flip: true, ..AugmentConfig::default() };
        let shape = ImageShape { channels: 1, height: 28, width: 40 };
        let mut mirrored = 0;
        for index in 0..2_000 {
            let p = ImageParameters::draw(&config, shape, 1, 2, index);
            let (left, right) = (p.left.min(p.left + p.width), p.left.max(p.left + p.width));
            assert!(
                left >= -1e-4 && right <= 40.0001 && p.top >= 0.0 && p.top + p.height <= 28.0001,
                "{p:?}"
            );
            let area = p.width.abs() * p.height / (28.0 * 40.0);
            assert!((0.299..=1.001).contains(&area), "{area}");
            assert!(p.brightness.abs() <= 0.2 && (0.6..=1.4).contains(&p.contrast));
            mirrored += usize::from(p.width < 0.0);
        }
        assert!((900..1_100).contains(&mirrored), "{mirrored}");
    }
}
