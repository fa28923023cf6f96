//! PyTorch files of every layout, read as data by `zview-torch-file`: a pickle's function calls are noted, never made.

use std::collections::BTreeMap;
use std::path::Path;

use zview_torch_file::{Holder, Tensor, TorchError, TorchFile};

use super::WeightsError;
use super::not_weights;
use super::stored::{Content, StoredTensor};

pub(super) fn read(path: &Path) -> Result<Content, WeightsError> {
    let file = TorchFile::open(path).map_err(|error| as_weights_error(path, error))?;
    let root = file.root().to_owned();
    let tensors = file.into_tensors().into_iter().map(stored).collect();
    Ok(Content { tensors, metadata: BTreeMap::new(), root })
}

fn stored(tensor: Tensor) -> (String, StoredTensor) {
    let holder = match tensor.holder() {
        Holder::Dictionary => None,
        Holder::Module(class) => Some((class.clone(), true)),
        Holder::Object(class) => Some((class.clone(), false)),
    };
    let (element, shape) = (tensor.element().clone(), tensor.shape().to_vec());
    let unreadable = tensor.unreadable().map(str::to_owned);
    let (name, dictionary) = (tensor.name().to_owned(), tensor.dictionary().to_owned());
    let read = move || tensor.read().map_err(|error| error.to_string());
    (name, StoredTensor { element, shape, dictionary, unreadable, holder, read: Box::new(read) })
}

fn as_weights_error(path: &Path, error: TorchError) -> WeightsError {
    match error {
        TorchError::Io(source) => WeightsError::Read { path: path.to_owned(), source },
        error => not_weights::error(path, &error),
    }
}
