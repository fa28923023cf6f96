//! Encoded images that are decoded when they are wanted, whole or a part of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::crop::CropBox;
use crate::decode::{decode, decode_crop};
use crate::error::{DataError, Reject};
use crate::file_list::FileList;
use crate::image_set::ImageShape;
use crate::notes::say_once;
use crate::options::{Fit, Limits};
use crate::source::ImageFile;

/// Images in files or archives, read again each time.
#[derive(Debug)]
pub(crate) struct Photographs {
    path: PathBuf,
    files: Arc<FileList>,
    shape: ImageShape,
    fit: Fit,
    limits: Limits,
    /// Share of them that may be unusable in training.
    max_reject_share: f64,
    /// Those that were found to be, by number, and why.
    lost: Mutex<BTreeMap<usize, String>>,
    /// Those that are being read, and since when.
    reading: Mutex<BTreeMap<usize, Instant>>,
}

/// What becomes of each image, and what may go wrong.
#[derive(Debug)]
pub(crate) struct PhotographOptions {
    /// Of every image once it is fitted.
    pub(crate) shape: ImageShape,
    pub(crate) fit: Fit,
    pub(crate) limits: Limits,
    pub(crate) max_reject_share: f64,
}

impl Photographs {
    /// The images in `files` of the data set at `path`.
    pub(crate) fn new(path: &Path, files: Vec<ImageFile>, options: PhotographOptions) -> Self {
        let PhotographOptions { shape, fit, limits, max_reject_share } = options;
        Self {
            files: Arc::new(FileList::new(path, files)),
            path: path.to_owned(),
            shape,
            fit,
            limits,
            max_reject_share,
            lost: Mutex::default(),
            reading: Mutex::default(),
        }
    }

    /// Where each lies.
    pub(crate) fn files(&self) -> &Arc<FileList> {
        &self.files
    }

    /// What becomes of each.
    pub(crate) fn fit(&self) -> Fit {
        self.fit
    }

    /// Image `number`, fitted, (C, H, W).
    ///
    /// # Errors
    /// [`DataError::Unreadable`], [`DataError::UnequalSizes`].
    pub(crate) fn pixels(&self, number: usize) -> Result<Vec<u8>, DataError> {
        let ImageShape { channels, height, width } = self.shape;
        let fitted =
            self.read(number, |bytes| decode(bytes, &self.limits, |image| image.fit(channels, self.fit)));
        let image = fitted.map_err(|reason| self.unreadable(number, reason))?;
        if (image.shape.height, image.shape.width) != (height, width) {
            return Err(DataError::UnequalSizes {
                first: format!("the first image of {}", self.path.display()),
                first_size: format!("{width} x {height}"),
                other: self.files.name(number).to_owned(),
                other_size: format!("{} x {}", image.shape.width, image.shape.height),
            });
        }
        Ok(image.pixels)
    }

    /// The part of image `number` that `choose` gives for its whole shape, `height` x `width`, (C, H, W). With how many
    /// channels, the set says.
    ///
    /// # Errors
    /// [`DataError::Unreadable`].
    pub(crate) fn crop(
        &self,
        number: usize,
        size: (usize, usize),
        choose: &mut dyn FnMut(ImageShape) -> Vec<CropBox>,
    ) -> Result<Vec<Vec<u8>>, DataError> {
        let read = self.read(number, |bytes| {
            decode_crop(bytes, &self.limits, (self.shape.channels, size), &mut *choose)
        });
        read.map_err(|reason| self.unreadable(number, reason))
    }

    /// What `read` gives for the image `wanted`, or, where that cannot be used, for the next one that can; and its place
    /// in `chosen`, of which `wanted` is one. Each one that cannot is named once.
    ///
    /// # Errors
    /// [`DataError::TooManyRejects`] where more are unusable than may be.
    pub(crate) fn or_the_next<T>(
        &self,
        wanted: usize,
        images: usize,
        number_of: impl Fn(usize) -> usize,
        mut read: impl FnMut(usize) -> Result<T, DataError>,
    ) -> Result<(usize, T), DataError> {
        for step in 0..images {
            let image = (wanted + step) % images;
            match read(number_of(image)) {
                Ok(found) => return Ok((image, found)),
                Err(DataError::Unreadable { name, reason, .. }) if self.max_reject_share > 0.0 => {
                    self.lose(number_of(image), &name, reason, images)?;
                }
                Err(error) => return Err(error),
            }
        }
        let number = number_of(wanted);
        Err(self.unreadable(number, "and no other image can be used".to_owned()))
    }

    fn lose(&self, number: usize, name: &str, reason: String, images: usize) -> Result<(), DataError> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        say_once(name, &format!("left out, the next image is taken for it: {reason}"));
        lost.insert(number, reason);
        if lost.len() as f64 <= self.max_reject_share * images as f64 {
            return Ok(());
        }
        let reject = |(&number, reason): (&usize, &String)| Reject {
            path: self.files.name(number).to_owned(),
            reason: reason.clone(),
        };
        Err(DataError::TooManyRejects {
            path: self.path.clone(),
            first_rejects: lost.iter().take(10).map(reject).collect(),
            rejects: lost.len(),
            files: images,
            max_reject_share: self.max_reject_share,
        })
    }

    fn unreadable(&self, number: usize, reason: String) -> DataError {
        DataError::Unreadable { path: self.path.clone(), name: self.files.name(number).to_owned(), reason }
    }

    fn read<T>(&self, number: usize, then: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<T, String> {
        let in_work = || self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        in_work().insert(number, Instant::now());
        let read = self.files.with_bytes(number, &self.limits, then);
        in_work().remove(&number);
        read
    }

    /// The image that has been read for longest, where any is.
    pub(crate) fn reads(&self) -> Option<String> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, _) = reading.iter().min_by_key(|(_, since)| **since)?;
        Some(format!("reading {}", self.files.name(*number)))
    }
}

#[cfg(test)]
mod tests;
