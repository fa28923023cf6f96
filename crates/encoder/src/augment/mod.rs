//! Tx: pixel augmentation on the device, with parameters of its own for every image.
//!
//! Parameters are drawn on the host from keyed streams and uploaded; the images never leave the device.
//! Everything runs outside autodiff. The order is torchvision's: crop and flip, brightness, contrast,
//! saturation, hue, grey, blur, solarize (torchvision permutes the four colour changes; here their order is fixed).

mod colour;
mod config;
mod parameters;
mod presets;
mod resample;
mod section;
#[cfg(test)]
mod tests;

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::ImageShape;
use zview_kernels::pass;

pub use config::{AugmentConfig, ViewAugment};
use parameters::ImageParameters;
pub use parameters::PhotographCrops;
pub use presets::{PRESET_NAMES, Preset};
pub use section::Augment;

/// A change of images by a number for each.
type ColourChange = fn(Tensor<4>, Tensor<1>) -> Tensor<4>;

/// Augmentation of images of one shape.
#[derive(Debug, Clone)]
pub struct Augmentation {
    /// What each view of an anchor has; later views are as the last one.
    views: Vec<AugmentConfig>,
    per_anchor: usize,
    size: Option<usize>,
    input: ImageShape,
    device: Device,
}

impl Augmentation {
    /// Augmentation of images of shape `input` on `device`, each of which is the first view of something.
    #[must_use]
    pub fn new(config: &AugmentConfig, input: ImageShape, device: &Device) -> Self {
        Self { views: config.views(), per_anchor: 1, size: config.size, input, device: device.clone() }
    }

    /// The same, where image b is view b mod `per_anchor` of an anchor.
    #[must_use]
    pub fn of_views(self, per_anchor: usize) -> Self {
        Self { per_anchor: per_anchor.max(1), ..self }
    }

    /// What image `index` of a batch has.
    fn of_image(&self, index: u64) -> &AugmentConfig {
        let view = (index % self.per_anchor as u64) as usize;
        &self.views[view.min(self.views.len() - 1)]
    }

    /// Whether any view has it.
    fn any(&self, has: impl Fn(&AugmentConfig) -> bool) -> bool {
        self.views.iter().any(has)
    }

    /// The shape of augmented images.
    #[must_use]
    pub fn output_shape(&self) -> ImageShape {
        let side = |own| self.size.unwrap_or(own);
        ImageShape { height: side(self.input.height), width: side(self.input.width), ..self.input }
    }

    /// Augments images (B, C, H, W) in 0..1; image b of step s always gets the same parameters.
    #[must_use]
    pub fn apply(&self, images: Tensor<4>, run_seed: u64, step: u64) -> Tensor<4> {
        self.apply_to(images, None, run_seed, step)
    }

    /// As [`Self::apply`], where images may have been cut out of others of the shapes `cut_from` (B), as
    /// [`PhotographCrops`] has it: they are not cut again, and get the colours that the whole image would get.
    #[must_use]
    pub fn apply_to(
        &self,
        images: Tensor<4>,
        cut_from: Option<&[Option<ImageShape>]>,
        run_seed: u64,
        step: u64,
    ) -> Tensor<4> {
        let batch = images.dims()[0];
        let whole_of = |index: u64| cut_from.and_then(|shapes| shapes.get(index as usize).copied().flatten());
        let draw = |index| {
            let config = self.of_image(index);
            match whole_of(index) {
                None => ImageParameters::draw(config, self.input, run_seed, step, index),
                Some(whole) => ImageParameters {
                    top: 0.0,
                    height: self.input.height as f32,
                    left: 0.0,
                    width: self.input.width as f32,
                    ..ImageParameters::draw(config, whole, run_seed, step, index)
                },
            }
        };
        let drawn: Vec<ImageParameters> = (0..batch as u64).map(draw).collect();
        let is_cut = batch > 0 && (0..batch as u64).all(|index| whole_of(index).is_some());
        let column = |value: fn(&ImageParameters) -> f32| -> Tensor<1> {
            let values: Vec<f32> = drawn.iter().map(value).collect();
            Tensor::from_data(TensorData::new(values, [batch]), &self.device)
        };
        let output = self.output_shape();
        let mut x = images;
        if (self.any(AugmentConfig::moves_pixels) && !is_cut) || output != self.input {
            let rows = resample::interpolation(
                column(|p| p.top),
                column(|p| p.height),
                self.input.height,
                output.height,
            );
            let columns = resample::interpolation(
                column(|p| p.left),
                column(|p| p.width),
                self.input.width,
                output.width,
            );
            x = resample::separable(x, rows, columns);
        }
        let change = |x, wanted, how: ColourChange, value| {
            if wanted { pass(x, |x| how(x, column(value))) } else { x }
        };
        x = change(x, self.any(|of| of.brightness_factor > 0.0), colour::brightness_factor, |p| {
            p.brightness_factor
        });
        x = change(x, self.any(|of| of.brightness > 0.0), colour::brightness, |p| p.brightness);
        x = change(x, self.any(|of| of.contrast > 0.0), colour::contrast, |p| p.contrast);
        if self.input.channels == 3 {
            x = change(x, self.any(|of| of.saturation > 0.0), colour::saturation, |p| p.saturation);
            x = change(x, self.any(|of| of.hue > 0.0), colour::hue, |p| p.hue);
            x = change(x, self.any(|of| of.grey_probability > 0.0), colour::grey, |p| p.grey);
        }
        if self.any(|of| of.blur_probability > 0.0) {
            let radius = |side: usize| (side / 20).max(1);
            let kernel = |side| resample::gaussian(column(|p| p.blur_sigma), side, radius(side));
            x = resample::separable(x, kernel(output.height), kernel(output.width));
        }
        change(x, self.any(|of| of.solarize_probability > 0.0), colour::solarize, |p| p.solarize)
    }
}

#[cfg(test)]
mod image_tests {
    use zview_runtime::device::on_test_devices;
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 12, width: 10 };

    fn images(count: usize, device: &Device) -> Tensor<4> {
        let mut stream = Stream::new(5, Purpose::Check, 0, 0);
        let size = [count, SHAPE.channels, SHAPE.height, SHAPE.width];
        let values: Vec<f32> = (0..size.iter().product()).map(|_| stream.uniform()).collect();
        Tensor::from_data(TensorData::new(values, size), device)
    }

    fn values(tensor: Tensor<4>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn without_any_change_the_images_stay_bit_for_bit() {
        on_test_devices(|name, device| {
            let augmentation = Augmentation::new(&AugmentConfig::none(), SHAPE, device);
            let x = images(4, device);
            assert_eq!(values(augmentation.apply(x.clone(), 0, 0)), values(x), "{name}");
        });
    }

    #[test]
    fn every_image_gets_parameters_of_its_own_that_do_not_depend_on_the_batch() {
        let config = AugmentConfig { saturation: 0.4, hue: 0.1, ..AugmentConfig::default() };
        on_test_devices(|name, device| {
            let augmentation = Augmentation::new(&config, SHAPE, device);
            let same = images(1, device).repeat_dim(0, 6);
            let six = values(augmentation.apply(same.clone(), 9, 3));
            let length = six.len() / 6;
            assert!((1..6).all(|index| six[..length] != six[index * length..(index + 1) * length]), "{name}");
            let two = values(augmentation.apply(same.clone().narrow(0, 0, 2), 9, 3));
            assert_eq!(two[..], six[..2 * length], "{name}: an image's parameters depend on its batch");
            assert_ne!(values(augmentation.apply(same.clone(), 9, 4)), six, "{name}: steps differ");
            assert_ne!(values(augmentation.apply(same, 8, 3)), six, "{name}: seeds differ");
            assert!(six.iter().all(|value| (0.0..=1.0).contains(value)), "{name}");
        });
    }

    #[test]
    fn each_view_of_an_anchor_has_what_is_its_own() {
        let solarized = |share| ViewAugment { solarize_probability: Some(share), ..ViewAugment::default() };
        let config =
            AugmentConfig { per_view: vec![solarized(0.0), solarized(1.0)], ..AugmentConfig::none() };
        on_test_devices(|name, device| {
            let x = images(5, device);
            let got = values(Augmentation::new(&config, SHAPE, device).of_views(3).apply(x.clone(), 0, 0));
            let length = got.len() / 5;
            let of_view =
                |image: usize, x: f32| if !image.is_multiple_of(3) && x >= 0.5 { 1.0 - x } else { x };
            let expected: Vec<f32> =
                values(x).into_iter().enumerate().map(|(at, x)| of_view(at / length, x)).collect();
            assert_eq!(got, expected, "{name}");
        });
    }

    #[test]
    fn every_device_makes_the_same_images_of_all_changes_together() {
        let config = AugmentConfig { size: Some(8), ..AugmentConfig::all() };
        let augmented =
            |device: &Device| Augmentation::new(&config, SHAPE, device).apply(images(9, device), 2, 1);
        let expected = augmented(&Device::flex());
        assert_eq!(expected.dims(), [9, 3, 8, 8]);
        let expected = values(expected);
        on_test_devices(|name, device| {
            let got = values(augmented(device));
            let worst = expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(got.len() == expected.len() && worst < 1e-5, "{name}: {worst:e}");
        });
    }
}
