//! What is promised of checkpoints: whole or not at all, every bit checked, the last and the best kept.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use zview_runtime::seed::{Purpose, Stream};

use super::saved::folders;
use super::*;
use crate::NamedTensors;

fn tensors(name: &str, values: &[f32]) -> NamedTensors {
    let mut tensors = NamedTensors::default();
    tensors.add(name, Tensor::<1>::from_data(values, &Device::flex())).unwrap();
    tensors
}

fn snapshot(step: u64) -> Snapshot {
    let velocity = [0.5, step as f32 + 0.25];
    let parts =
        vec![("model", tensors("step", &[step as f32])), ("optimizer", tensors("velocity", &velocity))];
    Snapshot::new(step, parts).with_state("seed", 7)
}

fn scored(step: u64, value: f64, measure: &str, higher_is_better: bool) -> Snapshot {
    snapshot(step).with_score(Some(Score { measure: measure.to_owned(), value, higher_is_better }))
}

fn write(run: &Path, step: u64) -> Checkpoint {
    snapshot(step).write(run).unwrap()
}

fn steps(run: &Path) -> Vec<u64> {
    folders(run).iter().map(|path| Checkpoint::verify(path).unwrap().step()).collect()
}

#[test]
fn tensors_and_state_come_back() {
    let run = tempfile::tempdir().unwrap();
    let written = scored(12, 0.25, "loss", false).write(run.path()).unwrap();
    let read = Checkpoint::newest(run.path()).unwrap().unwrap();
    assert_eq!((read.step(), read.path()), (12, written.path()));
    assert_eq!(read.state("seed").and_then(serde_json::Value::as_u64), Some(7));
    assert_eq!(read.score().unwrap().value, 0.25);
    assert_eq!(read.open("optimizer").unwrap().take("velocity", &[2]).unwrap(), [0.5, 12.25]);
}

#[test]
fn older_ones_go_only_when_the_new_one_is_intact() {
    let run = tempfile::tempdir().unwrap();
    let run = run.path();
    for step in [10, 20, 30] {
        write(run, step);
    }
    let newest = write(run, 40);
    assert_eq!(Retention { last: 2, best: true }.apply(run, &newest).unwrap(), 2);
    assert_eq!(steps(run), [30, 40]);
    fs::write(newest.path().join("model.safetensors"), b"cut").unwrap();
    assert!(Retention { last: 1, best: false }.apply(run, &newest).is_err());
    assert_eq!(folders(run).len(), 2);
    let found = Checkpoint::newest(run).unwrap().unwrap();
    assert_eq!(found.step(), 30);
    assert_eq!(found.open("model").unwrap().take("step", &[1]).unwrap(), [30.0]);
}

#[test]
fn the_best_stays_as_long_as_nothing_measured_alike_is_better() {
    for (higher_is_better, sign) in [(false, 1.0), (true, -1.0)] {
        let run = tempfile::tempdir().unwrap();
        let run = run.path();
        let retention = Retention { last: 1, best: true };
        let kept_after = |step: u64, value: f64, measure: &str| {
            let newest = scored(step, sign * value, measure, higher_is_better).write(run).unwrap();
            retention.apply(run, &newest).unwrap();
            steps(run)
        };
        assert_eq!(kept_after(1, 3.0, "loss"), [1]);
        assert_eq!(kept_after(2, 2.0, "loss"), [2]);
        assert_eq!(kept_after(3, 2.5, "loss"), [2, 3]);
        assert_eq!(kept_after(4, 2.25, "loss"), [2, 4]);
        assert_eq!(kept_after(5, 1.0, "loss"), [5]);
        assert_eq!(kept_after(6, f64::NAN, "loss"), [6], "what is no number is no score");
        assert_eq!(kept_after(7, 9.0, "accuracy"), [7], "another measure begins anew");
    }
}

/// The name under which the checkpoint is written is taken by a file, so that the write fails.
#[test]
fn a_failed_write_shows_at_the_next_call_and_older_checkpoints_stay() {
    let run = tempfile::tempdir().unwrap();
    let run = run.path();
    let mut writer = CheckpointWriter::new(run, Retention { last: 1, best: false }, None);
    assert_eq!(writer.start(snapshot(1)).unwrap(), None);
    assert_eq!(writer.finish().unwrap().map(|written| (written.step, written.removed)), Some((1, 0)));
    let temporary = run.join(format!("checkpoints/.step-00000002.{}.tmp", std::process::id()));
    fs::write(&temporary, b"in the way").unwrap();
    writer.start(snapshot(2)).unwrap();
    let error = writer.start(snapshot(3)).unwrap_err().to_string();
    assert!(error.contains("step-00000002") && error.contains("a file is in the way: move it"), "{error}");
    assert_eq!((writer.last_written(), steps(run)), (Some(1), vec![1]));
    // The run can go on where the reason is gone.
    fs::remove_file(&temporary).unwrap();
    writer.start(snapshot(3)).unwrap();
    assert_eq!(writer.start(snapshot(4)).unwrap().map(|written| written.step), Some(3), "one at a time");
    drop(writer);
    assert_eq!(steps(run), [4], "dropping waits");
}

#[test]
fn a_newer_format_and_a_moved_checkpoint_are_named() {
    let run = tempfile::tempdir().unwrap();
    let run = run.path();
    let path = write(run, 5).path().to_owned();
    let moved = path.with_file_name("step-00000006");
    fs::rename(&path, &moved).unwrap();
    assert!(Checkpoint::verify(&moved).unwrap_err().to_string().contains("step 5"));
    let text = fs::read_to_string(moved.join("manifest.json")).unwrap();
    let text = text
        .replace("\"format\": 2", "\"format\": 3, \"sharded\": true")
        .replace("\"step\": 5", "\"step\": 6");
    fs::write(moved.join("manifest.json"), &text).unwrap();
    let hash = zview_runtime::hash::sha256_of_bytes(text.as_bytes());
    fs::write(moved.join("manifest.sha256"), format!("{hash}  manifest.json\n")).unwrap();
    let error = Checkpoint::newest(run).unwrap_err().to_string();
    assert!(
        error.contains("step-00000006") && error.contains("format 3") && error.contains("up to 2"),
        "{error}"
    );
}

/// R6 of docs/reliability.md.
#[test]
fn a_thousand_flipped_bits_and_a_thousand_truncations_are_all_found() {
    let run = tempfile::tempdir().unwrap();
    let run = run.path();
    let path = write(run, 1).path().to_owned();
    let files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|file| (file.clone(), fs::read(&file).unwrap()))
        .collect();
    assert_eq!(files.len(), 4, "two parts, the manifest and its hash");
    let mut random = Stream::new(0, Purpose::Check, 0, 0);
    for case in 0..2_000 {
        let (file, whole) = &files[random.below(files.len() as u64) as usize];
        let place = random.below(whole.len() as u64) as usize;
        let mut changed = whole.clone();
        if case % 2 == 0 {
            changed[place] ^= 1 << random.below(8);
        } else {
            changed.truncate(place);
        }
        fs::write(file, &changed).unwrap();
        let refused = Checkpoint::newest(run);
        assert!(matches!(refused, Err(CheckpointError::NoneValid { .. })), "{}: case {case}", file.display());
        fs::write(file, whole).unwrap();
    }
    let intact = Checkpoint::newest(run).unwrap().unwrap();
    // A change after the check is found before the tensors are handed out.
    let model = path.join("model.safetensors");
    let mut bytes = fs::read(&model).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&model, bytes).unwrap();
    assert!(matches!(intact.open("model"), Err(CheckpointError::Damaged { .. })));
}

#[test]
fn a_tensor_of_a_checkpoint_that_nothing_takes_is_refused_by_name() {
    let run = tempfile::tempdir().unwrap();
    let mut model = tensors("encoder.weight", &[1.0, 2.0]);
    model.extend(tensors("discriminator.0.weight", &[3.0]));
    let checkpoint = Snapshot::new(1, vec![("model", model)]).write(run.path()).unwrap();
    let mut part = checkpoint.open("model").unwrap();
    assert_eq!(part.take("encoder.weight", &[2]).unwrap(), [1.0, 2.0]);
    let error = part.refuse_unused().unwrap_err().to_string();
    assert!(error.contains("1 tensors") && error.contains("`discriminator.0.weight`"), "{error}");
    // Keys of zview's own files are never found under another name.
    assert!(part.take("0.weight", &[1]).is_err());
    part.take("discriminator.0.weight", &[1]).unwrap();
    part.refuse_unused().unwrap();
}
