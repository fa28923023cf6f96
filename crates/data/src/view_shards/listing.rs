//! Which archives at a path are view shards.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::manifest::{MANIFEST_BYTES_MAX, MANIFEST_NAME, ShardManifest, THIS_ARCHIVE};
use super::names::MemberName;
use super::tar_index::embedded_manifest;
use super::{ShardEntry, ShardError};
use crate::file_names::has_image_ending;
use crate::tar_members::walk_members;
use crate::tar_shard::{has_tar_ending, is_tar_folder};

/// True where what is at `path` looks like view shards rather than like labelled images: archives with a manifest,
/// or in which several members share a name up to its first dot, or a folder of archives not named after splits.
pub(crate) fn may_be_shards(path: &Path) -> bool {
    if path.is_dir() {
        let archive = || list(path).ok().flatten().and_then(|listed| listed.shards.into_iter().next());
        return !is_tar_folder(path)
            && (path.join(MANIFEST_NAME).is_file()
                || archive().is_some_and(|archive| groups_members(&archive)));
    }
    groups_members(path)
}

/// Whether the first members of an archive belong together by their names.
fn groups_members(archive: &Path) -> bool {
    const LOOKED_AT: usize = 64;
    let Ok(file) = File::open(archive) else { return false };
    let (mut seen, mut last, mut grouped, mut images) = (0, None, false, false);
    let _stopped = walk_members(BufReader::new(file), |member, _| {
        seen += 1;
        if seen > LOOKED_AT || member.name == MANIFEST_NAME {
            grouped |= member.name == MANIFEST_NAME;
            images |= grouped;
            return Err(io::Error::other("seen"));
        }
        if let Ok(Some(MemberName { key, .. })) = MemberName::parse(member.name) {
            images |= has_image_ending(member.name);
            grouped |= last.as_deref() == Some(key);
            last = Some(key.to_owned());
        }
        Ok(())
    });
    grouped && images
}

/// What lies at a path.
pub(super) struct Listed {
    pub(super) manifest: Option<ShardManifest>,
    /// In the manifest's order, or by name.
    pub(super) shards: Vec<PathBuf>,
}

/// The archives at `path`; `None` for a folder without any.
pub(super) fn list(path: &Path) -> Result<Option<Listed>, ShardError> {
    let read_error = |source| ShardError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(read_error)?.is_file() {
        let manifest = embedded_manifest(path)?.map(|(manifest, _)| manifest);
        if let Some(manifest) = &manifest {
            check_is_alone(path, &manifest.shards)?;
        }
        return Ok(Some(Listed { manifest, shards: vec![path.to_owned()] }));
    }
    let manifest_path = path.join(MANIFEST_NAME);
    if manifest_path.is_file() {
        let read_error = |source| ShardError::Read { path: manifest_path.clone(), source };
        let mut text = Vec::new();
        let file = File::open(&manifest_path).map_err(read_error)?;
        file.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(read_error)?;
        let manifest = ShardManifest::parse(&manifest_path, &text)?;
        let shards = manifest.shards.iter().map(|shard| path.join(&shard.file)).collect();
        return Ok(Some(Listed { manifest: Some(manifest), shards }));
    }
    let mut shards = Vec::new();
    for entry in fs::read_dir(path).map_err(read_error)? {
        let entry = entry.map_err(read_error)?.path();
        let name = entry.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if !name.starts_with('.') && has_tar_ending(&name) {
            shards.push(entry);
        }
    }
    shards.sort();
    Ok((!shards.is_empty()).then_some(Listed { manifest: None, shards }))
}

fn check_is_alone(path: &Path, shards: &[ShardEntry]) -> Result<(), ShardError> {
    match shards {
        [ShardEntry { file, .. }] if file == THIS_ARCHIVE => Ok(()),
        _ => Err(ShardError::Manifest {
            path: path.to_owned(),
            field: "shards",
            expected: format!("one entry with file \"{THIS_ARCHIVE}\", for the archive that it is in"),
            got: format!("{} entries", shards.len()),
        }),
    }
}
