//! What PyTorch's functions would build, from their names and arguments. None is called.

use std::collections::HashMap;
use std::rc::Rc;

use crate::archive::Content;
use crate::limits::{INFLATED_PICKLE_BYTES, NESTED_VALUES_BYTES};
use crate::pickle::{Id, Object, Value, Values};
use crate::source::{Source, Span};
use crate::storage::{Encoding, Storage, bytes_of_characters};
use crate::tensor::View;
use crate::{Element, TorchError, legacy, numpy};

/// A tensor before it has a name.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) shape: Vec<usize>,
    pub(crate) element: Element,
    /// Or why it cannot be read.
    pub(crate) view: Result<View, String>,
}

impl Built {
    /// Of a kind that is not read.
    pub(crate) fn unreadable(kind: impl Into<String>) -> Self {
        let kind = kind.into();
        Self { shape: Vec::new(), element: Element::Other(kind.clone(), 0), view: Err(kind) }
    }
}

/// How a pickle names a storage.
#[derive(Debug)]
pub(crate) struct StorageName {
    pub(crate) key: String,
    pub(crate) element: Element,
    /// First element and count, where it is a part of the storage `key`.
    part: Option<(i64, i64)>,
}

/// The name of a storage that a persistent id is: ("storage", class, key, device, elements[, part]).
pub(crate) fn storage_name(values: &Values, id: Id) -> Option<StorageName> {
    let Value::Tuple(ids) = values.get(id) else { return None };
    let [kind, class, key, _, _, rest @ ..] = ids.as_slice() else { return None };
    if values.as_text(*kind)? != "storage" {
        return None;
    }
    let key = match values.get(*key) {
        Value::Int(key) => key.to_string(),
        _ => values.as_text(*key)?.into_owned(),
    };
    let part = rest.first().and_then(|part| match *values.as_sequence(*part)? {
        [_, offset, count] => Some((values.as_integer(offset)?, values.as_integer(count)?)),
        _ => None,
    });
    let element = element_of_class(values, *class).unwrap_or(Element::Other("an unknown type".to_owned(), 0));
    Some(StorageName { key, element, part })
}

/// The element type of a storage's class.
pub(crate) fn element_of_class(values: &Values, class: Id) -> Option<Element> {
    Some(Element::of_storage(&values.as_global(class)?.1))
}

/// Whether `id` is a tensor, an array of numpy, or a storage: the names of tensors end there.
pub(crate) fn is_leaf(values: &Values, id: Id) -> bool {
    match values.get(id) {
        Value::Persistent(_) => true,
        Value::Object(object) => match values.as_global(object.class) {
            Some((module, name)) if module.starts_with("torch") => {
                name.starts_with("_rebuild") || is_parameter(&module, &name) || &*name == "_load_from_bytes"
            }
            Some((module, name)) => numpy::is_array(&module, &name),
            None => false,
        },
        _ => false,
    }
}

fn is_parameter(module: &str, name: &str) -> bool {
    module == "torch.nn.parameter" && matches!(name, "Parameter" | "Buffer" | "UninitializedParameter")
}

/// Builds the tensors of a content.
pub(crate) struct Builder<'a> {
    content: &'a Content,
    storages: HashMap<String, Result<Rc<Storage>, String>>,
    /// Storages that are a file of their own within a plain pickle, by where they lie.
    within: HashMap<u64, Option<(Rc<Storage>, Element)>>,
}

/// A parameter is a tensor in one call; more of them make no tensor.
const CALLS_MAX: usize = 8;

impl<'a> Builder<'a> {
    pub(crate) fn new(content: &'a Content) -> Self {
        Self { content, storages: HashMap::new(), within: HashMap::new() }
    }

    fn values(&self) -> &'a Values {
        &self.content.pickle.values
    }

    /// The tensor that the leaf `id` is.
    pub(crate) fn build(&mut self, id: Id) -> Built {
        self.tensor(id, CALLS_MAX).unwrap_or_else(Built::unreadable)
    }

    fn tensor(&mut self, id: Id, calls: usize) -> Result<Built, String> {
        let values = self.values();
        match values.get(id) {
            Value::Persistent(name) => self.persistent(id, *name),
            Value::Object(object) => {
                let arguments = values.items(object.arguments);
                self.call(object, object.class, arguments, calls)
            }
            _ => Err("a tensor without its call".to_owned()),
        }
    }

    fn call(
        &mut self,
        object: &'a Object,
        function: Id,
        with: &'a [Id],
        calls: usize,
    ) -> Result<Built, String> {
        let Some(calls) = calls.checked_sub(1) else { return Err("a tensor within many calls".to_owned()) };
        let values = self.values();
        let (module, name) =
            values.as_global(function).ok_or_else(|| "a tensor of an unnamed kind".to_owned())?;
        if numpy::is_array(&module, &name) {
            return numpy::array(self, object, &name, with);
        }
        match (&*name, with) {
            ("_rebuild_tensor" | "_rebuild_tensor_v2", [storage, offset, shape, stride, rest @ ..]) => {
                self.refuse_turned(rest.get(2))?;
                self.strided(*storage, None, *offset, *shape, *stride)
            }
            ("_rebuild_tensor_v3", [storage, offset, shape, stride, _, _, dtype, rest @ ..]) => {
                self.refuse_turned(rest.first())?;
                let element = values.as_global(*dtype).map(|(_, name)| Element::named(&name));
                self.strided(*storage, element, *offset, *shape, *stride)
            }
            ("_rebuild_parameter" | "_rebuild_parameter_with_state" | "Parameter" | "Buffer", [data, ..]) => {
                self.tensor(*data, calls)
            }
            ("_rebuild_from_type_v2" | "_rebuild_from_type", [function, _, arguments, ..]) => {
                self.call(object, *function, values.items(*arguments), calls)
            }
            ("_load_from_bytes", _) => Err("a storage without its tensor".to_owned()),
            (name, _) => Err(kind(name)),
        }
    }

    /// Refuses a tensor whose elements are those of its storage with another sign, as `metadata` says.
    fn refuse_turned(&self, metadata: Option<&Id>) -> Result<(), String> {
        let values = self.values();
        let Some(Value::Dict(entries)) = metadata.map(|metadata| values.get(*metadata)) else {
            return Ok(());
        };
        let turned = entries.chunks_exact(2).find_map(|entry| {
            let bit = values.as_text(entry[0])?;
            let set = matches!(values.get(entry[1]), Value::Bool(true) | Value::Int(1));
            (set && matches!(&*bit, "neg" | "conj")).then(|| bit.into_owned())
        });
        turned.map_or(Ok(()), |bit| Err(format!("PyTorch's {bit} bit, to be saved with `.resolve_{bit}()`")))
    }

    fn persistent(&mut self, id: Id, name: Id) -> Result<Built, String> {
        let values = self.values();
        let key = values.as_integer(name).map(|key| key.to_string());
        let key = key.or_else(|| Some(values.as_text(name)?.into_owned()));
        if let Some(tensor) = key.and_then(|key| self.content.storages.tensor(&key)) {
            let storage = self.listed(&tensor.storage)?;
            let length = storage.length();
            let whole = Whole { storage, base: 0, length, element: tensor.element.clone() };
            return view(whole, None, tensor.offset, &tensor.shape, &tensor.stride);
        }
        // A storage that stands alone is a vector.
        let whole = self.storage(id)?;
        let size = whole.element.bytes();
        if size == 0 {
            return Err(format!("the element type {}", whole.element));
        }
        let count = i64::try_from(whole.length / size).map_err(|_| "a storage of no length".to_owned())?;
        view(whole, None, 0, &[count], &[1])
    }

    fn strided(
        &mut self,
        storage: Id,
        element: Option<Element>,
        offset: Id,
        shape: Id,
        stride: Id,
    ) -> Result<Built, String> {
        let values = self.values();
        let numbers = |id: Id| -> Option<Vec<i64>> {
            let ids = values.as_sequence(id)?;
            if ids.len() > 64 {
                return None;
            }
            ids.iter().map(|id| values.as_integer(*id)).collect()
        };
        let parts = (values.as_integer(offset), numbers(shape), numbers(stride));
        let (Some(offset), Some(shape), Some(stride)) = parts else {
            return Err("a tensor whose sizes are no whole numbers".to_owned());
        };
        let whole = match self.storage(storage) {
            Ok(whole) => whole,
            // Its shape is known all the same.
            Err(reason) => {
                let element = element.or_else(|| {
                    let Value::Persistent(name) = values.get(storage) else { return None };
                    Some(storage_name(values, *name)?.element)
                });
                let element = element.unwrap_or(Element::Other("an unknown type".to_owned(), 0));
                return Ok(Built { shape: sizes(&shape)?, element, view: Err(reason) });
            }
        };
        view(whole, element, offset, &shape, &stride)
    }

    /// The storage that `id` names.
    fn storage(&mut self, id: Id) -> Result<Whole, String> {
        let values = self.values();
        match values.get(id) {
            Value::Persistent(name) => {
                let name = storage_name(values, *name).ok_or_else(|| match values.get(*name) {
                    Value::Text(_) => {
                        "a storage that pickle protocol 0 names in other words (save it again with the \
                                       default protocol of torch.save)"
                            .to_owned()
                    }
                    _ => "a storage without its name".to_owned(),
                })?;
                let storage = self.listed(&name.key)?;
                let (mut base, mut length) = (0, storage.length());
                if let Some((first, count)) = name.part {
                    let bytes =
                        |elements: i64| u64::try_from(elements).ok()?.checked_mul(name.element.bytes());
                    let part = bytes(first).zip(bytes(count));
                    let part =
                        part.filter(|(base, part)| base.checked_add(*part).is_some_and(|end| end <= length));
                    (base, length) = part.ok_or_else(|| "a part of a storage that it has not".to_owned())?;
                }
                Ok(Whole { storage, base, length, element: name.element })
            }
            Value::Object(object) => {
                let is_file =
                    values.as_global(object.class).is_some_and(|(_, name)| name == "_load_from_bytes");
                let bytes = values.items(object.arguments).first().copied();
                let (storage, element) = bytes
                    .filter(|_| is_file)
                    .and_then(|bytes| self.storage_within(bytes))
                    .ok_or_else(|| "a tensor whose storage is of another kind".to_owned())?;
                let length = storage.length();
                Ok(Whole { storage, base: 0, length, element })
            }
            _ => Err("a tensor without its storage".to_owned()),
        }
    }

    fn listed(&mut self, key: &str) -> Result<Rc<Storage>, String> {
        if let Some(known) = self.storages.get(key) {
            return known.clone();
        }
        let found = match self.content.storages.find(key) {
            Ok(Some(storage)) => Ok(Rc::new(storage)),
            // Cut off: its tensors say so when they are read.
            Ok(None) => Ok(Rc::new(Storage::plain(&Rc::new(Source::Memory(Vec::new())), Span::default()))),
            Err(error) => Err(format!("a tensor whose storage is damaged ({error})")),
        };
        self.storages.insert(key.to_owned(), found.clone());
        found
    }

    /// The storage in bytes that are a file of their own: how pickle writes tensors without `torch.save`.
    fn storage_within(&mut self, bytes: Id) -> Option<(Rc<Storage>, Element)> {
        let (source, span) = self.bytes(bytes)?;
        let place = if Rc::ptr_eq(&source, &self.content.pickle_source) {
            span.start
        } else {
            u64::MAX - u64::from(bytes)
        };
        if let Some(known) = self.within.get(&place) {
            return known.clone();
        }
        let read = || -> Result<Option<(Rc<Storage>, Element)>, TorchError> {
            if !legacy::looks_like(&source, span.start)? {
                return Ok(None);
            }
            let content = legacy::read(&source, span, NESTED_VALUES_BYTES)?;
            let values = &content.pickle.values;
            let Value::Persistent(name) = values.get(content.pickle.root) else { return Ok(None) };
            let Some(name) = storage_name(values, *name) else { return Ok(None) };
            let storage = content.storages.find(&name.key)?;
            Ok(storage.map(|storage| (Rc::new(storage), name.element)))
        };
        let found = read().ok().flatten();
        self.within.insert(place, found.clone());
        found
    }

    /// Where the bytes that `id` is lie: written as bytes, or as a text of characters up to 255.
    fn bytes(&self, id: Id) -> Option<(Rc<Source>, Span)> {
        let storage = self.bytes_storage(id, CALLS_MAX)?;
        match storage.encoding {
            Encoding::Plain => Some((storage.source, storage.span)),
            _ if storage.span.length > INFLATED_PICKLE_BYTES as u64 => None,
            _ => {
                let bytes = bytes_of_characters(&storage.source.bytes(storage.span).ok()?)?;
                let source = Rc::new(Source::Memory(bytes));
                let span = source.whole();
                Some((source, span))
            }
        }
    }

    /// As a storage, of which nothing has been read yet.
    pub(crate) fn bytes_storage(&self, id: Id, calls: usize) -> Option<Storage> {
        let (values, source) = (self.values(), &self.content.pickle_source);
        match values.get(id) {
            Value::Bytes(span) | Value::LongText(span) => Some(Storage::plain(source, *span)),
            Value::Text(text) => {
                let source = Rc::new(Source::Memory(values.text_bytes(*text).to_vec()));
                Some(Storage::plain(&source, source.whole()))
            }
            Value::Object(object) => {
                let (module, name) = values.as_global(object.class)?;
                let inner = *values.items(object.arguments).first()?;
                let storage = self.bytes_storage(inner, calls.checked_sub(1)?)?;
                match (&*module, &*name) {
                    ("_codecs", "encode") => Some(Storage { encoding: Encoding::Characters, ..storage }),
                    ("builtins" | "__builtin__", "bytes" | "bytearray") => Some(storage),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// How many calls bytes may be wrapped in.
    pub(crate) const CALLS_MAX: usize = CALLS_MAX;

    pub(crate) fn content_values(&self) -> &'a Values {
        self.values()
    }
}

/// A storage, or the part of one that a tensor may be a view of.
struct Whole {
    storage: Rc<Storage>,
    base: u64,
    length: u64,
    element: Element,
}

fn view(
    whole: Whole,
    element: Option<Element>,
    offset: i64,
    shape: &[i64],
    stride: &[i64],
) -> Result<Built, String> {
    let shape = sizes(shape)?;
    let stride: Option<Vec<u64>> = stride.iter().map(|stride| u64::try_from(*stride).ok()).collect();
    let (Some(stride), Ok(offset)) = (stride, u64::try_from(offset)) else {
        return Err("a tensor with negative strides".to_owned());
    };
    if stride.len() != shape.len() {
        return Err("a tensor with more strides than extents".to_owned());
    }
    let Whole { storage, base, length, element: stored } = whole;
    let big_endian = storage.big_endian;
    let view = View { storage, base, length, offset, stride, big_endian };
    Ok(Built { shape, element: element.unwrap_or(stored), view: Ok(view) })
}

pub(crate) fn sizes(shape: &[i64]) -> Result<Vec<usize>, String> {
    let sizes: Option<Vec<usize>> = shape.iter().map(|extent| usize::try_from(*extent).ok()).collect();
    sizes.ok_or_else(|| "a tensor with negative extents".to_owned())
}

/// What kind of tensor a function builds.
fn kind(function: &str) -> String {
    match function {
        "_rebuild_qtensor" => "a quantized tensor",
        "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => "a sparse tensor",
        "_rebuild_nested_tensor" => "a nested tensor",
        "_rebuild_meta_tensor_no_storage" => "a tensor without values (device `meta`)",
        "_rebuild_device_tensor_from_numpy" | "_rebuild_device_tensor_from_cpu_tensor" => {
            "a tensor of a device of its own"
        }
        "UninitializedParameter" => "a parameter without values",
        "_rebuild_wrapper_subclass" => "a tensor of a class of its own",
        other => return format!("a tensor of a kind of its own (`{other}`)"),
    }
    .to_owned()
}
