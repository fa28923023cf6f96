//! Views from real images: each image is its own anchor, and only augmentation tells its views apart.

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::{ImageSet, ImageShape, VisitOrder};

use super::{Epoch, SourceError, ViewBatch, ViewSource};

/// Epochs of shuffled real images. An image appears once per epoch, and V times in its batch.
#[derive(Debug)]
pub struct RealSource {
    images: ImageSet,
    order: Option<(u64, VisitOrder)>,
    anchors: usize,
    per_anchor: usize,
    device: Device,
}

impl RealSource {
    /// Batches of `anchors` images with `per_anchor` views each.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where there are fewer images: one would be its own negative.
    pub fn new(
        images: ImageSet,
        anchors: usize,
        per_anchor: usize,
        device: &Device,
    ) -> Result<Self, SourceError> {
        let there = images.len();
        if anchors > there {
            let remedy = match there {
                0 | 1 => "take more images".to_owned(),
                _ => format!("set it to at most {there}, or take more images"),
            };
            let problem = format!(
                "a batch has {anchors} real anchors, but {} has {there} images: an image would be its own negative; \
                 {remedy}",
                images.name
            );
            return Err(SourceError::Recipe { field: "train.batch", problem });
        }
        Ok(Self { images, order: None, anchors, per_anchor, device: device.clone() })
    }
}

impl ViewSource for RealSource {
    fn shape(&self) -> ImageShape {
        self.images.shape
    }

    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError> {
        let order = match &mut self.order {
            Some((seed, order)) if *seed == run_seed => order,
            slot => &mut slot.insert((run_seed, VisitOrder::new(run_seed, self.images.len()))).1,
        };
        let chosen = order.batch(step, self.anchors);
        let ImageShape { channels, height, width } = self.images.shape;
        let data =
            TensorData::new(self.images.unit_floats(&chosen), [self.anchors, 1, channels * height * width]);
        let images = Tensor::<3>::from_data(data, &self.device);
        let shape = [self.anchors * self.per_anchor, channels, height, width];
        let images = images.repeat_dim(1, self.per_anchor).reshape(shape);
        let labels = self.images.labels.as_ref().map(|labels| {
            chosen
                .iter()
                .flat_map(|&image| std::iter::repeat_n(labels[image] as i32, self.per_anchor))
                .collect()
        });
        Ok(ViewBatch { run_seed, step, images, latents: None, labels })
    }

    fn latent_dimension(&self) -> Option<usize> {
        None
    }

    fn classes(&self) -> Option<usize> {
        self.images.labels.as_ref().map(|_| self.images.classes.len())
    }

    fn epoch(&self) -> Option<Epoch> {
        Some(Epoch { anchors: self.images.len() as u64, per_batch: self.anchors, unit: "images" })
    }

    fn content_sha256(&self) -> Option<String> {
        Some(self.images.content_sha256())
    }

    fn left_out(&self) -> Vec<String> {
        const SHOWN: usize = 100;
        let rejects = &self.images.rejects;
        let shown = rejects.iter().take(SHOWN).map(|reject| format!("{}: {}", reject.path, reject.reason));
        let more = rejects.len().saturating_sub(SHOWN);
        shown.chain((more > 0).then(|| format!("and {more} more"))).collect()
    }

    fn account(&self) -> Vec<String> {
        let small = self.images.warn_of_small().map(str::to_owned);
        self.images.account().into_iter().chain(small).collect()
    }
}
