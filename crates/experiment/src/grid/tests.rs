//! A grid of made-up cells: chains of stages, each of which needs the one before.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use zview_runtime::device::cpu;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};

use super::*;
use crate::ExperimentError;

struct Stage {
    out: PathBuf,
    arm: &'static str,
    stage: u64,
    needs: Vec<usize>,
}

/// Two arms of three stages: 0, 1, 2 and 3, 4, 5.
fn stages(out: &Path) -> Vec<Stage> {
    let of_arm = |(place, arm): (usize, &'static str)| {
        (0..3_usize).map(move |stage| Stage {
            out: out.to_owned(),
            arm,
            stage: stage as u64,
            needs: stage.checked_sub(1).map(|before| place * 3 + before).into_iter().collect(),
        })
    };
    ["fresh", "fed"].into_iter().enumerate().flat_map(of_arm).collect()
}

impl Stage {
    fn finish(&self) {
        std::fs::create_dir_all(self.folder()).unwrap();
        std::fs::write(self.folder().join("done"), "").unwrap();
    }
}

impl Cell for Stage {
    fn key(&self) -> Key {
        Key { arm: self.arm.to_owned(), seed: 7, stage: Some(self.stage) }
    }

    fn folder(&self) -> PathBuf {
        self.out.join("cells").join(self.key().folder_name())
    }

    fn needs(&self) -> Vec<usize> {
        self.needs.clone()
    }

    fn steps(&self) -> Option<u64> {
        Some(10)
    }

    fn reached(&self) -> Result<Reached, ExperimentError> {
        Ok(if self.folder().join("done").exists() {
            Reached::Finished(Took { seconds: 8.0, timed: 5.0 })
        } else if self.folder().join("begun").exists() {
            Reached::Begun
        } else {
            Reached::Absent
        })
    }

    fn timed(&self, _: &CellOptions<'_>) -> Result<Option<f64>, ExperimentError> {
        Ok(Some(100.0))
    }

    fn run(&self, _: &CellOptions<'_>) -> Result<CellOutcome, ExperimentError> {
        self.finish();
        Ok(CellOutcome::Finished)
    }
}

fn failure_of(cell: &Stage) -> ExperimentError {
    ExperimentError::RunFile { path: cell.folder(), problem: "planted".to_owned() }
}

#[test]
fn a_plan_says_how_far_each_cell_is_and_what_the_open_ones_take() {
    let out = tempfile::tempdir().unwrap();
    let cells = stages(out.path());
    let (device, stop) = (cpu("a test"), StopSignal::listen());
    let options =
        CellOptions { device: &device, data_dir: None, stop: &stop, cache_folder: None, reuse: &[] };
    assert_eq!(Plan::of(&cells).unwrap().estimated_seconds, None, "nothing is known");
    // Timed for each arm, once for all of its cells.
    let plan = Plan::timed(&cells, &options).unwrap();
    assert_eq!((plan.estimated_seconds, plan.estimated_by), (Some(600.0), Some(EstimatedBy::TimedSteps)));
    cells[0].finish();
    // Two as the finished one, three as timed and with its 3 seconds that are not timed.
    let plan = Plan::timed(&cells, &options).unwrap();
    assert_eq!(plan.estimated_seconds, Some(2.0 * 8.0 + 3.0 * 103.0));
    let plan = Plan::of(&cells).unwrap();
    assert_eq!((plan.estimated_seconds, plan.estimated_by), (Some(40.0), Some(EstimatedBy::FinishedCells)));
    std::fs::create_dir_all(cells[1].folder()).unwrap();
    std::fs::write(cells[1].folder().join("begun"), "").unwrap();
    let plan = Plan::of(&cells).unwrap();
    assert_eq!(plan.open_cells(), [1, 2, 3, 4, 5]);
    let words = plan.in_words();
    assert!(
        words.starts_with("6 cells: 1 finished, 1 begun, 0 failed before, 4 not begun; about 40 s"),
        "{words}"
    );
    assert!(words.contains("\n  fed    10 steps each, seed 7"), "{words}");
    let json = serde_json::to_value(&plan.cells[4]).unwrap();
    assert_eq!((&json["arm"], &json["seed"], &json["stage"]), (&"fed".into(), &7.into(), &1.into()));
    assert_eq!((&json["needs"], &json["state"]), (&serde_json::json!([3]), &"absent".into()));
}

#[test]
fn a_failed_cell_ends_no_other_but_those_that_need_it() {
    let out = tempfile::tempdir().unwrap();
    let cells = stages(out.path());
    let told = RefCell::new(Vec::new());
    let work = |fails: bool| {
        move |cell: &Stage| -> Result<Result<CellOutcome, ExperimentError>, ExperimentError> {
            if fails && cell.arm == "fresh" && cell.stage == 1 {
                return Ok(Err(failure_of(cell)));
            }
            cell.finish();
            Ok(Ok(CellOutcome::Finished))
        }
    };
    let tell = |line: &str| told.borrow_mut().push(line.to_owned());
    let all = Plan::of(&cells).unwrap().open_cells();
    let ended = run(&cells, &all, tell, work(true)).unwrap();
    let failed: Vec<usize> = ended.failed.iter().map(|(number, _)| *number).collect();
    assert_eq!((ended.stopped, failed), (false, vec![1, 2]));
    let plan = Plan::of(&cells).unwrap();
    let states: Vec<CellState> = plan.cells.iter().map(|cell| cell.state).collect();
    let (done, failed, absent) = (CellState::Finished, CellState::Failed, CellState::Absent);
    assert_eq!(states, [done, failed, absent, done, done, done]);
    assert!(failure(&cells[1].folder()).unwrap().contains("planted"));
    assert!(failure(&cells[2].folder()).is_none(), "it was not tried");
    let told_of_2 = told.borrow().iter().find(|line| line.starts_with("cell 2 failed")).cloned().unwrap();
    assert!(told_of_2.contains("needs cell 1 (fresh, seed 7, stage 1)"), "{told_of_2}");
    let alone = run_one(&cells, 2, work(false)).unwrap().unwrap_err().to_string();
    assert!(alone.contains("--cell 1"), "{alone}");
    // Once more, and it goes well.
    assert_eq!(run(&cells, &plan.open_cells(), tell, work(false)).unwrap(), Ended::default());
    assert!(Plan::of(&cells).unwrap().open_cells().is_empty() && failure(&cells[1].folder()).is_none());
}

#[test]
fn a_stopped_cell_ends_the_run_and_a_cell_that_is_not_there_is_named() {
    let out = tempfile::tempdir().unwrap();
    let cells = stages(out.path());
    let stopped = |_: &Stage| Ok::<_, ExperimentError>(Ok(CellOutcome::Stopped));
    assert!(run(&cells, &[0, 3], |_| (), stopped).unwrap().stopped);
    let error = run(&cells, &[6], |_| (), stopped).unwrap_err().to_string();
    assert!(error.contains("no cell 6: there are 6"), "{error}");
}

/// Why a cell failed was lost where its folder cannot be written, and the run ended as if all had gone well.
#[test]
fn a_cell_whose_failure_cannot_be_kept_is_told_with_its_own_reason() {
    let out = tempfile::tempdir().unwrap();
    let cells = stages(out.path());
    std::fs::write(out.path().join("cells"), "a file").unwrap();
    let fails = |cell: &Stage| Ok::<_, ExperimentError>(Err(failure_of(cell)));
    let ended = run(&cells, &[0], |_| (), fails).unwrap();
    assert!(ended.failed[0].1.contains("planted"), "{ended:?}");
}

/// A shell that finishes the cell, once it has seen that what it needs is there.
#[cfg(unix)]
fn in_a_shell(cells: &[Stage], number: usize, last: &str) -> Command {
    let folder = |number: usize| cells[number].folder().display().to_string();
    let needs: String =
        cells[number].needs.iter().map(|&needed| format!("test -e '{}/done' && ", folder(needed))).collect();
    let mut command = Command::new("sh");
    let own = folder(number);
    command.args(["-c", &format!("{needs} mkdir -p '{own}' && {last} && touch '{own}/done'")]);
    command
}

#[cfg(unix)]
#[test]
fn in_processes_a_cell_begins_when_what_it_needs_is_finished() {
    let out = tempfile::tempdir().unwrap();
    let (cells, stop) = (stages(out.path()), StopSignal::listen());
    // Backwards: the order is that of the needs.
    let numbers = [5, 4, 3, 2, 1, 0];
    let command = |number| in_a_shell(&cells, number, "sleep 0.1");
    assert_eq!(run_in_processes(&cells, &numbers, 4, &stop, |_| (), command).unwrap(), Ended::default());
    assert!(Plan::of(&cells).unwrap().open_cells().is_empty());
}

#[cfg(unix)]
#[test]
fn in_processes_what_needs_a_failed_cell_is_left_out_and_a_stopped_one_ends_the_run() {
    let out = tempfile::tempdir().unwrap();
    let (cells, stop) = (stages(out.path()), StopSignal::listen());
    let command = |number| in_a_shell(&cells, number, if number == 1 { "false" } else { "true" });
    let all = [0, 1, 2, 3, 4, 5];
    let ended = run_in_processes(&cells, &all, 2, &stop, |_| (), command).unwrap();
    let failed: Vec<usize> = ended.failed.iter().map(|(number, _)| *number).collect();
    assert_eq!((ended.stopped, failed), (false, vec![1, 2]));
    assert_eq!(Plan::of(&cells).unwrap().open_cells(), [1, 2]);
    let exit = format!("exit {EXIT_STOPPED}");
    let command = |number| in_a_shell(&cells, number, &exit);
    assert!(run_in_processes(&cells, &[1, 2], 1, &stop, |_| (), command).unwrap().stopped);
}
