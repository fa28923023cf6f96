//! What cannot be: values that no evaluation works with, an encoder against itself, files that somebody damaged.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::study::study;
use crate::support::{run, run_json, stderr, write_idx, write_recipe};

/// Refused with exit code 2 and a message with all `words`.
fn refused(folder: &Path, command: &[&str], words: &[&str]) {
    let output = run(folder, command);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{command:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{command:?}: no `{word}` in {message}");
    }
    assert!(!message.contains("has no images"), "{message}");
}

const PLAN: [&str; 4] = ["--plan", "--untimed", "--device", "cpu"];

/// They were told cell by cell, after training.
#[test]
fn impossible_values_of_an_evaluation_are_refused_before_anything_is_trained() {
    let folder = study();
    let folder = folder.path();
    let file = fs::read_to_string(folder.join("study.toml")).unwrap();
    let wrong = file.replace("train_pool = 120", "train_pool = 0\nknn = { k = [0] }\nbatch = 0");
    fs::write(folder.join("wrong.toml"), wrong).unwrap();
    let set = ["--set", "evaluation.linear.validation_share=5", "--set", "evaluation.size=0"];
    let words = [
        "evaluation.train_pool: expected 1 or more, got 0 (line 14)",
        "evaluation.knn.k: expected one number of 1 or more, or several, got [0] (line 15)",
        "evaluation.batch: expected 1 or more, got 0",
        "evaluation.linear.validation_share: expected a number between 0 and 1, both excluded, got 5.0 (--set \
         evaluation.linear.validation_share=5)",
        "evaluation.size: expected 1 to 8192 pixels, got 0",
    ];
    refused(folder, &[&["compare", "wrong.toml"], &PLAN[..], &set].concat(), &words);
    let demo = ["demo", "--device", "cpu", "--out", "out", "--set", "evaluation.train_pool=0", "--set"];
    let words =
        ["evaluation.train_pool: expected 1 or more", "evaluation.few_shot.draws: expected 1 to 10000"];
    refused(folder, &[&demo[..], &["evaluation.few_shot.draws=0"]].concat(), &words);
    assert!(!folder.join("out").exists() && !folder.join("runs").exists());
}

/// An encoder in the folder `run`, two steps old.
fn trained(folder: &Path) {
    let words = ["pretrain", "real.toml", "--device", "cpu", "--out", "run", "--steps", "2"];
    run_json(folder, &words);
}

#[test]
fn impossible_values_are_refused_by_probe_in_options_file_and_changes() {
    let folder = study();
    let folder = folder.path();
    trained(folder);
    fs::write(folder.join("quick.toml"), "protocols = [\"knn\"]\nbatch = 0\n[knn]\nk = []\n").unwrap();
    let probe = ["probe", "run", "--device", "cpu", "--config", "quick.toml", "--set", "train_pool=0"];
    let words = [
        "batch: expected 1 or more, got 0 (line 2)",
        "knn.k: expected one number of 1 or more, or several, got [] (line 4)",
        "train_pool: expected 1 or more, got 0 (--set train_pool=0)",
    ];
    refused(folder, &probe, &words);
    for option in ["--train-pool", "--draws", "--labels-per-class"] {
        let words = ["probe", "run", "--protocol", "few-shot", option, "0"];
        refused(folder, &words, &[option, "0 is not in 1.."]);
    }
}

/// Its difference from itself was 0, with a p-value.
#[test]
fn an_encoder_is_not_compared_with_itself() {
    let folder = study();
    let folder = folder.path();
    trained(folder);
    for spelt in ["run", "./run", "run/encoder.safetensors"] {
        let probe =
            ["probe", "run", "--data", "./shapes", "--device", "cpu", "--protocol", "knn", "--versus"];
        refused(
            folder,
            &[&probe[..], &[spelt]].concat(),
            &["are the same encoder", "does not differ from itself"],
        );
    }
    refused(folder, &["probe", "run", "./run", "--data", "./shapes"], &["one training seed; name it once"]);
}

/// The comparison with one seed of three arms, after `spoil` has been at a cell.
fn collected(folder: &Path, spoil: impl Fn(&Path)) -> (Value, String) {
    spoil(&folder.join("runs/study/cells/real-seed3"));
    let collect = ["compare", "study.toml", "--device", "cpu", "--set", "seeds=[3]", "--collect", "--json"];
    let output = run(folder, &collect);
    assert!(output.status.success(), "{}", stderr(&output));
    (serde_json::from_slice(&output.stdout).unwrap(), stderr(&output))
}

/// Figures were shown as they stood, the plot of losses had no curve, and a cell without an encoder was finished.
#[test]
fn a_damaged_cell_is_told_and_never_taken_for_a_result() {
    let folder = study();
    let folder = folder.path();
    let compare = ["compare", "study.toml", "--device", "cpu", "--set", "seeds=[3]"];
    run_json(folder, &compare);
    let missing = |comparison: &Value| comparison["arms"][0]["missing_seeds"] == json!([3]);
    let file = folder.join("runs/study/cells/real-seed3/evaluation.json");
    let before = fs::read_to_string(&file).unwrap();
    let evaluation: Value = serde_json::from_str(&before).unwrap();
    for (pointer, value, told) in [
        ("/sets/.~1shapes/evaluation/linear/top1", json!(7.0), "linear: expected 0 to 1, got 7"),
        ("/sets/.~1shapes/evaluation/knn/20/top1", json!(-0.5), "knn_20: expected 0 to 1, got -0.5"),
        ("/sets/.~1shapes/evaluation/linear/top1", Value::Null, "invalid type: null"),
        ("/seconds", json!(-3.0), "seconds: expected 0 or more, got -3"),
    ] {
        let mut edited = evaluation.clone();
        let Some(figure) = edited.pointer_mut(pointer) else { panic!("no {pointer}: {edited}") };
        *figure = value;
        let (comparison, said) = collected(folder, |_| fs::write(&file, edited.to_string()).unwrap());
        assert!(said.contains(told) && said.contains("counts as not judged"), "{pointer}: {said}");
        assert!(missing(&comparison), "{comparison}");
    }
    let (comparison, said) = collected(folder, |_| fs::write(&file, &before).unwrap());
    assert!(!missing(&comparison) && !said.contains("not whole"), "{said}");
    let (_, said) = collected(folder, |run| {
        let log = fs::read_to_string(run.join("events.jsonl")).unwrap();
        let kept: Vec<&str> = log.lines().filter(|line| !line.contains("\"losses\"")).collect();
        fs::write(run.join("events.jsonl"), kept.join("\n") + "\n").unwrap();
    });
    let told = "has the loss of 0 of 6 steps";
    assert!(said.contains("arm real: the plot of its loss is not whole") && said.contains(told), "{said}");
    assert!(fs::read_to_string(folder.join("runs/study/report.html")).unwrap().contains(told));
    let (comparison, _) = collected(folder, |run| fs::remove_file(run.join("encoder.safetensors")).unwrap());
    assert!(missing(&comparison), "{comparison}");
    let plan = run_json(folder, &[&compare[..], &["--plan", "--untimed"]].concat());
    assert_eq!(plan["open"], 1, "{plan}");
    run_json(folder, &compare);
    assert!(folder.join("runs/study/cells/real-seed3/encoder.safetensors").is_file());
}

/// A cell that could not write why it failed ended the comparison with exit code 0, unlisted; a judgement of a later
/// version was written over; and one seed of several was told as a result, by its test images.
#[test]
fn a_cell_that_is_not_finished_is_listed_and_one_seed_of_several_says_nothing() {
    let folder = study();
    let folder = folder.path();
    let compare = ["compare", "study.toml", "--device", "cpu", "--set", "seeds=[3, 5, 7]", "--json"];
    let compared = |jobs: &str| {
        let output = run(folder, &[&compare[..], &["--jobs", jobs]].concat());
        let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), comparison, stderr(&output))
    };
    assert_eq!(compared("1").0, Some(0));
    let cells = folder.join("runs/study/cells");
    for seed in ["5", "7"] {
        let cell = cells.join(format!("same-seed{seed}"));
        fs::remove_dir_all(&cell).unwrap();
        fs::write(&cell, "a file in the place of a folder").unwrap();
    }
    for jobs in ["1", "2"] {
        let (code, comparison, said) = compared(jobs);
        assert_eq!(code, Some(1), "{said}");
        let failed: Vec<&Value> =
            comparison["failed"].as_array().unwrap().iter().map(|cell| &cell["seed"]).collect();
        assert_eq!(failed, [&json!(5), &json!(7)], "{comparison}");
        let same = &comparison["arms"][1];
        let minus = &same["minus_reference"]["./shapes"]["linear"];
        assert_eq!((&same["name"], &minus["seeds"]), (&json!("same"), &json!(1)));
        for alone in [minus, &same["scores"]["./shapes"]["linear"]] {
            assert!(
                alone["low"].is_null() && alone["no_interval"] == "one seed of several: no interval",
                "{alone}"
            );
        }
        let answer = comparison["answer"].as_str().unwrap();
        assert!(answer.contains("one or two seeds are too few to say"), "{answer}");
    }
    let newer = cells.join("real-seed3/evaluation.json");
    let text = fs::read_to_string(&newer).unwrap().replacen("\"format\": 1", "\"format\": 99", 1);
    fs::write(&newer, &text).unwrap();
    let (code, comparison, _) = compared("1");
    assert_eq!(code, Some(1));
    assert!(comparison["failed"].to_string().contains("format 99"), "{comparison}");
    assert_eq!(fs::read_to_string(&newer).unwrap(), text, "it stays as it is");
}

/// The second encoder was looked for when the first had been judged.
#[test]
fn an_encoder_that_is_not_there_is_told_before_any_is_judged() {
    let folder = study();
    let folder = folder.path();
    trained(folder);
    for more in [&["--versus", "nowhere"][..], &["nowhere"][..]] {
        let words = [&["probe", "run"], more, &["--data", "./shapes", "--device", "cpu"]].concat();
        let output = run(folder, &words);
        let said = stderr(&output);
        assert!(!output.status.success() && said.contains("nowhere"), "{said}");
        assert!(!said.contains("linear"), "nothing was judged: {said}");
    }
}

/// A demo of few steps asked for a warm-up by a line of a file that nobody has.
#[test]
fn a_comparison_of_few_steps_shortens_a_warm_up_that_nobody_set() {
    let folder = study();
    let folder = folder.path();
    for file in ["study.toml", "studies/demo"] {
        let words = [&["compare", file, "--set", "train.steps=1"], &PLAN[..]].concat();
        let output = run(folder, &words);
        let said = stderr(&output);
        assert!(output.status.success() && said.contains("train.warmup_steps=1 instead of "), "{said}");
        assert_eq!(said.matches("instead of").count(), 1, "{said}");
    }
    let words = [&["compare", "studies/demo", "--set", "optimizer.kind=adamw"], &PLAN[..]].concat();
    refused(folder, &words, &["arm real: ", "line 38: optimizer.momentum: not used by kind \"adamw\""]);
}

#[test]
fn a_run_whose_recipe_is_garbage_is_wrong_usage_for_every_command() {
    let folder = study();
    let folder = folder.path();
    let gan = "name = \"x\"\nmethod = \"gan\"\nlicence = \"none\"\n[source]\ndata = \"./shapes\"\n[generator]\n\
               latent_dimension = 4\nwidth = 8\n[gan]\ndiscriminator_width = 4\n[train]\nsteps = 2\nbatch = 8\n";
    fs::write(folder.join("gan.toml"), gan).unwrap();
    let train: &[&str] = &["generator", "train", "gan.toml", "--device", "cpu", "--out", "gan"];
    run_json(folder, train);
    trained(folder);
    for run in ["gan", "run"] {
        fs::write(folder.join(run).join("config.toml"), "garbage =\n").unwrap();
    }
    let pretrain: &[&str] = &["pretrain", "real.toml", "--device", "cpu", "--out", "run", "--steps", "2"];
    for command in [
        [train, &["--resume"]].concat(),
        [pretrain, &["--resume"]].concat(),
        vec!["pretrain", "./shapes", "--device", "cpu", "--out", "run", "--resume"],
        vec!["probe", "run", "--data", "./shapes", "--device", "cpu"],
    ] {
        refused(folder, &command, &["config.toml"]);
    }
}

/// On file systems that ignore case they would train in one folder.
#[test]
fn arms_whose_names_differ_in_case_alone_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_idx(folder, 20, 10);
    write_recipe(folder);
    let study = "reference = \"x\"\nrecipe = \"recipe.toml\"\nseeds = [0]\ndata = [\"./shapes\"]\n\
                 [[arms]]\nname = \"x\"\n[[arms]]\nname = \"X\"\n";
    fs::write(folder.join("study.toml"), study).unwrap();
    let words = [&["compare", "study.toml"], &PLAN[..]].concat();
    refused(folder, &words, &["arms: \"x\" and \"X\" differ in case alone"]);
}
