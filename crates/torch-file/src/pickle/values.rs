//! What a pickle describes: values that refer to each other by number, so that sharing costs nothing and neither
//! walking nor dropping them recurses.

use std::borrow::Cow;

use crate::TorchError;
use crate::source::Span;

/// The number of a value.
pub(crate) type Id = u32;

/// A place among the kept texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    start: u32,
    length: u32,
}

/// One value.
#[derive(Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A float, or an integer of more than 64 bits: nothing needs its value.
    Number,
    Text(Text),
    /// A text that was left in the file.
    LongText(Span),
    Bytes(Span),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Set(Vec<Id>),
    /// Key, value, key, value.
    Dict(Vec<Id>),
    /// A class or function: module and name.
    Global(Text, Text),
    /// Something outside of the pickle, by what names it.
    Persistent(Id),
    Object(Box<Object>),
    /// Something without content here: a buffer out of band, a number of the extension registry.
    Opaque,
}

/// What a pickle would call or make.
#[derive(Debug)]
pub(crate) struct Object {
    /// The class or function.
    pub(crate) class: Id,
    pub(crate) arguments: Id,
    pub(crate) state: Option<Id>,
    /// Key, value, key, value.
    pub(crate) entries: Vec<Id>,
    pub(crate) elements: Vec<Id>,
}

const CHUNK: usize = 1 << 14;
const SMALL_INTEGERS: i64 = 256;

/// All values of a pickle.
#[derive(Debug)]
pub(crate) struct Values {
    /// In chunks: growing never holds two copies.
    chunks: Vec<Vec<Value>>,
    texts: Vec<u8>,
    charged: usize,
    limit: usize,
}

pub(crate) const NONE: Id = 0;
pub(crate) const FALSE: Id = 1;
pub(crate) const TRUE: Id = 2;
pub(crate) const NUMBER: Id = 3;
pub(crate) const OPAQUE: Id = 4;
const FIRST_INTEGER: Id = 5;

impl Values {
    /// Of which all together may take `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let mut first =
            vec![Value::None, Value::Bool(false), Value::Bool(true), Value::Number, Value::Opaque];
        first.extend((0..SMALL_INTEGERS).map(Value::Int));
        Self { chunks: vec![first], texts: Vec::new(), charged: 0, limit }
    }

    /// Counts bytes that are about to be held.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), TorchError> {
        self.charged = self.charged.saturating_add(bytes);
        if self.charged > self.limit {
            let limit = self.limit >> 20;
            return Err(TorchError::TooLarge(format!("its Python objects take more than {limit} MiB")));
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        (self.chunks.len() - 1) * CHUNK + self.chunks.last().map_or(0, Vec::len)
    }

    pub(crate) fn add(&mut self, value: Value) -> Result<Id, TorchError> {
        self.charge(size_of::<Value>())?;
        if self.chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
            self.chunks.push(Vec::new());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(value);
        }
        Ok((self.len() - 1) as Id)
    }

    pub(crate) fn integer(&mut self, value: i64) -> Result<Id, TorchError> {
        if (0..SMALL_INTEGERS).contains(&value) {
            return Ok(FIRST_INTEGER + value as Id);
        }
        self.add(Value::Int(value))
    }

    /// Keeps a text.
    pub(crate) fn text(&mut self, bytes: &[u8]) -> Result<Text, TorchError> {
        self.charge(bytes.len())?;
        let start = self.texts.len() as u32;
        self.texts.extend_from_slice(bytes);
        Ok(Text { start, length: bytes.len() as u32 })
    }

    /// Where kept texts go.
    pub(crate) fn texts(&mut self) -> &mut Vec<u8> {
        &mut self.texts
    }

    /// The text that was appended to `texts` since it had `start` bytes.
    pub(crate) fn text_since(&mut self, start: usize) -> Result<Text, TorchError> {
        let length = self.texts.len() - start;
        self.charge(length)?;
        Ok(Text { start: start as u32, length: length as u32 })
    }

    pub(crate) fn get(&self, id: Id) -> &Value {
        let (chunk, index) = (id as usize / CHUNK, id as usize % CHUNK);
        self.chunks.get(chunk).and_then(|chunk| chunk.get(index)).unwrap_or(&Value::None)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Value> {
        self.chunks.get_mut(id as usize / CHUNK)?.get_mut(id as usize % CHUNK)
    }

    pub(crate) fn text_bytes(&self, text: Text) -> &[u8] {
        let start = text.start as usize;
        self.texts.get(start..start + text.length as usize).unwrap_or_default()
    }

    pub(crate) fn text_of(&self, text: Text) -> Cow<'_, str> {
        String::from_utf8_lossy(self.text_bytes(text))
    }

    /// The text that `id` is.
    pub(crate) fn as_text(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.get(id) {
            Value::Text(text) => Some(self.text_of(*text)),
            _ => None,
        }
    }

    pub(crate) fn as_integer(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of a tuple or list, or of what is made from one (`torch.Size`).
    pub(crate) fn as_sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(ids) | Value::List(ids) => Some(ids),
            Value::Object(object) => match self.get(object.arguments) {
                Value::Tuple(arguments) => match arguments.as_slice() {
                    [one] => match self.get(*one) {
                        Value::Tuple(ids) | Value::List(ids) => Some(ids),
                        _ => None,
                    },
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements of a tuple or list; nothing where `id` is neither.
    pub(crate) fn items(&self, id: Id) -> &[Id] {
        match self.get(id) {
            Value::Tuple(ids) | Value::List(ids) => ids,
            _ => &[],
        }
    }

    /// Module and name of the class or function that `id` is.
    pub(crate) fn as_global(&self, id: Id) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
        match self.get(id) {
            Value::Global(module, name) => Some((self.text_of(*module), self.text_of(*name))),
            _ => None,
        }
    }

    /// `module.name` of a class, for messages.
    pub(crate) fn class_name(&self, id: Id) -> String {
        match self.as_global(id) {
            Some((module, name)) => format!("{module}.{name}"),
            None => "an unnamed class".to_owned(),
        }
    }

    /// How many values the container `id` refers to.
    pub(crate) fn size(&self, id: Id) -> usize {
        let size = |id: Id| match self.get(id) {
            Value::Tuple(ids) | Value::List(ids) | Value::Set(ids) | Value::Dict(ids) => ids.len(),
            Value::Object(object) => object.entries.len() + object.elements.len(),
            _ => 0,
        };
        match self.get(id) {
            Value::Object(object) => {
                let state = object.state.map_or(0, |state| {
                    size(state) + self.items(state).iter().take(8).map(|part| size(*part)).sum::<usize>()
                });
                size(id) + size(object.arguments) + state
            }
            _ => size(id),
        }
    }

    /// Appends to what one value holds.
    pub(crate) fn extend(&mut self, id: Id, kind: Holds, with: &[Id]) -> Result<(), TorchError> {
        // Lists grow by doubling, and start with a block of their own.
        self.charge(16 + with.len() * 2 * size_of::<Id>())?;
        let held = match (self.get_mut(id), kind) {
            (Some(Value::List(ids)), Holds::Elements) | (Some(Value::Set(ids)), Holds::Elements) => Some(ids),
            (Some(Value::Dict(ids)), Holds::Entries) => Some(ids),
            (Some(Value::Object(object)), Holds::Elements) => Some(&mut object.elements),
            (Some(Value::Object(object)), Holds::Entries) => Some(&mut object.entries),
            _ => None,
        };
        if let Some(ids) = held {
            ids.extend_from_slice(with);
        }
        Ok(())
    }
}

/// What is appended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holds {
    Elements,
    Entries,
}
