//! Features in a file, by its ending, with what each row is of.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use zview_runtime::atomic::{WriteError, write_file, write_file_with};

use super::encode::Embedded;
use super::{csv, npy, safetensors};
use crate::suite::SuiteError;

/// A form of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingFormat {
    /// NumPy's, (N, D) of 32-bit floats; names and labels in a CSV file beside it.
    Npy,
    /// A tensor `features` (N, D); names and labels in the header.
    Safetensors,
    /// A row for each image: split, name, label, class, features.
    Csv,
}

impl EmbeddingFormat {
    /// The endings, in the order of the formats.
    pub const ENDINGS: [&str; 3] = ["npy", "safetensors", "csv"];

    /// What the ending of `path` asks for.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "npy" => Some(Self::Npy),
            "safetensors" => Some(Self::Safetensors),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The files that [`write_embedded`] writes for `path`.
    #[must_use]
    pub fn files(self, path: &Path) -> Vec<PathBuf> {
        match self {
            Self::Npy => vec![path.to_owned(), path.with_extension("csv")],
            _ => vec![path.to_owned()],
        }
    }
}

/// Writes features and what each row is of, each file whole or not at all; gives the files.
///
/// # Errors
/// [`SuiteError::Write`], [`SuiteError::Evaluate`] where they have no form.
pub fn write_embedded(
    embedded: &Embedded,
    format: EmbeddingFormat,
    path: &Path,
) -> Result<Vec<PathBuf>, SuiteError> {
    let files = format.files(path);
    match (format, files.as_slice()) {
        (EmbeddingFormat::Npy, [values, about]) => {
            write_to(values, |file| npy::write(embedded, file))?;
            write_to(about, |file| csv::write(embedded, false, file))?;
        }
        (EmbeddingFormat::Safetensors, _) => write_file(path, &safetensors::bytes(embedded)?)?,
        _ => write_to(path, |file| csv::write(embedded, true, file))?,
    }
    Ok(files)
}

/// Writes the file at `path`, which `fill` gives piece by piece.
fn write_to(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    write_file_with(path, |file| {
        let mut buffered = BufWriter::new(file);
        fill(&mut buffered)
            .and_then(|()| buffered.flush())
            .map_err(|source| WriteError { path: path.to_owned(), source })
    })
}
