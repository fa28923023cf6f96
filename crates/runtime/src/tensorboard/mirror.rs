//! A folder of TensorBoard files that says what an event log says.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::event::{self, Shown};
use super::picture::png_size;
use super::record::record;
use crate::atomic::{self, WriteError};
use crate::measurements::{MeasuredValue, Measurement, measurements_of};
use crate::run_folder::{EventLogError, EventReader};

/// TensorBoard takes every file with `tfevents` in its name, in the order of their names.
const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".zview";

/// TensorBoard files could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TensorBoardError {
    /// The event log could not be read.
    #[error(transparent)]
    Log(#[from] EventLogError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A TensorBoard file that follows the event log of a run.
#[derive(Debug)]
pub struct TensorBoardMirror {
    run: PathBuf,
    path: PathBuf,
    file: File,
    log: EventReader,
}

impl TensorBoardMirror {
    /// Writes everything that the log of the run folder `run` holds to one file in `folder`, which then has no
    /// other file of zview's. A TensorBoard that shows the folder forgets what the earlier one said.
    ///
    /// # Errors
    /// [`TensorBoardError`].
    pub fn rebuild(run: &Path, folder: &Path) -> Result<Self, TensorBoardError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| WriteError { path, source }
        };
        let mut log = EventReader::new(&run.join("events.jsonl"));
        let events = log.new_events()?;
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let older = files_of_zview(folder).map_err(failed(folder))?;
        let newest = older.iter().filter_map(|path| number_of(path)).max();
        let path = folder.join(format!("{PREFIX}{:010}{SUFFIX}", after(newest)));
        let time = events.iter().find_map(|event| event["time"].as_f64()).unwrap_or(0.0);
        let mut bytes = record(&event::version(time));
        bytes.extend(record(&event::restart(time)));
        for measurement in events.iter().flat_map(measurements_of) {
            bytes.extend(shown(run, &measurement).unwrap_or_default());
        }
        atomic::write_file(&path, &bytes)?;
        for path in &older {
            fs::remove_file(path).map_err(failed(path))?;
        }
        let file = OpenOptions::new().append(true).open(&path).map_err(failed(&path))?;
        Ok(Self { run: run.to_owned(), path, file, log })
    }

    /// Appends what was logged since the last call.
    ///
    /// # Errors
    /// [`TensorBoardError`].
    pub fn follow(&mut self) -> Result<(), TensorBoardError> {
        let mut bytes = Vec::new();
        for measurement in self.log.new_events()?.iter().flat_map(measurements_of) {
            bytes.extend(shown(&self.run, &measurement).unwrap_or_default());
        }
        let written = self.file.write_all(&bytes).and_then(|()| self.file.flush());
        Ok(written.map_err(|source| WriteError { path: self.path.clone(), source })?)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The record of a measurement; none for a picture that is not there any more, which a warning tells.
fn shown(run: &Path, measurement: &Measurement) -> Option<Vec<u8>> {
    let Measurement { tag, step, time, value } = measurement;
    let event = |shown: &Shown<'_>| record(&event::summary(*time, *step, tag, shown));
    match value {
        MeasuredValue::Scalar(number) => Some(event(&Shown::Scalar(*number))),
        MeasuredValue::Histogram(histogram) => Some(event(&Shown::Histogram(histogram))),
        MeasuredValue::Picture(name) => {
            let path = run.join(name);
            let read = fs::read(&path).and_then(|png| {
                let size = png_size(&png).ok_or_else(|| io::Error::other("not a PNG file"))?;
                Ok((png, size))
            });
            match read {
                Ok((png, size)) => Some(event(&Shown::Picture(&png, size))),
                Err(error) => {
                    tracing::warn!("{}: not shown in TensorBoard: {error}", path.display());
                    None
                }
            }
        }
    }
}

fn files_of_zview(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    Ok(paths.collect::<io::Result<Vec<_>>>()?.into_iter().filter(|path| number_of(path).is_some()).collect())
}

/// The number in the name of a file of zview's.
fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// The number of a new file: the time in seconds, but later than `newest`.
fn after(newest: Option<u64>) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    newest.map_or(now, |newest| now.max(newest.saturating_add(1)))
}
