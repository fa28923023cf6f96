//! `events.jsonl`: one JSON object per line, schema version first.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::atomic;

/// Version of the event format, in the first line of every log.
pub const EVENT_SCHEMA_VERSION: u32 = 1;

/// Events whose step has a checkpoint.
const SAVED: [&str; 4] = ["checkpoint", "resumed", "stopped", "finished"];

/// The event log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum EventLogError {
    /// The file could not be read or written.
    #[error("event log {}: {source}; check free space and permissions", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log was written by a version that this one cannot read.
    #[error("event log {}: expected schema version {EVENT_SCHEMA_VERSION} in its first line, got `{got}`", path.display())]
    Schema {
        /// The log.
        path: PathBuf,
        /// The first line.
        got: String,
    },
    /// The log could not be cut back.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
}

/// An append-only log; every event is handed to the system before `append` returns.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
}

impl EventLog {
    /// Starts a new log at `path`.
    ///
    /// # Errors
    /// [`EventLogError::Io`].
    pub fn create(path: &Path) -> Result<Self, EventLogError> {
        let file = File::create(path).map_err(|source| io_error(path, source))?;
        let mut log = Self { path: path.to_owned(), file };
        log.write_line(&serde_json::json!({ "schema": EVENT_SCHEMA_VERSION }))?;
        Ok(log)
    }

    /// Opens the log at `path` again and drops every event after `last_step` (its key `step`), and a
    /// last line that a kill cut in half.
    ///
    /// # Errors
    /// [`EventLogError`], also where the log has another schema version.
    pub fn reopen(path: &Path, last_step: u64) -> Result<Self, EventLogError> {
        let mut kept = Vec::new();
        let reader = BufReader::new(File::open(path).map_err(|source| io_error(path, source))?);
        for (number, line) in reader.lines().enumerate() {
            let line = line.map_err(|source| io_error(path, source))?;
            let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else { break };
            if number == 0 && event["schema"] != EVENT_SCHEMA_VERSION {
                return Err(EventLogError::Schema { path: path.to_owned(), got: line });
            }
            if event["step"].as_u64().is_none_or(|step| step <= last_step) {
                kept.extend_from_slice(line.as_bytes());
                kept.push(b'\n');
            }
        }
        if kept.is_empty() {
            return Err(EventLogError::Schema { path: path.to_owned(), got: String::new() });
        }
        atomic::write_file(path, &kept)?;
        let file = OpenOptions::new().append(true).open(path).map_err(|source| io_error(path, source))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// The last step of the log at `path` whose state was saved, as its events tell; 0 where none was.
    ///
    /// # Errors
    /// [`EventLogError::Io`].
    pub fn last_saved_step(path: &Path) -> Result<u64, EventLogError> {
        let text = std::fs::read(path).map_err(|source| io_error(path, source))?;
        let events = text.split(|&byte| byte == b'\n');
        let saved = events.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
        let saved = saved.filter(|event| event["event"].as_str().is_some_and(|name| SAVED.contains(&name)));
        Ok(saved.filter_map(|event| event["step"].as_u64()).max().unwrap_or(0))
    }

    /// Forces what was appended to disk, so that after a power cut the log is not behind a checkpoint.
    ///
    /// # Errors
    /// [`EventLogError::Io`].
    pub fn synchronise(&self) -> Result<(), EventLogError> {
        self.file.sync_data().map_err(|source| io_error(&self.path, source))
    }

    /// Appends one event as one line, with the wall clock's `time` in seconds since 1970.
    ///
    /// # Errors
    /// [`EventLogError::Io`].
    pub fn append(&mut self, event: &impl Serialize) -> Result<(), EventLogError> {
        let mut event = serde_json::to_value(event).map_err(|error| io_error(&self.path, error.into()))?;
        if let Some(fields) = event.as_object_mut() {
            fields.insert("time".to_owned(), seconds_since_1970().into());
        }
        self.write_line(&event)
    }

    fn write_line(&mut self, line: &serde_json::Value) -> Result<(), EventLogError> {
        self.file
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| self.file.flush())
            .map_err(|source| io_error(&self.path, source))
    }
}

/// To the millisecond; 0 where the clock is set before 1970.
fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64 / 1e3)
}

pub(super) fn io_error(path: &Path, source: io::Error) -> EventLogError {
    EventLogError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reopening_cuts_back_to_the_step_and_drops_half_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(&path).unwrap();
        for step in 1..=5 {
            log.append(&serde_json::json!({ "step": step, "loss": 1.0 })).unwrap();
        }
        drop(log);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"step\": 6, \"lo").unwrap();
        let mut log = EventLog::reopen(&path, 3).unwrap();
        log.append(&serde_json::json!({ "step": 4, "loss": 2.0 })).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1 + 3 + 1, "{text}");
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert!(text.starts_with("{\"schema\":1}\n") && text.ends_with("}\n"), "{text}");
        assert!(last["loss"] == 2.0 && last["step"] == 4, "{text}");
        assert!(last["time"].as_f64().unwrap() > 1.6e9, "the time of writing: {text}");
    }

    #[test]
    fn the_log_tells_up_to_where_the_run_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(&path).unwrap();
        log.append(&serde_json::json!({ "event": "train", "step": 9 })).unwrap();
        log.append(&serde_json::json!({ "event": "resumed", "step": 0 })).unwrap();
        assert_eq!(EventLog::last_saved_step(&path).unwrap(), 0);
        log.append(&serde_json::json!({ "event": "checkpoint", "step": 6 })).unwrap();
        log.append(&serde_json::json!({ "event": "train", "step": 12 })).unwrap();
        log.synchronise().unwrap();
        assert_eq!(EventLog::last_saved_step(&path).unwrap(), 6);
    }

    #[test]
    fn a_log_of_another_schema_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, "{\"schema\":99}\n").unwrap();
        let error = EventLog::reopen(&path, 0).unwrap_err().to_string();
        assert!(error.contains("events.jsonl") && error.contains("99"), "{error}");
    }
}
