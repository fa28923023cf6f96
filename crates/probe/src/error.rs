//! What can go wrong in an evaluation.

use zview_encoder::PretrainedError;
use zview_numerics::linalg::LinalgError;
use zview_runtime::device::ReadError;

/// Why features could not be evaluated. Images are counted from 0 in the order of their data set.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A matrix or label list whose size does not fit the others.
    #[error("{what}: expected {expected}, got {got}")]
    Size {
        /// Which quantity.
        what: &'static str,
        /// The size that fits.
        expected: usize,
        /// The size found.
        got: usize,
    },
    /// A set without any image.
    #[error("{set} has no images; choose a data set, or a part of it, that has some")]
    Empty {
        /// The data set's name, or which part it is.
        set: String,
    },
    /// A set without labels.
    #[error("{set} has no labels, and an evaluation needs them; choose a labelled data set")]
    Unlabelled {
        /// The data set's name.
        set: String,
    },
    /// A label that names no class.
    #[error("image {image} has label {label}, but there are only {classes} classes (0 to {}); check the data set's class list", classes.saturating_sub(1))]
    Label {
        /// The image.
        image: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        classes: usize,
    },
    /// A feature that is NaN or infinite.
    #[error(
        "feature {dimension} of image {image} is {value}; the encoder's weights are damaged or its training diverged: check the run's loss, or use an earlier checkpoint"
    )]
    NotFinite {
        /// The image.
        image: usize,
        /// The feature dimension.
        dimension: usize,
        /// The value found.
        value: f32,
    },
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
    /// More neighbours asked for than there are training images.
    #[error("k = {k} neighbours, but there are {images} training images; choose a k of at most {images}")]
    Neighbours {
        /// The number of neighbours.
        k: usize,
        /// The number of training images.
        images: usize,
    },
    /// A matrix made of features that could not be decomposed.
    #[error("cannot decompose the {what}: {source}")]
    Decomposition {
        /// Which.
        what: &'static str,
        /// Why.
        source: LinalgError,
    },
    /// A setting that cannot work.
    #[error("`{key}` must be {expected}, got {got}")]
    Setting {
        /// The configuration key.
        key: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// No image is left to choose the penalty on.
    #[error(
        "no class has two training images ({images} images in all), so none can be held out to choose the penalty; give a fixed penalty"
    )]
    NothingHeldOut {
        /// The number of training images.
        images: usize,
    },
    /// Training and test set do not have the same classes.
    #[error(
        "class {index} is {train} in the train set and {test} in the test set; both need the same classes in the same order"
    )]
    Classes {
        /// The first class that differs.
        index: usize,
        /// Its name in the train set.
        train: String,
        /// Its name in the test set.
        test: String,
    },
    /// The extractor does not take such images.
    #[error("{set}: {problem}")]
    Images {
        /// The images.
        set: String,
        /// What it takes, and what they are.
        problem: String,
    },
    /// The extractor's output does not have the shape it promises.
    #[error("features of images {first} to {last} have shape {got:?}, expected {expected:?}")]
    Shape {
        /// First image of the batch.
        first: usize,
        /// Last image of the batch.
        last: usize,
        /// (B, D) promised.
        expected: [usize; 2],
        /// (B, D) found.
        got: [usize; 2],
    },
    /// The device could not deliver the features.
    #[error(
        "cannot read the features of images {first} to {last} from the device: {message}; try a smaller batch, or `--device cpu`"
    )]
    Device {
        /// First image of the batch.
        first: usize,
        /// Last image of the batch.
        last: usize,
        /// What the device said.
        message: String,
    },
    /// The encoder's weights could not be read.
    #[error("cannot read the encoder's weights from the device: {message}; try `--device cpu`")]
    State {
        /// What the device said.
        message: String,
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
    /// A data set of one class.
    #[error(
        "{class} is the only class, so there is nothing to tell apart; choose a data set of at least two classes"
    )]
    OneClass {
        /// The class's name.
        class: String,
    },
    /// The device failed in the middle of something.
    #[error("cannot {task} on the device: {message}; try `--device cpu`")]
    OnDevice {
        /// What was to be done.
        task: &'static str,
        /// What the device said.
        message: String,
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
