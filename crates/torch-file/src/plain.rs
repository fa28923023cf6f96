//! The plain values of a pickle: what data sets are written in.

use std::borrow::Cow;
use std::rc::Rc;

use crate::archive::Content;
use crate::gather::{Plan, gather};
use crate::pickle::{Id, Value, read_pickle};
use crate::rebuild::Builder;
use crate::source::{Source, Stream};
use crate::storage::Storages;
use crate::{Element, TorchError, numpy};

/// A pickle of dictionaries, lists, numbers, texts, and NumPy arrays of whole numbers. What it would call is
/// never called.
///
/// ```
/// let pickle = zview_torch_file::PlainPickle::read(b"\x80\x02}U\x06labels]K\x07as.".to_vec())?;
/// let labels = pickle.root().get("labels").and_then(|labels| labels.items());
/// let labels: Option<Vec<i64>> = labels.and_then(|labels| labels.map(|label| label.as_integer()).collect());
/// assert_eq!(labels, Some(vec![7]));
/// # Ok::<(), zview_torch_file::TorchError>(())
/// ```
#[derive(Debug)]
pub struct PlainPickle {
    content: Content,
}

/// A value of a [`PlainPickle`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    content: &'a Content,
    id: Id,
}

impl PlainPickle {
    /// Reads the pickle that a file's bytes begin with.
    ///
    /// # Errors
    /// [`TorchError`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, TorchError> {
        let source = Rc::new(Source::Memory(bytes));
        let pickle = read_pickle(&mut Stream::new(&source, source.whole()))?;
        Ok(Self { content: Content { pickle, pickle_source: source, storages: Storages::None } })
    }

    /// The value that the pickle is of.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { content: &self.content, id: self.content.pickle.root }
    }
}

impl<'a> Node<'a> {
    fn value(self) -> &'a Value {
        self.content.pickle.values.get(self.id)
    }

    fn other(self, id: Id) -> Self {
        Self { id, ..self }
    }

    /// The value under `key`, a text or bytes, of a dictionary: the last one where there are several.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        let Value::Dict(entries) = self.value() else { return None };
        let is_key = |entry: &&[Id]| {
            let words = entry.first().and_then(|id| self.other(*id).words());
            words.is_some_and(|words| *words == *key.as_bytes())
        };
        let entry = entries.chunks_exact(2).rev().find(is_key)?;
        entry.get(1).map(|id| self.other(*id))
    }

    /// The elements of a list or tuple.
    #[must_use]
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Self>> {
        match self.value() {
            Value::Tuple(ids) | Value::List(ids) => Some(ids.iter().map(move |id| self.other(*id))),
            _ => None,
        }
    }

    /// A whole number, one of NumPy too; of a truth value 0 or 1, as in Python.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        match self.value() {
            Value::Int(value) => Some(*value),
            Value::Bool(value) => Some(i64::from(*value)),
            Value::Object(object) => {
                let values = &self.content.pickle.values;
                let (element, big_endian, data) = numpy::scalar(values, object)?;
                let storage = Builder::new(self.content).bytes_storage(data, Builder::CALLS_MAX)?;
                let mut bytes = storage.whole().ok()?;
                if big_endian {
                    bytes.reverse();
                }
                element.integer(&bytes)
            }
            _ => None,
        }
    }

    /// The whole numbers of a list, a tuple or a NumPy array (row-major).
    #[must_use]
    pub fn integers(self) -> Option<Vec<i64>> {
        if let Some(items) = self.items() {
            return items.map(Self::as_integer).collect();
        }
        let (element, _, bytes) = self.elements()?;
        bytes.chunks_exact(element.bytes().max(1) as usize).map(|bytes| element.integer(bytes)).collect()
    }

    /// A text, or bytes that are one. What is not UTF-8 in it is replaced by U+FFFD.
    #[must_use]
    pub fn as_text(self) -> Option<Cow<'a, str>> {
        Some(match self.words()? {
            Cow::Borrowed(words) => String::from_utf8_lossy(words),
            Cow::Owned(words) => Cow::Owned(String::from_utf8_lossy(&words).into_owned()),
        })
    }

    /// Shape and elements, in row-major order, of a NumPy array of unsigned bytes.
    #[must_use]
    pub fn array(self) -> Option<(Vec<usize>, Vec<u8>)> {
        let (_, shape, bytes) = self.elements().filter(|(element, ..)| *element == Element::U8)?;
        Some((shape, bytes))
    }

    /// Type, shape and little-endian elements, in row-major order, of a NumPy array.
    fn elements(self) -> Option<(Element, Vec<usize>, Vec<u8>)> {
        let Value::Object(object) = self.value() else { return None };
        let (module, name) = self.content.pickle.values.as_global(object.class)?;
        if !numpy::is_array(&module, &name) {
            return None;
        }
        let built = Builder::new(self.content).build(self.id);
        let (view, size) = (built.view.ok()?, built.element.bytes());
        let bytes = view.storage.whole().ok()?;
        let plan = Plan::new(&built.shape, &view.stride, view.offset, size)?;
        if plan.bytes != bytes.len() as u64 {
            return None;
        }
        let mut elements = gather(bytes, &built.shape, &view.stride, size as usize, &plan);
        if view.big_endian {
            elements.chunks_exact_mut(size.max(1) as usize).for_each(<[u8]>::reverse);
        }
        Some((built.element, built.shape, elements))
    }

    /// The bytes of a text, or bytes. Pickles of protocol 2 hold the bytes of Python 3 as a text to encode.
    fn words(self) -> Option<Cow<'a, [u8]>> {
        let values = &self.content.pickle.values;
        let Value::Object(object) = self.value() else { return self.raw() };
        let (module, name) = values.as_global(object.class)?;
        match (&*module, &*name, values.items(object.arguments)) {
            ("_codecs", "encode", [text, ..]) => self.other(*text).raw(),
            _ => None,
        }
    }

    fn raw(self) -> Option<Cow<'a, [u8]>> {
        match self.value() {
            Value::Text(text) => Some(Cow::Borrowed(self.content.pickle.values.text_bytes(*text))),
            Value::LongText(span) | Value::Bytes(span) => self.content.pickle_source.part(*span).ok(),
            _ => None,
        }
    }
}
