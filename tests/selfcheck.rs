//! `zview selfcheck`: a device against the CPU, on whatever adapter there is, a software one too.

use std::path::Path;

use crate::support::{has_adapter, run, run_json, stderr, write_generator, write_recipe};

/// A folder with a recipe of a few steps and its generator, and the words of a run of it on an adapter.
fn tiny_run(folder: &Path) -> Vec<&'static str> {
    write_generator(folder);
    write_recipe(folder);
    let mut words = vec!["pretrain", "recipe.toml", "--device", "wgpu"];
    for setting in ["encoder.width=2", "train.batch=4", "train.steps=2"] {
        words.extend(["--set", setting]);
    }
    words
}

/// What a run's first event and its environment say of the comparison.
fn outcome(folder: &Path, run: &str) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(run).join(name)).unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let event = json(read("events.jsonl").lines().nth(1).unwrap())["selfcheck"].clone();
    assert_eq!(json(&read("environment.json"))["device"]["selfcheck"], event);
    event.as_str().unwrap().to_owned()
}

#[test]
fn a_planted_fault_stops_a_run_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !has_adapter(folder) {
        return;
    }
    let tiny = tiny_run(folder);
    let planted = ["--plant-fault", "conv2d 3x3, stride 1"];
    let output = run(folder, &[&tiny[..], &planted[..], &["--out", "refused"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(output.stdout.is_empty() && !folder.join("refused").exists());
    for words in ["checking", "conv2d 3x3, stride 1", "1.0e-3", "1e-5", "--device cpu", "--selfcheck warn"] {
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
    assert!(!folder.join("cache/zview").exists(), "a failed check is not remembered");

    let warned = [&tiny[..], &planted[..], &["--selfcheck", "warn", "--out", "warned"]].concat();
    let output = run(folder, &warned);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("conv2d 3x3, stride 1") && stderr(&output).contains("going on"));
    assert_eq!(outcome(folder, "warned"), "failed");
}

#[test]
fn a_passed_check_is_remembered_for_the_same_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !has_adapter(folder) {
        return;
    }
    let tiny = tiny_run(folder);
    let run_as = |more: &[&str], out: &str| {
        let output = run(folder, &[&tiny[..], more, &["--out", out]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        (stderr(&output).contains("against the CPU"), outcome(folder, out))
    };
    let checks = folder.join("cache/zview/selfcheck");
    let files = || std::fs::read_dir(&checks).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(run_as(&["--selfcheck", "skip"], "skipped"), (false, "skipped".to_owned()));
    assert!(!checks.exists());
    assert_eq!(run_as(&[], "first"), (true, "passed".to_owned()));
    assert_eq!(run_as(&["--set", "seed=9"], "second"), (false, "passed-earlier".to_owned()));
    assert_eq!(files().len(), 1);
    let stored = std::fs::read(&files()[0]).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&stored).unwrap()["passed"], true);
}

#[test]
fn every_operation_and_a_step_agree_with_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !has_adapter(folder) {
        return;
    }
    write_generator(folder);
    write_recipe(folder);
    let small = ["--set", "encoder.width=2", "--set", "train.batch=4", "--device", "wgpu"];
    let result = run_json(folder, &[&["selfcheck", "recipe.toml"][..], &small[..]].concat());
    let checks = result["checks"].as_array().unwrap();
    for check in checks {
        let (name, number) = (check["name"].as_str().unwrap(), |key: &str| check[key].as_f64().unwrap());
        println!("{name:<32} {:.1e} of {:.0e}", number("error"), number("tolerance"));
        assert_eq!(check["holds"], true, "{check}");
        assert!(number("error") <= number("tolerance"), "{check}");
    }
    let named = |name: &str| checks.iter().any(|check| check["name"] == name);
    for name in ["conv2d 3x3, stride 2", "NT-Xent", "lars", "step: views", "step: encoder"] {
        assert!(named(name), "{name} is compared");
    }
    assert!(checks.iter().any(|check| check["name"] == result["worst"]["name"]));
    assert!(
        checks.iter().any(|check| check["error"].as_f64().unwrap() > 0.0),
        "a device that rounds exactly as the CPU is the CPU"
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (arguments, words) in [
        (&["selfcheck", "--device", "cpu"][..], ["nothing to compare", "zview devices"]),
        (&["selfcheck", "--set", "train.batchh=4", "--device", "cpu"], ["--set train.batchh=4", "`batch`"]),
        (&["selfcheck", "--set", "train.batch=1", "--device", "cpu"], ["train.batch", "2 or more"]),
        (&["selfcheck", "absent.toml"], ["absent.toml", "cannot read"]),
        (&["devices", "--selfcheck", "maybe"], ["maybe", "require, warn, skip"]),
    ] {
        let output = run(folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "a refusal prints no result");
        for word in words {
            assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
        }
    }
}
