//! The text of a configuration file, from whatever bytes are there.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::ConfigError;
use super::shipped::{nearest_shipped, shipped_text};
use crate::file_kind::FileKind;

/// Configuration is written by hand: nothing larger is.
const MOST_BYTES: u64 = 16 << 20;

/// Reads `path` once (it may be a pipe) as text in UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source, hint: String::new() };
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            let hint = || {
                nearest_shipped(path).map_or_else(
                    || "; nor does anything of that name come with zview (`zview recipe list`)".to_owned(),
                    |name| format!("; did you mean {name}, which comes with zview (`zview recipe list`)?"),
                )
            };
            let missing = || ConfigError::Read { path: path.to_owned(), source, hint: hint() };
            return shipped_text(path).ok_or_else(missing);
        }
        file => file.map_err(failed)?,
    };
    if file.metadata().is_ok_and(|found| found.is_dir()) {
        let message = "it is a folder; name the TOML file in it";
        return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, message)));
    }
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    text_of(path, bytes)
}

/// As [`read_text`], of a file's content.
pub(super) fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, ConfigError> {
    let kind = FileKind::of_start(&bytes);
    let not_text = || ConfigError::NotToml { path: path.to_owned(), kind };
    if bytes.len() as u64 > MOST_BYTES {
        return Err(if matches!(kind, FileKind::Text | FileKind::Unknown) {
            ConfigError::TooLarge { path: path.to_owned(), most_bytes: MOST_BYTES }
        } else {
            not_text()
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        // Letters in an encoding of one byte each, in what is text otherwise.
        let is_control = |byte: &u8| *byte < b' ' && !b"\t\n\r".contains(byte);
        if matches!(kind, FileKind::Unknown | FileKind::Text) && !bytes.iter().any(is_control) {
            let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            return ConfigError::Parse {
                path: path.to_owned(),
                line,
                message: format!("the byte 0x{:02X} is not UTF-8", bytes[at]),
                hint: "; save the file as UTF-8".to_owned(),
            };
        }
        not_text()
    })
}

/// Without the mark that some editors put first.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
