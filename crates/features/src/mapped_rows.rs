//! Rows that stay in their file, of which some are chosen and columns shifted and scaled when they are read.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::row_file::{RowFile, RowWriter, failed, write_rows};
use crate::FeatureError;

/// (x - mean) / std of each column.
#[derive(Debug)]
pub(super) struct ColumnMap {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl ColumnMap {
    pub(super) fn new(mean: &[f64], std: &[f64]) -> Self {
        Self { mean: mean.to_vec(), std: std.to_vec() }
    }

    /// In place, of rows (R, D).
    pub(super) fn apply(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.mean.len()) {
            for ((value, mean), std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                // Far outside of what was fitted the quotient may exceed f32: keep it finite.
                *value = (((f64::from(*value) - mean) / std) as f32).clamp(f32::MIN, f32::MAX);
            }
        }
    }
}

/// Rows of a mapped file. A copy costs next to nothing.
#[derive(Debug, Clone)]
pub(super) struct MappedRows {
    file: Arc<RowFile>,
    /// Which rows of the file, in which order; all if `None`.
    chosen: Option<Arc<[usize]>>,
    /// One after another.
    maps: Vec<Arc<ColumnMap>>,
}

impl MappedRows {
    pub(super) fn new(file: RowFile) -> Self {
        Self { file: Arc::new(file), chosen: None, maps: Vec::new() }
    }

    /// Rows of a file without a name in the system's temporary folder, which goes with the last that uses it.
    pub(super) fn in_temporary_file(
        (rows, dimension): (usize, usize),
        fill: impl FnOnce(&mut RowWriter<'_>) -> Result<(), FeatureError>,
    ) -> Result<Self, FeatureError> {
        let folder = std::env::temp_dir();
        let at_folder = |source| failed(&folder, source);
        let mut file = tempfile::tempfile_in(&folder).map_err(at_folder)?;
        write_rows((&mut file, Path::new(&folder)), (rows, dimension), fill)?;
        RowFile::new(&file, rows, dimension).map(Self::new).map_err(at_folder)
    }

    /// N.
    pub(super) fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.file.rows(), |chosen| chosen.len())
    }

    /// The given rows of these.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let chosen = match &self.chosen {
            Some(chosen) => rows.iter().map(|&row| chosen[row]).collect(),
            None => Arc::from(rows),
        };
        Self { chosen: Some(chosen), ..self.clone() }
    }

    /// With `map` applied to what is read.
    pub(super) fn mapped(mut self, map: ColumnMap) -> Self {
        self.maps.push(Arc::new(map));
        self
    }

    /// The values of some rows, (R, D).
    pub(super) fn tile(&self, rows: Range<usize>) -> Cow<'_, [f32]> {
        let mut values = match &self.chosen {
            None => self.file.values(rows.start, rows.len()),
            Some(chosen) => {
                let mut values = Vec::new();
                chosen[rows].iter().for_each(|&row| values.extend_from_slice(&self.file.values(row, 1)));
                Cow::Owned(values)
            }
        };
        if !self.maps.is_empty() {
            let values = values.to_mut();
            self.maps.iter().for_each(|map| map.apply(values));
        }
        values
    }
}
