//! Batches of which fixed shares come from different sources.

use std::time::Duration;

use burn::tensor::Tensor;
use zview_data::ImageShape;

use zview_runtime::run_folder::ImagesSha256;

use super::{Epoch, SourceError, ViewBatch, ViewSource};

/// The anchors of several sources one after the other, real ones first; the objective does not look at the order.
pub struct MixSource {
    parts: Vec<Box<dyn ViewSource>>,
    shape: ImageShape,
    /// The classes of every part, where they are the same.
    classes: Option<usize>,
}

impl MixSource {
    /// Two sources or more, given the classes that all of them have if they are the same.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where they give images of different shapes.
    pub(super) fn new(parts: Vec<Box<dyn ViewSource>>, classes: Option<usize>) -> Result<Self, SourceError> {
        let shapes: Vec<ImageShape> = parts.iter().map(|part| part.shape()).collect();
        match shapes.first() {
            Some(&shape) if shapes.iter().all(|other| *other == shape) => Ok(Self { parts, shape, classes }),
            _ => {
                let said: Vec<String> = shapes
                    .iter()
                    .map(|shape| format!("{}x{}x{}", shape.channels, shape.height, shape.width))
                    .collect();
                let problem = format!(
                    "its parts give images of {} (channels, height, width); set `size` and `color` of real images so \
                     that they agree, and take generators of one size",
                    said.join(" and ")
                );
                Err(SourceError::Recipe { field: "source", problem })
            }
        }
    }
}

impl ViewSource for MixSource {
    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError> {
        let mut images = Vec::with_capacity(self.parts.len());
        let mut labels = self.classes.map(|_| Vec::new());
        let mut cut_from: Vec<Option<ImageShape>> = Vec::new();
        for part in &mut self.parts {
            let views = part.views(run_seed, step)?;
            cut_from.extend(views.cut_from.unwrap_or_else(|| vec![None; views.images.dims()[0]]));
            images.push(views.images);
            labels = labels.zip(views.labels).map(|(mut all, more)| {
                all.extend(more);
                all
            });
        }
        let cut_from = cut_from.iter().any(Option::is_some).then_some(cut_from);
        Ok(ViewBatch { run_seed, step, images: Tensor::cat(images, 0), cut_from, latents: None, labels })
    }

    fn latent_dimension(&self) -> Option<usize> {
        None // real images have no latent, and two generators do not share a space
    }

    fn classes(&self) -> Option<usize> {
        self.classes
    }

    fn content_sha256(&self) -> ImagesSha256 {
        let mut of_parts = self.parts.iter().map(|part| part.content_sha256());
        of_parts.find(|found| *found != ImagesSha256::default()).unwrap_or_default()
    }

    fn left_out(&self) -> Vec<String> {
        self.parts.iter().flat_map(|part| part.left_out()).collect()
    }

    fn account(&self) -> Vec<String> {
        self.parts.iter().flat_map(|part| part.account()).collect()
    }

    /// That of the first part that has an end, the real images where there are any.
    fn epoch(&self) -> Option<Epoch> {
        self.parts.iter().find_map(|part| part.epoch())
    }

    fn view_std(&self) -> Option<f32> {
        self.parts.iter().find_map(|part| part.view_std())
    }

    fn set_view_std(&mut self, std: f32) {
        self.parts.iter_mut().for_each(|part| part.set_view_std(std));
    }

    fn waited(&self) -> Option<Duration> {
        self.parts.iter().find_map(|part| part.waited())
    }

    fn adapt(&mut self, agreement: f32) {
        self.parts.iter_mut().for_each(|part| part.adapt(agreement));
    }
}
