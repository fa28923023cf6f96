//! Encoders of this project as feature extractors.

use burn::tensor::{Device, Tensor};
use zview_data::ImageShape;
use zview_encoder::FrozenEncoder;

use crate::FeatureExtractor;

impl FeatureExtractor for FrozenEncoder {
    fn feature_dimension(&self) -> usize {
        Self::feature_dimension(self)
    }

    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        Self::features(self, images)
    }

    fn check_images(&self, shape: ImageShape) -> Result<(), String> {
        Self::check_images(self, shape).map_err(|error| error.problem)
    }

    fn device(&self) -> &Device {
        Self::device(self)
    }

    fn state_sha256(&self) -> Result<String, String> {
        Self::state_sha256(self).map_err(|error| error.to_string())
    }
}
