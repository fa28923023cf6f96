//! Seeing what happens in a run: the log, and what is made of it; the collapse watch; the online probe.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{run, run_json, stderr, write_generator, write_idx, write_recipe};

const TRAIN: [&str; 4] = ["pretrain", "recipe.toml", "--device", "cpu"];

/// A folder with the small recipe on real labelled images; and without labels, on a generator.
fn prepared(labels: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_recipe(folder.path());
    if labels {
        write_idx(folder.path(), 60, 9);
        let text = fs::read_to_string(&recipe).unwrap();
        let text = text.replace(
            "kind = \"generator\"\ngenerator = \"generator\"",
            "kind = \"real\"\ndata = \"./shapes\"",
        );
        let text = text.replace("[views]\nkind = \"gaussian\"\nstd = 0.5\n", "");
        fs::write(&recipe, text).unwrap();
    } else {
        write_generator(folder.path());
    }
    folder
}

/// Trains with settings and expects success.
fn train(folder: &Path, out: &str, settings: &[&str]) -> Value {
    let sets = settings.iter().flat_map(|setting| ["--set", setting]).collect::<Vec<_>>();
    run_json(folder, &[&TRAIN[..], &["--out", out], &sets[..]].concat())
}

fn events(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn tensorboard_files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_log_gives_csv_and_tensorboard_files_and_the_live_ones_are_the_same() {
    let folder = prepared(false);
    let folder = folder.path();
    train(folder, "my run é", &["train.views_every=4", "watch.every=3"]);
    let run = folder.join("my run é");
    assert!(run.join("views/step-00000004.png").is_file() && run.join("views.png").is_file());
    let events = events(&run);
    let watched: Vec<&Value> = events.iter().filter(|event| event["watch"].is_object()).collect();
    assert_eq!(watched.iter().map(|event| event["step"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 6]);
    let rank = watched[1]["watch"]["effective_rank"].as_f64().unwrap();
    assert!((1.0..=16.0).contains(&rank) && watched[1]["watch"]["views"] == 16, "{}", watched[1]);
    let memory = watched[1]["memory"]["resident"].as_f64().unwrap();
    assert!(memory > 1e6 || !cfg!(target_os = "linux"), "{memory}");

    let log = run_json(folder, &["log", "my run é", "--csv", "log.csv", "--tensorboard", "board"]);
    assert_eq!(log["series"]["loss"]["count"], 6);
    assert_eq!(log["series"]["watch/effective_rank"]["last"].as_f64(), Some(rank));
    let (live, made) =
        (tensorboard_files(&run.join("tensorboard")), tensorboard_files(&folder.join("board")));
    assert!(live.len() == 1 && made.len() == 1, "{live:?} {made:?}");
    assert!(fs::read(&live[0]).unwrap() == fs::read(&made[0]).unwrap(), "live and made files differ");
    let csv = fs::read_to_string(folder.join("log.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 6, "{csv}");
    let column = csv.lines().next().unwrap().split(',').position(|name| name == "loss").unwrap();
    let last: f64 = csv.lines().last().unwrap().split(',').nth(column).unwrap().parse().unwrap();
    assert_eq!(log["series"]["loss"]["last"].as_f64(), Some(last));
    assert!(run_json_free(folder, &["log", "my run é", "--csv", "-"]).starts_with("step,time,"));
}

fn run_json_free(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_resumed_run_has_the_log_and_the_tensorboard_file_of_what_counts() {
    let folder = prepared(true);
    let folder = folder.path();
    let settings =
        ["train.checkpoint_every=3", "train.log_every=1", "watch.every=2", "watch.online_probe=true"];
    train(folder, "run", &settings);
    let run_folder = folder.join("run");
    let values = |run: &Path| -> Vec<(Value, Value, Value, Value)> {
        let trained = events(run).into_iter().filter(|event| event["event"] == "train");
        let part = |event: &Value| {
            let mut watch = event["watch"].clone();
            if let Some(watch) = watch.as_object_mut() {
                watch.remove("seconds");
            }
            (event["step"].clone(), event["losses"].clone(), event["online_probe"].clone(), watch)
        };
        trained.map(|event| part(&event)).collect()
    };
    let last_checkpoint = run_folder.join("checkpoints/step-00000006");
    let parts = |path: &Path| {
        ["model", "optimizer"].map(|part| fs::read(path.join(format!("{part}.safetensors"))).unwrap())
    };
    let (before, first) = (values(&run_folder), parts(&last_checkpoint));
    assert_eq!(before.len(), 6);
    assert!(
        before.iter().all(|(_, _, probe, _)| probe["examples"] == 16 && probe["data"] == "training stream")
    );
    let old_file = tensorboard_files(&run_folder.join("tensorboard"));
    fs::remove_dir_all(&last_checkpoint).unwrap();
    let sets = settings.iter().flat_map(|setting| ["--set", setting]).collect::<Vec<_>>();
    run_json(folder, &[&TRAIN[..], &["--out", "run", "--resume"], &sets[..]].concat());
    assert_eq!(values(&run_folder), before, "the resumed run measures something else");
    assert!(parts(&last_checkpoint) == first, "the resumed run ends elsewhere");
    let new_file = tensorboard_files(&run_folder.join("tensorboard"));
    assert!(new_file.len() == 1 && new_file != old_file, "{old_file:?} {new_file:?}");
    run_json(folder, &["log", "run", "--tensorboard", "board"]);
    let made = tensorboard_files(&folder.join("board"));
    assert!(fs::read(&new_file[0]).unwrap() == fs::read(&made[0]).unwrap(), "live and made files differ");
}

#[test]
fn the_online_probe_does_not_touch_the_encoder() {
    let folder = prepared(true);
    let folder = folder.path();
    train(folder, "without", &["train.steps=12"]);
    train(folder, "with", &["train.steps=12", "watch.online_probe=true"]);
    let encoder = |out: &str| fs::read(folder.join(out).join("encoder.safetensors")).unwrap();
    assert!(encoder("without") == encoder("with"), "the online probe changed the encoder");
    let probed = |out: &str| {
        events(&folder.join(out)).iter().filter(|event| event["online_probe"].is_object()).count()
    };
    assert_eq!((probed("without"), probed("with")), (0, 6));
    let unlabelled = prepared(false);
    let refused =
        run(unlabelled.path(), &[&TRAIN[..], &["--out", "run", "--set", "watch.online_probe=true"]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("watch.online_probe: the views have no labels"),
        "{}",
        stderr(&refused)
    );
    assert!(!unlabelled.path().join("run").exists());
}

#[test]
fn a_collapse_warns_or_stops_the_run_with_its_measure_step_and_remedy() {
    let folder = prepared(false);
    let folder = folder.path();
    // A weight decay that takes 30 % of every weight at every step.
    let settings = ["optimizer.weight_decay=3", "optimizer.lr=0.1", "optimizer.momentum=0"];
    let collapse = [&["train.steps=40", "train.log_every=5", "watch.every=5"], &settings[..]].concat();
    let sets: Vec<&str> = collapse.iter().flat_map(|setting| ["--set", setting]).collect();
    let warned = run(folder, &[&TRAIN[..], &["--out", "warned"], &sets[..]].concat());
    assert!(warned.status.success(), "{}", stderr(&warned));
    assert_eq!(stderr(&warned).matches("the features have collapsed").count(), 1, "{}", stderr(&warned));
    let stop = ["--out", "stopped", "--set", "watch.stop_on_collapse=true"];
    let stopped = run(folder, &[&TRAIN[..], &stop, &sets[..]].concat());
    let message = stderr(&stopped);
    assert_eq!(stopped.status.code(), Some(1), "{message}");
    for words in ["the features have collapsed: at step ", " is ", "below watch.min_", "lower optimizer.lr"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let events = events(&folder.join("stopped"));
    let last = events.last().unwrap();
    assert!(
        last["event"] == "collapsed" && last["message"].as_str().unwrap().contains("collapsed"),
        "{last}"
    );
    assert!(events[events.len() - 2]["watch"].is_object(), "the measures that say so are logged before");
}

#[test]
fn a_generators_training_has_a_log_too_and_what_is_no_run_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    let text = "name = \"tiny\"\nmethod = \"gan\"\nlicence = \"none\"\n[source]\ndata = \"./shapes\"\n[generator]\n\
                latent_dimension = 4\nwidth = 8\n[gan]\ndiscriminator_width = 4\n\
                [train]\nsteps = 4\nbatch = 8\nlog_every = 1\nsamples_every = 2\n";
    fs::write(folder.join("training.toml"), text).unwrap();
    run_json(folder, &["generator", "train", "training.toml", "--device", "cpu", "--out", "run"]);
    let log = run_json(folder, &["log", "run", "--tensorboard", "board"]);
    assert_eq!(log["series"]["loss/generator"]["count"], 4, "{log}");
    let pictures = events(&folder.join("run")).iter().filter(|event| event["picture"].is_string()).count();
    assert_eq!(pictures, 2, "one at step 2, one at the end");
    let (live, made) =
        (tensorboard_files(&folder.join("run/tensorboard")), tensorboard_files(&folder.join("board")));
    assert!(fs::read(&live[0]).unwrap() == fs::read(&made[0]).unwrap(), "live and made files differ");
    let none = run(folder, &["log", "shapes"]);
    assert!(none.status.code() == Some(2) && stderr(&none).contains("run folder"), "{}", stderr(&none));
}
