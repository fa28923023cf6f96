//! `zview log`: what a run measured, and CSV and TensorBoard files of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use zview_runtime::atomic::write_file;
use zview_runtime::measurements::{SeriesSummary, measurements_of, scalars_as_csv, summarise};
use zview_runtime::run_folder::{EventReader, RunFolder};
use zview_runtime::tensorboard::TensorBoardMirror;

use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::{check_ending, check_output_file};

/// Which run, and what to make of its log.
#[derive(Debug, Args)]
pub struct LogArguments {
    /// Run folder of `zview pretrain` or `zview generator train`, finished or under way.
    run: PathBuf,
    /// Write the numbers to this file, a row per step; `-` prints them.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write TensorBoard files to this folder, in place of earlier ones of zview's.
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct LogSummary {
    run: PathBuf,
    series: BTreeMap<String, SeriesSummary>,
    /// The files that were written.
    written: Vec<PathBuf>,
}

pub fn run(arguments: &LogArguments, common: &Common) -> Result<(), Failure> {
    refuse_other_kind(&arguments.run, Wanted::Run)?;
    let log = arguments.run.join("events.jsonl");
    if !log.is_file() {
        return Err(Failure::usage(format!(
            "{} does not exist: name the run folder of `zview pretrain` or `zview generator train`",
            log.display()
        )));
    }
    if let Some(file) = arguments.csv.as_deref().filter(|file| *file != Path::new("-")) {
        check_output_file("--csv", file, &[&arguments.run, &log])?;
        check_ending("--csv", file, &["csv"])?;
    }
    let events = EventReader::new(&log).new_events().map_err(Failure::failed)?;
    let measurements: Vec<_> = events.iter().flat_map(measurements_of).collect();
    let mut written = Vec::new();
    if let Some(folder) = &arguments.tensorboard {
        let _lock = locked_where_live(&arguments.run, folder)?;
        let mirror = TensorBoardMirror::rebuild(&arguments.run, folder).map_err(Failure::failed)?;
        written.push(mirror.path().to_owned());
    }
    if let Some(file) = &arguments.csv {
        let text = scalars_as_csv(&measurements);
        if file == Path::new("-") {
            return output::text(text.trim_end());
        }
        write_file(file, text.as_bytes()).map_err(Failure::failed)?;
        written.push(file.clone());
    }
    let summary = LogSummary { run: arguments.run.clone(), series: summarise(&measurements), written };
    output::result(common.json, &summary, in_words)
}

/// A run's own `tensorboard/` is written by the process that trains: it may be replaced when none does.
fn locked_where_live(run: &Path, folder: &Path) -> Result<Option<RunFolder>, Failure> {
    let same = |path: &Path| std::path::absolute(path).ok();
    let live = same(folder) == same(&run.join("tensorboard"));
    Ok(live.then(|| RunFolder::resume(run)).transpose()?)
}

fn in_words(summary: &LogSummary) -> String {
    let width = summary.series.keys().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for (tag, series) in &summary.series {
        let _ = writeln!(
            text,
            "{tag:<width$}  {} at step {} (first {}, smallest {}, largest {}, {} values)",
            short(series.last),
            series.last_step,
            short(series.first),
            short(series.smallest),
            short(series.largest),
            series.count
        );
    }
    if summary.series.is_empty() {
        text.push_str("nothing was measured yet\n");
    }
    for path in &summary.written {
        let _ = writeln!(text, "written: {}", path.display());
    }
    text
}

/// Five digits; small numbers with an exponent.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == value.trunc() && size < 1e15 {
        format!("{value}")
    } else if (1e-3..1e6).contains(&size) {
        format!("{value:.4}")
    } else {
        format!("{value:.4e}")
    }
}
