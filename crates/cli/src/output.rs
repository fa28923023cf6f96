//! The result on stdout. A reader that stops reading (`| head -1`) is not an error.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints text and a line end.
pub fn text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "cannot write to standard output: {error}; send it to another place"
        ))),
        _ => Ok(()),
    }
}

/// Prints one JSON object.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    text(&serde_json::to_string_pretty(value).map_err(Failure::failed)?)
}

/// Prints `value` as JSON if asked for, else the text that `in_words` makes of it.
pub fn result<T: Serialize>(
    as_json: bool,
    value: &T,
    in_words: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    if as_json { json(value) } else { text(in_words(value).trim_end()) }
}
