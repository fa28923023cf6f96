//! The demo from one command: four arms, a table, a page that needs nothing beside itself.

use std::path::Path;
use std::process::Stdio;

use crate::support::{run, run_json, send, stderr, wait_until, write_generator, write_idx, zview};

const ARMS: [&str; 4] = ["random", "real", "synthetic-tx", "synthetic-gaussian"];

/// A demo of seconds on inputs of our own.
const TINY: [&str; 26] = [
    "demo",
    "--device",
    "cpu",
    "--data",
    "./shapes",
    "--generator",
    "generator",
    "--set",
    "encoder.width=4",
    "--set",
    "train.batch=8",
    "--set",
    "train.log_every=2",
    "--set",
    "train.warmup_steps=0",
    "--set",
    "objective.projector=[16, 8]",
    "--set",
    "views.std=0.5",
    "--set",
    "probe.train_pool=150",
    "--set",
    "train.checkpoint_every=3",
    "--seed",
    "3",
    "--out",
];

fn inputs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_idx(folder.path(), 180, 60);
    folder
}

fn demo(out: &str, steps: &str) -> Vec<String> {
    let more = [out, "--set", steps];
    TINY.iter().chain(&more).map(|&word| word.to_owned()).collect()
}

fn demo_json(folder: &Path, out: &str, steps: &str) -> serde_json::Value {
    let words = demo(out, steps);
    run_json(folder, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn four_arms_a_table_and_a_page() {
    let folder = inputs();
    let folder = folder.path();
    let result = demo_json(folder, "my demo é", "train.steps=6");
    let names: Vec<&str> =
        result["arms"].as_array().unwrap().iter().map(|arm| arm["name"].as_str().unwrap()).collect();
    assert_eq!(names, ARMS);
    for arm in result["arms"].as_array().unwrap() {
        let scores = &arm["scores"]["./shapes"];
        for measure in ["linear", "knn_20", "few_shot_10"] {
            let number = |key: &str| scores[measure][key].as_f64().unwrap();
            assert!(number("low") <= number("mean") && number("mean") <= number("high"), "{scores}");
            assert!((0.0..=1.0).contains(&number("mean")), "{scores}");
            assert_eq!(scores[measure]["seeds"][0], scores[measure]["mean"]);
        }
        assert_eq!(scores["linear"]["over"], "over 60 test images");
        assert_eq!((&arm["linear"], arm["linear"]["n_test"].as_u64()), (&scores["linear"], Some(60)));
        assert_eq!(arm["steps"], if arm["name"] == "random" { 0 } else { 6 });
    }
    assert!(result["arms"][3]["minus_reference"]["./shapes"]["linear"]["low"].is_number(), "{result}");
    let pairs = result["pairs"].as_array().unwrap();
    assert_eq!((pairs.len(), &pairs[5]["other"]), (6, &"synthetic-tx".into()), "{result}");

    let page = std::fs::read_to_string(folder.join("my demo é/report.html")).unwrap();
    check_page(&page);
    for arm in ARMS {
        assert!(page.contains(&format!(">{arm}<")), "{arm}");
    }
    for part in
        ["What each encoder saw", "Nearest neighbours", "Differences between all arms", "Loss", "Limits"]
    {
        assert!(page.contains(part), "{part}");
    }

    // What the page says repeats an arm does.
    let page = page.replace("<span>", "").replace("</span>", "").replace("&#39;", "'").replace("&amp;", "&");
    let commands: Vec<&str> = page
        .split("<code>")
        .map(|code| code.split("</code>").next().unwrap())
        .filter(|code| code.starts_with("zview pr") && code.contains("/real-seed3"))
        .collect();
    assert!(commands.len() == 2 && commands[0].contains("pretrain"), "{commands:?}");
    for command in commands {
        let line = command.replacen("zview", env!("CARGO_BIN_EXE_zview"), 1);
        let output =
            std::process::Command::new("sh").args(["-c", &line]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{line}: {}", stderr(&output));
    }
    let encoder = |run: &str| {
        std::fs::read(folder.join("my demo é/cells").join(run).join("encoder.safetensors")).unwrap()
    };
    assert!(encoder("real-seed3") == encoder("real-seed3-again"), "the repeated arm has other weights");
    assert!(encoder("real-seed3") != encoder("random-seed3"), "training changed nothing");
    let again = run_json(
        folder,
        &[
            "probe",
            "my demo é/cells/real-seed3-again",
            "--seed",
            "3",
            "--labels-per-class",
            "10",
            "--draws",
            "5",
            "--device",
            "cpu",
        ],
    );
    let scores = &result["arms"][1]["scores"]["./shapes"];
    assert_eq!(again["linear"]["top1"], scores["linear"]["mean"]);
    assert_eq!(again["knn"]["20"]["top1"], scores["knn_20"]["mean"]);
    assert_eq!(again["few_shot"]["10"]["mean"], scores["few_shot_10"]["mean"]);
}

/// Every element is closed in its turn, and nothing is loaded from elsewhere.
fn check_page(page: &str) {
    for outside in ["http://", "https://", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.starts_with("<!DOCTYPE html>"));
    let style = page.find("<style>").unwrap()..page.find("</style>").unwrap();
    let page = format!("{}{}", &page[..style.start], &page[style.end..]).replace("</style>", "");
    let mut open: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _text) = piece.split_once('>').unwrap_or_else(|| panic!("unclosed tag: {piece}"));
        let name = tag.split([' ', '\n', '/']).next().unwrap();
        if let Some(closing) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closing), "closed out of turn");
        } else if !matches!(name, "!DOCTYPE" | "meta" | "img" | "br") && !tag.ends_with('/') {
            open.push(name);
        }
        if name == "img" {
            assert!(tag.contains("src=\"data:image/png;base64,") && tag.contains("alt=\""), "{tag:.80}");
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_second_run_keeps_what_is_there_and_another_configuration_is_refused() {
    let folder = inputs();
    let folder = folder.path();
    let first = demo_json(folder, "out", "train.steps=4");
    assert_eq!(first, demo_json(folder, "out", "train.steps=4"), "seconds too, as nothing was trained");
    let other = zview(folder).args(demo("out", "train.steps=5")).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "{}", stderr(&other));
    for word in ["train.steps", "--out", "another configuration"] {
        assert!(stderr(&other).contains(word), "{word}: {}", stderr(&other));
    }
    let words = zview(folder).args(demo("out", "train.steps=4")).output().unwrap();
    let table = String::from_utf8_lossy(&words.stdout).into_owned();
    for arm in ARMS {
        assert!(table.lines().any(|line| line.starts_with(arm)), "{arm}: {table}");
    }
    assert!(table.contains("report: out/report.html"), "{table}");
    assert!(stderr(&words).contains("4 cells: 4 finished"), "{}", stderr(&words));
}

#[test]
fn a_signal_ends_it_with_130_and_the_same_command_continues_to_the_same_bits() {
    let folder = inputs();
    let folder = folder.path();
    let steps = "train.steps=120";
    let mut child = zview(folder)
        .args(demo("stopped", steps))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("a checkpoint", || folder.join("stopped/cells/real-seed3/checkpoints/step-00000003").exists());
    send("TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let output = child.wait_with_output().unwrap();
    assert!(stderr(&output).contains("the same command continues"), "{}", stderr(&output));
    assert!(!folder.join("stopped/report.html").exists());
    let resumed = demo_json(folder, "stopped", steps);
    assert_eq!(resumed["arms"][1]["interrupted_seeds"], serde_json::json!([3]), "{resumed}");
    let whole = demo_json(folder, "whole", steps);
    for arm in 0..4 {
        assert_eq!(resumed["arms"][arm]["linear"], whole["arms"][arm]["linear"]);
    }
    let page = std::fs::read_to_string(folder.join("stopped/report.html")).unwrap();
    assert!(page.contains("interrupted and continued"));
}

#[test]
fn what_cannot_work_is_told_before_anything_is_trained() {
    let folder = inputs();
    let folder = folder.path();
    let refused = |more: &[&str], words: &[&str]| {
        let words_given = [&TINY[..], &["out"], more].concat();
        let output = run(folder, &words_given);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", stderr(&output));
        for word in words {
            assert!(stderr(&output).contains(word), "{word}: {}", stderr(&output));
        }
        assert!(!folder.join("out/cells").exists(), "{more:?}");
    };
    refused(&["--set", "train.stepz=3"], &["did you mean `steps`?"]);
    refused(&["--set", "views.kind=same"], &["views.kind", "gaussian"]);
    refused(&["--set", "source.size=8"], &["1 x 8 x 8", "1 x 16 x 16", "source.size"]);
}
