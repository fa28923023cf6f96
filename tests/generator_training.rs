//! `zview generator train` as a user meets it: train, kill, resume, sample, and the ways it can go wrong.

use std::path::Path;
use std::process::Stdio;

use crate::support::{run, run_json, send, stderr, wait_until, write_idx, zview};

/// A recipe for the 16x16 images of [`write_idx`].
fn write_training(folder: &Path, method: &str) {
    let own = match method {
        "gan" => "[gan]\ndiscriminator_width = 4",
        _ => "[vae]\nencoder_width = 4",
    };
    let text = format!(
        "name = \"tiny\"\nmethod = \"{method}\"\nlicence = \"none\"\n[source]\ndata = \"./shapes\"\n\
         [generator]\nlatent_dimension = 4\nwidth = 8\nconditional = true\nclass_dimension = 3\n\
         {own}\n\
         [train]\nsteps = 120\nbatch = 8\nlog_every = 1\nsamples_every = 60\ncheckpoint_every = 3\n"
    );
    std::fs::write(folder.join("training.toml"), text).unwrap();
}

const TRAIN: [&str; 5] = ["generator", "train", "training.toml", "--device", "cpu"];

fn weights(folder: &Path, out: &str) -> Vec<u8> {
    std::fs::read(folder.join(out).join("generator-00000120.safetensors")).unwrap()
}

#[test]
fn a_trained_generator_is_a_generator_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    for method in ["gan", "vae"] {
        write_training(folder, method);
        let trained = run_json(folder, &[&TRAIN[..], &["--set", "train.steps=6", "--out", method]].concat());
        assert_eq!((trained["steps"].as_u64(), trained["stopped"].as_bool()), (Some(6), Some(false)));
        assert!(trained["images_per_second"].as_f64().unwrap() > 0.0, "{trained}");
        let sheet = format!("{method}-sheet.png");
        let inspect =
            ["generator", "inspect", method, "--device", "cpu", "--seconds", "0.05", "--sheet", &sheet];
        let shown = run_json(folder, &inspect);
        assert!(shown["throughput"]["images_per_second"].as_f64().unwrap() > 0.0, "{shown}");
        assert_eq!(shown["sheet"]["images"].as_u64(), Some(24));
        assert!(folder.join(&sheet).is_file());
        assert_eq!((shown["name"].as_str(), shown["condition"]["classes"].as_u64()), (Some("tiny"), Some(3)));
        let grid = format!("{method}.png");
        let few = ["--anchors", "3", "--per-anchor", "2", "--device", "cpu", "--out", &grid];
        let sample = [&["sample", "--generator", method], &few[..]].concat();
        assert_eq!(run_json(folder, &sample)["images"], 6);
        for file in ["samples/step-00000006.png", "config.toml", "events.jsonl", "result.json"] {
            assert!(folder.join(method).join(file).is_file(), "{method}/{file}");
        }
    }
}

#[test]
fn a_generator_run_that_is_killed_and_resumed_ends_with_the_bits_of_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    write_training(folder, "gan");
    run_json(folder, &[&TRAIN[..], &["--out", "whole"]].concat());
    run_json(folder, &[&TRAIN[..], &["--out", "again"]].concat());
    assert!(weights(folder, "whole") == weights(folder, "again"), "the same seed gives other weights");
    for signal in ["KILL", "TERM"] {
        let out = &format!("stopped-{signal}");
        let mut child = zview(folder)
            .args(TRAIN)
            .args(["--out", out])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("a checkpoint", || folder.join(out).join("checkpoints/step-00000006").exists());
        send(signal, &child);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), (signal == "TERM").then_some(130));
        // Whatever the moment of the kill, what is there loads.
        run_json(folder, &["generator", "inspect", out, "--device", "cpu"]);
        let again = run(folder, &[&TRAIN[..], &["--out", out]].concat());
        assert!(again.status.code() == Some(2) && stderr(&again).contains("--resume"), "{}", stderr(&again));
        let resumed = run_json(folder, &[&TRAIN[..], &["--out", out, "--resume"]].concat());
        assert_eq!(resumed["steps"], 120);
        assert!(weights(folder, "whole") == weights(folder, out), "{signal}: the resumed run ends elsewhere");
        assert!(std::fs::read_dir(folder.join(out).join("checkpoints")).unwrap().count() <= 2);
    }
}

#[test]
fn a_generator_run_is_not_resumed_with_other_images_in_the_same_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    write_training(folder, "vae");
    run_json(folder, &[&TRAIN[..], &["--set", "train.steps=6", "--out", "run"]].concat());
    let resume = [&TRAIN[..], &["--set", "train.steps=6", "--out", "run", "--resume"]].concat();
    write_idx(folder, 63, 9);
    let refused = run(folder, &resume);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("other images of"), "{}", stderr(&refused));
    write_idx(folder, 60, 9);
    run_json(folder, &resume);
}

/// Their images were `[data] name` where those of every other recipe are `[source] data`.
#[test]
fn a_generator_recipe_and_a_run_of_an_earlier_version_are_read_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    write_training(folder, "vae");
    let earlier = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (before, after) = text.split_once("[source]\ndata = ").unwrap();
        std::fs::write(path, format!("{before}[data]\nname = {after}")).unwrap();
    };
    earlier(&folder.join("training.toml"));
    let short = [&TRAIN[..], &["--set", "train.steps=6", "--out", "run"]].concat();
    let began = run(folder, &short);
    let told = stderr(&began);
    assert!(began.status.success(), "{told}");
    assert!(told.contains("`data.name` is called `source.data` by now"), "{told}");
    earlier(&folder.join("run/config.toml"));
    let resumed = run(folder, &[&short[..], &["--resume"]].concat());
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    // By either name it is the same key, which decides what the generator is called.
    for key in ["data.name", "source.data"] {
        let set = format!("{key}=./shapes/");
        let short = ["--set", "train.steps=2", "--set", &set, "--out", key];
        assert!(run(folder, &[&TRAIN[..], &short].concat()).status.success());
        let manifest = std::fs::read_to_string(folder.join(key).join("generator.toml")).unwrap();
        assert!(manifest.contains("name = \"shapes\""), "{manifest}");
    }
    let text = std::fs::read_to_string(folder.join("training.toml")).unwrap();
    std::fs::write(folder.join("training.toml"), text + "[source]\ndata = \"mnist\"\n").unwrap();
    let both = run(folder, &[&TRAIN[..], &["--out", "both"]].concat());
    assert_eq!(both.status.code(), Some(2));
    assert!(
        stderr(&both).contains("line 4: `data` is called `source` by now, and that is there too"),
        "{}",
        stderr(&both)
    );
}

#[test]
fn images_and_recipes_that_cannot_work_end_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    write_training(folder, "gan");
    let fails = |changes: &[&str]| {
        let mut arguments = [&TRAIN[..], &["--out", "refused"]].concat();
        for change in changes {
            arguments.extend(["--set", change]);
        }
        let output = run(folder, &arguments);
        assert_eq!(output.status.code(), Some(2), "{changes:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
        assert!(!folder.join("refused").exists(), "{changes:?} left a folder");
        stderr(&output)
    };
    assert!(fails(&["train.batch=61"]).contains("at most the 60 images"));
    assert!(fails(&["source.size=27"]).contains("set source.size"));
    assert!(fails(&["source.data=nothing-here"]).contains("nothing-here"));
    assert!(fails(&["gan.with=3"]).contains("discriminator_width"));
    write_idx(folder, 1, 1);
    assert!(fails(&[]).contains("at least 2 images"));
}

#[test]
fn a_diverging_generator_run_exits_1_and_keeps_the_last_good_generator() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 60, 9);
    write_training(folder, "vae");
    // The rate is high enough to diverge after some steps, not at once.
    let huge = ["--set", "optimizer.lr=40", "--set", "train.checkpoint_every=1", "--out", "run"];
    let output = run(folder, &[&TRAIN[..], &huge].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for word in ["diverged", "step", "optimizer.lr", "is kept"] {
        assert!(stderr(&output).contains(word), "{word}: {}", stderr(&output));
    }
    run_json(folder, &["generator", "inspect", "run", "--device", "cpu"]);
}
