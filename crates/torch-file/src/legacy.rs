//! The layout before PyTorch 1.6: a stream of pickles (a magic number, a version, what system wrote it, the content,
//! the storages' keys), then each storage as its count of elements and their bytes.

use std::collections::HashMap;
use std::rc::Rc;

use crate::archive::Content;
use crate::limits::STORAGES;
use crate::pickle::{Pickle, Value, read_pickle_within};
use crate::rebuild::storage_name;
use crate::source::{Source, Span, Stream};
use crate::storage::{Storage, Storages};
use crate::{Element, TorchError};

/// The magic number in the form in which pickles of protocol 2 and later have it.
const MAGIC: &[u8; 12] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Whether a stream of that layout begins at `start`.
pub(crate) fn looks_like(source: &Source, start: u64) -> Result<bool, TorchError> {
    let mut bytes = [0; 24];
    let count = source.read_at(start, &mut bytes)?;
    Ok(bytes[..count].windows(MAGIC.len()).any(|window| window == MAGIC))
}

/// Reads the stream at `span`; the values of its pickles may take `limit` bytes each.
pub(crate) fn read(source: &Rc<Source>, span: Span, limit: usize) -> Result<Content, TorchError> {
    let mut stream = Stream::new(source, span);
    for _ in 0..3 {
        read_pickle_within(&mut stream, limit)?;
    }
    let pickle = read_pickle_within(&mut stream, limit)?;
    let elements = elements(&pickle);
    let keys = read_pickle_within(&mut stream, limit)?;
    let keys: Vec<String> = keys
        .values
        .as_sequence(keys.root)
        .ok_or_else(|| TorchError::damaged("its list of storages is none"))?
        .iter()
        .filter_map(|id| keys.values.as_text(*id).map(|text| text.into_owned()))
        .collect();
    if keys.len() > STORAGES {
        return Err(TorchError::TooLarge(format!("it has {} storages", keys.len())));
    }
    let mut storages = HashMap::new();
    for key in keys {
        // Without the size of its elements, neither this storage nor those behind it can be found.
        let Some(element) = elements.get(&key).filter(|element| element.bytes() > 0) else { break };
        match sized_storage(source, &mut stream, element)? {
            Some(storage) => drop(storages.insert(key, storage)),
            None => break,
        }
    }
    Ok(Content {
        pickle,
        pickle_source: Rc::clone(source),
        storages: Storages::Listed { storages, tensors: HashMap::new() },
    })
}

/// A count of elements, then their bytes; `None` where the file ends before.
pub(crate) fn sized_storage(
    source: &Rc<Source>,
    stream: &mut Stream,
    element: &Element,
) -> Result<Option<Storage>, TorchError> {
    if stream.left() < 8 {
        return Ok(None);
    }
    let count = i64::from_le_bytes(stream.array()?);
    let bytes = u64::try_from(count).ok().and_then(|count| count.checked_mul(element.bytes()));
    let bytes = bytes.ok_or_else(|| TorchError::damaged(format!("a storage of {count} elements")))?;
    if bytes > stream.left() {
        return Ok(None);
    }
    Ok(Some(Storage::plain(source, stream.skip(bytes)?)))
}

/// The element types of all storages that the content names.
fn elements(pickle: &Pickle) -> HashMap<String, Element> {
    let mut elements = HashMap::new();
    for id in 0..pickle.values.len() as u32 {
        if let Value::Persistent(name) = pickle.values.get(id)
            && let Some(name) = storage_name(&pickle.values, *name)
        {
            elements.entry(name.key).or_insert(name.element);
        }
    }
    elements
}
