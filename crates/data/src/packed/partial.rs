//! A file of packed images while it is written, and the journal of what is safe in it.
//!
//! The journal is lines of JSON: the plan, then one line for every part of the images whose bytes have reached the disk.
//! A kill or a power cut leaves a line unfinished at most, and bytes that no line tells of; both are cut off.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zview_runtime::atomic::WriteError;
use zview_runtime::disk::free_bytes;
use zview_runtime::hash::sha256_of_reader;

use super::error::PackError;
use super::layout::Plan;
use crate::options::Split;

/// Images that are safe: those that one hash is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) split: Split,
    /// Files of the split up to the last image of this part, and those behind it that cannot be used.
    pub(super) files: usize,
    /// Images of the split up to here.
    pub(super) images: usize,
    pub(super) sha256: String,
    /// Files among those of this part that cannot be used, by number, and why.
    pub(super) lost: Vec<(usize, String)>,
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Partial {
    /// What it is to become.
    target: PathBuf,
    path: PathBuf,
    journal_path: PathBuf,
    plan: Plan,
    data: File,
    journal: File,
    /// What is safe.
    parts: Vec<Part>,
    /// Bytes of the file that are written.
    end: u64,
    /// For tests: where the disk is full.
    #[cfg(test)]
    pub(super) full_at: Option<u64>,
}

/// `FILE.partial` and `FILE.partial.journal`.
pub(super) fn paths(target: &Path) -> (PathBuf, PathBuf) {
    let with = |ending: &str| {
        let mut name = target.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    (with(".partial"), with(".partial.journal"))
}

impl Partial {
    /// Begins to write `target` by `plan`, or goes on with what an earlier process began by the same one.
    ///
    /// # Errors
    /// [`PackError::OtherPartial`], [`PackError::InUse`], [`PackError::Write`].
    pub(super) fn open(target: &Path, plan: Plan) -> Result<Self, PackError> {
        let (path, journal_path) = paths(target);
        let failed = |source| PackError::Write(WriteError { path: path.clone(), source });
        let other = |differs: String| PackError::OtherPartial {
            path: path.clone(),
            journal: journal_path.clone(),
            differs,
        };
        if path.exists() && !journal_path.exists() {
            return Err(other("its journal is gone".to_owned()));
        }
        let open =
            |path: &Path| File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut journal = open(&journal_path).map_err(failed)?;
        // A file system without locks gives another error, and is none to stop for.
        if let Err(TryLockError::WouldBlock) = journal.try_lock() {
            return Err(PackError::InUse { path: target.to_owned() });
        }
        let mut text = Vec::new();
        journal.read_to_end(&mut text).map_err(failed)?;
        let mut lines = text.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let first = lines.next();
        let plan_bytes = first.map(|line| line.len() as u64);
        let plan = match first.map(serde_json::from_slice::<Plan>) {
            None => plan,
            Some(Ok(begun)) => {
                let differs = begun.differences(&plan);
                if !differs.is_empty() {
                    return Err(other(differs.join("; ")));
                }
                begun // with the name that it had then
            }
            Some(Err(_)) => return Err(other("its journal cannot be read".to_owned())),
        };
        let (mut parts, mut line_bytes) = (Vec::new(), Vec::new());
        for line in lines {
            let Ok(part) = serde_json::from_slice::<Part>(line) else { break };
            parts.push(part);
            line_bytes.push(line.len() as u64);
        }
        let data = open(&path).map_err(failed)?;
        let mut partial = Self {
            target: target.to_owned(),
            end: plan.begin,
            path,
            journal_path,
            plan,
            data,
            journal,
            parts,
            #[cfg(test)]
            full_at: None,
        };
        let kept = match plan_bytes {
            Some(plan_bytes) => partial.keep_what_is_safe(plan_bytes, &line_bytes),
            None => partial.begin(),
        };
        kept.map_err(|source| partial.stuck(source))?;
        Ok(partial)
    }

    /// Begins both files anew.
    fn begin(&mut self) -> io::Result<()> {
        self.data.set_len(self.end)?;
        self.journal.set_len(0)?; // of a first line that was cut short
        self.journal.seek(SeekFrom::Start(0))?;
        self.journal.write_all(&line_of(&self.plan)?)?;
        self.journal.sync_all()
    }

    /// Cuts off what no line of the journal tells of, and lines whose bytes are not there. Only ever makes files shorter:
    /// the disk may be full. `plan_bytes` is the length of the journal's first line, `line_bytes` those of the parts' lines.
    fn keep_what_is_safe(&mut self, plan_bytes: u64, line_bytes: &[u64]) -> io::Result<()> {
        self.keep_parts_in_order();
        let bytes = self.data.metadata()?.len();
        while let Some((part, from)) = self.parts.last().map(|part| (part, self.start_of(part))) {
            let end = self.end_of(part);
            if end <= bytes {
                self.data.seek(SeekFrom::Start(from))?;
                if sha256_of_reader((&self.data).take(end - from))? == part.sha256 {
                    break;
                }
            }
            self.parts.pop();
        }
        self.end = self.parts.last().map_or(self.plan.begin, |part| self.end_of(part));
        self.data.set_len(self.end)?;
        let lines = plan_bytes + line_bytes[..self.parts.len()].iter().sum::<u64>();
        self.journal.set_len(lines)?;
        self.journal.seek(SeekFrom::Start(lines))?;
        Ok(())
    }

    /// Parts that follow each other as they are written; what comes after the first that does not is no part of it.
    fn keep_parts_in_order(&mut self) {
        let mut kept = 0;
        let mut numbers = 0;
        let (mut files, mut images) = (0, 0);
        for part in &self.parts {
            if self.plan.splits.get(numbers).is_some_and(|planned| planned.split != part.split) {
                let finished = self.plan.splits.get(numbers).is_some_and(|planned| files == planned.files);
                if !finished {
                    break;
                }
                (numbers, files, images) = (numbers + 1, 0, 0);
            }
            let Some(planned) = self.plan.splits.get(numbers) else { break };
            let new = part.images.checked_sub(images).filter(|&new| new > 0);
            let fits = planned.split == part.split
                && part.files > files
                && part.files <= planned.files
                && new.is_some_and(|new| {
                    new == planned.images_per_hash
                        || (new < planned.images_per_hash && part.files == planned.files)
                })
                && part.lost.iter().all(|(file, _)| (files..part.files).contains(file))
                && Some(part.files - files) == new.map(|new| new + part.lost.len());
            if !fits {
                break;
            }
            (files, images) = (part.files, part.images);
            kept += 1;
        }
        self.parts.truncate(kept);
    }

    fn bytes_before(&self, split: Split) -> u64 {
        let before = self.plan.splits.iter().take_while(|planned| planned.split != split);
        before.map(|planned| self.images(planned.split) as u64 * planned.shape.bytes() as u64).sum()
    }

    fn end_of(&self, part: &Part) -> u64 {
        let planned = self.plan.splits.iter().find(|planned| planned.split == part.split);
        let image = planned.map_or(0, |planned| planned.shape.bytes() as u64);
        self.plan.begin + self.bytes_before(part.split) + part.images as u64 * image
    }

    fn start_of(&self, part: &Part) -> u64 {
        let at = self.parts.iter().position(|other| other == part).unwrap_or(0);
        at.checked_sub(1).map_or(self.plan.begin, |before| self.end_of(&self.parts[before]))
    }

    /// By what it is written.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    fn of(&self, split: Split) -> impl DoubleEndedIterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.split == split)
    }

    /// Files of a split that need not be looked at again.
    pub(super) fn files(&self, split: Split) -> usize {
        self.of(split).next_back().map_or(0, |part| part.files)
    }

    /// Images of a split that are safe.
    pub(super) fn images(&self, split: Split) -> usize {
        self.of(split).next_back().map_or(0, |part| part.images)
    }

    /// Files of a split that cannot be used, by number, and why.
    pub(super) fn lost(&self, split: Split) -> Vec<(usize, String)> {
        self.of(split).flat_map(|part| part.lost.iter().cloned()).collect()
    }

    /// The hashes of a split's images.
    pub(super) fn hashes(&self, split: Split) -> Vec<String> {
        self.of(split).map(|part| part.sha256.clone()).collect()
    }

    /// Files of all splits that need not be looked at again.
    pub(super) fn done(&self) -> usize {
        self.plan.splits.iter().map(|planned| self.files(planned.split)).sum()
    }

    /// Bytes that are there.
    pub(super) fn bytes(&self) -> u64 {
        self.end
    }

    /// Bytes that are still to be written, if every image can be used.
    fn needed(&self) -> u64 {
        self.plan.bytes_at_most().saturating_sub(self.end)
    }

    fn free(&self) -> Option<u64> {
        free_bytes(&self.path)
    }

    /// That the disk has room for all that is still to be written.
    ///
    /// # Errors
    /// [`PackError::NoRoom`].
    pub(super) fn check_room(&self) -> Result<(), PackError> {
        let needed = self.needed();
        match self.free() {
            Some(free) if free < needed => Err(PackError::NoRoom { path: self.target.clone(), needed, free }),
            _ => Ok(()),
        }
    }

    /// Writes a part behind the others and makes it safe.
    ///
    /// # Errors
    /// [`PackError::Stuck`].
    pub(super) fn add(&mut self, part: Part, pixels: &[u8]) -> Result<(), PackError> {
        let written = self.append(pixels).and_then(|()| {
            self.data.sync_data()?;
            self.journal.write_all(&line_of(&part)?)?;
            self.journal.sync_data()
        });
        written.map_err(|source| self.stuck(source))?;
        self.parts.push(part);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data.seek(SeekFrom::Start(self.end))?;
        #[cfg(test)]
        if let Some(room) = self.full_at.map(|full| full.saturating_sub(self.end) as usize)
            && room < bytes.len()
        {
            self.data.write_all(&bytes[..room])?;
            return Err(ErrorKind::StorageFull.into());
        }
        self.data.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Writes what follows the images.
    ///
    /// # Errors
    /// [`PackError::Stuck`].
    pub(super) fn add_behind(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        self.append(bytes).map_err(|source| self.stuck(source))
    }

    /// Writes the header and gives the file its name.
    ///
    /// # Errors
    /// [`PackError::Stuck`], [`PackError::Write`].
    pub(super) fn finish(mut self, header: &str) -> Result<u64, PackError> {
        let room = (self.plan.begin - super::layout::LENGTH_BYTES) as usize;
        let mut start = (room as u64).to_le_bytes().to_vec();
        start.extend(format!("{header:<room$}").bytes());
        let bytes = self.end;
        let written = if start.len() as u64 == self.plan.begin {
            self.data.seek(SeekFrom::Start(0)).and_then(|_| self.data.write_all(&start))
        } else {
            Err(io::Error::other("its header is longer than planned"))
        };
        written.map_err(|source| self.stuck(source))?;
        zview_runtime::atomic::name_finished(&self.path, &self.target)?;
        forget(&self.journal_path);
        Ok(bytes)
    }

    /// Removes what was begun.
    pub(super) fn abandon(self) {
        forget(&self.path);
        forget(&self.journal_path);
    }

    fn stuck(&self, source: io::Error) -> PackError {
        let is_full = matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        // Counted from what is safe: the rest is cut off.
        let safe = self.parts.last().map_or(self.plan.begin, |part| self.end_of(part));
        let needed = self.plan.bytes_at_most().saturating_sub(safe);
        let beyond = self.data.metadata().map_or(0, |about| about.len().saturating_sub(safe));
        let free = self.free().map(|free| free + beyond);
        PackError::Stuck {
            path: self.path.clone(),
            source,
            missing: free
                .filter(|_| is_full)
                .map(|free| needed.saturating_sub(free))
                .filter(|&bytes| bytes > 0),
            done: self.done(),
            images: self.plan.splits.iter().map(|planned| planned.files).sum(),
        }
    }
}

/// Removes a file that is of no use any more; one that stays does no harm.
pub(super) fn forget(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, "{} stays", path.display());
    }
}

fn line_of(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}
