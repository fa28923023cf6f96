//! An encoder that sees every image resized.

use burn::tensor::{Device, Tensor};
use zview_data::ImageShape;
use zview_encoder::augment::{AugmentConfig, Augmentation};

use zview_features::FeatureExtractor;

/// Resizes whole images to `size` pixels (bilinear, without aliasing) before `inner` sees them.
pub(super) struct Resized<'a> {
    inner: &'a dyn FeatureExtractor,
    resize: Augmentation,
}

impl<'a> Resized<'a> {
    /// For images of shape `input`; `None` leaves their size.
    pub fn new(inner: &'a dyn FeatureExtractor, input: ImageShape, size: Option<usize>) -> Self {
        let config = AugmentConfig { size, ..AugmentConfig::none() };
        Self { inner, resize: Augmentation::new(&config, input, inner.device()) }
    }
}

impl FeatureExtractor for Resized<'_> {
    fn feature_dimension(&self) -> usize {
        self.inner.feature_dimension()
    }

    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        // Nothing is drawn: seed and step change nothing.
        self.inner.features(self.resize.apply(images, 0, 0))
    }

    fn check_images(&self, _: ImageShape) -> Result<(), String> {
        self.inner.check_images(self.resize.output_shape())
    }

    fn device(&self) -> &Device {
        self.inner.device()
    }

    fn state_sha256(&self) -> Result<String, String> {
        self.inner.state_sha256()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_data::ImageSet;
    use zview_features::extract;
    use zview_features::made_up::Pixels;

    #[test]
    fn images_are_resized_whole_and_only_where_asked() {
        let shape = ImageShape { channels: 1, height: 2, width: 4 };
        let pixels = vec![0, 0, 255, 255, 0, 0, 255, 255];
        let set = ImageSet::new("halves", shape, pixels, Some(vec![0]), vec!["any".to_owned()]).unwrap();
        let features = |dimension, size| {
            let pixels = Pixels::new(dimension);
            extract(&Resized::new(&pixels, shape, size), &set, 1).unwrap().whole().unwrap().into_owned()
        };
        assert_eq!(features(8, None), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        let smaller = features(4, Some(2));
        for (got, expected) in smaller.iter().zip([0.0, 1.0, 0.0, 1.0]) {
            // Shrinking by two weighs the nearest four pixels of a row.
            assert!((got - expected).abs() < 0.2, "{smaller:?}");
        }
    }
}
