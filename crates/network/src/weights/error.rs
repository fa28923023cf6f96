//! What can be wrong with a weights file.

use std::path::PathBuf;

/// Why a weights file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file could not be read.
    #[error("cannot read the weights {}: {source}; name the file in the manifest (`weights`) or on the command line (--weights)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not the one that the manifest means.
    #[error("{} is not the file that the manifest means: expected sha256 {expected}, got {got}; get the file again, or correct `sha256` in the manifest if you trust this one", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// From the manifest.
        expected: String,
        /// Of the file.
        got: String,
    },
    /// The file is damaged, or of no format that is read here.
    #[error("{} cannot be read as weights: {reason}; expected an intact PyTorch file (.pt, .pth, .ckpt) or safetensors: get the file again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        reason: String,
    },
    /// The file is of a kind that holds no weights, or none that are read.
    #[error("{} is {what}; {remedy}", path.display())]
    NotWeights {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The only weights are within a Python object.
    #[error("{}: its tensors lie within a Python object of class `{class}`, at `{dictionary}`; write `state_dict = \"{dictionary}\"` in the manifest, or {remedy}", path.display())]
    InObject {
        /// The file.
        path: PathBuf,
        /// The object's class.
        class: String,
        /// The dictionary of tensors in it.
        dictionary: String,
        /// How to save them alone.
        remedy: &'static str,
    },
    /// The file has tensors that nothing takes.
    #[error("{} has {count} tensors that nothing takes, such as `{}`: it belongs to another network or other settings; use the file or the settings that it was written with", path.display(), first.join("`, `"))]
    Unused {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
        /// Some of them.
        first: Vec<String>,
    },
    /// A network in an ONNX file cannot be used.
    #[error("{}: {problem}", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The file was read and holds no tensors.
    #[error("{} holds no tensors: the file may hold code (refused, never executed) or another structure{detail}; save the network's state_dict() and use that file", path.display())]
    NoTensors {
        /// The file.
        path: PathBuf,
        /// What the reader found instead, or empty.
        detail: String,
    },
    /// The nested dictionary that the manifest names is not in the file.
    #[error("{}: `state_dict = \"{key}\"` of the manifest does not fit the file: {reason}", path.display())]
    NoStateDict {
        /// The file.
        path: PathBuf,
        /// `state_dict` of the manifest.
        key: String,
        /// What the reader found, with the keys that are there.
        reason: String,
    },
    /// A key that the manifest needs is not in the file.
    #[error("{}: no tensor `{key}` among the file's {present}{hint}", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The key that was asked for.
        key: String,
        /// How many tensors the file holds.
        present: usize,
        /// The nearest keys that are present, and what to change.
        hint: String,
    },
    /// A tensor has another shape than the manifest's layer.
    #[error("{}: tensor `{key}` has shape {got:?}, expected {expected:?}; correct the sizes of that layer in the manifest", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
        /// From the manifest.
        expected: Vec<usize>,
        /// In the file.
        got: Vec<usize>,
    },
    /// A tensor has another shape than the architecture's, which leaves some extents open.
    #[error("{}: tensor `{key}` has shape {got:?}, expected {expected}; get a file of this architecture, or correct the sizes in the manifest", path.display())]
    Extents {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
        /// The shape, with `any` for what is open.
        expected: String,
        /// In the file.
        got: Vec<usize>,
    },
    /// The file belongs to another architecture.
    #[error("{}: expected a checkpoint of `{expected}`, which has a tensor `{key}`; got one of `{got}`: correct `architecture` in the manifest, or name another file", path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// A tensor that is not there.
        key: String,
        /// From the manifest.
        expected: &'static str,
        /// What the file's keys are those of.
        got: &'static str,
    },
    /// A tensor has an element type that cannot be used for this.
    #[error("{}: tensor `{key}` holds {got}, expected {expected}; save it so (in Python: .float() or .long()), or take another tensor in its place", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
        /// What can be used.
        expected: &'static str,
        /// In the file.
        got: String,
    },
    /// A tensor is of a kind that is not read.
    #[error("{}: tensor `{key}` cannot be read: {kind} is not read here; save it as a plain tensor (in Python: .to_dense() or .dequantize(), then torch.save)", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
        /// What it is.
        kind: String,
    },
    /// A tensor holds values that no network works with.
    #[error("{}: tensor `{key}` holds {count} values that {problem}; the file is damaged or the training diverged: get another one", path.display())]
    Values {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
        /// How many.
        count: usize,
        /// What is wrong with them ("are not finite").
        problem: &'static str,
    },
    /// A network to be trained has a layer whose weights are only read.
    #[error("{layer} cannot be trained: its weights are only read from files")]
    NotTrained {
        /// The kind of layer.
        layer: &'static str,
    },
}
