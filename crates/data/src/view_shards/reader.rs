//! A set of view shards: an index of all anchors in memory, images on demand.

use std::fs::{self, File};
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::folder_index::{FolderAnchor, index_folder};
use super::manifest::{MANIFEST_BYTES_MAX, MANIFEST_NAME, ShardManifest, THIS_ARCHIVE};
use super::names::MemberName;
use super::tar_index::{
    AnchorText, NonNegative, TEXT_BYTES_MAX, TarAnchor, TarIndex, check_shape, embedded_manifest, index_shard,
};
use super::{ShardEntry, ShardError};
use crate::decode::decode;
use crate::image_folder::has_image_ending;
use crate::image_set::ImageShape;
use crate::options::Limits;
use crate::source::read_image_file;
use crate::tar_members::{BLOCK, read_whole, walk_members};

/// How view shards are opened.
#[derive(Debug, Clone, Default)]
pub struct ShardOptions {
    /// Leave damaged shards out (of an image folder: anchors), instead of refusing the set.
    pub skip_damaged: bool,
    /// Bounds on what is decoded.
    pub limits: Limits,
}

/// Views of anchors, several images each, in shards on disk.
#[derive(Debug)]
pub struct ViewShards {
    path: PathBuf,
    storage: Storage,
    shape: ImageShape,
    classes: Option<usize>,
    latent_dimension: Option<usize>,
    limits: Limits,
    /// What was left out, and why.
    pub skipped: Vec<ShardError>,
}

#[derive(Debug)]
enum Storage {
    Tars { shards: Vec<PathBuf>, anchors: Vec<TarAnchor> },
    Folder { anchors: Vec<FolderAnchor> },
}

impl ViewShards {
    /// Opens what is at `path`: a folder with a manifest and archives, a folder of archives, one archive, or an
    /// image folder. Reads everything once, to check hashes and to note where each anchor is.
    ///
    /// # Errors
    /// [`ShardError`]; for damage it names shard and member.
    pub fn open(path: &Path, options: &ShardOptions) -> Result<Self, ShardError> {
        let Listed { manifest, shards } = match list(path)? {
            Some(listed) => listed,
            None => return Self::open_image_folder(path, options),
        };
        let entry = |shard: usize| manifest.as_ref().map(|manifest| &manifest.shards[shard]);
        let indices: Vec<Result<TarIndex, ShardError>> = shards
            .par_iter()
            .enumerate()
            .map(|(number, shard)| index_shard(shard, number as u32, entry(number), &options.limits))
            .collect();
        let mut merged =
            Merged { shape: manifest.as_ref().map(|manifest| manifest.shape), ..Merged::default() };
        let mut skipped = Vec::new();
        for (index, shard) in indices.into_iter().zip(&shards) {
            match index.and_then(|index| merged.add(shard, index, manifest.as_ref())) {
                Ok(()) => {}
                Err(error @ ShardError::Damaged { .. }) if options.skip_damaged => skipped.push(error),
                Err(error) => return Err(error),
            }
        }
        let Merged { anchors, shape, labelled, latent_dimension } = merged;
        let Some(shape) = shape.filter(|_| !anchors.is_empty()) else {
            return Err(nothing_left(path, skipped));
        };
        let classes = (labelled == anchors.len())
            .then(|| manifest.as_ref().and_then(|manifest| manifest.classes).or_else(|| most(&anchors)))
            .flatten();
        Ok(Self {
            path: path.to_owned(),
            storage: Storage::Tars { shards, anchors },
            shape,
            classes,
            latent_dimension: latent_dimension.flatten(),
            limits: options.limits.clone(),
            skipped,
        })
    }

    fn open_image_folder(path: &Path, options: &ShardOptions) -> Result<Self, ShardError> {
        let index = index_folder(path, options.skip_damaged, &options.limits)?.ok_or_else(|| {
            ShardError::NotRecognised {
                path: path.to_owned(),
                found: "a folder without any of these".to_owned(),
            }
        })?;
        if index.anchors.is_empty() {
            return Err(nothing_left(path, index.skipped));
        }
        let classes = index.anchors.iter().map(|anchor| anchor.class.map(NonNegative::get));
        let classes: Option<Vec<i32>> = classes.collect();
        Ok(Self {
            path: path.to_owned(),
            shape: index.shape,
            classes: classes.and_then(|classes| classes.into_iter().max()).map(|most| most as usize + 1),
            storage: Storage::Folder { anchors: index.anchors },
            latent_dimension: None,
            limits: options.limits.clone(),
            skipped: index.skipped,
        })
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many anchors there are.
    #[must_use]
    pub fn anchors(&self) -> usize {
        match &self.storage {
            Storage::Tars { anchors, .. } => anchors.len(),
            Storage::Folder { anchors } => anchors.len(),
        }
    }

    /// The shape of every image.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Number of classes; `None` unless every anchor has one.
    #[must_use]
    pub fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// D of the latents; `None` unless every view has one.
    #[must_use]
    pub fn latent_dimension(&self) -> Option<usize> {
        self.latent_dimension
    }

    /// How many views an anchor has. Panics, as a slice does, when `anchor` is not below [`Self::anchors`].
    #[must_use]
    pub fn views(&self, anchor: usize) -> usize {
        match &self.storage {
            Storage::Tars { anchors, .. } => anchors[anchor].views.into(),
            Storage::Folder { anchors } => anchors[anchor].views.into(),
        }
    }

    /// The class of an anchor. Panics as [`Self::views`].
    #[must_use]
    pub fn class(&self, anchor: usize) -> Option<i32> {
        let class = match &self.storage {
            Storage::Tars { anchors, .. } => anchors[anchor].class,
            Storage::Folder { anchors } => anchors[anchor].class,
        };
        class.map(NonNegative::get)
    }

    /// Bytes of the index, in memory as long as this is.
    #[must_use]
    pub fn index_bytes(&self) -> usize {
        match &self.storage {
            Storage::Tars { anchors, .. } => anchors.capacity() * size_of::<TarAnchor>(),
            Storage::Folder { anchors } => anchors.capacity() * size_of::<FolderAnchor>(),
        }
    }

    /// Checks that every anchor has `per_anchor` views.
    ///
    /// # Errors
    /// [`ShardError::TooFewViews`], naming the first one that has not.
    pub fn check_views(&self, per_anchor: usize) -> Result<(), ShardError> {
        let Some(anchor) = (0..self.anchors()).find(|&anchor| self.views(anchor) < per_anchor) else {
            return Ok(());
        };
        let (shard, key) = match &self.storage {
            Storage::Tars { shards, anchors } => {
                let at = &anchors[anchor];
                let mut first = String::new();
                self.each_member(shards, at, |name, _| {
                    if first.is_empty() {
                        name.clone_into(&mut first);
                    }
                    Ok(())
                })?;
                let key = MemberName::parse(&first)
                    .ok()
                    .flatten()
                    .map_or(String::new(), |name| name.key.to_owned());
                (shards[at.shard as usize].clone(), key)
            }
            Storage::Folder { anchors } => (self.path.clone(), anchors[anchor].key().to_owned()),
        };
        Err(ShardError::TooFewViews { shard, anchor: key, views: self.views(anchor), per_anchor })
    }

    /// Decodes the `wanted` views (ascending) of an anchor into `pixels` (V, C, H, W), from 0 to 1, and gives their
    /// latents (V, D) where there are any. Panics as [`Self::views`].
    ///
    /// # Errors
    /// [`ShardError::Damaged`] where the shard has changed since it was opened, or an image is damaged.
    pub fn read(
        &self,
        anchor: usize,
        wanted: &[usize],
        pixels: &mut [f32],
    ) -> Result<Option<Vec<f32>>, ShardError> {
        let mut rows = pixels.chunks_exact_mut(self.shape.bytes());
        let mut fill = |bytes: &[u8]| {
            let row = rows.next().ok_or_else(|| "more views than are wanted".to_owned())?;
            decode(bytes, &self.limits, |image| {
                check_shape(self.shape, image.shape)?;
                for (value, byte) in row.iter_mut().zip(image.pixels) {
                    *value = f32::from(byte) / 255.0;
                }
                Ok(())
            })?
        };
        let (shards, at) = match &self.storage {
            Storage::Tars { shards, anchors } => (shards, &anchors[anchor]),
            Storage::Folder { anchors } => {
                for &view in wanted {
                    let file = anchors[anchor].file(&self.path, view);
                    read_image_file(&file, &self.limits)
                        .and_then(|bytes| fill(&bytes))
                        .map_err(|problem| ShardError::Damaged { shard: file, member: None, problem })?;
                }
                return Ok(None);
            }
        };
        let mut latents = None;
        let (mut view, mut given) = (0, 0);
        self.each_member(shards, at, |name, content| {
            let parsed = MemberName::parse(name)?;
            let Some(MemberName { ending, .. }) = parsed else { return Ok(()) };
            if has_image_ending(&ending) || has_image_ending(name) {
                if wanted.contains(&view) {
                    fill(content)?;
                    given += 1;
                }
                view += 1;
            } else if ending == "json" && self.latent_dimension.is_some() {
                latents = AnchorText::parse(content)?.latents;
            }
            Ok(())
        })?;
        let dimension = self.latent_dimension;
        let chosen = latents.filter(|_| dimension.is_some()).map(|latents| {
            wanted.iter().filter_map(|&view| latents.get(view)).flatten().copied().collect::<Vec<f32>>()
        });
        let whole = given == wanted.len()
            && chosen.as_ref().map(Vec::len) == dimension.map(|dimension| dimension * wanted.len());
        if whole {
            return Ok(chosen);
        }
        let shard = shards[at.shard as usize].clone();
        let problem = format!("anchor {anchor}: views or latents are gone since it was opened");
        Err(ShardError::Damaged { shard, member: None, problem })
    }

    /// Calls `visit` with name and content of the members of an anchor.
    fn each_member(
        &self,
        shards: &[PathBuf],
        at: &TarAnchor,
        mut visit: impl FnMut(&str, &[u8]) -> Result<(), String>,
    ) -> Result<(), ShardError> {
        let shard = &shards[at.shard as usize];
        let mut last = String::new();
        let mut walk = || {
            // To the end of the block, so that the last member looks like any other.
            let mut bytes = vec![0; (at.bytes as usize).next_multiple_of(BLOCK as usize)];
            let mut file = File::open(shard).map_err(|error| format!("cannot be read: {error}"))?;
            file.seek(SeekFrom::Start(at.start))
                .and_then(|_| file.read_exact(&mut bytes[..at.bytes as usize]))
                .map_err(|error| format!("cannot be read at byte {}: {error}", at.start))?;
            let mut refused = None;
            let most = self.limits.max_file_bytes.max(TEXT_BYTES_MAX);
            let walked = walk_members(Cursor::new(bytes), |member, content| {
                member.name.clone_into(&mut last);
                let content = read_whole(content, member.size, most)?;
                visit(member.name, &content).map_err(|problem| {
                    refused = Some(problem);
                    std::io::Error::other("refused")
                })
            });
            match (walked, refused) {
                (_, Some(problem)) => Err(problem),
                (walked, None) => walked.map(|_| ()).map_err(|error| error.to_string()),
            }
        };
        let walked = walk();
        let member = (!last.is_empty()).then(|| last.clone());
        walked.map_err(|problem| ShardError::Damaged { shard: shard.clone(), member, problem })
    }
}

/// The anchors of the shards so far.
#[derive(Default)]
struct Merged {
    anchors: Vec<TarAnchor>,
    shape: Option<ImageShape>,
    labelled: usize,
    /// That of all shards so far, once there is one.
    latent_dimension: Option<Option<usize>>,
}

impl Merged {
    fn add(
        &mut self,
        shard: &Path,
        index: TarIndex,
        manifest: Option<&ShardManifest>,
    ) -> Result<(), ShardError> {
        let damaged = |problem| Err(ShardError::Damaged { shard: shard.to_owned(), member: None, problem });
        if let (Some(expected), Some(got)) = (self.shape, index.shape)
            && let Err(problem) = check_shape(expected, got)
        {
            return damaged(problem);
        }
        if let Some(manifest) = manifest {
            let [fewest, most] = manifest.views_per_anchor;
            let mut views = index.anchors.iter().map(|anchor| usize::from(anchor.views));
            if let Some(views) = views.find(|views| !(fewest..=most).contains(views)) {
                return damaged(format!("an anchor has {views} views, the manifest says {fewest} to {most}"));
            }
            if let Some(classes) = manifest.classes {
                let mut labels = index.anchors.iter().map(|anchor| anchor.class.map(NonNegative::get));
                if let Some(class) = labels.find(|class| class.is_none_or(|class| class as usize >= classes))
                {
                    let got = class.map_or_else(|| "none".to_owned(), |class| class.to_string());
                    return damaged(format!(
                        "an anchor has class {got}, the manifest says 0 to {}",
                        classes.max(1) - 1
                    ));
                }
            }
            if index.latent_dimension != manifest.latent_dimension && !index.anchors.is_empty() {
                let (got, expected) = (index.latent_dimension, manifest.latent_dimension);
                return damaged(format!("latents of {got:?} values, the manifest says {expected:?}"));
            }
        }
        if index.anchors.is_empty() {
            return Ok(());
        }
        self.shape = self.shape.or(index.shape);
        self.labelled += index.labelled;
        let known = *self.latent_dimension.get_or_insert(index.latent_dimension);
        self.latent_dimension = Some(known.filter(|_| known == index.latent_dimension));
        self.anchors.extend(index.anchors);
        Ok(())
    }
}

/// Classes 0 to the largest that occurs.
fn most(anchors: &[TarAnchor]) -> Option<usize> {
    anchors.iter().filter_map(|anchor| anchor.class).map(|class| class.get() as usize + 1).max()
}

/// Everything was damaged, or nothing was there: the first damage says more.
fn nothing_left(path: &Path, skipped: Vec<ShardError>) -> ShardError {
    let found = "no anchor with images".to_owned();
    skipped.into_iter().next().unwrap_or(ShardError::NotRecognised { path: path.to_owned(), found })
}

struct Listed {
    manifest: Option<ShardManifest>,
    /// In the manifest's order, or by name.
    shards: Vec<PathBuf>,
}

/// The archives at `path`; `None` for a folder without any.
fn list(path: &Path) -> Result<Option<Listed>, ShardError> {
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
        if !name.starts_with('.') && crate::tar_shard::has_tar_ending(&name) {
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
