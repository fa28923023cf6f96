//! Reading `events.jsonl` while it grows.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::event_log::{EVENT_SCHEMA_VERSION, EventLogError, io_error};

/// A place in an event log; what comes after it is read when it is whole.
#[derive(Debug)]
pub struct EventReader {
    path: PathBuf,
    read_bytes: u64,
    read_lines: usize,
}

impl EventReader {
    /// Before the first line of the log at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read_bytes: 0, read_lines: 0 }
    }

    /// The events whose lines are whole by now and were not read before. A line that is no JSON is told in a
    /// warning and left out.
    ///
    /// # Errors
    /// [`EventLogError`] where the file cannot be read or its first line names another schema.
    pub fn new_events(&mut self) -> Result<Vec<Value>, EventLogError> {
        let failed = |source| io_error(&self.path, source);
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.read_bytes)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut events = Vec::new();
        for line in bytes[..whole].split_inclusive(|&byte| byte == b'\n') {
            let event = serde_json::from_slice::<Value>(line);
            if self.read_lines == 0 {
                let is_ours = event.as_ref().is_ok_and(|first| first["schema"] == EVENT_SCHEMA_VERSION);
                if !is_ours {
                    let got = String::from_utf8_lossy(line).trim_end().chars().take(200).collect();
                    return Err(EventLogError::Schema { path: self.path.clone(), got });
                }
            } else {
                match event {
                    Ok(event) => events.push(event),
                    Err(error) => tracing::warn!(
                        "{} line {}: left out, not JSON: {error}",
                        self.path.display(),
                        self.read_lines + 1
                    ),
                }
            }
            self.read_lines += 1;
        }
        self.read_bytes += whole as u64;
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn half_a_line_waits_for_its_end_and_nothing_is_read_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut file = File::create(&path).unwrap();
        let mut reader = EventReader::new(&path);
        let mut read_after = |text: &str| {
            file.write_all(text.as_bytes()).unwrap();
            let events = reader.new_events().unwrap();
            events.iter().map(|event| event["step"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert!(read_after("").is_empty());
        assert_eq!(read_after("{\"schema\":1}\n{\"step\":1}\n{\"st"), [1]);
        assert!(read_after("ep\":2").is_empty());
        assert_eq!(read_after("}\nnot json\n{\"step\":3}\n"), [2, 3]);
    }

    #[test]
    fn another_schema_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        for text in ["{\"schema\":2}\n{\"step\":1}\n", "x\n"] {
            std::fs::write(&path, text).unwrap();
            let error = EventReader::new(&path).new_events().unwrap_err().to_string();
            assert!(error.contains("events.jsonl") && error.contains("schema version 1"), "{error}");
        }
    }
}
