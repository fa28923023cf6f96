//! What can go wrong in an evaluation.

use zview_encoder::PretrainedError;
use zview_features::FeatureError;
use zview_runtime::device::ReadError;

/// Why an encoder could not be evaluated. Images are counted from 0 in the order of their data set.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Features could not be had, or do not fit.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A class that has no training image, so that no classifier can name it.
    #[error(
        "class {class} has none of the {images} training images; raise `train_pool`, or remove the class from the data set"
    )]
    ClassMissing {
        /// The class's name.
        class: String,
        /// How many training images there are in all.
        images: usize,
    },
    /// A class with fewer images than a few-shot draw takes.
    #[error(
        "class {class} has {available} of the {pool} training images, {needed} are needed; lower `labels_per_class` or raise `train_pool`"
    )]
    TooFewLabelled {
        /// The class's name.
        class: String,
        /// Images of this class in the pool.
        available: usize,
        /// Images of each class that a draw takes.
        needed: usize,
        /// All images in the pool.
        pool: usize,
    },
    /// No image is left to choose the penalty on.
    #[error(
        "no class has two training images ({images} images in all), so none can be held out to choose the penalty; give a fixed penalty"
    )]
    NothingHeldOut {
        /// The number of training images.
        images: usize,
    },
    /// The encoder was not frozen.
    #[error(
        "the encoder changed during the evaluation (weights and statistics {before} before, {after} after); it must be in evaluation mode"
    )]
    StateChanged {
        /// SHA-256 before the evaluation.
        before: String,
        /// SHA-256 after the evaluation.
        after: String,
    },
    /// No learning rate led anywhere.
    #[error(
        "the linear classifier diverged at every learning rate ({rates}); give smaller `learning_rates`, or a smaller `weight_decay`"
    )]
    EveryRateDiverged {
        /// The learning rates, from the smallest.
        rates: String,
    },
    /// The JPEG corruption failed on an image.
    #[error("image {image} cannot be compressed as JPEG: {message}; leave the `jpeg` corruption out")]
    Jpeg {
        /// The image.
        image: usize,
        /// What the codec said.
        message: String,
    },
    /// A corrupted image set does not fit together.
    #[error(transparent)]
    Corrupted(#[from] zview_data::DataError),
    /// The encoder to start from could not be loaded.
    #[error(transparent)]
    Encoder(#[from] PretrainedError),
    /// A weight or statistic of the encoder to start from that is NaN or infinite.
    #[error(
        "the encoder's tensor `{tensor}` has the value {value}; its training diverged or the file is damaged: use an earlier checkpoint"
    )]
    WeightNotFinite {
        /// The tensor's name.
        tensor: String,
        /// The value found.
        value: f32,
    },
    /// No labelled image is left to choose learning rate and layer decay on.
    #[error(
        "no class has two labelled training images ({images} images in all), so none can be held out to choose among several `learning_rates` and `layer_decays`; give one of each, or more labels"
    )]
    NothingToChooseOn {
        /// The number of labelled images.
        images: usize,
    },
    /// Training diverged at every learning rate.
    #[error(
        "training with seed {seed} gave losses, features or weights that are not finite at every one of the `learning_rates` {learning_rates:?}; add lower rates, raise `warmup_share`, or set `clip_norm`"
    )]
    Diverged {
        /// The seed.
        seed: u64,
        /// The rates tried.
        learning_rates: Vec<f64>,
    },
    /// The device failed in training.
    #[error("step {step} of fine-tuning: {source}")]
    Training {
        /// The step, counted from 1.
        step: u64,
        /// What the device said.
        source: ReadError,
    },
    /// Two arms that cannot be compared.
    #[error(
        "the two arms differ in their {what}: {pretrained} from the pretrained encoder, {scratch} from scratch; run both with one configuration on one data set"
    )]
    Arms {
        /// In what they differ.
        what: &'static str,
        /// That of the pretrained arm.
        pretrained: String,
        /// That of the arm from scratch.
        scratch: String,
    },
    /// Too few images to see anything on a map of them.
    #[error(
        "{images} images are too few for a map of their features, {needed} are needed; choose a larger set"
    )]
    TooFewToMap {
        /// Images there are.
        images: usize,
        /// Images needed.
        needed: usize,
    },
}
