//! Encoders of other origin whose file does not say how they want their pixels.

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::ImageShape;
use zview_runtime::hash::sha256_of_bytes;

use super::extract::FeatureExtractor;

/// ImageNet's mean and standard deviation of red, green and blue, as torchvision's and timm's models expect.
const IMAGENET: [[f32; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];

/// An encoder that sees (x - mean) / std of every channel instead of pixels in 0 to 1.
pub struct ImagenetPixels<'a> {
    encoder: &'a dyn FeatureExtractor,
}

impl<'a> ImagenetPixels<'a> {
    /// `encoder` takes three channels.
    #[must_use]
    pub fn new(encoder: &'a dyn FeatureExtractor) -> Self {
        Self { encoder }
    }
}

impl FeatureExtractor for ImagenetPixels<'_> {
    fn feature_dimension(&self) -> usize {
        self.encoder.feature_dimension()
    }

    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let device = images.device();
        let [mean, std] = IMAGENET
            .map(|values| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device));
        self.encoder.features((images - mean) / std)
    }

    fn check_images(&self, shape: ImageShape) -> Result<(), String> {
        if shape.channels != 3 {
            let channels = shape.channels;
            return Err(format!(
                "pixels scaled as ImageNet's have 3 channels, got {channels}; load them as rgb"
            ));
        }
        self.encoder.check_images(shape)
    }

    fn device(&self) -> &Device {
        self.encoder.device()
    }

    fn state_sha256(&self) -> Result<String, String> {
        let encoder = self.encoder.state_sha256()?;
        Ok(sha256_of_bytes(format!("{encoder} {IMAGENET:?}").as_bytes()))
    }
}
