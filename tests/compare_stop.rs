//! Comparisons that are asked to stop, or killed: what their cells do.

use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::study::study;
use crate::support::{run_json, send, stderr, wait_until, zview};

/// A comparison that would take hours, with its first `jobs` cells under way.
fn long_comparison(folder: &Path, jobs: &str) -> Child {
    let child = zview(folder)
        .args(LONG)
        .args(["--jobs", jobs])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for cell in ["real-seed3", "real-seed5"].iter().take(jobs.parse().unwrap()) {
        wait_until(cell, || folder.join("stopped/cells").join(cell).join("events.jsonl").exists());
    }
    child
}

const LONG: [&str; 8] =
    ["compare", "study.toml", "--set", "set=[\"train.steps=100000\"]", "--device", "cpu", "--out", "stopped"];

/// The first `begun` cells are saved, the others are not begun.
fn assert_begun(folder: &Path, begun: usize) {
    let plan = run_json(folder, &[&LONG[..], &["--plan", "--untimed"]].concat());
    let states: Vec<&str> =
        plan["cells"].as_array().unwrap().iter().map(|cell| cell["state"].as_str().unwrap()).collect();
    let expected = |cell| if cell < begun { "begun" } else { "absent" };
    assert!(states.iter().enumerate().all(|(cell, state)| *state == expected(cell)), "{states:?}");
    for cell in ["real-seed3", "real-seed5"].iter().take(begun) {
        let checkpoints =
            std::fs::read_dir(folder.join("stopped/cells").join(cell).join("checkpoints")).unwrap();
        assert!(checkpoints.count() >= 1, "where it goes on from");
    }
}

/// The plan listened to signals before the cells did, and they then never heard one; cells in processes of their own
/// did not hear the one that was sent to the comparison.
#[test]
fn a_comparison_that_is_asked_to_stop_saves_what_it_has() {
    for jobs in ["1", "2"] {
        let folder = study();
        let folder = folder.path();
        let mut child = long_comparison(folder, jobs);
        send("TERM", &child);
        wait_until("the signal is heard", || child.try_wait().unwrap().is_some());
        let output = child.wait_with_output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(130), "{message}");
        assert!(message.contains("stopped and saved in stopped") && !message.contains("WARN"), "{message}");
        assert_begun(folder, jobs.parse().unwrap());
    }
}

/// They went on for hours, and the same command found their folders locked.
#[test]
fn cells_in_processes_of_their_own_save_and_end_when_the_comparison_is_killed() {
    let folder = study();
    let folder = folder.path();
    let mut child = long_comparison(folder, "2");
    send("KILL", &child);
    child.wait().unwrap();
    for cell in ["real-seed3", "real-seed5"] {
        let events = folder.join("stopped/cells").join(cell).join("events.jsonl");
        wait_until("the signal is heard", || {
            std::fs::read_to_string(&events).unwrap().contains("\"event\":\"stopped\"")
        });
    }
    assert_begun(folder, 2);
}
