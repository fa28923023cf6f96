//! What can go wrong with features.

use zview_data::DataError;
use zview_numerics::linalg::LinalgError;
use zview_runtime::atomic::WriteError;

/// Why features could not be had, or nothing could be said of them. Images are counted from 0 in the order of their data
/// set.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
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
    /// An image cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file of features could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Features that are needed at once and take too much memory.
    #[error(
        "{images} images of {dimension} features need {needed} bytes at once, and reading may take {memory}; allow more \
         with `--memory`, or take fewer images"
    )]
    Memory {
        /// Images.
        images: usize,
        /// Features of each.
        dimension: usize,
        /// Bytes that all take.
        needed: u64,
        /// Bytes that may be taken.
        memory: u64,
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
    /// Settings that cannot work.
    #[error("{}", problems.join("; "))]
    Settings {
        /// One line for each, with key, what is expected and what was given.
        problems: Vec<String>,
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
}
