//! Writing view shards.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use zview_runtime::atomic::{WriteError, write_file_with, write_folder};
use zview_runtime::hash::sha256_of_reader;

use super::ShardError;
use super::manifest::{FORMAT_VERSION, MANIFEST_NAME, ShardEntry, ShardManifest, THIS_ARCHIVE};
use crate::image_set::ImageShape;
use crate::picture::encode_grid;
use crate::tar_members::BLOCK;

/// What shards will hold, known before the first anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardContent {
    /// What renders the views.
    pub generator: Option<String>,
    /// Where that comes from, and how the views are drawn.
    pub source: Option<String>,
    /// The shape of every image.
    pub shape: ImageShape,
    /// Classes of the anchors; `None` where they have none.
    pub classes: Option<usize>,
    /// D, values of the latent of each view; `None` where there are none.
    pub latent_dimension: Option<usize>,
}

/// The views of one anchor.
#[derive(Debug, Clone, Copy)]
pub struct AnchorViews<'a> {
    /// (V, C, H, W), one byte per value.
    pub pixels: &'a [u8],
    /// Where the content has classes.
    pub class: Option<i32>,
    /// (V, D), where the content has latents.
    pub latents: Option<&'a [f32]>,
}

/// Writes a folder of shards at `path`, which must not exist: `fill` gives the anchors. The folder appears whole or
/// not at all, and the same anchors give the same bytes.
///
/// # Errors
/// What `fill` gives, or [`ShardError`].
pub fn write_shard_folder<E: From<ShardError> + From<WriteError>>(
    path: &Path,
    content: &ShardContent,
    anchors_per_shard: usize,
    fill: impl FnOnce(&mut ShardWriter) -> Result<(), E>,
) -> Result<(), E> {
    write_folder(path, |folder| {
        let place = Place::Folder { folder: folder.to_owned(), anchors_per_shard: anchors_per_shard.max(1) };
        let mut writer = ShardWriter::new(path, content, place);
        fill(&mut writer)?;
        Ok::<_, E>(writer.finish()?)
    })
}

/// As [`write_shard_folder`], as one archive whose first member is the manifest; replaces what is there.
///
/// # Errors
/// What `fill` gives, or [`ShardError`].
pub fn write_single_shard<E: From<ShardError> + From<WriteError>>(
    path: &Path,
    content: &ShardContent,
    fill: impl FnOnce(&mut ShardWriter) -> Result<(), E>,
) -> Result<(), E> {
    write_file_with(path, |file| {
        let file =
            file.try_clone().map_err(|source| E::from(WriteError { path: path.to_owned(), source }))?;
        let mut writer = ShardWriter::new(path, content, Place::Single { file: Some(file) });
        fill(&mut writer)?;
        Ok::<_, E>(writer.finish()?)
    })
}

/// Takes one anchor after the other.
pub struct ShardWriter {
    /// Named in errors.
    path: PathBuf,
    content: ShardContent,
    place: Place,
    open: Option<OpenShard>,
    manifest: ShardManifest,
}

impl std::fmt::Debug for ShardWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

enum Place {
    Folder { folder: PathBuf, anchors_per_shard: usize },
    Single { file: Option<File> },
}

struct OpenShard {
    archive: tar::Builder<BufWriter<File>>,
    /// Name in the manifest.
    name: String,
    /// Where the members begin that the manifest's hash is of.
    begin: u64,
    anchors: usize,
}

impl ShardWriter {
    fn new(path: &Path, content: &ShardContent, place: Place) -> Self {
        let ShardContent { generator, source, shape, classes, latent_dimension } = content.clone();
        let manifest = ShardManifest {
            format: FORMAT_VERSION,
            generator,
            source,
            shape,
            views_per_anchor: [usize::MAX, 0],
            anchors: 0,
            classes,
            latent_dimension,
            shards: Vec::new(),
        };
        Self { path: path.to_owned(), content: content.clone(), place, open: None, manifest }
    }

    /// Writes the next anchor.
    ///
    /// # Errors
    /// [`ShardError::Unfit`] where it is not what was announced; [`ShardError::Write`].
    pub fn write(&mut self, anchor: &AnchorViews<'_>) -> Result<(), ShardError> {
        let image = self.content.shape.bytes();
        let views = anchor.pixels.len() / image.max(1);
        let unfit = |what, expected, got| ShardError::Unfit { path: self.path.clone(), what, expected, got };
        if views == 0 || views * image != anchor.pixels.len() {
            return Err(unfit("bytes of an anchor's views", views.max(1) * image, anchor.pixels.len()));
        }
        let latents = anchor.latents.map_or(0, <[f32]>::len);
        let expected = self.content.latent_dimension.map_or(0, |dimension| dimension * views);
        if latents != expected {
            return Err(unfit("values of an anchor's latents", expected, latents));
        }
        match (self.content.classes, anchor.class) {
            (None, None) => {}
            (Some(classes), Some(class)) if (class as usize) < classes => {}
            (classes, class) => {
                return Err(unfit("class of an anchor", classes.unwrap_or(0), class.unwrap_or(-1) as usize));
            }
        }
        let key = format!("anchor-{:09}", self.manifest.anchors);
        let mut members = Vec::with_capacity(views + 1);
        for (view, pixels) in anchor.pixels.chunks_exact(image).enumerate() {
            let png = encode_grid(&self.path, &[pixels], self.content.shape, 1, 0)?;
            members.push((format!("{key}.view-{view}.png"), png));
        }
        let mut text = serde_json::Map::new();
        if let Some(class) = anchor.class {
            text.insert("class".to_owned(), json!(class));
        }
        if let (Some(latents), Some(dimension)) = (anchor.latents, self.content.latent_dimension) {
            text.insert("latents".to_owned(), json!(latents.chunks(dimension).collect::<Vec<_>>()));
        }
        if !text.is_empty() {
            members.push((format!("{key}.json"), serde_json::Value::Object(text).to_string().into_bytes()));
        }
        self.append(&members).map_err(|source| WriteError { path: self.path.clone(), source })?;
        self.manifest.anchors += 1;
        let [fewest, most] = self.manifest.views_per_anchor;
        self.manifest.views_per_anchor = [fewest.min(views), most.max(views)];
        Ok(())
    }

    /// Appends the members of one anchor to the open shard, or to a new one.
    fn append(&mut self, members: &[(String, Vec<u8>)]) -> io::Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            slot => slot.insert(match &mut self.place {
                Place::Folder { folder, .. } => {
                    let name = format!("shard-{:06}.tar", self.manifest.shards.len());
                    let file =
                        File::options().read(true).write(true).create_new(true).open(folder.join(&name))?;
                    OpenShard { archive: tar::Builder::new(BufWriter::new(file)), name, begin: 0, anchors: 0 }
                }
                Place::Single { file } => {
                    let file = file.take().ok_or_else(|| io::Error::other("written already"))?;
                    let mut archive = tar::Builder::new(BufWriter::new(file));
                    let room = vec![b' '; manifest_room(&self.manifest)];
                    append(&mut archive, MANIFEST_NAME, &room)?;
                    let begin = BLOCK + (room.len() as u64).next_multiple_of(BLOCK);
                    OpenShard { archive, name: THIS_ARCHIVE.to_owned(), begin, anchors: 0 }
                }
            }),
        };
        for (name, bytes) in members {
            append(&mut open.archive, name, bytes)?;
        }
        open.anchors += 1;
        match self.place {
            Place::Folder { anchors_per_shard, .. } if open.anchors == anchors_per_shard => {
                self.close().map(|_file| ())
            }
            _ => Ok(()),
        }
    }

    /// Ends the open shard and enters it in the manifest; gives its file.
    fn close(&mut self) -> io::Result<Option<File>> {
        let Some(OpenShard { archive, name, begin, anchors }) = self.open.take() else { return Ok(None) };
        let mut file = archive.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        let bytes = file.seek(SeekFrom::End(0))? - begin;
        file.seek(SeekFrom::Start(begin))?;
        let sha256 = sha256_of_reader(&file)?;
        self.manifest.shards.push(ShardEntry { file: name, sha256, bytes, anchors });
        Ok(Some(file))
    }

    fn finish(mut self) -> Result<(), ShardError> {
        if self.manifest.anchors == 0 {
            return Err(ShardError::Unfit { path: self.path, what: "anchors", expected: 1, got: 0 });
        }
        let path = self.path.clone();
        let failed_at = |source| WriteError { path: path.clone(), source };
        let file = self.close().map_err(failed_at)?;
        match (&self.place, file) {
            (Place::Folder { folder, .. }, _) => {
                let text =
                    serde_json::to_string_pretty(&self.manifest).map_err(|error| failed_at(error.into()))?;
                std::fs::write(folder.join(MANIFEST_NAME), text + "\n").map_err(failed_at)?;
            }
            (Place::Single { .. }, Some(mut file)) => {
                // Over the blanks that were left for it; blanks may follow JSON.
                let text = serde_json::to_string(&self.manifest).map_err(|error| failed_at(error.into()))?;
                let seek = file.seek(SeekFrom::Start(BLOCK));
                seek.and_then(|_| file.write_all(text.as_bytes())).map_err(failed_at)?;
            }
            (Place::Single { .. }, None) => {}
        }
        Ok(())
    }
}

/// Bytes that the manifest of a single archive takes at most.
fn manifest_room(manifest: &ShardManifest) -> usize {
    let most = usize::MAX;
    let entry =
        ShardEntry { file: THIS_ARCHIVE.to_owned(), sha256: "0".repeat(64), bytes: u64::MAX, anchors: most };
    let longest =
        ShardManifest { views_per_anchor: [most; 2], anchors: most, shards: vec![entry], ..manifest.clone() };
    serde_json::to_string(&longest).map_or(0, |text| text.len())
}

/// Appends a member that says nothing of when and by whom it was written.
fn append(archive: &mut tar::Builder<BufWriter<File>>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    archive.append_data(&mut header, name, bytes)
}
