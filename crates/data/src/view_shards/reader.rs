//! A set of view shards: an index of all anchors in memory, images on demand.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use zview_runtime::hash::sha256_of_bytes;

use super::ShardError;
use super::anchor_text::AnchorText;
use super::classes::ClassValue;
use super::folder_index::{FolderAnchor, index_folder};
use super::listing::{Listed, list};
use super::merged::Merged;
use super::names::MemberName;
use super::stored_images::{StoredImages, differ};
use super::tar_index::{NonNegative, TEXT_BYTES_MAX, TarAnchor, TarIndex, index_shard};
use crate::decode::decode;
use crate::file_names::has_image_ending;
use crate::ignored::{Ignored, ignored_in_words};
use crate::image_set::ImageShape;
use crate::options::{ColorMode, Fit, Limits};
use crate::source::read_image_file;
use crate::tar_members::{BLOCK, read_whole, walk_members};

/// How view shards are opened.
#[derive(Debug, Clone, Default)]
pub struct ShardOptions {
    /// Leave damaged shards out (of an image folder: anchors), instead of refusing the set.
    pub skip_damaged: bool,
    /// Colour channels to bring all images to.
    pub color: ColorMode,
    /// Square side in pixels: the shorter side is resized to it and the centre kept.
    pub size: Option<usize>,
    /// Bounds on what is decoded.
    pub limits: Limits,
}

/// Views of anchors, several images each, in shards on disk.
#[derive(Debug)]
pub struct ViewShards {
    path: PathBuf,
    storage: Storage,
    shape: ImageShape,
    classes: Option<Vec<String>>,
    latent_dimension: Option<usize>,
    options: ShardOptions,
    images: usize,
    content: String,
    /// How many there are of each (width, height, channels), as stored.
    pub(crate) sizes: BTreeMap<(usize, usize, usize), usize>,
    /// What was left out, and why.
    pub skipped: Vec<ShardError>,
    /// Members that are not needed, by why.
    pub ignored: Ignored,
    /// What was decided, one sentence each.
    pub notes: Vec<String>,
}

/// Most classes that a manifest may say there are, where not all of them occur.
const CLASSES_MAX: usize = 1 << 16;

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
            .map(|(number, shard)| index_shard(shard, number as u32, entry(number), options))
            .collect();
        let mut merged = Merged::default();
        let mut skipped = Vec::new();
        for (index, shard) in indices.into_iter().zip(&shards) {
            match index.and_then(|index| merged.add(shard, index, manifest.as_ref(), options)) {
                Ok(()) => {}
                Err(error @ ShardError::Damaged { .. }) if options.skip_damaged => skipped.push(error),
                Err(error) => return Err(error),
            }
        }
        let Merged { mut anchors, images, labelled, latent_dimension, classes, ignored } = merged;
        let Some(shape) = images.fitted(options).filter(|_| !anchors.is_empty()) else {
            return Err(nothing_left(path, skipped));
        };
        let of_manifest = manifest.as_ref().and_then(|manifest| manifest.classes);
        let (names, numbers) = match of_manifest.filter(|&classes| classes <= CLASSES_MAX) {
            // Numbers below that, as each shard has been checked.
            Some(count) => {
                let number = |class: &&ClassValue| match class {
                    ClassValue::Number(number) => *number as u32,
                    ClassValue::Name(_) => 0,
                };
                let numbers = classes.by_place().iter().map(number).collect();
                ((0..count).map(|class| class.to_string()).collect(), numbers)
            }
            None => classes.in_order(),
        };
        for anchor in &mut anchors {
            anchor.class = renumbered(anchor.class, &numbers);
        }
        let all = anchors.len();
        let places = anchors.iter().map(|anchor| {
            let TarAnchor { start, bytes, shard, class, views } = anchor;
            let class = class.map(NonNegative::get);
            format!("{shard} {start} {bytes} {views} {class:?}")
        });
        let hashes = (0..shards.len()).filter_map(entry).map(|entry| entry.sha256.to_ascii_lowercase());
        Ok(Self {
            path: path.to_owned(),
            content: content(shape, places.chain(hashes)),
            storage: Storage::Tars { shards, anchors },
            shape,
            classes: (labelled == all).then_some(names),
            latent_dimension: latent_dimension.flatten(),
            options: options.clone(),
            images: images.count(),
            skipped,
            ignored,
            notes: notes(&images, labelled, all, options),
            sizes: images.sizes,
        })
    }

    fn open_image_folder(path: &Path, options: &ShardOptions) -> Result<Self, ShardError> {
        let mut index = index_folder(path, options)?.ok_or_else(|| ShardError::NotRecognised {
            path: path.to_owned(),
            found: "a folder without any of these".to_owned(),
        })?;
        let Some(shape) = index.images.fitted(options).filter(|_| !index.anchors.is_empty()) else {
            return Err(nothing_left(path, index.skipped));
        };
        let (names, numbers) = index.classes.in_order();
        for anchor in &mut index.anchors {
            anchor.class = renumbered(anchor.class, &numbers);
        }
        let all = index.anchors.len();
        let labelled = index.anchors.iter().filter(|anchor| anchor.class.is_some()).count();
        let places = index.anchors.iter().map(|anchor| {
            let class = anchor.class.map(NonNegative::get);
            format!("{} {} {class:?}", anchor.file(Path::new(""), 0).display(), anchor.views)
        });
        Ok(Self {
            path: path.to_owned(),
            content: content(shape, places),
            shape,
            classes: (labelled == all).then_some(names),
            storage: Storage::Folder { anchors: index.anchors },
            latent_dimension: None,
            options: options.clone(),
            images: index.images.count(),
            skipped: index.skipped,
            ignored: index.ignored,
            notes: notes(&index.images, labelled, all, options),
            sizes: index.images.sizes,
        })
    }

    /// Images of all anchors.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images
    }

    /// Name of each class, by number; numbers are their own names. `None` unless every anchor has a class.
    #[must_use]
    pub fn class_names(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// The account of how the anchors came about: what was decided, and which members were not looked at.
    #[must_use]
    pub fn account(&self) -> Vec<String> {
        self.notes.iter().cloned().chain(ignored_in_words(&self.ignored, "members")).collect()
    }

    /// SHA-256 that changes with the shape, the anchors there are, where each lies, its class and its views, and with
    /// the hashes that a manifest gives; pixels are not read for it.
    #[must_use]
    pub fn content_sha256(&self) -> &str {
        &self.content
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
        self.classes.as_ref().map(Vec::len)
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
            let ShardOptions { size, limits, .. } = &self.options;
            decode(bytes, limits, |image| {
                let image = image.fit(self.shape.channels, Fit { size: *size, resize: None });
                if image.shape != self.shape {
                    return Err(differ(self.shape, image.shape));
                }
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
                    read_image_file(&file, &self.options.limits)
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
                latents = AnchorText::parse(content).latents;
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
            let most = self.options.limits.max_file_bytes.max(TEXT_BYTES_MAX);
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

/// The number in `numbers` of a class by its place.
fn renumbered(class: Option<NonNegative>, numbers: &[u32]) -> Option<NonNegative> {
    let number = numbers.get(class?.get() as usize)?;
    NonNegative::new(i64::from(*number))
}

/// SHA-256 of a set's shape and of one line for each of the rest.
fn content(shape: ImageShape, lines: impl Iterator<Item = String>) -> String {
    let ImageShape { channels, height, width } = shape;
    let mut text = format!("zview shards 1\nshape {channels} {height} {width}\n");
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    sha256_of_bytes(text.as_bytes())
}

/// What is to be said of anchors.
fn notes(images: &StoredImages, labelled: usize, anchors: usize, options: &ShardOptions) -> Vec<String> {
    let partly = (labelled > 0 && labelled < anchors)
        .then(|| format!("{} of {anchors} anchors have no class: none is used", anchors - labelled));
    images.note(options).into_iter().chain(partly).collect()
}

/// Everything was damaged, or nothing was there: the first damage says more.
fn nothing_left(path: &Path, skipped: Vec<ShardError>) -> ShardError {
    let found = "no anchor with images".to_owned();
    match skipped.into_iter().next() {
        Some(ShardError::Damaged { shard, member, problem }) => {
            ShardError::AllDamaged { shard, member, problem }
        }
        Some(other) => other,
        None => ShardError::NotRecognised { path: path.to_owned(), found },
    }
}
