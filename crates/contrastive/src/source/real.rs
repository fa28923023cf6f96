//! Views from real images: each image is its own anchor, and only augmentation tells its views apart.

use std::sync::Arc;
use std::time::Duration;

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::{DataError, ImageSet, ImageShape, ReadAhead, ReadBatch, VisitOrders, VisitedBatches};
use zview_encoder::augment::PhotographCrops;

use zview_runtime::run_folder::ImagesSha256;

use super::{Epoch, SourceError, ViewBatch, ViewSource};

/// Epochs of shuffled real images, read ahead of the run. An image appears once per epoch, and V times in its batch.
#[derive(Debug)]
pub struct RealSource {
    images: ImageSet,
    /// Of what it gives.
    shape: ImageShape,
    reader: Reader,
    anchors: usize,
    per_anchor: usize,
    device: Device,
}

#[derive(Debug)]
enum Reader {
    /// Every view of an image is all of it; augmentation crops on the device.
    Images(VisitedBatches),
    /// Every view is a crop of its own, of the whole photograph.
    Crops(ReadAhead<Crops, DataError>),
}

/// Crops of whole photographs (B * V, C, H, W), and the photographs' shapes (B).
type Crops = (ReadBatch, Vec<ImageShape>);

/// Crops that are cut while images are read.
#[derive(Debug, Clone)]
pub struct CropsOfPhotographs {
    /// Which.
    pub crops: PhotographCrops,
    /// Side in pixels that each is brought to.
    pub size: usize,
}

impl RealSource {
    /// Batches of `anchors` images with `per_anchor` views each; of images that are read from disk crops of whole
    /// photographs, where `crops` says which.
    ///
    /// # Errors
    /// [`SourceError::Recipe`] where there are fewer images: one would be its own negative.
    pub fn new(
        images: ImageSet,
        (anchors, per_anchor): (usize, usize),
        crops: Option<CropsOfPhotographs>,
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
        let (shape, reader) = match crops.filter(|_| images.is_streamed()) {
            None => (images.shape, Reader::Images(VisitedBatches::new(&images, anchors))),
            Some(crops) => {
                let shape = ImageShape { height: crops.size, width: crops.size, ..images.shape };
                (shape, Reader::Crops(read_crops(&images, (anchors, per_anchor), crops)))
            }
        };
        Ok(Self { images, shape, reader, anchors, per_anchor, device: device.clone() })
    }
}

fn read_crops(
    images: &ImageSet,
    (anchors, per_anchor): (usize, usize),
    CropsOfPhotographs { crops, size }: CropsOfPhotographs,
) -> ReadAhead<Crops, DataError> {
    let images = Arc::new(images.clone());
    let (order, named) = (VisitOrders::new(images.len()), Arc::clone(&images));
    let make = move |run_seed, step| {
        let chosen = order.batch(run_seed, step, anchors);
        images.crops(&chosen, (size, size), &|place, whole| {
            let first = (place * per_anchor) as u64;
            let views = first..first + per_anchor as u64;
            views.map(|index| crops.of_image(whole, run_seed, step, index)).collect()
        })
    };
    ReadAhead::new(make, move || named.reads())
}

impl ViewSource for RealSource {
    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn views(&mut self, run_seed: u64, step: u64) -> Result<ViewBatch, SourceError> {
        let ImageShape { channels, height, width } = self.shape;
        let shape = [self.anchors * self.per_anchor, channels, height, width];
        let (read, images, cut_from) = match &mut self.reader {
            Reader::Images(batches) => {
                let read = batches.batch(run_seed, step)?;
                let data = TensorData::new(read.unit_floats(), [self.anchors, 1, channels * height * width]);
                let images = Tensor::<3>::from_data(data, &self.device);
                (read, images.repeat_dim(1, self.per_anchor).reshape(shape), None)
            }
            Reader::Crops(crops) => {
                let (read, wholes) = crops.get(run_seed, step, DataError::Reader)?;
                let images = Tensor::from_data(TensorData::new(read.unit_floats(), shape), &self.device);
                let of_views = wholes.iter().flat_map(|&whole| vec![Some(whole); self.per_anchor]);
                (read, images, Some(of_views.collect()))
            }
        };
        let labels = self.images.labels.as_ref().map(|labels| {
            let classes = read.images.iter().map(|&image| labels[image] as i32);
            classes.flat_map(|class| std::iter::repeat_n(class, self.per_anchor)).collect()
        });
        Ok(ViewBatch { run_seed, step, images, cut_from, latents: None, labels })
    }

    /// Where images are read from disk.
    fn waited(&self) -> Option<Duration> {
        self.images.waits_for_disk().then(|| match &self.reader {
            Reader::Images(batches) => batches.waited(),
            Reader::Crops(crops) => crops.waited(),
        })
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

    fn content_sha256(&self) -> ImagesSha256 {
        self.images.identity()
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
