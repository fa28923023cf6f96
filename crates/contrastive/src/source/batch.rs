//! The views of one step.

use burn::tensor::{Device, Int, Tensor, TensorData};
use zview_data::ImageShape;

/// Views of B anchors, V each, with what is known of them; row b * V + v is view v of anchor b.
#[derive(Debug, Clone)]
pub struct ViewBatch {
    /// Seed of the run that they belong to.
    pub run_seed: u64,
    /// Number of the batch within the run.
    pub step: u64,
    /// (B * V, C, H, W), in 0..1.
    pub images: Tensor<4>,
    /// The shape of the whole image that each view was cut out of, (B * V), where augmentation's crop is done.
    pub cut_from: Option<Vec<Option<ImageShape>>>,
    /// The latent of each view, (B * V, Z) row-major; views of a generator have one.
    pub latents: Option<Vec<f32>>,
    /// The class of each view, (B * V): a generator's condition, or a real image's label.
    pub labels: Option<Vec<i32>>,
}

impl ViewBatch {
    /// The latents (B * V, Z) on `device`; zeros (B * V, 1) where there are none.
    #[must_use]
    pub fn latents_on(&self, device: &Device) -> Tensor<2> {
        let views = self.images.dims()[0];
        match &self.latents {
            Some(z) => {
                let shape = [views, z.len() / views.max(1)];
                Tensor::from_data(TensorData::new(z.clone(), shape), device)
            }
            None => Tensor::zeros([views, 1], device),
        }
    }

    /// The labels (B * V, 1) on `device`; where there are none, the number of the anchor.
    #[must_use]
    pub fn labels_on(&self, per_anchor: usize, device: &Device) -> Tensor<2, Int> {
        let views = self.images.dims()[0];
        let labels = match &self.labels {
            Some(labels) => labels.clone(),
            None => (0..views).map(|view| (view / per_anchor) as i32).collect(),
        };
        Tensor::from_data(TensorData::new(labels, [views, 1]), device)
    }
}
