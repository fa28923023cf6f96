//! A run folder with its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::contents::{first_foreign, no_folder};
use super::learnt_from::Changed;
use super::same_config::{differing_keys, edited, table};
use super::versioned::to_json;
use crate::atomic::{self, WriteError};
use crate::config::{ConfigError, Former, read_toml, read_toml_renamed, to_toml};

/// Why a run folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// It holds a run already.
    #[error("{} already holds a run; continue it with --resume, or name another folder with --out", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// It holds something that is no run's.
    #[error("{} holds {entry}, which is not of a run; take an empty or a new folder with --out", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        entry: String,
    },
    /// Something else has its name, or the name of a folder above it.
    #[error("{reason}, and a run folder is wanted at {}; take another name with --out", path.display())]
    NoFolder {
        /// The folder that was asked for.
        path: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// It holds no run to resume.
    #[error("{} holds no run to resume (no config.toml); start one without --resume", path.display())]
    NothingToResume {
        /// The folder.
        path: PathBuf,
    },
    /// Another process writes it.
    #[error("{} is in use by another zview process ({owner}); wait for it or stop it", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// What the lock says of its owner.
        owner: String,
    },
    /// The system refused.
    #[error("run folder {}: {source}; check free space and permissions", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Its configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A run can only be resumed with what it began with.
    #[error(
        "{} learns from {changed} than what is there now; bring back what was there, or start anew with --out",
        path.display()
    )]
    Changed {
        /// The folder.
        path: PathBuf,
        /// What changed.
        changed: Changed,
    },
    /// Its configuration is not any more the one that the run began with.
    #[error("{}/config.toml was changed after the run began: {}. Put it back, or start anew with --out",
            path.display(), keys.join(", "))]
    Edited {
        /// The folder.
        path: PathBuf,
        /// The keys whose values differ, with both.
        keys: Vec<String>,
    },
    /// A run can only be resumed with its own configuration.
    #[error("{} was started with another configuration; differing: {}. Resume with the same one, or start anew with --out",
            path.display(), keys.join(", "))]
    OtherConfig {
        /// The folder.
        path: PathBuf,
        /// The keys whose values differ.
        keys: Vec<String>,
    },
}

/// A run folder that this process alone may write. The lock goes with the value (and with the process).
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Makes a folder for a new run, or takes an empty one.
    ///
    /// # Errors
    /// [`RunFolderError`] where it holds a run or anything else, is locked, or cannot be written.
    pub fn create(path: &Path) -> Result<Self, RunFolderError> {
        refuse_no_folder(path)?;
        let has = |name: &str| path.join(name).exists();
        if !(has("config.toml") && (has("lock") || has("events.jsonl")))
            && let Some(entry) = first_foreign(path).map_err(|source| io_error(path, source))?
        {
            return Err(RunFolderError::Occupied { path: path.to_owned(), entry });
        }
        fs::create_dir_all(path).map_err(|source| io_error(path, source))?;
        let lock = lock(path)?;
        if path.join("config.toml").exists() {
            return Err(RunFolderError::Exists { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Takes the folder of a run that is to be continued, and clears it of what a killed process left
    /// half-written.
    ///
    /// # Errors
    /// [`RunFolderError`] where there is no run, it is locked, or cannot be written.
    pub fn resume(path: &Path) -> Result<Self, RunFolderError> {
        refuse_no_folder(path)?;
        if !path.join("config.toml").exists() {
            return Err(RunFolderError::NothingToResume { path: path.to_owned() });
        }
        let folder = Self { path: path.to_owned(), _lock: lock(path)? };
        for part in ["", "checkpoints", "samples", "tensorboard", "views"] {
            atomic::remove_leftovers(&path.join(part));
        }
        Ok(folder)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path within the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What `config.toml` says. A key that the file lacks, because an earlier version wrote it, has its default.
    ///
    /// # Errors
    /// [`RunFolderError::Config`].
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, RunFolderError> {
        Ok(read_toml(&self.file("config.toml"))?)
    }

    /// The same, of a file that may say keys by their `former` names.
    ///
    /// # Errors
    /// [`RunFolderError::Config`].
    pub fn config_renamed<T: DeserializeOwned>(&self, former: &[Former]) -> Result<T, RunFolderError> {
        Ok(read_toml_renamed(&self.file("config.toml"), &[], former)?.0)
    }

    /// Checks that `stored`, what `config.toml` says, is what the run began with and what `config` says, apart from the
    /// keys `free` of each.
    ///
    /// # Errors
    /// [`RunFolderError::Edited`] and [`RunFolderError::OtherConfig`] with the keys that differ.
    pub fn check_same_config<T: Serialize + DeserializeOwned>(
        &self,
        stored: &T,
        config: &T,
        [free_in_file, free]: [&[&str]; 2],
    ) -> Result<(), RunFolderError> {
        let edited = edited(&self.file("events.jsonl"), stored, free_in_file);
        if !edited.is_empty() {
            return Err(RunFolderError::Edited { path: self.path.clone(), keys: edited });
        }
        let (stored, config) = (table(stored), table(config));
        let differing = differing_keys(&stored, &config).into_iter().map(|(key, _)| key);
        let keys: Vec<String> = differing.filter(|key| !free.contains(&key.as_str())).collect();
        if keys.is_empty() {
            Ok(())
        } else {
            Err(RunFolderError::OtherConfig { path: self.path.clone(), keys })
        }
    }

    /// Writes `config.toml`, with its format. Do it last: a folder with this file is a run that can be resumed.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write_config(&self, config: &impl Serialize) -> Result<(), WriteError> {
        let path = self.file("config.toml");
        let text = to_toml(config)
            .map_err(|error| WriteError { path: path.clone(), source: io::Error::other(error) })?;
        atomic::write_file(&path, text.as_bytes())
    }

    /// Writes a text file whole or not at all.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write_text(&self, name: &str, text: &str) -> Result<(), WriteError> {
        atomic::write_file(&self.file(name), text.as_bytes())
    }

    /// Writes `value` as indented JSON with its format, whole or not at all.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), WriteError> {
        let path = self.file(name);
        let text = to_json(value).map_err(|error| WriteError { path: path.clone(), source: error.into() })?;
        atomic::write_file(&path, text.as_bytes())
    }
}

fn refuse_no_folder(path: &Path) -> Result<(), RunFolderError> {
    let refused = |reason| Err(RunFolderError::NoFolder { path: path.to_owned(), reason });
    no_folder(path).map_or(Ok(()), refused)
}

fn lock(folder: &Path) -> Result<File, RunFolderError> {
    let path = folder.join("lock");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|source| io_error(&path, source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner); // only for the message
            let owner = owner.trim().to_owned();
            return Err(RunFolderError::Locked { path: folder.to_owned(), owner });
        }
        Err(TryLockError::Error(source)) => return Err(io_error(&path, source)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "process {}", std::process::id()))
        .map_err(|source| io_error(&path, source))?;
    Ok(file)
}

fn io_error(path: &Path, source: io::Error) -> RunFolderError {
    RunFolderError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_and_told_who_the_first_is() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("my run é");
        let first = RunFolder::create(&path).unwrap();
        let error = RunFolder::create(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        RunFolder::create(&path).unwrap();
    }

    #[test]
    fn a_run_is_never_overwritten_and_never_resumed_from_nothing() {
        let parent = tempfile::tempdir().unwrap();
        assert!(RunFolder::resume(parent.path()).unwrap_err().to_string().contains("without --resume"));
        let folder = RunFolder::create(parent.path()).unwrap();
        folder.write_text("config.toml", "seed = 0\n").unwrap();
        drop(folder);
        assert!(RunFolder::create(parent.path()).unwrap_err().to_string().contains("--resume"));
        RunFolder::resume(parent.path()).unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_a_run_folder_is_named_as_one_and_the_disk_is_not_blamed() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("notes.txt");
        fs::write(&file, "mine").unwrap();
        for path in [file.clone(), file.join("run"), file.join("deep/run")] {
            for refused in [RunFolder::create(&path), RunFolder::resume(&path)] {
                let error = refused.unwrap_err().to_string();
                assert!(error.contains("notes.txt is a file, and a run folder is wanted"), "{error}");
                assert!(error.ends_with("--out") && !error.contains("free space"), "{error}");
            }
        }
        #[cfg(unix)]
        {
            let link = parent.path().join("link");
            std::os::unix::fs::symlink("nowhere", &link).unwrap();
            let error = RunFolder::create(&link.join("run")).unwrap_err().to_string();
            assert!(error.contains("link is a link that leads nowhere"), "{error}");
        }
        RunFolder::create(&parent.path().join("new/deep/run")).unwrap();
    }

    #[test]
    fn a_folder_with_files_of_others_does_not_become_a_run() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("photos");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("views.png"), "mine").unwrap();
        let error = RunFolder::create(&path).unwrap_err().to_string();
        assert!(error.contains("photos holds views.png") && error.contains("--out"), "{error}");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "something was written into it");
        // What a run that was killed as it began has left is in nobody's way.
        fs::remove_file(path.join("views.png")).unwrap();
        fs::write(path.join(".DS_Store"), "").unwrap();
        drop(RunFolder::create(&path).unwrap());
        fs::write(path.join("events.jsonl"), "").unwrap();
        drop(RunFolder::create(&path).unwrap());
        fs::write(path.join("cat.jpg"), "mine").unwrap();
        assert!(RunFolder::create(&path).unwrap_err().to_string().contains("cat.jpg"));
    }
}
