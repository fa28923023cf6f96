//! The plain values in a Python pickle: dictionaries, lists, numbers, texts, bytes, and NumPy arrays of bytes.
//!
//! Nothing is executed: a name that a pickle refers to stays a name, and of calls only the three that rebuild arrays
//! and bytes mean something. Values lie in one list and refer to each other by number, and texts to the file, so
//! that memory grows with the file's length alone.
//! Source: Python's `pickletools.py`, protocols 0 to 5.

use std::collections::HashMap;
use std::ops::Range;

/// Most values of a pickle, and most that wait or are remembered: CIFAR's have some 60,000.
const MOST: usize = 4 << 20;

/// A value, by its place in [`Pickle::values`].
type Place = u32;

#[derive(Debug, Clone)]
enum Value {
    None,
    Integer(i64),
    /// Bytes of the file that are text or bytes.
    Raw(Range<usize>),
    /// A name, without the module that it is of.
    Name(Place),
    List(Vec<Place>),
    Dictionary(Vec<(Place, Place)>),
    /// What was called, and with what.
    Call {
        what: Place,
        with: Place,
        state: Option<Place>,
    },
    /// Anything else.
    Other,
}

/// A pickle's values.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    bytes: &'a [u8],
    values: Vec<Value>,
    root: Place,
}

/// Where a reading stands.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Place>,
    marks: Vec<usize>,
    memo: HashMap<u64, Place>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<Range<usize>, String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("cut short at byte {}", self.at))?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    fn skip(&mut self, count: usize) -> Result<(), String> {
        self.take(count).map(|_| ())
    }

    /// An unsigned number of that many bytes, the lowest first.
    fn number(&mut self, count: usize) -> Result<u64, String> {
        let range = self.take(count)?;
        Ok(self.bytes[range].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn length(&mut self, count: usize) -> Result<usize, String> {
        Ok(usize::try_from(self.number(count)?).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<Range<usize>, String> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n');
        let range = self.take(length.ok_or("a line without end")?)?;
        self.at += 1;
        Ok(range)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len() as Place);
        self.values.push(value);
    }

    fn raw(&mut self, length: usize) -> Result<(), String> {
        let range = self.take(length)?;
        self.push(Value::Raw(range));
        Ok(())
    }

    fn pop(&mut self) -> Result<Place, String> {
        let above = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= above {
            return Err(format!("nothing to take at byte {}", self.at));
        }
        self.stack.pop().ok_or_else(|| "nothing to take".to_owned())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.marks.pop().ok_or_else(|| format!("no mark at byte {}", self.at))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn add_to_list(&mut self, items: Vec<Place>) -> Result<(), String> {
        let list = *self.stack.last().ok_or("no list to add to")?;
        if let Value::List(list) = &mut self.values[list as usize] {
            list.extend(items);
        }
        Ok(())
    }

    fn add_to_dictionary(&mut self, items: &[Place]) -> Result<(), String> {
        let dictionary = *self.stack.last().ok_or("no dictionary to add to")?;
        if let Value::Dictionary(entries) = &mut self.values[dictionary as usize] {
            entries.extend(items.chunks_exact(2).map(|two| (two[0], two[1])));
        }
        Ok(())
    }

    fn remember(&mut self, number: u64) -> Result<(), String> {
        let top = *self.stack.last().ok_or("nothing to remember")?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, number: u64) -> Result<(), String> {
        let place = *self.memo.get(&number).ok_or_else(|| format!("nothing is remembered as {number}"))?;
        self.stack.push(place);
        Ok(())
    }

    fn text_of_line(&self, line: Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[line]).unwrap_or_default().trim()
    }

    /// One operation; true at the end.
    fn step(&mut self) -> Result<bool, String> {
        let operation = self.take(1)?;
        match self.bytes[operation.start] {
            b'.' => return Ok(true),
            0x80 => self.skip(1)?, // protocol
            0x95 => self.skip(8)?, // frame
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                self.pop()?;
            }
            b'1' => {
                self.pop_to_mark()?;
            }
            b'2' => {
                let top = *self.stack.last().ok_or("nothing to repeat")?;
                self.stack.push(top);
            }
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Integer(1)),
            0x89 => self.push(Value::Integer(0)),
            b'K' => {
                let number = self.number(1)?;
                self.push(Value::Integer(number as i64));
            }
            b'M' => {
                let number = self.number(2)?;
                self.push(Value::Integer(number as i64));
            }
            b'J' => {
                let number = self.number(4)?;
                self.push(Value::Integer((number as u32 as i32).into()));
            }
            b'I' | b'L' => {
                let line = self.line()?;
                let number = self.text_of_line(line).trim_end_matches('L').parse();
                self.push(number.map_or(Value::Other, Value::Integer));
            }
            0x8A => {
                let length = self.length(1)?;
                let range = self.take(length)?;
                let value = match &self.bytes[range] {
                    [] => Value::Integer(0),
                    bytes if bytes.len() <= 8 => {
                        let sign: u64 = if bytes[bytes.len() - 1] >= 0x80 { u64::MAX } else { 0 };
                        let value =
                            bytes.iter().rev().fold(sign, |number, &byte| number << 8 | u64::from(byte));
                        Value::Integer(value as i64)
                    }
                    _ => Value::Other,
                };
                self.push(value);
            }
            0x8B => {
                let length = self.length(4)?;
                self.skip(length)?;
                self.push(Value::Other);
            }
            b'G' => {
                self.skip(8)?;
                self.push(Value::Other);
            }
            b'F' => {
                let _number = self.line()?;
                self.push(Value::Other);
            }
            b'U' | b'C' | 0x8C => {
                let length = self.length(1)?;
                self.raw(length)?;
            }
            b'T' | b'B' | b'X' => {
                let length = self.length(4)?;
                self.raw(length)?;
            }
            0x8D | 0x8E | 0x96 => {
                let length = self.length(8)?;
                self.raw(length)?;
            }
            b'S' => {
                let line = self.line()?;
                let quoted = line.len() >= 2;
                let inner = if quoted { line.start + 1..line.end - 1 } else { line };
                self.push(Value::Raw(inner));
            }
            b'V' => {
                let line = self.line()?;
                self.push(Value::Raw(line));
            }
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b')' => self.push(Value::List(Vec::new())),
            0x8F => self.push(Value::List(Vec::new())),
            b'l' | b't' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items));
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Dictionary(items.chunks_exact(2).map(|two| (two[0], two[1])).collect()));
            }
            count @ 0x85..=0x87 => {
                let count = usize::from(count - 0x84);
                let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                self.push(Value::List(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.add_to_list(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.add_to_list(items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.add_to_dictionary(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.add_to_dictionary(&items)?;
            }
            b'c' => {
                let _module = self.line()?;
                let name = self.line()?;
                let place = self.values.len() as Place;
                self.values.push(Value::Raw(name));
                self.push(Value::Name(place));
            }
            0x93 => {
                let name = self.pop()?;
                self.pop()?; // the module
                self.push(Value::Name(name));
            }
            b'R' | 0x81 => {
                let with = self.pop()?;
                let what = self.pop()?;
                self.push(Value::Call { what, with, state: None });
            }
            b'b' => {
                let given = self.pop()?;
                let object = *self.stack.last().ok_or("no object to give a state")?;
                if let Value::Call { state, .. } = &mut self.values[object as usize] {
                    *state = Some(given);
                }
            }
            b'q' => {
                let number = self.number(1)?;
                self.remember(number)?;
            }
            b'r' => {
                let number = self.number(4)?;
                self.remember(number)?;
            }
            0x94 => self.remember(self.memo.len() as u64)?,
            b'h' => {
                let number = self.number(1)?;
                self.recall(number)?;
            }
            b'j' => {
                let number = self.number(4)?;
                self.recall(number)?;
            }
            b'p' => {
                let line = self.line()?;
                let number = self.text_of_line(line).parse().map_err(|_| "a place that is no number")?;
                self.remember(number)?;
            }
            b'g' => {
                let line = self.line()?;
                let number = self.text_of_line(line).parse().map_err(|_| "a place that is no number")?;
                self.recall(number)?;
            }
            other => {
                return Err(format!(
                    "operation {other:#04x} at byte {}, which no such file has",
                    operation.start
                ));
            }
        }
        Ok(false)
    }
}

impl<'a> Pickle<'a> {
    /// Reads a pickle to its end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut machine = Machine {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        while !machine.step()? {
            if machine.values.len().max(machine.stack.len()).max(machine.memo.len()) > MOST {
                return Err(format!("more than {MOST} values"));
            }
        }
        let root = machine.pop()?;
        Ok(Self { bytes, values: machine.values, root })
    }

    /// The value under `key`, a text or bytes, of the dictionary that the pickle is.
    pub(crate) fn entry(&self, key: &str) -> Option<Item<'_>> {
        let Value::Dictionary(entries) = &self.values[self.root as usize] else { return None };
        let found = entries.iter().rev().find(|(place, _)| self.words(*place) == Some(key.as_bytes()))?;
        Some(Item { pickle: self, place: found.1 })
    }

    /// A text, or bytes that are one.
    fn words(&self, place: Place) -> Option<&[u8]> {
        self.text(place).or_else(|| self.text(self.encoded(place)?))
    }

    /// The text of bytes as Python 3 writes them for Python 2: a text that is to be encoded as Latin-1.
    fn encoded(&self, place: Place) -> Option<Place> {
        let Value::Call { what, with, .. } = self.values[place as usize] else { return None };
        let &[text, _] = self.list(with)? else { return None };
        self.is_called(what, "encode").then_some(text)
    }

    fn text(&self, place: Place) -> Option<&[u8]> {
        match &self.values[place as usize] {
            Value::Raw(range) => Some(&self.bytes[range.clone()]),
            _ => None,
        }
    }

    fn list(&self, place: Place) -> Option<&[Place]> {
        match &self.values[place as usize] {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    fn integer(&self, place: Place) -> Option<i64> {
        match self.values[place as usize] {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    fn is_called(&self, place: Place, name: &str) -> bool {
        matches!(self.values[place as usize], Value::Name(own) if self.text(own) == Some(name.as_bytes()))
    }
}

/// A value of a pickle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    pickle: &'a Pickle<'a>,
    place: Place,
}

impl Item<'_> {
    /// A list of numbers.
    pub(crate) fn integers(&self) -> Option<Vec<i64>> {
        self.pickle.list(self.place)?.iter().map(|&item| self.pickle.integer(item)).collect()
    }

    /// A list of texts.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let items = self.pickle.list(self.place)?;
        items
            .iter()
            .map(|&item| Some(String::from_utf8_lossy(self.pickle.words(item)?).into_owned()))
            .collect()
    }

    /// Shape and content, row by row, of a NumPy array of unsigned bytes.
    pub(crate) fn byte_array(&self) -> Option<(Vec<usize>, Vec<u8>)> {
        let Self { pickle, place } = *self;
        let Value::Call { what, state: Some(state), .. } = pickle.values[place as usize] else { return None };
        if !pickle.is_called(what, "_reconstruct") {
            return None;
        }
        // (version, shape, dtype, is column by column, data); the version may be absent.
        let (shape, kind, by_column, data) = match pickle.list(state)? {
            &[_, shape, kind, by_column, data] | &[shape, kind, by_column, data] => {
                (shape, kind, by_column, data)
            }
            _ => return None,
        };
        let Value::Call { what, with, .. } = pickle.values[kind as usize] else { return None };
        let name = pickle.list(with)?.first().and_then(|&name| pickle.text(name))?;
        if !pickle.is_called(what, "dtype") || !matches!(name, b"u1" | b"uint8" | b"|u1") {
            return None;
        }
        if pickle.integer(by_column)? != 0 {
            return None;
        }
        let shape: Option<Vec<usize>> =
            pickle.list(shape)?.iter().map(|&side| usize::try_from(pickle.integer(side)?).ok()).collect();
        let shape = shape?;
        let data = self.bytes_at(data)?;
        let length = shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side))?;
        (data.len() == length).then_some((shape, data))
    }

    /// Bytes as they are, or of a text that is to be encoded.
    fn bytes_at(&self, place: Place) -> Option<Vec<u8>> {
        let pickle = self.pickle;
        if let Some(bytes) = pickle.text(place) {
            return Some(bytes.to_owned());
        }
        let text = std::str::from_utf8(pickle.text(pickle.encoded(place)?)?).ok()?;
        text.chars().map(|sign| u8::try_from(u32::from(sign)).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    /// As Python 3 writes them with protocols 2 and 4, and as Python 2 did: scripts/golden_images.py.
    const PICKLES: [&[u8]; 3] = [
        include_bytes!("../tests/golden/protocol-2.pickle"),
        include_bytes!("../tests/golden/protocol-4.pickle"),
        include_bytes!("../tests/golden/python-2.pickle"),
    ];

    #[test]
    fn every_protocol_gives_the_same_values() {
        for pickle in PICKLES {
            let pickle = Pickle::read(pickle).unwrap();
            let array = pickle.entry("data").unwrap().byte_array();
            assert_eq!(array, Some((vec![2, 3], vec![0, 1, 2, 3, 4, 5])));
            assert_eq!(pickle.entry("labels").unwrap().integers(), Some(vec![3, -1]));
            assert_eq!(
                pickle.entry("names").unwrap().texts(),
                Some(vec!["apple".to_owned(), "bee".to_owned()])
            );
            assert!(pickle.entry("absent").is_none());
        }
    }

    #[test]
    fn a_pickle_that_calls_a_function_calls_nothing() {
        let pickle = Pickle::read(b"(dS'data'\ncposix\nsystem\n(S'touch called'\ntRs.").unwrap();
        assert!(pickle.entry("data").unwrap().byte_array().is_none());
        assert!(!std::path::Path::new("called").exists());
    }

    #[test]
    fn a_small_file_cannot_fill_the_memory() {
        let error = Pickle::read(&[b"N".repeat(MOST + 9), b".".to_vec()].concat()).unwrap_err();
        assert!(error.contains("more than"), "{error}");
    }

    #[test]
    fn damaged_pickles_never_panic() {
        let mut stream = Stream::new(1, Purpose::Check, 0, 0);
        for pickle in PICKLES {
            for length in 0..pickle.len() {
                let _ = Pickle::read(&pickle[..length])
                    .map(|pickle| pickle.entry("data").map(|item| item.byte_array()));
            }
            for _ in 0..3000 {
                let mut bytes = pickle.to_vec();
                for _ in 0..=stream.below(4) {
                    let at = stream.below(bytes.len() as u64) as usize;
                    bytes[at] = stream.bits() as u8;
                }
                if let Ok(pickle) = Pickle::read(&bytes) {
                    for key in ["data", "labels", "names"] {
                        if let Some(item) = pickle.entry(key) {
                            let _ = (item.byte_array(), item.integers(), item.texts());
                        }
                    }
                }
            }
        }
    }
}
