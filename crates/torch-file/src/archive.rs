//! The layout since PyTorch 1.6: a zip with `NAME/data.pkl`, and each storage as a member `NAME/data/KEY`.

use std::rc::Rc;

use crate::TorchError;
use crate::pickle::{Pickle, read_pickle};
use crate::source::{Source, Stream};
use crate::storage::Storages;
use crate::zip::Zip;

/// What a file holds before its tensors are named.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) pickle: Pickle,
    /// What the pickle's long texts and bytes are places in.
    pub(crate) pickle_source: Rc<Source>,
    pub(crate) storages: Storages,
}

/// Reads the zip that `source` is.
pub(crate) fn read(source: &Rc<Source>) -> Result<Content, TorchError> {
    let zip = Zip::open(source)?;
    let prefixes = zip.names().filter_map(|name| name.strip_suffix("data.pkl"));
    let prefix = prefixes
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('/'))
        .min_by_key(|prefix| (prefix.len(), *prefix))
        .map(str::to_owned)
        .ok_or_else(|| TorchError::NoPickle(some_names(&zip)))?;
    let code = format!("{prefix}code/");
    if zip.has(&format!("{prefix}constants.pkl")) || zip.names().any(|name| name.starts_with(&code)) {
        return Err(TorchError::TorchScript);
    }
    let order = zip.open_member(&format!("{prefix}byteorder"))?;
    let big_endian = match order {
        Some((source, span)) => source.bytes(span)?.trim_ascii() == b"big",
        None => false,
    };
    let (pickle_source, span) = zip
        .open_member(&format!("{prefix}data.pkl"))?
        .ok_or_else(|| TorchError::NoPickle(some_names(&zip)))?;
    if span.start.saturating_add(span.length) > pickle_source.length() {
        return Err(TorchError::CutOff("`data.pkl` ends after the file".to_owned()));
    }
    let pickle = read_pickle(&mut Stream::new(&pickle_source, span))?;
    Ok(Content { pickle, pickle_source, storages: Storages::Archive { zip, prefix, big_endian } })
}

fn some_names(zip: &Zip) -> String {
    let mut names: Vec<&str> = zip.names().collect();
    names.sort_unstable();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [first @ .., _] if first.len() >= 3 => {
            format!("`{}` and {} more", first[..3].join("`, `"), names.len() - 3)
        }
        all => format!("`{}`", all.join("`, `")),
    }
}
