//! What a run says before, while and after it goes on: forecast, length, signals, its log.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::study::study;
use crate::support::{
    losses, run, run_json, send, stderr, wait_until, write_generator, write_idx, write_recipe, zview,
};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_idx(folder.path(), 120, 45);
    write_recipe(folder.path());
    folder
}

const PRETRAIN: [&str; 4] = ["pretrain", "recipe.toml", "--device", "cpu"];
/// Constant after warm-up, so that a longer run begins as a shorter one.
const CONSTANT: [&str; 4] = ["--set", "optimizer.final_lr_share=1", "--set", "train.log_every=1"];

fn pretrain(folder: &Path, more: &[&str]) -> String {
    let output = run(folder, &[&PRETRAIN[..], more].concat());
    assert!(output.status.success(), "{more:?}: {}", stderr(&output));
    stderr(&output)
}

fn events(run: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == name).collect()
}

#[test]
fn a_run_says_beforehand_what_it_takes_and_on_what() {
    let folder = folder();
    let folder = folder.path();
    let said = pretrain(folder, &["--steps", "40", "--out", "a"]);
    let line = said.lines().find(|line| line.starts_with("forecast: ")).expect(&said);
    for part in ["for 40 steps of ", "on CPU (", "views of 1 x 16 x 16", "parameters", "of memory"] {
        assert!(line.contains(part), "{line}");
    }
    let forecast = &events(&folder.join("a"), "forecast")[0];
    assert_eq!((&forecast["steps"], &forecast["view"]), (&40.into(), &serde_json::json!([1, 16, 16])));
    for number in ["seconds_per_step", "seconds", "parameters", "memory_estimate"] {
        assert!(forecast[number].as_f64() > Some(0.0), "{number}: {forecast}");
    }
    assert!(forecast["device"].as_str().unwrap().starts_with("CPU"));
}

#[test]
fn a_short_run_of_a_recipe_with_a_long_warm_up_says_that_it_is_shorter() {
    let folder = folder();
    let folder = folder.path();
    let text = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let long = text.replace("warmup_steps = 2", "warmup_steps = 50");
    assert_ne!(long, text);
    fs::write(folder.join("recipe.toml"), long).unwrap();
    let said = pretrain(folder, &["--steps", "3", "--out", "short"]);
    assert!(said.contains("train.warmup_steps=3 instead of 50"), "{said}");
    let asked = [&PRETRAIN[..], &["--steps", "3", "--set", "train.warmup_steps=50", "--out", "b"]].concat();
    assert_eq!(run(folder, &asked).status.code(), Some(2));
}

#[test]
fn a_forecast_alone_writes_nothing() {
    let folder = folder();
    let folder = folder.path();
    let recipe = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let recipe = recipe
        .replace("kind = \"generator\"\ngenerator = \"generator\"", "kind = \"real\"\ndata = \"./shapes\"")
        .replace("kind = \"gaussian\"\nstd = 0.5", "kind = \"same\"");
    fs::write(folder.join("real.toml"), recipe).unwrap();
    let words = ["pretrain", "real.toml", "--device", "cpu", "--forecast", "--epochs", "6", "--out", "x"];
    let forecast = run_json(folder, &words);
    // Six times 120 images in batches of eight.
    assert_eq!((&forecast["steps"], &forecast["epochs"]), (&90.into(), &6.0.into()));
    assert_eq!(forecast["epoch_of"], "120 images");
    assert!(!folder.join("x").exists() && !folder.join("runs").exists());
}

#[test]
fn epochs_are_asked_for_of_images_and_refused_of_fresh_anchors() {
    let folder = folder();
    let folder = folder.path();
    let of_generator = run(folder, &[&PRETRAIN[..], &["--epochs", "3"]].concat());
    let said = stderr(&of_generator);
    assert!(of_generator.status.code() == Some(2) && said.contains("fresh anchors at every step"), "{said}");
    assert!(!folder.join("runs").exists(), "refused before anything is written");
    let fixed = ["--epochs", "3", "--set", "anchors.unique=40", "--out", "fixed"];
    pretrain(folder, &fixed);
    // Three times 40 anchors in batches of eight.
    let result: Value = serde_json::from_slice(&fs::read(folder.join("fixed/result.json")).unwrap()).unwrap();
    assert_eq!(result["steps"], 15);
    let both = run(folder, &[&PRETRAIN[..], &["--epochs", "3", "--steps", "4"]].concat());
    assert_eq!(both.status.code(), Some(2));
}

/// What is timed, watched and saved by the clock changes no bit, and neither does going on.
#[test]
fn an_extended_run_is_the_longer_run_where_the_rate_is_constant() {
    let folder = folder();
    let folder = folder.path();
    pretrain(folder, &[&["--out", "whole", "--steps", "12"], &CONSTANT[..]].concat());
    pretrain(folder, &[&["--out", "extended", "--steps", "7"], &CONSTANT[..]].concat());
    let more = [&["--out", "extended", "--steps", "12", "--resume"], &CONSTANT[..]].concat();
    let said = pretrain(folder, &more);
    assert!(
        said.contains("extended from 7 to 12 steps") && said.contains("the learning rate stays"),
        "{said}"
    );
    let [whole, extended] = ["whole", "extended"].map(|name| folder.join(name));
    assert_eq!(losses(&whole), losses(&extended));
    let encoder = |run: &Path| fs::read(run.join("encoder.safetensors")).unwrap();
    assert_eq!(encoder(&whole), encoder(&extended));
    let event = &events(&extended, "extended")[0];
    assert_eq!((&event["steps_before"], &event["steps"], &event["step"]), (&7.into(), &12.into(), &7.into()));
    assert_eq!(event["config_before"]["train"]["steps"], 7, "the old recipe is kept");
    assert!(fs::read_to_string(extended.join("config.toml")).unwrap().contains("steps = 12\n"));
    // The old length is refused from then on, with what to say instead.
    let short = [&PRETRAIN[..], &["--out", "extended", "--steps", "7", "--resume"], &CONSTANT[..]].concat();
    let refused = run(folder, &short);
    let said = stderr(&refused);
    assert!(
        refused.status.code() == Some(2) && said.contains("has 12 steps, and 7 were asked for"),
        "{said}"
    );
}

#[test]
fn a_run_that_a_version_without_clock_checkpoints_began_goes_on() {
    let folder = folder();
    let folder = folder.path();
    pretrain(folder, &["--out", "old"]);
    let config = folder.join("old/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("checkpoint_minutes = 10\n"), "{text}");
    fs::write(&config, text.replace("checkpoint_minutes = 10\n", "")).unwrap();
    pretrain(folder, &["--out", "old", "--resume"]);
    pretrain(folder, &["--out", "old", "--resume", "--set", "train.checkpoint_minutes=0"]);
}

#[test]
fn ctrl_c_is_answered_at_once() {
    let folder = folder();
    let folder = folder.path();
    let mut child = zview(folder)
        .args(PRETRAIN)
        .args(["--steps", "1000000", "--out", "long"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        let line = lines.by_ref().map(Result::unwrap).find(|line| line.contains(wanted));
        line.unwrap_or_else(|| panic!("no line with {wanted}"))
    };
    // By the clock, not by the steps.
    let line = until("pretraining: ");
    assert!(line.contains("/1000000") && line.contains(" so far, "), "{line}");
    send("INT", &child);
    until("stopping after this step, then saving; again to stop at once without saving");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(folder.join("long/encoder.safetensors").exists());
}

#[test]
fn a_learning_rate_that_taught_nothing_is_said_at_the_end() {
    let folder = folder();
    let folder = folder.path();
    let said = pretrain(
        folder,
        &["--steps", "60", "--set", "optimizer.lr=1e-12", "--set", "train.batch=128", "--out", "still"],
    );
    assert!(said.contains("features are where they began") && said.contains("raise optimizer.lr"), "{said}");
    let result: Value = serde_json::from_slice(&fs::read(folder.join("still/result.json")).unwrap()).unwrap();
    assert_eq!(result["said"].as_array().map(Vec::len), Some(1));
    let finished = &events(&folder.join("still"), "finished")[0];
    assert_eq!(finished["said"], result["said"]);
}

#[test]
fn a_log_is_followed_until_the_run_ends() {
    let folder = folder();
    let folder = folder.path();
    let mut trained = zview(folder)
        .args(PRETRAIN)
        .args(["--steps", "60", "--out", "followed"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the log", || folder.join("followed/events.jsonl").exists());
    let output = run(folder, &["log", "followed", "--follow"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("train: loss ") && text.contains("step 60  finished: seconds "), "{text}");
    assert!(trained.wait().unwrap().success());
}

#[test]
fn the_log_of_a_comparison_names_its_cells() {
    let folder = study();
    let folder = folder.path();
    let nothing = run(folder, &["compare", "study.toml", "--device", "cpu", "--out", "c", "--collect"]);
    let said = stderr(&nothing);
    assert!(nothing.status.code() == Some(2) && said.contains("--collect: c has no cells"), "{said}");
    assert!(!folder.join("c").exists(), "nothing is written");
    let cell = run(folder, &["compare", "study.toml", "--device", "cpu", "--out", "c", "--cell", "0"]);
    assert!(cell.status.success(), "{}", stderr(&cell));
    let log = run_json(folder, &["log", "c"]);
    assert_eq!(log["cells"][0]["run"], "c/cells/real-seed3");
    assert_eq!((&log["cells"][0]["event"], &log["cells"][0]["step"]), (&"finished".into(), &6.into()));
    let csv = run(folder, &["log", "c", "--csv", "-"]);
    let said = stderr(&csv);
    assert!(csv.status.code() == Some(2) && said.contains("name one, such as c/cells/real-seed3"), "{said}");
}

#[test]
fn held_out_images_stand_first_and_pick_a_value_of_the_axis() {
    let folder = study();
    let folder = folder.path();
    let words = ["compare", "study.toml", "--device", "cpu", "--out", "c"];
    let output = run(folder, &words);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let head = text.lines().find(|line| line.starts_with("arm ")).unwrap();
    assert!(head.find("held out") < head.find("linear"), "{head}");
    let pick = text.lines().find(|line| line.starts_with("held-out picks ")).expect(&text);
    assert!(pick.contains("(views.std)"), "{pick}");
    assert!(text.contains("two seeds: no interval") && !text.contains("+- "), "{text}");
    let comparison: Value =
        serde_json::from_slice(&fs::read(folder.join("c/comparison.json")).unwrap()).unwrap();
    let picked = &comparison["held_out_picks"][0];
    let of = |arm: &Value| arm["scores"]["./shapes"]["linear_validation"]["mean"].as_f64().unwrap();
    let arms = comparison["arms"].as_array().unwrap().iter().filter(|arm| arm["axis"].is_object());
    let best = arms.max_by(|a, b| of(a).total_cmp(&of(b))).unwrap();
    assert_eq!((&picked["key"], picked["accuracy"].as_f64()), (&"views.std".into(), Some(of(best))));
    let score = &best["scores"]["./shapes"]["linear"];
    assert!(score["low"].is_null() && score["no_interval"] == "two seeds: no interval", "{score}");
    let page = fs::read_to_string(folder.join("c/report.html")).unwrap();
    assert!(page.contains("held-out picks") && page.contains("two seeds: no interval"));
}

#[test]
fn several_stds_are_drawn_in_one_picture_and_one_says_why() {
    let folder = folder();
    let folder = folder.path();
    let sample =
        ["sample", "--generator", "generator", "--device", "cpu", "--anchors", "3", "--per-anchor", "4"];
    let drawn = |more: &[&str]| run_json(folder, &[&sample[..], more].concat());
    let several = drawn(&["--std", "0.1,0.25,0.5", "--out", "several.png"]);
    assert_eq!((&several["images"], &several["stds"][2]["rows"]), (&36.into(), &serde_json::json!([7, 9])));
    let size = |name: &str| {
        let bytes = fs::read(folder.join(name)).unwrap();
        [16, 20].map(|at| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
    };
    // Three rows with two gaps under a label of 11 pixels, and 7 pixels between the blocks.
    assert_eq!(size("several.png")[1], 3 * (11 + 3 * 16 + 2 * 2) + 2 * 7);
    let one = run(folder, &[&sample[..], &["--out", "one.png"]].concat());
    let said = String::from_utf8(one.stdout).unwrap();
    assert!(said.contains("std 0.2 (the default of a generator without classes"), "{said}");
    let folders = run(folder, &[&sample[..], &["--std", "0.1,0.2", "--out", "images"]].concat());
    let said = stderr(&folders);
    assert!(folders.status.code() == Some(2) && said.contains("drawn in one picture"), "{said}");
}

#[test]
fn encoders_of_different_recipes_are_not_pooled_and_a_first_result_has_something_beside_it() {
    let folder = folder();
    let folder = folder.path();
    for (out, more) in [("a", "seed=3"), ("b", "seed=4"), ("c", "optimizer.lr=0.5")] {
        pretrain(folder, &["--out", out, "--set", more]);
    }
    let probe = |runs: &[&str]| {
        let more =
            ["--data", "./shapes", "--protocol", "linear", "--protocol", "few-shot", "--device", "cpu"];
        run(folder, &[&["probe"], runs, &more[..]].concat())
    };
    let text = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let seeds = probe(&["a", "b"]);
    assert!(text(&seeds).contains("first arm on ./shapes: 2 encoders"), "{}", stderr(&seeds));
    assert!(text(&seeds).contains("(two seeds: no interval) over encoders"), "{}", text(&seeds));
    assert!(text(&seeds).contains("Calibration error") && text(&seeds).contains("Lower is better"));
    assert!(text(&seeds).contains("over 2 encoders x "), "{}", text(&seeds));
    let apart = probe(&["a", "c"]);
    assert!(stderr(&apart).contains("their recipes differ in optimizer.lr"), "{}", stderr(&apart));
    assert!(apart.status.success() && !text(&apart).contains("first arm"), "{}", text(&apart));
    let pooled = probe(&["a", "c", "--versus", "b"]);
    assert!(
        pooled.status.code() == Some(2) && stderr(&pooled).contains("are not pooled"),
        "{}",
        stderr(&pooled)
    );
    // Three classes: no top-5; 120 images: 1 % of the labels is one of each class.
    let first = probe(&["a"]);
    let said = text(&first);
    assert!(said.contains("chance 33.33; the same encoder untrained ") && !said.contains("top-5"), "{said}");
    assert!(
        said.contains("1% of the labels: 3 labels of 3 classes") && said.contains("10% of the labels"),
        "{said}"
    );
}
