//! The index of an image folder with names `[class/]anchor-000000-view-0.png`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::ShardError;
use super::names::FileName;
use super::tar_index::{NonNegative, check_shape};
use crate::decode::decode;
use crate::image_folder::is_hidden;
use crate::image_set::ImageShape;
use crate::options::Limits;
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
    pub(super) anchors: Vec<FolderAnchor>,
    pub(super) shape: ImageShape,
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
pub(super) fn index_folder(
    root: &Path,
    skip_damaged: bool,
    limits: &Limits,
) -> Result<Option<FolderIndex>, ShardError> {
    let mut found = Found::new();
    let mut class_folders = Vec::new();
    for name in names_in(root)? {
        let path = root.join(&name);
        if path.is_dir() {
            for file in names_in(&path)? {
                add(&mut found, &name, &file);
            }
            class_folders.push(name);
        } else {
            add(&mut found, "", &name);
        }
    }
    class_folders.retain(|folder| found.keys().any(|(_, of, _)| of == folder));
    // Folders named by numbers are classes of those numbers, others are numbered by name.
    let all_numbers = class_folders.iter().all(|folder| folder.parse::<u32>().is_ok());
    class_folders.sort();
    let class_of = |folder: &str| {
        let number = class_folders.iter().position(|other| other == folder)?;
        NonNegative::new(if all_numbers { folder.parse().ok()? } else { number as i64 })
    };
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
            class: class_of(&folder),
            views: views.len() as u16,
        };
        // A gap is damage of the anchor: found as a missing file below.
        let problem =
            gap.map(|(_, expected)| damaged(format!("{}{expected}", anchor.prefix), "missing".to_owned()));
        anchors.push((anchor, problem));
    }
    let shapes: Vec<Result<ImageShape, ShardError>> = anchors
        .par_iter_mut()
        .map(|(anchor, problem)| match problem.take() {
            Some(problem) => Err(problem),
            None => shape_of_anchor(root, anchor, limits).map_err(|(view, problem)| {
                damaged(format!("{}{view}.{}", anchor.prefix, anchor.ending), problem)
            }),
        })
        .collect();
    let mut index = FolderIndex {
        anchors: Vec::new(),
        shape: ImageShape { channels: 0, height: 0, width: 0 },
        skipped: Vec::new(),
    };
    for ((anchor, _), shape) in anchors.into_iter().zip(shapes) {
        let checked = shape.and_then(|shape| {
            if index.anchors.is_empty() {
                index.shape = shape;
            }
            check_shape(index.shape, shape).map_err(|problem| damaged(anchor.key().to_owned(), problem))
        });
        match checked {
            Ok(()) => index.anchors.push(anchor),
            Err(error) if skip_damaged => index.skipped.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok((!index.anchors.is_empty() || !index.skipped.is_empty()).then_some(index))
}

fn add(found: &mut Found, folder: &str, file: &str) {
    if let Some(name) = FileName::parse(file) {
        let key = (name.anchor, folder.to_owned(), name.prefix.to_owned());
        let (views, _) = found.entry(key).or_insert_with(|| (Vec::new(), name.ending.to_owned()));
        views.push(name.view);
    }
}

/// The shape that all views of an anchor have, or the view that is wrong and why.
fn shape_of_anchor(
    root: &Path,
    anchor: &FolderAnchor,
    limits: &Limits,
) -> Result<ImageShape, (usize, String)> {
    let mut shape = None;
    for view in 0..usize::from(anchor.views) {
        let got = read_image_file(&anchor.file(root, view), limits)
            .and_then(|bytes| decode(&bytes, limits, |image| image.shape))
            .and_then(|got| check_shape(*shape.get_or_insert(got), got).map(|()| got));
        got.map_err(|problem| (view, problem))?;
    }
    shape.ok_or_else(|| (0, "missing".to_owned()))
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
