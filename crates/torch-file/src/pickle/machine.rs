//! The machine that walks a pickle.

use std::collections::HashMap;

use super::escapes;
use super::opcode as op;
use super::values::{FALSE, Holds, Id, NONE, NUMBER, OPAQUE, Object, TRUE, Value, Values};
use crate::TorchError;
use crate::limits::{OPERATIONS, TEXT_BYTES, VALUES_BYTES};
use crate::source::Stream;

/// The values of one pickle.
#[derive(Debug)]
pub(crate) struct Pickle {
    pub(crate) values: Values,
    pub(crate) root: Id,
}

/// Reads one pickle, and leaves `stream` after its end.
pub(crate) fn read_pickle(stream: &mut Stream) -> Result<Pickle, TorchError> {
    read_pickle_within(stream, VALUES_BYTES)
}

/// As [`read_pickle`], whose values may take `limit` bytes.
pub(crate) fn read_pickle_within(stream: &mut Stream, limit: usize) -> Result<Pickle, TorchError> {
    let mut machine = Machine {
        stream,
        values: Values::new(limit),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    for _ in 0..OPERATIONS {
        if let Some(root) = machine.step()? {
            return Ok(Pickle { values: machine.values, root });
        }
    }
    Err(TorchError::TooLarge(format!("its pickle has more than {OPERATIONS} operations")))
}

struct Machine<'a> {
    stream: &'a mut Stream,
    values: Values,
    stack: Vec<Id>,
    /// How many values were on the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl Machine<'_> {
    /// One operation; the root when it was the last.
    fn step(&mut self) -> Result<Option<Id>, TorchError> {
        let start = self.stream.position();
        let opcode = self.stream.byte()?;
        match opcode {
            op::STOP => return self.pop().map(Some),
            op::PROTO => {
                let protocol = self.stream.byte()?;
                if protocol > 5 {
                    return Err(TorchError::damaged(format!(
                        "a pickle of protocol {protocol} (0 to 5 are known)"
                    )));
                }
            }
            op::FRAME => drop(self.stream.array::<8>()?),
            op::MARK => {
                if self.marks.len() == self.marks.capacity() {
                    let more = self.marks.capacity().max(64);
                    self.values.charge(more * size_of::<usize>())?;
                    self.marks.reserve_exact(more);
                }
                self.marks.push(self.stack.len());
            }
            op::POP => {
                // Python takes away a mark where no value lies above it.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            op::POP_MARK => drop(self.since_mark()?),
            op::DUP => {
                let top = self.top()?;
                self.push(top)?;
            }
            op::NONE => self.push(NONE)?,
            op::NEWTRUE => self.push(TRUE)?,
            op::NEWFALSE => self.push(FALSE)?,
            op::INT => {
                let line = self.line()?;
                match line.as_slice() {
                    b"00" => self.push(FALSE)?,
                    b"01" => self.push(TRUE)?,
                    digits => self.decimal(digits)?,
                }
            }
            op::LONG => {
                let line = self.line()?;
                self.decimal(line.strip_suffix(b"L").unwrap_or(&line))?;
            }
            op::BININT => {
                let value = i64::from(i32::from_le_bytes(self.stream.array()?));
                self.push_integer(value)?;
            }
            op::BININT1 => {
                let value = i64::from(self.stream.byte()?);
                self.push_integer(value)?;
            }
            op::BININT2 => {
                let value = i64::from(u16::from_le_bytes(self.stream.array()?));
                self.push_integer(value)?;
            }
            op::LONG1 => {
                let length = u64::from(self.stream.byte()?);
                self.long(length)?;
            }
            op::LONG4 => {
                let length = u64::from(u32::from_le_bytes(self.stream.array()?));
                self.long(length)?;
            }
            op::FLOAT => {
                self.line()?;
                self.push(NUMBER)?;
            }
            op::BINFLOAT => {
                self.stream.array::<8>()?;
                self.push(NUMBER)?;
            }
            op::STRING => {
                let line = self.line()?;
                let bytes =
                    escapes::quoted(&line).ok_or_else(|| TorchError::damaged("a text without its quotes"))?;
                self.push_text(&bytes)?;
            }
            op::UNICODE => {
                let line = self.line()?;
                self.push_text(&escapes::unicode(&line))?;
            }
            op::SHORT_BINSTRING | op::SHORT_BINUNICODE => {
                let length = u64::from(self.stream.byte()?);
                self.text(length)?;
            }
            op::BINSTRING | op::BINUNICODE => {
                let length = u64::from(u32::from_le_bytes(self.stream.array()?));
                self.text(length)?;
            }
            op::BINUNICODE8 => {
                let length = u64::from_le_bytes(self.stream.array()?);
                self.text(length)?;
            }
            op::SHORT_BINBYTES => {
                let length = u64::from(self.stream.byte()?);
                self.bytes(length)?;
            }
            op::BINBYTES => {
                let length = u64::from(u32::from_le_bytes(self.stream.array()?));
                self.bytes(length)?;
            }
            op::BINBYTES8 | op::BYTEARRAY8 => {
                let length = u64::from_le_bytes(self.stream.array()?);
                self.bytes(length)?;
            }
            op::NEXT_BUFFER => self.push(OPAQUE)?,
            op::READONLY_BUFFER => drop(self.top()?),
            op::EMPTY_TUPLE => self.push_value(Value::Tuple(Vec::new()))?,
            op::TUPLE1 => self.tuple_of(1)?,
            op::TUPLE2 => self.tuple_of(2)?,
            op::TUPLE3 => self.tuple_of(3)?,
            op::TUPLE => {
                let ids = self.since_mark()?;
                self.push_value(Value::Tuple(ids))?;
            }
            op::EMPTY_LIST => self.push_value(Value::List(Vec::new()))?,
            op::LIST => {
                let ids = self.since_mark()?;
                self.push_value(Value::List(ids))?;
            }
            op::EMPTY_DICT => self.push_value(Value::Dict(Vec::new()))?,
            op::DICT => {
                let ids = self.pairs_since_mark()?;
                self.push_value(Value::Dict(ids))?;
            }
            op::EMPTY_SET => self.push_value(Value::Set(Vec::new()))?,
            op::FROZENSET => {
                let ids = self.since_mark()?;
                self.push_value(Value::Set(ids))?;
            }
            op::APPEND => {
                let one = self.pop()?;
                let to = self.top()?;
                self.values.extend(to, Holds::Elements, &[one])?;
            }
            op::APPENDS | op::ADDITEMS => {
                let ids = self.since_mark()?;
                let to = self.top()?;
                self.values.extend(to, Holds::Elements, &ids)?;
            }
            op::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                let to = self.top()?;
                self.values.extend(to, Holds::Entries, &[key, value])?;
            }
            op::SETITEMS => {
                let ids = self.pairs_since_mark()?;
                let to = self.top()?;
                self.values.extend(to, Holds::Entries, &ids)?;
            }
            op::GLOBAL => {
                let module = self.line()?;
                let name = self.line()?;
                self.push_global(&module, &name)?;
            }
            op::STACK_GLOBAL => {
                let name = self.pop()?;
                let module = self.pop()?;
                match (self.values.get(module), self.values.get(name)) {
                    (&Value::Text(module), &Value::Text(name)) => {
                        self.push_value(Value::Global(module, name))?
                    }
                    _ => return Err(TorchError::damaged("a class that is not named by texts")),
                }
            }
            op::EXT1 => self.extension(1)?,
            op::EXT2 => self.extension(2)?,
            op::EXT4 => self.extension(4)?,
            op::REDUCE | op::NEWOBJ => {
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.push_object(class, arguments)?;
            }
            op::NEWOBJ_EX => {
                let named = self.pop()?;
                let arguments = self.pop()?;
                let class = self.pop()?;
                let id = self.push_object(class, arguments)?;
                self.set_state(id, named)?;
            }
            op::OBJ => {
                let mut ids = self.since_mark()?;
                if ids.is_empty() {
                    return Err(TorchError::damaged("an object without its class"));
                }
                let arguments = ids.split_off(1);
                let arguments = self.values.add(Value::Tuple(arguments))?;
                self.push_object(ids[0], arguments)?;
            }
            op::INST => {
                let module = self.line()?;
                let name = self.line()?;
                let ids = self.since_mark()?;
                let arguments = self.values.add(Value::Tuple(ids))?;
                self.push_global(&module, &name)?;
                let class = self.pop()?;
                self.push_object(class, arguments)?;
            }
            op::BUILD => {
                let state = self.pop()?;
                let of = self.top()?;
                self.set_state(of, state)?;
            }
            op::PERSID => {
                let line = self.line()?;
                let id = match storage_in_words(&line) {
                    Some(words) => self.storage_id(words)?,
                    None => {
                        let text = self.values.text(&line)?;
                        self.values.add(Value::Text(text))?
                    }
                };
                self.push_value(Value::Persistent(id))?;
            }
            op::BINPERSID => {
                let id = self.pop()?;
                self.push_persistent(id)?;
            }
            op::PUT => {
                let index = self.index()?;
                self.put(index)?;
            }
            op::BINPUT => {
                let index = u64::from(self.stream.byte()?);
                self.put(index)?;
            }
            op::LONG_BINPUT => {
                let index = u64::from(u32::from_le_bytes(self.stream.array()?));
                self.put(index)?;
            }
            op::MEMOIZE => {
                let index = self.memo.len() as u64;
                self.put(index)?;
            }
            op::GET => {
                let index = self.index()?;
                self.recall(index)?;
            }
            op::BINGET => {
                let index = u64::from(self.stream.byte()?);
                self.recall(index)?;
            }
            op::LONG_BINGET => {
                let index = u64::from(u32::from_le_bytes(self.stream.array()?));
                self.recall(index)?;
            }
            _ => {
                return Err(TorchError::damaged(format!(
                    "0x{opcode:02x} at {start} is no operation of a pickle"
                )));
            }
        }
        Ok(None)
    }

    fn push(&mut self, id: Id) -> Result<(), TorchError> {
        // A value may be on the stack many times over: what the stack holds is counted where it grows.
        if self.stack.len() == self.stack.capacity() {
            let more = self.stack.capacity().max(64);
            self.values.charge(more * size_of::<Id>())?;
            self.stack.reserve_exact(more);
        }
        self.stack.push(id);
        Ok(())
    }

    fn push_value(&mut self, value: Value) -> Result<(), TorchError> {
        if let Value::Tuple(ids) | Value::List(ids) | Value::Dict(ids) | Value::Set(ids) = &value
            && !ids.is_empty()
        {
            self.values.charge(16 + ids.len() * size_of::<Id>())?;
        }
        let id = self.values.add(value)?;
        self.push(id)
    }

    fn push_integer(&mut self, value: i64) -> Result<(), TorchError> {
        let id = self.values.integer(value)?;
        self.push(id)
    }

    fn push_text(&mut self, bytes: &[u8]) -> Result<(), TorchError> {
        let text = self.values.text(bytes)?;
        self.push_value(Value::Text(text))
    }

    fn push_global(&mut self, module: &[u8], name: &[u8]) -> Result<(), TorchError> {
        let (module, name) = (self.values.text(module)?, self.values.text(name)?);
        self.push_value(Value::Global(module, name))
    }

    fn push_object(&mut self, class: Id, arguments: Id) -> Result<Id, TorchError> {
        self.values.charge(size_of::<Object>() + 16)?;
        let object = Object { class, arguments, state: None, entries: Vec::new(), elements: Vec::new() };
        let id = self.values.add(Value::Object(Box::new(object)))?;
        self.push(id)?;
        Ok(id)
    }

    /// Old files name a module's class with its source text as something outside of the pickle.
    fn push_persistent(&mut self, id: Id) -> Result<(), TorchError> {
        if let Value::Tuple(ids) = self.values.get(id)
            && let [kind, class, ..] = *ids.as_slice()
            && self.values.as_text(kind).is_some_and(|kind| kind == "module")
        {
            return self.push(class);
        }
        self.push_value(Value::Persistent(id))
    }

    /// The tuple that names a storage, of its class, key, device and count.
    fn storage_id(&mut self, words: StorageInWords) -> Result<Id, TorchError> {
        let (module, name) = words.class;
        let (module, name) = (self.values.text(module.as_bytes())?, self.values.text(name.as_bytes())?);
        let class = self.values.add(Value::Global(module, name))?;
        let mut ids = Vec::with_capacity(5);
        for text in ["storage", words.key, words.device] {
            let text = self.values.text(text.as_bytes())?;
            ids.push(self.values.add(Value::Text(text))?);
        }
        ids.insert(1, class);
        ids.push(self.values.integer(words.count)?);
        self.values.charge(16 + ids.len() * size_of::<Id>())?;
        self.values.add(Value::Tuple(ids))
    }

    /// A second state of an object stands beside the first.
    fn set_state(&mut self, of: Id, state: Id) -> Result<(), TorchError> {
        let before = match self.values.get(of) {
            Value::Object(object) => object.state,
            _ => return Ok(()),
        };
        let state = match before {
            None => state,
            Some(before) => {
                self.values.charge(32)?;
                self.values.add(Value::Tuple(vec![before, state]))?
            }
        };
        if let Some(Value::Object(object)) = self.values.get_mut(of) {
            object.state = Some(state);
        }
        Ok(())
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, TorchError> {
        let above_mark = self.stack.len() > self.floor();
        self.stack
            .pop()
            .filter(|_| above_mark)
            .ok_or_else(|| TorchError::damaged("an operation of its pickle lacks a value"))
    }

    fn top(&self) -> Result<Id, TorchError> {
        let above_mark = self.stack.len() > self.floor();
        self.stack
            .last()
            .copied()
            .filter(|_| above_mark)
            .ok_or_else(|| TorchError::damaged("an operation of its pickle lacks a value"))
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, TorchError> {
        let mark =
            self.marks.pop().ok_or_else(|| TorchError::damaged("an operation of its pickle lacks a mark"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn pairs_since_mark(&mut self) -> Result<Vec<Id>, TorchError> {
        let ids = self.since_mark()?;
        if ids.len() % 2 == 1 {
            return Err(TorchError::damaged("a dictionary has a key without a value"));
        }
        Ok(ids)
    }

    fn tuple_of(&mut self, count: usize) -> Result<(), TorchError> {
        let mut ids = vec![NONE; count];
        for id in ids.iter_mut().rev() {
            *id = self.pop()?;
        }
        self.push_value(Value::Tuple(ids))
    }

    fn line(&mut self) -> Result<Vec<u8>, TorchError> {
        let mut line = self.stream.line(TEXT_BYTES)?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    fn index(&mut self) -> Result<u64, TorchError> {
        let line = self.line()?;
        let digits = std::str::from_utf8(&line).ok().and_then(|digits| digits.trim().parse().ok());
        digits.ok_or_else(|| TorchError::damaged("a place of its pickle that is no number"))
    }

    fn decimal(&mut self, digits: &[u8]) -> Result<(), TorchError> {
        match std::str::from_utf8(digits).ok().and_then(|digits| digits.trim().parse().ok()) {
            Some(value) => self.push_integer(value),
            None => self.push(NUMBER),
        }
    }

    /// An integer of `length` bytes, two's complement.
    fn long(&mut self, length: u64) -> Result<(), TorchError> {
        if length > 8 {
            self.stream.skip(length)?;
            return self.push(NUMBER);
        }
        let mut value = [0u8; 8];
        for byte in value.iter_mut().take(length as usize) {
            *byte = self.stream.byte()?;
        }
        let shift = 64 - 8 * length as u32;
        let value = u64::from_le_bytes(value);
        let value = if length == 0 { 0 } else { ((value << shift) as i64) >> shift };
        self.push_integer(value)
    }

    fn text(&mut self, length: u64) -> Result<(), TorchError> {
        if length > TEXT_BYTES as u64 {
            let span = self.stream.skip(length)?;
            return self.push_value(Value::LongText(span));
        }
        let start = self.values.texts().len();
        self.stream.copy(length as usize, self.values.texts())?;
        let text = self.values.text_since(start)?;
        self.push_value(Value::Text(text))
    }

    fn bytes(&mut self, length: u64) -> Result<(), TorchError> {
        let span = self.stream.skip(length)?;
        self.push_value(Value::Bytes(span))
    }

    fn extension(&mut self, bytes: u64) -> Result<(), TorchError> {
        self.stream.skip(bytes)?;
        self.push(OPAQUE)
    }

    fn put(&mut self, index: u64) -> Result<(), TorchError> {
        let top = self.top()?;
        if self.memo.insert(index, top).is_none() {
            self.values.charge(40)?;
        }
        Ok(())
    }

    fn recall(&mut self, index: u64) -> Result<(), TorchError> {
        let id = self.memo.get(&index).copied();
        let id = id.ok_or_else(|| TorchError::damaged("its pickle refers to what it has not noted"))?;
        self.push(id)
    }
}

/// What protocol 0, which has texts alone for what lies outside of a pickle, makes of the name of a storage.
struct StorageInWords<'a> {
    class: (&'a str, &'a str),
    key: &'a str,
    device: &'a str,
    count: i64,
}

/// Of `('storage', <class 'torch.FloatStorage'>, '0', 'cpu', 6)`.
fn storage_in_words(line: &[u8]) -> Option<StorageInWords<'_>> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("('storage', <class '")?;
    let (class, rest) = rest.split_once("'>, '")?;
    let (key, rest) = rest.split_once("', '")?;
    let (device, rest) = rest.split_once("', ")?;
    let count = rest.split([',', ')']).next()?.parse().ok()?;
    Some(StorageInWords { class: class.rsplit_once('.')?, key, device, count })
}
