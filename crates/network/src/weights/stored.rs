//! Tensors of a file before any of them is taken.

use std::collections::BTreeMap;
use std::rc::Rc;

use zview_torch_file::Element;

/// One tensor of a file, its bytes not yet read.
pub(super) struct StoredTensor {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    /// The dictionary of the file that holds it; empty at the top.
    pub(super) dictionary: String,
    /// Why it cannot be read, where it is of a kind that is not.
    pub(super) unreadable: Option<String>,
    /// The class of the Python object that it lies in, and whether that is a pickled `torch.nn.Module`.
    pub(super) holder: Option<(Rc<str>, bool)>,
    /// Gives the elements, row-major and little-endian.
    pub(super) read: Box<dyn Fn() -> Result<Vec<u8>, String>>,
}

/// Tensors by name.
pub(super) type Tensors = BTreeMap<String, StoredTensor>;

/// What was read of a file.
pub(super) struct Content {
    pub(super) tensors: Tensors,
    /// Texts of a safetensors header.
    pub(super) metadata: BTreeMap<String, String>,
    /// What a PyTorch file is of as a whole ("a list").
    pub(super) root: String,
}
