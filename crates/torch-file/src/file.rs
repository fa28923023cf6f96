//! A PyTorch file of any layout.

use std::fs::File;
use std::path::Path;
use std::rc::Rc;

use crate::archive::{self, Content};
use crate::limits::VALUES_BYTES;
use crate::module::{class_name, is_module};
use crate::pickle::{Value, read_pickle};
use crate::source::{Source, Stream};
use crate::storage::Storages;
use crate::zip::Zip;
use crate::{Tensor, TorchError, legacy, outline, tar};

/// What a PyTorch file holds. Tensors are read when they are asked for.
#[derive(Debug)]
pub struct TorchFile {
    tensors: Vec<Tensor>,
    root: String,
}

impl TorchFile {
    /// Reads which tensors the file at `path` holds.
    ///
    /// # Errors
    /// [`TorchError`].
    pub fn open(path: &Path) -> Result<Self, TorchError> {
        Self::read(Source::file(File::open(path)?)?)
    }

    /// As [`Self::open`], of a file's bytes.
    ///
    /// # Errors
    /// [`TorchError`].
    pub fn read_bytes(bytes: Vec<u8>) -> Result<Self, TorchError> {
        Self::read(Source::Memory(bytes))
    }

    fn read(source: Source) -> Result<Self, TorchError> {
        let source = Rc::new(source);
        let content = content(&source)?;
        Ok(Self { tensors: outline::tensors(&content, source.length())?, root: root(&content) })
    }

    /// Every tensor, in the order of the file.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tensors alone.
    #[must_use]
    pub fn into_tensors(self) -> Vec<Tensor> {
        self.tensors
    }

    /// What the file is of as a whole ("a dictionary", "a call of `posix.system`").
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }
}

fn content(source: &Rc<Source>) -> Result<Content, TorchError> {
    if Zip::looks_like(source)? {
        return archive::read(source);
    }
    if tar::looks_like(source)? {
        return tar::read(source);
    }
    if legacy::looks_like(source, 0)? {
        return legacy::read(source, source.whole(), VALUES_BYTES);
    }
    let mut first = [0];
    // A pickle begins with its protocol, or, in protocols 0 and 1, with what makes a container or an object.
    if source.read_at(0, &mut first)? == 0 || !b"\x80(}])ci".contains(&first[0]) {
        return Err(TorchError::OtherFormat);
    }
    let pickle = read_pickle(&mut Stream::new(source, source.whole())).map_err(|error| match error {
        TorchError::Damaged(_) if first[0] != 0x80 => TorchError::OtherFormat,
        error => error,
    })?;
    Ok(Content { pickle, pickle_source: Rc::clone(source), storages: Storages::None })
}

fn root(content: &Content) -> String {
    let values = &content.pickle.values;
    let root = content.pickle.root;
    match values.get(root) {
        Value::Dict(_) => "a dictionary".to_owned(),
        Value::List(_) | Value::Tuple(_) | Value::Set(_) => "a list".to_owned(),
        Value::None => "None".to_owned(),
        Value::Bool(_) | Value::Int(_) | Value::Number => "a number".to_owned(),
        Value::Text(_) | Value::LongText(_) | Value::Bytes(_) => "a text".to_owned(),
        Value::Persistent(_) => "a storage".to_owned(),
        Value::Global(..) => format!("the class or function `{}`", values.class_name(root)),
        Value::Object(object) if is_module(values, root) => {
            format!("a module of class `{}`", class_name(values, object))
        }
        Value::Object(object) => format!("an object of `{}`", class_name(values, object)),
        Value::Opaque => "nothing that is read here".to_owned(),
    }
}
