//! The index of an image folder with names `[class/]anchor-000000-view-0.png`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::classes::{ClassTable, ClassValue};
use super::names::FileName;
use super::stored_images::StoredImages;
use super::tar_index::NonNegative;
use super::{ShardError, ShardOptions};
use crate::decode::decode;
use crate::file_names::{Named, is_hidden, named, no_image};
use crate::ignored::{Ignored, ignore};
use crate::source::read_image_file;

/// An anchor and its files, which are put together from `views`.
#[derive(Debug)]
pub(super) struct FolderAnchor {
    /// "3/anchor-000123-view-", from the folder.
    prefix: Box<str>,
    ending: Box<str>,
    pub(super) class: Option<NonNegative>,
    pub(super) views: u16,
}

impl FolderAnchor {
    /// The file of a view.
    pub(super) fn file(&self, root: &Path, view: usize) -> PathBuf {
        root.join(format!("{}{view}.{}", self.prefix, self.ending))
    }

    /// Its key for people.
    pub(super) fn key(&self) -> &str {
        self.prefix.trim_end_matches("-view-")
    }
}

/// What an image folder holds.
pub(super) struct FolderIndex {
    /// Their classes are places in `classes`.
    pub(super) anchors: Vec<FolderAnchor>,
    pub(super) classes: ClassTable,
    pub(super) images: StoredImages,
    /// Files that are not needed, by why.
    pub(super) ignored: Ignored,
    /// Anchors that were left out, and why.
    pub(super) skipped: Vec<ShardError>,
}

/// Anchors by number, then class folder: numbers of views and ending.
type Found = BTreeMap<(u64, String, String), (Vec<u16>, String)>;

/// The index of the folder `root`; every image is decoded once, because nothing vouches for it. `None` where no
/// file has such a name.
///
/// # Errors
/// [`ShardError::Damaged`] naming the file, unless anchors with damage are to be left out.
pub(super) fn index_folder(root: &Path, options: &ShardOptions) -> Result<Option<FolderIndex>, ShardError> {
    let mut found = Found::new();
    let mut ignored = Ignored::new();
    for name in names_in(root)? {
        let path = root.join(&name);
        if path.is_dir() {
            for file in names_in(&path)? {
                add(&mut found, &name, &file, &mut ignored);
            }
        } else {
            add(&mut found, "", &name, &mut ignored);
        }
    }
    let mut classes = ClassTable::default();
    let damaged = |member: String, problem: String| ShardError::Damaged {
        shard: root.to_owned(),
        member: Some(member),
        problem,
    };
    let mut anchors = Vec::with_capacity(found.len());
    for ((_, folder, prefix), (mut views, ending)) in found {
        let prefix = if folder.is_empty() { prefix } else { format!("{folder}/{prefix}") };
        views.sort_unstable();
        let gap = views.iter().zip(0..).find(|(view, expected)| **view != *expected);
        let anchor = FolderAnchor {
            prefix: prefix.into(),
            ending: ending.into(),
            class: ClassValue::parse(&folder).ok().flatten().and_then(|class| classes.place(class)),
            views: views.len() as u16,
        };
        // A gap is damage of the anchor: found as a missing file below.
        let problem =
            gap.map(|(_, expected)| damaged(format!("{}{expected}", anchor.prefix), "missing".to_owned()));
        anchors.push((anchor, problem));
    }
    let images: Vec<Result<StoredImages, ShardError>> = anchors
        .par_iter_mut()
        .map(|(anchor, problem)| match problem.take() {
            Some(problem) => Err(problem),
            None => images_of_anchor(root, anchor, options).map_err(|(view, problem)| {
                damaged(format!("{}{view}.{}", anchor.prefix, anchor.ending), problem)
            }),
        })
        .collect();
    let mut index = FolderIndex {
        anchors: Vec::new(),
        classes,
        images: StoredImages::default(),
        ignored,
        skipped: Vec::new(),
    };
    for ((anchor, _), images) in anchors.into_iter().zip(images) {
        let checked = images.and_then(|images| {
            let merged = index.images.merge(&images, options);
            merged.map_err(|problem| damaged(anchor.key().to_owned(), problem))
        });
        match checked {
            Ok(()) => index.anchors.push(anchor),
            Err(error) if options.skip_damaged => index.skipped.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok((!index.anchors.is_empty() || !index.skipped.is_empty()).then_some(index))
}

fn add(found: &mut Found, folder: &str, file: &str, ignored: &mut Ignored) {
    if let Some(name) = FileName::parse(file) {
        let key = (name.anchor, folder.to_owned(), name.prefix.to_owned());
        let (views, _) = found.entry(key).or_insert_with(|| (Vec::new(), name.ending.to_owned()));
        views.push(name.view);
    } else {
        let why = match named(file) {
            Named::Ignored(why) => why,
            Named::Image => "images not called anchor-000000-view-0".to_owned(),
            Named::Unknown => no_image(file),
        };
        ignore(ignored, why);
    }
}

/// The images of an anchor, or the view that is wrong and why.
fn images_of_anchor(
    root: &Path,
    anchor: &FolderAnchor,
    options: &ShardOptions,
) -> Result<StoredImages, (usize, String)> {
    let limits = &options.limits;
    let mut images = StoredImages::default();
    for view in 0..usize::from(anchor.views) {
        read_image_file(&anchor.file(root, view), limits)
            .and_then(|bytes| decode(&bytes, limits, |image| image.shape))
            .and_then(|shape| images.add(shape, options))
            .map_err(|problem| (view, problem))?;
    }
    if images.count() == 0 { Err((0, "missing".to_owned())) } else { Ok(images) }
}

fn names_in(folder: &Path) -> Result<Vec<String>, ShardError> {
    let read_error = |source| ShardError::Read { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(read_error)? {
        if let Ok(name) = entry.map_err(read_error)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.retain(|name| !is_hidden(name));
    Ok(names)
}
