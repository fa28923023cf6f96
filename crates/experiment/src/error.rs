//! What can go wrong in a study.

use std::path::PathBuf;

use zview_contrastive::source::SourceError;
use zview_contrastive::train::PretrainError;
use zview_data::DataError;
use zview_data::picture::PictureError;
use zview_probe::suite::SuiteError;
use zview_report::ReportError;
use zview_runtime::atomic::WriteError;
use zview_runtime::config::ConfigError;
use zview_runtime::device::ReadError;
use zview_runtime::format::NewerFormat;
use zview_runtime::run_folder::Changed;

use crate::grid::Key;

/// Why a study ended without a result. Arms that were finished stay.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The recipe cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The real images cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Views cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An arm could not be trained.
    #[error("arm {arm}: {source}")]
    Train {
        /// The arm.
        arm: String,
        /// Why.
        source: Box<PretrainError>,
    },
    /// Two arms learn from images of different shapes.
    #[error(
        "images of arm {arm} are {shape} and those of arm {other} are {other_shape} (channels x height x width); \
         set source.size or source.color so that they agree, or choose another --data or --generator"
    )]
    Shapes {
        /// An arm.
        arm: String,
        /// Shape of its images.
        shape: String,
        /// Another arm.
        other: String,
        /// Shape of its images.
        other_shape: String,
    },
    /// The folder holds an arm of another recipe.
    #[error(
        "{} was made with another configuration; differing: {}. Name another folder with --out, or remove that one",
        run.display(), keys.join(", ")
    )]
    OtherRecipe {
        /// The run folder.
        run: PathBuf,
        /// The keys whose values differ.
        keys: Vec<String>,
    },
    /// The folder holds an arm that learnt from what is not there any more.
    #[error(
        "{} learnt from {changed} than what is there now. Name another folder with --out, or remove that one",
        run.display()
    )]
    Changed {
        /// The run folder.
        run: PathBuf,
        /// What changed.
        changed: Changed,
    },
    /// Two arms of the same data set learnt from different images.
    #[error(
        "{} learnt from {changed} than {} did. Remove the folder of those that are out of date, or name another with \
         --out",
        run.display(), other.display()
    )]
    OtherImages {
        /// The run folder.
        run: PathBuf,
        /// What is different.
        changed: Changed,
        /// The run folder of the other.
        other: PathBuf,
    },
    /// A file of a run folder is not what a run leaves.
    #[error("cannot use {}: {problem}; remove the run folder it is in, and the arm is trained again", path.display())]
    RunFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A later version of zview judged a cell.
    #[error(transparent)]
    Newer(#[from] NewerFormat),
    /// An earlier study that says nothing of how differences spread.
    #[error(
        "--spread-of {}: {reason}; name the comparison.json of a study of this version with two seeds or more",
        path.display()
    )]
    Spreads {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A finished run of another comparison could not be copied.
    #[error("cannot copy {} to {}: {source}; make room, or leave --reuse out", from.display(), to.display())]
    Reuse {
        /// The run.
        from: PathBuf,
        /// The cell's run folder.
        to: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The device did not give what it computed.
    #[error(transparent)]
    Device(#[from] ReadError),
    /// A picture could not be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Encoders could not be evaluated.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// A page could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// There is no such cell.
    #[error("there is no cell {cell}: there are {cells}, counted from 0")]
    NoCell {
        /// The cell.
        cell: usize,
        /// How many there are.
        cells: usize,
    },
    /// What a cell needs is not there.
    #[error(
        "cell {cell} needs cell {needed} ({key}), which is not finished; run that first (--cell {needed})"
    )]
    Needs {
        /// The cell.
        cell: usize,
        /// The one that it needs.
        needed: usize,
        /// What that is.
        key: Key,
    },
    /// The process of a cell cannot be started or waited for.
    #[error("the process of a cell cannot be run: {0}")]
    Process(std::io::Error),
}

impl ExperimentError {
    /// Whether it says that another process trains in the run folder.
    #[must_use]
    pub fn is_locked_run(&self) -> bool {
        let Self::Train { source, .. } = self else { return false };
        source.is_locked_run()
    }
}
