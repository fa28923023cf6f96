//! One tensor of a file.

use std::rc::Rc;

use crate::gather::{Plan, gather};
use crate::storage::Storage;
use crate::{Element, TorchError};

/// What a tensor lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Dictionaries and lists alone.
    Dictionary,
    /// A pickled `torch.nn.Module` of this class, as its `state_dict()` would have it.
    Module(Rc<str>),
    /// Another Python object, of this class.
    Object(Rc<str>),
}

/// The elements of a tensor: a view of a storage.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) storage: Rc<Storage>,
    /// Bytes of the storage before the first element of the view.
    pub(crate) base: u64,
    /// Bytes of the storage that the view may use.
    pub(crate) length: u64,
    pub(crate) offset: u64,
    pub(crate) stride: Vec<u64>,
    pub(crate) big_endian: bool,
}

/// A tensor by name, its bytes not yet read.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub(crate) name: String,
    /// Bytes of the name that are its dictionary's.
    pub(crate) dictionary: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) element: Element,
    pub(crate) holder: Holder,
    /// Or why it cannot be read.
    pub(crate) view: Result<View, String>,
    pub(crate) file_bytes: u64,
}

impl Tensor {
    /// The keys on the way to it, joined by dots.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the dictionary, list or module that holds it, whose state dict has the rest of the name as a key;
    /// empty at the top.
    #[must_use]
    pub fn dictionary(&self) -> &str {
        self.name.get(..self.dictionary).unwrap_or_default()
    }

    /// Its extents, outermost first; empty where they are not known.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of its elements.
    #[must_use]
    pub fn element(&self) -> &Element {
        &self.element
    }

    /// What it lies in.
    #[must_use]
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Why it cannot be read ("a sparse tensor"); `None` if it can.
    #[must_use]
    pub fn unreadable(&self) -> Option<&str> {
        self.view.as_ref().err().map(String::as_str)
    }

    /// Its elements in row-major order, little-endian.
    ///
    /// # Errors
    /// [`TorchError`] for a tensor of a kind that is not read, and where the file does not hold what it promises.
    pub fn read(&self) -> Result<Vec<u8>, TorchError> {
        let view = self.view.as_ref().map_err(|kind| TorchError::Kind(kind.clone()))?;
        let size = self.element.bytes();
        if size == 0 {
            return Err(TorchError::Kind(format!("the element type {}", self.element)));
        }
        let plan = Plan::new(&self.shape, &view.stride, view.offset, size).ok_or_else(|| {
            TorchError::damaged(format!("the shape {:?} has no number of bytes", self.shape))
        })?;
        // A view can promise more than the file holds (an expanded scalar): weights never do.
        let holds = self.file_bytes.max(view.storage.length());
        if plan.bytes > holds {
            let (claimed, file) = (plan.bytes, self.file_bytes);
            return Err(TorchError::damaged(format!("it claims {claimed} bytes in a file of {file}")));
        }
        if plan.bytes == 0 {
            return Ok(Vec::new());
        }
        if plan.end > view.length {
            let (needs, has) = (plan.end, view.length);
            return Err(TorchError::CutOff(format!("it needs {needs} bytes of a storage of {has}")));
        }
        let base = view.base.saturating_add(plan.start);
        let bytes = view.storage.bytes(base, plan.end - plan.start)?;
        let mut elements = gather(bytes, &self.shape, &view.stride, size as usize, &plan);
        let swapped = self.element.swapped_bytes();
        if view.big_endian && swapped > 1 {
            elements.chunks_exact_mut(swapped).for_each(<[u8]>::reverse);
        }
        Ok(elements)
    }
}
