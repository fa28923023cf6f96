//! What a run's event log measured, as named series over steps: the one source of CSV and TensorBoard files.

mod csv;
mod from_event;
mod histogram;
mod summary;

pub use csv::{csv_field, scalars_as_csv};
pub use from_event::measurements_of;
pub use histogram::Histogram;
pub use summary::{SeriesSummary, summarise};

use std::path::PathBuf;

/// One measurement of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Name of the series, such as `loss` or `watch/effective_rank`.
    pub tag: String,
    /// Steps taken when it was measured.
    pub step: u64,
    /// When it was logged, in seconds since 1970; 0 in logs that have no times.
    pub time: f64,
    /// What was measured.
    pub value: MeasuredValue,
}

/// What can be measured.
#[derive(Debug, Clone, PartialEq)]
pub enum MeasuredValue {
    /// A number.
    Scalar(f64),
    /// How often values fell into bins.
    Histogram(Histogram),
    /// A PNG file, named relative to the run folder.
    Picture(PathBuf),
}
