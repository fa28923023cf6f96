//! The layout before PyTorch 0.2: a tar with `storages`, `tensors` and `pickle`, which names tensors by number.

use std::collections::HashMap;
use std::rc::Rc;

use crate::archive::Content;
use crate::legacy::sized_storage;
use crate::limits::STORAGES;
use crate::pickle::{Pickle, read_pickle};
use crate::rebuild::element_of_class;
use crate::source::{Source, Span, Stream};
use crate::storage::{NamedTensor, Storage, Storages};
use crate::{Element, TorchError};

const BLOCK: u64 = 512;

pub(crate) fn looks_like(source: &Source) -> Result<bool, TorchError> {
    let mut magic = [0; 5];
    source.read_at(257, &mut magic)?;
    Ok(&magic == b"ustar")
}

/// Reads the tar that `source` is.
pub(crate) fn read(source: &Rc<Source>) -> Result<Content, TorchError> {
    let members = members(source)?;
    let member = |name: &str| {
        let span = members.get(name).copied();
        span.ok_or_else(|| {
            TorchError::NoPickle("another archive (a tar without PyTorch's members)".to_owned())
        })
    };
    let (storages, elements) = read_storages(source, member("storages")?)?;
    let tensors = read_tensors(source, member("tensors")?, &elements)?;
    let pickle = read_pickle(&mut Stream::new(source, member("pickle")?))?;
    Ok(Content { pickle, pickle_source: Rc::clone(source), storages: Storages::Listed { storages, tensors } })
}

fn members(source: &Source) -> Result<HashMap<String, Span>, TorchError> {
    let (mut members, mut at) = (HashMap::new(), 0);
    while at + BLOCK <= source.length() && members.len() < 100 {
        let header: [u8; BLOCK as usize] = source.array(at)?;
        let text = |from: usize, to: usize| {
            let field = &header[from..to];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim().to_owned()
        };
        let name = text(0, 100);
        if name.is_empty() {
            break;
        }
        let length = u64::from_str_radix(&text(124, 136), 8)
            .map_err(|_| TorchError::damaged("a member of its tar has no length"))?;
        let start = at + BLOCK;
        if length > source.length() - start {
            return Err(TorchError::CutOff(format!(
                "`{name}` has {length} bytes, {} are there",
                source.length() - start
            )));
        }
        if matches!(header[156], 0 | b'0') {
            members.insert(name.trim_start_matches("./").to_owned(), Span { start, length });
        }
        at = start + length.div_ceil(BLOCK) * BLOCK;
    }
    Ok(members)
}

type Elements = HashMap<String, Element>;

fn read_storages(
    source: &Rc<Source>,
    span: Span,
) -> Result<(HashMap<String, Storage>, Elements), TorchError> {
    let mut stream = Stream::new(source, span);
    let (mut storages, mut elements) = (HashMap::new(), HashMap::new());
    for _ in 0..count(&mut stream)? {
        let pickle = read_pickle(&mut stream)?;
        let (key, _, class) = three(&pickle)?;
        let element = element_of_class(&pickle.values, class).filter(|element| element.bytes() > 0);
        let element = element.ok_or_else(|| TorchError::damaged("a storage of an unknown type"))?;
        let key = number(&pickle, key)?;
        if let Some(storage) = sized_storage(source, &mut stream, &element)? {
            storages.insert(key.clone(), storage);
        }
        elements.insert(key, element);
    }
    let views = read_pickle(&mut stream)?;
    for view in views.values.as_sequence(views.root).unwrap_or_default() {
        let [target, root, offset, count] = *views.values.as_sequence(*view).unwrap_or_default() else {
            continue;
        };
        let (target, root) = (number(&views, target)?, number(&views, root)?);
        let bytes = |id| views.values.as_integer(id).and_then(|value| u64::try_from(value).ok());
        let (Some(of), Some(element)) = (storages.get(&root), elements.get(&root).cloned()) else { continue };
        let (Some(offset), Some(count)) = (bytes(offset), bytes(count)) else { continue };
        let size = element.bytes();
        let (start, length) = (offset.saturating_mul(size), count.saturating_mul(size));
        if start.checked_add(length).is_some_and(|end| end <= of.span.length) {
            let span = Span { start: of.span.start + start, length };
            storages.insert(target.clone(), Storage::plain(source, span));
            elements.insert(target, element);
        }
    }
    Ok((storages, elements))
}

fn read_tensors(
    source: &Rc<Source>,
    span: Span,
    elements: &Elements,
) -> Result<HashMap<String, NamedTensor>, TorchError> {
    let mut stream = Stream::new(source, span);
    let mut tensors = HashMap::new();
    for _ in 0..count(&mut stream)? {
        let pickle = read_pickle(&mut stream)?;
        let (key, storage, _) = three(&pickle)?;
        let (key, storage) = (number(&pickle, key)?, number(&pickle, storage)?);
        // Written as eight bytes, of which four count.
        let dimensions = i64::from_le_bytes(stream.array()?) as i32;
        if !(0..=64).contains(&dimensions) {
            return Err(TorchError::damaged(format!("a tensor of {dimensions} dimensions")));
        }
        let mut numbers = || (0..dimensions).map(|_| Ok(i64::from_le_bytes(stream.array()?))).collect();
        let shape: Result<Vec<i64>, TorchError> = numbers();
        let stride: Result<Vec<i64>, TorchError> = numbers();
        let (shape, stride) = (shape?, stride?);
        let offset = i64::from_le_bytes(stream.array()?);
        if let Some(element) = elements.get(&storage).cloned() {
            tensors.insert(key, NamedTensor { storage, element, shape, stride, offset });
        }
    }
    Ok(tensors)
}

/// A pickled count of what follows.
fn count(stream: &mut Stream) -> Result<i64, TorchError> {
    let pickle = read_pickle(stream)?;
    let count = pickle.values.as_integer(pickle.root).filter(|count| (0..=STORAGES as i64).contains(count));
    count.ok_or_else(|| TorchError::damaged("a count of its tar is none"))
}

fn three(pickle: &Pickle) -> Result<(u32, u32, u32), TorchError> {
    match *pickle.values.as_sequence(pickle.root).unwrap_or_default() {
        [first, second, third] => Ok((first, second, third)),
        _ => Err(TorchError::damaged("an entry of its tar has not three parts")),
    }
}

/// The key that `id` is: a number, or a number as text.
fn number(pickle: &Pickle, id: u32) -> Result<String, TorchError> {
    let values = &pickle.values;
    let key =
        values.as_integer(id).map(|key| key.to_string()).or_else(|| Some(values.as_text(id)?.into_owned()));
    key.ok_or_else(|| TorchError::damaged("a key of its tar is no number"))
}
