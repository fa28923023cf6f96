//! Runs of one number.

use std::path::Path;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use serde_json::{Value, json};
use zview_runtime::device::{ChosenDevice, cpu};
use zview_runtime::forecast::RunSize;
use zview_runtime::run_folder::{EventReader, RunFolder};
use zview_runtime::stop::StopSignal;

use super::*;
use crate::checkpoint::{Retention, Snapshot};
use crate::{NamedTensors, StateError};

/// A run of six steps that is saved after every second.
fn plan<'a>(device: &'a ChosenDevice, stop: &'a StopSignal) -> RunPlan<'a> {
    RunPlan {
        doing: "counting",
        losses: &["left", "right"],
        per_step: (3, "numbers"),
        seed: 5,
        steps: 6,
        log_every: 3,
        checkpoint_every: 2,
        checkpoint_minutes: 0,
        retention: Retention { last: 9, best: false },
        device,
        stop,
        tell: false,
        shorter: "count less",
        steadier: "count slower",
    }
}

/// Adds its step to a number; the losses are the number and its negative.
struct Sum<'a> {
    step: u64,
    value: f32,
    /// The step after which it is not a number.
    breaks_at: u64,
    stop_at: (u64, &'a StopSignal),
}

impl Step for Sum<'_> {
    type Error = TrainingError;

    fn steps_taken(&self) -> u64 {
        self.step
    }

    fn learning_rate(&self, step: u64) -> f64 {
        step as f64
    }

    fn size(&self) -> RunSize {
        let view = [1, 1, 1];
        RunSize {
            steps: 6,
            steps_left: 6,
            epochs: None,
            epoch_of: None,
            parameters: 1,
            view,
            memory_estimate: None,
        }
    }

    fn step(&mut self) -> Result<Vec<Tensor<1>>, TrainingError> {
        self.step += 1;
        self.value += if self.step == self.breaks_at { f32::NAN } else { self.step as f32 };
        Ok([self.value, -self.value].map(|loss| Tensor::from_floats([loss], &Device::flex())).to_vec())
    }

    fn after_step(&mut self, _: &mut Run<'_>) -> Result<bool, TrainingError> {
        if self.stop_at.0 == self.step {
            self.stop_at.1.request();
        }
        Ok(false)
    }

    fn snapshot(&mut self) -> Result<Snapshot, StateError> {
        let mut model = NamedTensors::default();
        model.add("value", Tensor::<1>::from_floats([self.value], &Device::flex()))?;
        let made = format!("{} at {}", self.value, self.step);
        Ok(Snapshot::new(self.step, vec![("model", model)]).with_product(move |run| {
            Ok(zview_runtime::atomic::write_file(&run.join("made.txt"), made.as_bytes())?)
        }))
    }
}

/// Goes on with what is in `out`, to the last step or until after `stop_at`, or until it breaks.
fn count(out: &Path, stop_at: u64, breaks_at: u64) -> Result<Trained, TrainingError> {
    let (device, stop) = (cpu("a test"), StopSignal::default());
    let mut sum = Sum { step: 0, value: 0.0, breaks_at, stop_at: (stop_at, &stop) };
    let mut run = if out.join("config.toml").exists() {
        let folder = RunFolder::resume(out)?;
        let checkpoint = newest_checkpoint(out)?;
        if let Some(checkpoint) = &checkpoint {
            sum.step = checkpoint.step();
            let mut model = checkpoint.open("model")?;
            sum.value = model.take("value", &[1]).map_err(StateError::from)?[0];
        }
        Run::resume(folder, plan(&device, &stop), checkpoint.as_ref())?
    } else {
        let run = Run::begin(RunFolder::create(out)?, plan(&device, &stop), json!({ "of": "numbers" }))?;
        run.folder().write_config(&json!({ "steps": 6 }))?;
        run
    };
    let trained = run.train(&mut sum)?;
    run.end((sum.step, &trained), &json!({ "value": sum.value }), &[])?;
    Ok(trained)
}

#[test]
fn the_clock_asks_for_a_checkpoint_when_the_last_one_is_old_unless_it_is_told_not_to() {
    let old_after = |seconds: u64, minutes: u64| {
        run::is_old(Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap(), minutes)
    };
    assert!(!old_after(599, 10) && old_after(601, 10));
    assert!(old_after(61, 1) && !old_after(1_000_000, 0));
}

fn events(out: &Path) -> Vec<Value> {
    EventReader::new(&out.join("events.jsonl")).new_events().unwrap()
}

fn losses(out: &Path) -> Vec<Value> {
    let events = events(out).into_iter().filter(|event| event["event"] == "train");
    events.map(|event| json!([event["step"], event["losses"], event["learning_rate"]])).collect()
}

#[test]
fn a_run_that_is_stopped_and_resumed_logs_what_an_unbroken_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, broken] = ["whole", "broken"].map(|name| folder.path().join(name));
    assert!(!count(&whole, 0, 0).unwrap().stopped);
    let stopped = count(&broken, 4, 0).unwrap();
    assert!(stopped.stopped && stopped.per_second > 0.0);
    assert_eq!(std::fs::read_to_string(broken.join("made.txt")).unwrap(), "10 at 4");
    assert!(!count(&broken, 0, 0).unwrap().stopped);
    assert_eq!(losses(&whole), losses(&broken));
    assert_eq!(losses(&whole)[1], json!([3, { "left": [6.0], "right": [-6.0] }, 2.0]));
    for out in [&whole, &broken] {
        assert_eq!(std::fs::read_to_string(out.join("made.txt")).unwrap(), "21 at 6");
        assert!(std::fs::read_to_string(out.join("result.json")).unwrap().contains("21"));
    }
    let kinds: Vec<_> =
        events(&broken).iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!((kinds.first().unwrap().as_str(), kinds.last().unwrap().as_str()), ("started", "finished"));
    assert!(kinds.contains(&"resumed".to_owned()) && events(&broken)[0]["of"] == "numbers", "{kinds:?}");
}

#[test]
fn a_run_that_diverges_says_where_and_keeps_what_was_good() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let TrainingError::NotFinite(not_finite) = count(&out, 0, 5).unwrap_err() else { panic!("it ended") };
    let said = not_finite.to_string();
    assert!(said.starts_with("training diverged: the left loss of step 5 is NaN"), "{said}");
    assert!(said.contains("last finite: left 10.0000") && said.contains("count slower"), "{said}");
    assert!(said.ends_with("the checkpoint of step 4 is kept"), "{said}");
    assert_eq!(events(&out).last().unwrap()["message"], json!(said));
    assert_eq!(std::fs::read_to_string(out.join("made.txt")).unwrap(), "10 at 4");
    // Its checkpoints gone, it does not begin anew without a word.
    std::fs::remove_dir_all(out.join("checkpoints")).unwrap();
    assert!(count(&out, 0, 0).unwrap_err().to_string().contains("step 4 was saved"));
}
