//! `zview log`: what a run measured, and CSV and TensorBoard files of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use zview_runtime::atomic::write_file;
use zview_runtime::measurements::{SeriesSummary, measurements_of, scalars_as_csv, summarise};
use zview_runtime::run_folder::{EventReader, RunFolder, loss_names, losses_of};
use zview_runtime::tensorboard::TensorBoardMirror;

use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::{check_ending, check_output_file};
use crate::output_folder::refuse_no_folder;

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
    /// Print a line for each new event until the run ends or Ctrl-C.
    #[arg(long, conflicts_with_all = ["csv", "tensorboard"])]
    follow: bool,
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
    if arguments.follow && (log.is_file() || !has_cells(&arguments.run)) {
        return follow(&arguments.run, &log, common);
    }
    if !log.is_file() {
        let cells = cells_of(&arguments.run).map_err(Failure::failed)?;
        if !cells.is_empty() {
            return of_comparison(&arguments.run, cells, arguments, common);
        }
        return Err(Failure::usage(format!(
            "{} does not exist: name the run folder of `zview pretrain` or `zview generator train`{}",
            log.display(),
            runs_in(&arguments.run)
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
        refuse_no_folder("--tensorboard", folder)?;
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

/// The run folders in `folder`, to choose from.
fn runs_in(folder: &Path) -> String {
    const MOST: usize = 8;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_run = |path: &PathBuf| path.join("events.jsonl").is_file() || has_cells(path);
    let mut runs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_run).collect();
    runs.sort();
    let more = if runs.len() > MOST { ", ..." } else { "" };
    let names: Vec<String> = runs.iter().take(MOST).map(|run| run.display().to_string()).collect();
    if names.is_empty() { String::new() } else { format!("; there are {}{more}", names.join(", ")) }
}

/// A run below the folder of a comparison.
#[derive(Debug, Serialize)]
struct LoggedCell {
    run: PathBuf,
    /// The last event of its log.
    event: String,
    step: u64,
}

/// Where a comparison keeps the runs of its cells.
const CELLS: &str = "cells";

fn has_cells(folder: &Path) -> bool {
    folder.join(CELLS).is_dir()
}

/// The runs in the folder of a comparison, in the order of their names; none where it is no such folder.
fn cells_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    let mut open = if has_cells(folder) { vec![folder.join(CELLS)] } else { Vec::new() };
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.join("events.jsonl").is_file() {
                runs.push(path);
            } else if path.is_dir() {
                open.push(path);
            }
        }
    }
    runs.sort();
    Ok(runs)
}

/// Names the runs of a comparison, which have a log each.
fn of_comparison(
    folder: &Path,
    runs: Vec<PathBuf>,
    arguments: &LogArguments,
    common: &Common,
) -> Result<(), Failure> {
    if arguments.csv.is_some() || arguments.tensorboard.is_some() || arguments.follow {
        let first = runs.first().map(|run| run.display().to_string()).unwrap_or_default();
        return Err(Failure::usage(format!(
            "{} is the folder of a comparison, and each of its {} runs has a log of its own: name one, such as {first}",
            folder.display(),
            runs.len()
        )));
    }
    let logged = |run: PathBuf| {
        let events = EventReader::new(&run.join("events.jsonl")).new_events().map_err(Failure::failed)?;
        let last = events.last();
        let event = last.and_then(|last| last["event"].as_str()).unwrap_or("begun").to_owned();
        let step = events.iter().filter_map(|event| event["step"].as_u64()).max().unwrap_or(0);
        Ok::<_, Failure>(LoggedCell { run, event, step })
    };
    let cells: Vec<LoggedCell> = runs.into_iter().map(logged).collect::<Result<_, _>>()?;
    output::result(common.json, &serde_json::json!({ "comparison": folder, "cells": cells }), |_| {
        let mut text = format!("{} is a comparison; its runs (zview log RUN):\n", folder.display());
        for LoggedCell { run, event, step } in &cells {
            let _ = writeln!(text, "{}  {event} at step {step}", run.display());
        }
        text
    })
}

/// How long nothing is looked for.
const WAIT: Duration = Duration::from_millis(250);
/// Events after which a run writes no more.
const ENDS: [&str; 3] = ["finished", "stopped", "not-finite"];

/// Prints what comes, from the log's beginning on; the last `train` event of those that are there already.
fn follow(run: &Path, log: &Path, common: &Common) -> Result<(), Failure> {
    if !log.is_file() {
        return Err(Failure::usage(format!("{} does not exist: no run writes it yet", log.display())));
    }
    let mut reader = EventReader::new(log);
    let mut events = reader.new_events().map_err(Failure::failed)?;
    let last_train = events.iter().rposition(|event| event["event"] == "train").unwrap_or(events.len());
    let mut number = 0;
    events.retain(|event| {
        number += 1;
        event["event"] != "train" || number > last_train
    });
    loop {
        for event in &events {
            output::text(&if common.json { event.to_string() } else { event_in_words(event) })?;
        }
        // A run that goes on after an end has events after it.
        let ended = events.last().and_then(|event| event["event"].as_str());
        if ended.is_some_and(|event| ENDS.contains(&event)) {
            return Ok(());
        }
        // An end that was printed before stands until more comes.
        if !log.is_file() {
            return Err(Failure::failed(format!("{} is gone", run.display())));
        }
        std::thread::sleep(WAIT);
        events = reader.new_events().map_err(Failure::failed)?;
    }
}

/// `step 120  train: loss 4.1234, learning_rate 0.0300`
fn event_in_words(event: &Value) -> String {
    let name = event["event"].as_str().unwrap_or("event");
    let mut parts = Vec::new();
    for name in loss_names(event) {
        parts.extend(losses_of(event, name).last().map(|&loss| format!("{name} {}", short(loss))));
    }
    for key in ["learning_rate", "gradient_norm", "seconds_per_step", "seconds", "picture", "message"] {
        match &event[key] {
            Value::Number(number) => {
                parts.extend(number.as_f64().map(|value| format!("{key} {}", short(value))));
            }
            Value::String(text) => parts.push(text.clone()),
            _ => {}
        }
    }
    if let Some(rank) = event["watch"]["effective_rank"].as_f64() {
        parts.push(format!("effective rank {rank:.1}"));
    }
    parts.extend(event["said"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("step {}  {name}{parts}", event["step"].as_u64().unwrap_or(0))
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
