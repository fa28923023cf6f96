//! A run that was interrupted ends as one that was not, or says why it cannot go on (docs/reliability.md).

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::support::{
    copy_folder, losses, run, send, stderr, wait_until, write_generator, write_generator_with_weights,
    write_idx, write_recipe, zview,
};

/// 20 steps with a checkpoint after every fifth.
const TRAIN: [&str; 14] = [
    "pretrain",
    "recipe.toml",
    "--device",
    "cpu",
    "--set",
    "train.steps=20",
    "--set",
    "train.checkpoint_every=5",
    "--set",
    "train.log_every=1",
    "--set",
    "train.keep_checkpoints=9",
    "--set",
    "train.batch=24",
];

fn train(folder: &Path, more: &[&str]) {
    let output = run(folder, &[&TRAIN[..], more].concat());
    assert!(output.status.success(), "{more:?}: {}", stderr(&output));
}

/// The end of a run: every byte of its last checkpoint's tensors and of its encoder, every loss, the last loss.
fn end(run: &Path, steps: u64) -> (Vec<Vec<u8>>, Vec<(u64, String)>, String) {
    let last = format!("checkpoints/step-{steps:08}");
    let files = [
        &format!("{last}/model.safetensors"),
        &format!("{last}/optimizer.safetensors"),
        "encoder.safetensors",
    ];
    let result: serde_json::Value =
        serde_json::from_slice(&fs::read(run.join("result.json")).unwrap()).unwrap();
    assert_eq!((result["format"].as_u64(), result["steps"].as_u64()), (Some(1), Some(steps)));
    let files = files.map(|name| fs::read(run.join(name)).unwrap());
    (files.into(), losses(run), result["loss"].to_string())
}

fn remove_checkpoints_after(run: &Path, step: u64) {
    for entry in fs::read_dir(run.join("checkpoints")).unwrap() {
        let path = entry.unwrap().path();
        let number = path.file_name().unwrap().to_str().unwrap().strip_prefix("step-").unwrap().to_owned();
        if number.parse::<u64>().unwrap() > step {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

/// R1: killed at the first step, in the middle, just after a checkpoint, at the last step; stopped by a signal.
#[test]
fn a_run_that_was_killed_anywhere_ends_with_the_bits_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    train(folder, &["--out", "whole"]);
    let whole = end(&folder.join("whole"), 20);
    assert_eq!(whole.1.len(), 20);
    let happened = |out: &Path, what: &str| match what.strip_prefix("loss ") {
        Some(step) => losses(out).len() >= step.parse().unwrap(),
        None => out.join(what).exists(),
    };
    let moments = [
        ("config.toml", "KILL"),
        ("loss 1", "KILL"),
        ("checkpoints/step-00000005", "KILL"),
        ("loss 8", "KILL"),
        ("checkpoints/step-00000010", "TERM"),
        ("loss 20", "KILL"),
    ];
    for (number, (moment, signal)) in moments.into_iter().enumerate() {
        let name = format!("run-{number}");
        let out = folder.join(&name);
        let mut child = zview(folder)
            .args(TRAIN)
            .args(["--out", &name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until(moment, || happened(&out, moment));
        send(signal, &child);
        child.wait().unwrap();
        train(folder, &["--out", &name, "--resume"]);
        assert!(end(&out, 20) == whole, "{signal} at {moment}: the resumed run ends elsewhere");
    }
    // Exactly at a checkpoint, and with nothing left to do but to write the results.
    for step in [15, 20] {
        let name = format!("cut-{step}");
        copy_folder(&folder.join("whole"), &folder.join(&name));
        remove_checkpoints_after(&folder.join(&name), step);
        for result in ["result.json", "encoder.safetensors"] {
            fs::remove_file(folder.join(&name).join(result)).unwrap();
        }
        train(folder, &["--out", &name, "--resume"]);
        assert!(end(&folder.join(&name), 20) == whole, "cut at {step}: the resumed run ends elsewhere");
    }
}

/// R3: generated and real anchors in one batch, another number of threads after the interruption.
#[test]
fn views_go_on_where_they_stopped_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_idx(folder, 50, 9);
    let text = fs::read_to_string(write_recipe(folder)).unwrap();
    let mix = text.replace("kind = \"generator\"", "kind = \"mix\"\ndata = \"./shapes\"\nreal_share = 0.5");
    fs::write(folder.join("recipe.toml"), mix).unwrap();
    let steps = ["--set", "train.steps=48", "--set", "train.checkpoint_every=40"];
    let threads = |count: &str, out: &str, more: &[&str]| {
        let output = zview(folder)
            .args(["pretrain", "recipe.toml", "--device", "cpu", "--out", out])
            .args(steps)
            .args(more)
            .env("RAYON_NUM_THREADS", count)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        end(&folder.join(out), 48)
    };
    let whole = threads("2", "whole", &[]);
    assert_eq!(whole.1.len(), 48);
    for count in ["1", "2", "8"] {
        copy_folder(&folder.join("whole"), &folder.join(count));
        remove_checkpoints_after(&folder.join(count), 40);
        assert!(
            threads(count, count, &["--resume"]) == whole,
            "{count} threads: other batches after step 40"
        );
    }
}

#[test]
fn every_checkpoint_that_is_rejected_is_named_with_its_reason_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    train(folder, &["--out", "run"]);
    let checkpoint = |step: &str| folder.join("run/checkpoints").join(step);
    fs::remove_dir_all(checkpoint("step-00000005")).unwrap();
    fs::remove_file(checkpoint("step-00000010").join("manifest.json")).unwrap();
    let model = checkpoint("step-00000015").join("model.safetensors");
    let mut bytes = fs::read(&model).unwrap();
    bytes[4_000] ^= 4;
    fs::write(&model, bytes).unwrap();
    let optimizer = checkpoint("step-00000020").join("optimizer.safetensors");
    let bytes = fs::read(&optimizer).unwrap();
    fs::write(&optimizer, &bytes[..bytes.len() / 2]).unwrap();
    let events = fs::read(folder.join("run/events.jsonl")).unwrap();
    let refused = run(folder, &[&TRAIN[..], &["--out", "run", "--resume"]].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    let message = stderr(&refused);
    let message = &message[message.find("no checkpoint of").unwrap()..];
    for words in [
        ["step-00000010", "manifest.json cannot be read"],
        ["step-00000015", "model.safetensors: expected sha256"],
        ["step-00000020", "optimizer.safetensors: expected sha256"],
    ] {
        let line = message.lines().find(|line| line.contains(words[0])).unwrap_or_default();
        assert!(line.contains(words[1]), "{words:?}: {message}");
    }
    assert_eq!(fs::read(folder.join("run/events.jsonl")).unwrap(), events, "the log was touched");
}

/// A run that was never saved has lost nothing by beginning anew; one that was saved has.
#[test]
fn without_any_checkpoint_a_run_begins_anew_only_if_it_was_never_saved() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    train(folder, &["--out", "run"]);
    let whole = end(&folder.join("run"), 20);
    fs::remove_dir_all(folder.join("run/checkpoints")).unwrap();
    let log = folder.join("run/events.jsonl");
    let events = fs::read_to_string(&log).unwrap();
    let refused = run(folder, &[&TRAIN[..], &["--out", "run", "--resume"]].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("step 20 was saved"), "{}", stderr(&refused));
    assert_eq!(fs::read_to_string(&log).unwrap(), events, "the log was touched");
    // As if it had been killed before its first checkpoint.
    let unsaved = |line: &&str| !line.contains("checkpoint\"") && !line.contains("finished");
    let events: Vec<&str> = events.lines().filter(unsaved).take(5).collect();
    fs::write(&log, events.join("\n") + "\n{\"event\": \"tr").unwrap();
    let resumed = run(folder, &[&TRAIN[..], &["--out", "run", "--resume"]].concat());
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert!(stderr(&resumed).contains("never saved: starting at step 0"), "{}", stderr(&resumed));
    assert!(end(&folder.join("run"), 20) == whole, "the run that began anew ends elsewhere");
}

#[test]
fn a_run_is_not_resumed_with_another_generator_of_the_same_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    train(folder, &["--out", "run"]);
    let whole = end(&folder.join("run"), 20);
    remove_checkpoints_after(&folder.join("run"), 10);
    let resume = [&TRAIN[..], &["--out", "run", "--resume"]].concat();
    write_generator_with_weights(folder, 7);
    let output = run(folder, &resume);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("other weights of the generator generator"), "{}", stderr(&output));
    write_generator(folder);
    train(folder, &["--out", "run", "--resume"]);
    assert_eq!(end(&folder.join("run"), 20), whole);
}

/// A run of more steps, or of other batches from its middle on, came out without a word.
#[test]
fn a_run_whose_configuration_was_edited_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    let short = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run", "--steps"];
    assert!(run(folder, &[&short[..], &["4"]].concat()).status.success());
    let file = folder.join("run/config.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let resume = ["pretrain", "run/config.toml", "--device", "cpu", "--out", "run", "--resume"];
    for (was, now, words) in [
        ("steps = 4", "steps = 9", "train.steps (4 then, 9 now)"),
        ("log_every = 2", "log_every = 1", "train.log_every (2 then, 1 now)"),
    ] {
        assert!(config.contains(&format!("\n{was}\n")), "{config}");
        std::fs::write(&file, config.replace(&format!("\n{was}\n"), &format!("\n{now}\n"))).unwrap();
        let refused = run(folder, &resume);
        assert_eq!(refused.status.code(), Some(2));
        let told = stderr(&refused);
        assert!(told.contains("was changed after the run began") && told.contains(words), "{told}");
    }
    // What says when checkpoints are written is free, and so is what is extended by its option.
    std::fs::write(&file, config.replace("checkpoint_minutes = 10", "checkpoint_minutes = 20")).unwrap();
    assert!(run(folder, &resume).status.success());
    for steps in ["6", "8"] {
        let longer = run(folder, &[&resume[..], &["--steps", steps]].concat());
        assert!(longer.status.success(), "{}", stderr(&longer));
    }
    // A process that died between the event and the file.
    std::fs::write(&file, config).unwrap();
    let longer = run(folder, &[&resume[..], &["--steps", "8"]].concat());
    assert!(longer.status.success(), "{}", stderr(&longer));
}

#[test]
fn a_finished_run_that_is_resumed_says_that_it_is_finished_and_what_extends_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    let short = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run", "--steps"];
    assert!(run(folder, &[&short[..], &["4"]].concat()).status.success());
    let result = std::fs::read(folder.join("run/result.json")).unwrap();
    let again = run(folder, &[&short[..], &["4", "--resume"]].concat());
    let said = stderr(&again);
    // Its seconds and its speed were lost.
    assert_eq!(std::fs::read(folder.join("run/result.json")).unwrap(), result);
    assert!(again.status.success() && said.contains("run is finished (4 of 4 steps)"), "{said}");
    assert!(said.contains("--steps with a number above 4 extends it"), "{said}");
    let longer = run(folder, &[&short[..], &["6", "--resume"]].concat());
    assert_ne!(std::fs::read(folder.join("run/result.json")).unwrap(), result);
    let said = stderr(&longer);
    assert!(longer.status.success() && !said.contains("is finished"), "{said}");
}

#[test]
fn the_last_checkpoints_and_the_best_stay() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    train(
        folder,
        &["--out", "run", "--set", "train.checkpoint_every=2", "--set", "train.keep_checkpoints=2"],
    );
    let mean = |step: usize| {
        let of_two: Vec<f64> = losses(&folder.join("run"))[step - 2..step]
            .iter()
            .map(|(_, loss)| loss.parse().unwrap())
            .collect();
        of_two.iter().sum::<f64>() / 2.0
    };
    let best = (1..=10).map(|pair| 2 * pair).min_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap();
    let mut expected = vec![best, 18, 20];
    expected.sort_unstable();
    expected.dedup();
    let mut kept: Vec<usize> = fs::read_dir(folder.join("run/checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap()[5..].parse().unwrap())
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, expected);
    let manifest = folder.join(format!("run/checkpoints/step-{best:08}/manifest.json"));
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    assert!((manifest["score"]["value"].as_f64().unwrap() - mean(best)).abs() < 1e-6, "{manifest}");
    assert_eq!((manifest["format"].as_u64(), manifest["state"]["seed"].as_u64()), (Some(2), Some(3)));
}

#[test]
fn a_run_is_not_resumed_with_another_manifest_of_its_generator() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let manifest = write_generator(folder).join("generator.toml");
    write_recipe(folder);
    train(folder, &["--out", "run"]);
    remove_checkpoints_after(&folder.join("run"), 10);
    let resume = [&TRAIN[..], &["--out", "run", "--resume"]].concat();
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("distribution = \"normal\""));
    fs::write(&manifest, text.replace("\"normal\"", "\"uniform\"")).unwrap();
    let refused = run(folder, &resume);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("another manifest of the generator generator"), "{}", stderr(&refused));
    // What a manifest says of itself changes no image.
    fs::write(&manifest, text.replace("licence = \"none\"", "licence = \"MIT\"")).unwrap();
    train(folder, &["--out", "run", "--resume"]);
}

#[test]
fn a_run_is_not_resumed_with_other_images_in_the_same_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    fs::write(folder.join("recipe.toml"), REAL).unwrap();
    train(folder, &["--out", "run"]);
    remove_checkpoints_after(&folder.join("run"), 10);
    let resume = [&TRAIN[..], &["--out", "run", "--resume"]].concat();
    let log = fs::read(folder.join("run/events.jsonl")).unwrap();
    // One more image, and as many as before but others.
    for images in [61, 60] {
        write_idx(folder, images, 9);
        if images == 60 {
            let path = folder.join("shapes/train-images-idx3-ubyte");
            let mut bytes = fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(path, bytes).unwrap();
        }
        let refused = run(folder, &resume);
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains("other images of"), "{}", stderr(&refused));
        assert_eq!(fs::read(folder.join("run/events.jsonl")).unwrap(), log, "what is there stays");
    }
    write_idx(folder, 60, 9);
    train(folder, &["--out", "run", "--resume"]);
}

/// A recipe of real images.
const REAL: &str = r#"seed = 3
[source]
kind = "real"
data = "shapes"
[encoder]
width = 4
[objective]
projector = [16, 8]
[train]
warmup_steps = 2
"#;
