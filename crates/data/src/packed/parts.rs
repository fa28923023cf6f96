//! The images of a split on their way into a file: read by several threads, written in order by another.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use rayon::prelude::*;
use zview_runtime::hash::sha256_of_bytes;
use zview_runtime::progress::Progress;

use super::error::PackError;
use super::layout::PlannedSplit;
use super::pack::{PackOptions, SplitSet};
use super::partial::{Part, Partial};
use crate::error::DataError;
use crate::reading::{reading, with_workers};

/// Images that each thread reads before all wait for the slowest.
const IMAGES_OF_A_THREAD: usize = 16;
/// Unusable images that an error names.
const SHOWN_REJECTS: usize = 10;

/// How much is written at once.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) bytes: usize,
    /// Where the disk is full.
    #[cfg(test)]
    pub(super) full_at: Option<u64>,
}

impl Parts {
    /// Parts of images that have `bytes` together.
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self {
            bytes,
            #[cfg(test)]
            full_at: None,
        }
    }
}

/// A split that is filled into a file.
pub(super) struct Filling<'a> {
    pub(super) set: &'a SplitSet,
    pub(super) partial: &'a mut Partial,
    pub(super) options: &'a PackOptions,
    pub(super) progress: &'a mut Progress,
}

/// Images that were read one after the other: of each its pixels, or why it cannot be used.
type Read = Vec<Result<Vec<u8>, String>>;

impl Filling<'_> {
    /// Whether the split is finished; else somebody asked for a stop.
    ///
    /// # Errors
    /// [`PackError`]; what is safe stays so.
    pub(super) fn fill(self) -> Result<bool, PackError> {
        let Self { set, partial, options, progress } = self;
        let Some(planned) = partial.plan().splits.iter().find(|planned| planned.split == set.split).cloned()
        else {
            return Ok(true);
        };
        let (first, before) = (partial.files(set.split), partial.done());
        let started = Instant::now();
        let at_once = (IMAGES_OF_A_THREAD * reading().workers).next_multiple_of(planned.images_per_hash);
        // The next images are read while the last ones are written; no more wait.
        let (sender, read) = sync_channel::<Read>(0);
        thread::scope(|scope| {
            let writing = Writing::new(set, partial, options.load.max_reject_share, &planned);
            let writer = scope.spawn(move || writing.all(&read));
            let mut failed = None;
            let mut at = first;
            while at < planned.files && !options.stop.requested() {
                let end = planned.files.min(at + at_once);
                match read_images(set, at, end).map(|read| sender.send(read)) {
                    Ok(Ok(())) => at = end,
                    Ok(Err(_)) => break, // the writer says why
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
                let done = (before + at - first) as u64;
                let rate = (at - first) as f64 / started.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
                progress.update(done, &format!("{rate:.0} images/s"));
            }
            drop(sender);
            let written =
                writer.join().unwrap_or_else(|_| Err(DataError::Reader("it ended".to_owned()).into()));
            let finished = written?;
            match failed {
                Some(error) => Err(error.into()),
                None => Ok(finished),
            }
        })
    }
}

/// The images from `first` to before `end`.
fn read_images(set: &SplitSet, first: usize, end: usize) -> Result<Read, DataError> {
    let one = |file| match set.images.pixels(file) {
        Ok(pixels) => Ok(Ok(Cow::into_owned(pixels))),
        Err(DataError::Unreadable { reason, .. }) => Ok(Err(reason)),
        Err(error) => Err(error),
    };
    with_workers(|| (first..end).into_par_iter().map(one).collect())
}

/// Puts images together to parts.
struct Writing<'a> {
    set: &'a SplitSet,
    partial: &'a mut Partial,
    planned: &'a PlannedSplit,
    max_reject_share: f64,
    /// The next file.
    file: usize,
    /// Pixels of usable images, and of each its file.
    waiting: Vec<u8>,
    files: VecDeque<usize>,
    /// Unusable files since the last part.
    lost: Vec<(usize, String)>,
    /// Those before.
    lost_before: usize,
    images: usize,
}

impl<'a> Writing<'a> {
    fn new(
        set: &'a SplitSet,
        partial: &'a mut Partial,
        max_reject_share: f64,
        planned: &'a PlannedSplit,
    ) -> Self {
        Self {
            file: partial.files(set.split),
            images: partial.images(set.split),
            lost_before: partial.lost(set.split).len(),
            set,
            partial,
            planned,
            max_reject_share,
            waiting: Vec::new(),
            files: VecDeque::new(),
            lost: Vec::new(),
        }
    }

    /// Writes all that comes; whether that was all of the split.
    fn all(mut self, read: &Receiver<Read>) -> Result<bool, PackError> {
        self.check_rejects()?; // of those before, too: the share may be another now
        for images in read {
            for image in images {
                match image {
                    Ok(pixels) => {
                        self.waiting.extend(pixels);
                        self.files.push_back(self.file);
                        // The last part takes the unusable files behind it along: one image more has to be there.
                        if self.files.len() > self.planned.images_per_hash {
                            self.write(self.planned.images_per_hash)?;
                        }
                    }
                    Err(reason) => {
                        self.lost.push((self.file, reason));
                        self.check_rejects()?;
                    }
                }
                self.file += 1;
            }
        }
        let finished = self.file == self.planned.files;
        if finished && !self.files.is_empty() {
            self.write(self.files.len())?;
        }
        if finished && self.images == 0 {
            let remedy = "every image file was rejected: repair them";
            let path = self.set.path.clone();
            return Err(DataError::Empty { path, split: self.set.split, remedy }.into());
        }
        Ok(finished)
    }

    /// Writes the first `images` of those that wait.
    fn write(&mut self, images: usize) -> Result<(), PackError> {
        let bytes = images * self.planned.shape.bytes();
        let last = self.files.drain(..images).next_back();
        let is_end = self.files.is_empty();
        let files = if is_end { self.file } else { last.map_or(self.file, |file| file + 1) };
        let (lost, later) = std::mem::take(&mut self.lost).into_iter().partition(|(file, _)| *file < files);
        (self.lost, self.images) = (later, self.images + images);
        let pixels = &self.waiting[..bytes];
        let sha256 = sha256_of_bytes(pixels);
        let part = Part { split: self.set.split, files, images: self.images, sha256, lost };
        self.lost_before += part.lost.len();
        self.partial.add(part, pixels)?;
        self.waiting.drain(..bytes);
        Ok(())
    }

    fn check_rejects(&self) -> Result<(), DataError> {
        let known = &self.set.images.rejects;
        let rejects = known.len() + self.lost_before + self.lost.len();
        let files = self.planned.files + known.len();
        if rejects as f64 <= self.max_reject_share * files as f64 {
            return Ok(());
        }
        let before = self.partial.lost(self.set.split);
        let lost = before.iter().chain(&self.lost).map(|(file, reason)| self.set.reject(*file, reason));
        Err(DataError::TooManyRejects {
            path: self.set.path.clone(),
            first_rejects: known.iter().cloned().chain(lost).take(SHOWN_REJECTS).collect(),
            rejects,
            files,
            max_reject_share: self.max_reject_share,
        })
    }
}
