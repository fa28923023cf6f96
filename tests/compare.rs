//! Comparisons: arms x seeds in run folders, in one process or many, on one machine or several.

use std::path::Path;

use serde_json::Value;
use zview_data::ImageShape;
use zview_data::picture::write_grid;

use crate::support::browser::open_in_browser;
use crate::support::study::{STUDY, study};
use crate::support::{
    copy_folder, noise, run, run_json, send, stderr, wait_until, write_generator_with_weights, write_idx,
    zview,
};

fn compare(folder: &Path, more: &[&str]) -> Value {
    run_json(folder, &[&["compare", "study.toml", "--device", "cpu"], more].concat())
}

/// A comparison without what the clock says.
fn without_clock(mut comparison: Value) -> Value {
    for arm in comparison["arms"].as_array_mut().unwrap() {
        arm["seconds"] = Value::Null;
        arm["views_per_second"] = Value::Null;
        arm.as_object_mut().unwrap().remove("interrupted_seeds");
    }
    comparison
}

#[test]
fn arms_are_compared_and_finished_cells_are_kept() {
    let folder = study();
    let folder = folder.path();
    let plan = compare(folder, &["--plan"]);
    assert_eq!((plan["cells"].as_array().unwrap().len(), plan["open"].as_u64()), (8, Some(8)));
    assert!(!folder.join("runs").exists(), "a plan leaves nothing");
    assert!(
        plan["estimated_seconds"].as_f64() > Some(0.0) && plan["estimated_by"] == "timed-steps",
        "{plan}"
    );
    let comparison = compare(folder, &[]);
    let names: Vec<&str> =
        comparison["arms"].as_array().unwrap().iter().map(|arm| arm["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["real", "same", "gaussian-0.5", "gaussian-1"]);
    let arm = &comparison["arms"][2];
    assert_eq!((arm["series"].as_str(), arm["axis"]["value"].as_f64()), (Some("gaussian"), Some(0.5)));
    let scores = &arm["scores"]["./shapes"]["linear"];
    assert!(arm["linear"]["mean"].is_number() && arm["linear"] == *scores);
    assert_eq!((scores["seeds"].as_array().unwrap().len(), scores["n_test"].as_u64()), (2, Some(45)));
    let minus = &arm["minus_reference"]["./shapes"]["linear"];
    assert!(
        minus["p_holm"].as_f64() >= minus["p_value"].as_f64()
            && minus["low"].as_f64() <= minus["difference"].as_f64()
    );
    assert!(
        comparison["recovered"]["./shapes"]["share"].is_number()
            && comparison["failed"] == serde_json::json!([])
    );
    let answer = comparison["answer"].as_str().unwrap();
    assert!(
        answer.starts_with("By linear probe, against real, on ./shapes ") && answer.ends_with('.'),
        "{answer}"
    );
    let page = std::fs::read_to_string(folder.join("runs/study/report.html")).unwrap();
    for part in ["Do the rows, columns and diagonals need real images?", "gaussian-0.5", "<svg", "views.std"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"));
    assert!(page.contains("Nearest neighbours"), "each arm's neighbours are on the page");
    let markdown = std::fs::read_to_string(folder.join("runs/study/comparison.md")).unwrap();
    assert!(
        markdown.contains("| gaussian-0.5 | views.std 0.5 |")
            && markdown.contains("zview compare study.toml")
    );
    // A second time nothing is computed, and the plan knows what a cell takes.
    let trained = |run: &str| std::fs::metadata(folder.join(run)).unwrap().modified().unwrap();
    let (encoder, before) = (
        "runs/study/cells/real-seed3/encoder.safetensors",
        "runs/study/cells/real-seed3/encoder.safetensors",
    );
    let time = trained(before);
    assert_eq!(without_clock(compare(folder, &[])), without_clock(comparison));
    assert_eq!(trained(encoder), time);
    assert_eq!(compare(folder, &["--plan"])["estimated_seconds"].as_f64(), Some(0.0));
}

const PROGRESS: &str = r#"question = "Are the rows seen early?"
reference = "same"
recipe = "recipe.toml"
seeds = [3, 5, 7]
data = ["./shapes"]
progress = 3
equal_time = true

[evaluation]
protocols = ["linear", "knn", "few-shot"]
train_pool = 120
linear = { penalties = [1e-3, 0.1] }
few_shot = { labels_per_class = [4], shares = [], draws = 3 }
few_shot_validation_share = 0.25

[[arms]]
name = "same"
set = ["train.steps=6", "views.kind=same"]
at = { series = "gaussian", value = 0.0 }

[[arms]]
name = "gaussian"
set = ["train.steps=6"]
vary = { key = "views.std", values = [0.5] }

[[arms]]
name = "far"
set = ["train.steps=6", "views.std=2.0"]
against = "gaussian-0.5"
"#;

#[test]
fn arms_are_judged_on_the_way_and_at_equal_time_and_the_page_opens_in_a_browser() {
    let folder = study();
    let folder = folder.path();
    std::fs::write(folder.join("progress.toml"), PROGRESS).unwrap();
    let comparison = run_json(folder, &["compare", "progress.toml", "--device", "cpu"]);
    let [same, gaussian, far] = [0, 1, 2].map(|arm| &comparison["arms"][arm]);
    assert_eq!((same["series"].as_str(), same["axis"]["value"].as_f64()), (Some("gaussian"), Some(0.0)));
    assert_eq!((same["against"].as_str(), far["against"].as_str()), (None, Some("gaussian-0.5")));
    // The end of the way is the end.
    let way = gaussian["progress"]["./shapes"].as_array().unwrap();
    assert_eq!(way.iter().map(|point| point["steps"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 4, 6]);
    for measure in ["linear", "few_shot_4"] {
        let (end, score) = (&way[2]["scores"][measure], &gaussian["scores"]["./shapes"][measure]);
        assert_eq!((&end["mean"], &end["seeds"]), (&score["mean"], &score["seeds"]));
        // On the way it is not kept which test images were right.
        assert!(end["high"].as_f64() <= score["high"].as_f64(), "{end} {score}");
        assert!(gaussian["minus_reference"]["./shapes"][measure]["p_holm"].is_number());
    }
    assert!(gaussian["scores"]["./shapes"]["few_shot_4_validation"]["mean"].is_number());
    // What an arm is compared with is its own choice.
    let mean = |arm: &Value| arm["scores"]["./shapes"]["linear"]["mean"].as_f64().unwrap();
    let minus = far["minus_reference"]["./shapes"]["linear"]["difference"].as_f64().unwrap();
    assert!((minus - (mean(far) - mean(gaussian))).abs() < 1e-9);
    // What an update takes was measured in turns with the reference's, once.
    let pace = std::fs::read_to_string(folder.join("runs/progress/pace.json")).unwrap();
    let ratios = &serde_json::from_str::<Value>(&pace).unwrap()["relative_to_reference"];
    assert!(ratios["same"] == 1.0 && ratios["far"].as_f64() > Some(0.0), "{ratios}");
    let seconds =
        way[2]["seconds"].as_f64().unwrap() / same["progress"]["./shapes"][2]["seconds"].as_f64().unwrap();
    assert!((seconds - ratios["gaussian-0.5"].as_f64().unwrap()).abs() < 1e-9);

    // By it every arm but the reference was trained once more, with a schedule that takes the reference's time.
    let at_time = comparison["equal_time"]["arms"].as_array().unwrap();
    let names: Vec<&str> = at_time.iter().map(|arm| arm["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["same", "gaussian-0.5", "far"]);
    for arm in &at_time[1..] {
        let name = arm["name"].as_str().unwrap();
        let steps = (6.0 / ratios[name].as_f64().unwrap()).round().max(1.0);
        assert_eq!(arm["steps"].as_f64(), Some(steps), "{name}");
        let recipe = folder.join(format!("runs/progress/cells/{name}-equal-time-seed5/config.toml"));
        assert!(std::fs::read_to_string(recipe).unwrap().contains(&format!("\nsteps = {steps}\n")));
        assert!(arm["minus_reference"]["./shapes"]["linear"]["p_holm"].is_number());
    }
    assert_eq!(at_time[0]["scores"], same["scores"], "the reference is what it is");
    let minus = at_time[2]["minus_reference"]["./shapes"]["linear"]["difference"].as_f64().unwrap();
    assert!((minus - (mean(&at_time[2]) - mean(&at_time[1]))).abs() < 1e-9, "both at that time");
    let again = run_json(folder, &["compare", "progress.toml", "--device", "cpu", "--collect"]);
    assert_eq!(again, comparison);

    let report = folder.join("runs/progress/report.html");
    let page = std::fs::read_to_string(&report).unwrap();
    for part in
        ["Accuracy during training", "At equal training time", "Nearest neighbours", "to gaussian-0.5"]
    {
        assert!(page.contains(part), "{part}");
    }
    if let Some(opened) = open_in_browser(&report) {
        assert_eq!(opened.console, Vec::<String>::new(), "nothing is wrong with the page");
        assert!(opened.width_on_a_phone <= 390, "{} pixels wide on a phone", opened.width_on_a_phone);
        // And a page with an error would be noticed.
        let wrong = folder.join("wrong.html");
        std::fs::write(&wrong, page.replace("</body>", "<script>no_such_function()</script></body>"))
            .unwrap();
        let console = open_in_browser(&wrong).unwrap().console;
        assert!(console.iter().any(|line| line.contains("no_such_function is not defined")), "{console:?}");
    }
}

#[test]
fn a_cell_at_equal_time_measures_first_and_the_next_one_takes_what_it_found() {
    let folder = study();
    let folder = folder.path();
    let of_two = PROGRESS.replace("seeds = [3, 5, 7]", "seeds = [3, 5]");
    std::fs::write(folder.join("progress.toml"), of_two).unwrap();
    let plan = run_json(folder, &["compare", "progress.toml", "--device", "cpu", "--plan", "--untimed"]);
    let arms: Vec<&str> =
        plan["cells"].as_array().unwrap().iter().map(|cell| cell["arm"].as_str().unwrap()).collect();
    assert_eq!(
        arms[5..],
        ["far", "gaussian-0.5-equal-time", "gaussian-0.5-equal-time", "far-equal-time", "far-equal-time"]
    );
    let pace = || std::fs::read_to_string(folder.join("runs/progress/pace.json")).ok();
    let cell = |number: &str| {
        let output = run(folder, &["compare", "progress.toml", "--device", "cpu", "--cell", number]);
        assert!(output.status.success(), "{}", stderr(&output));
    };
    cell("0");
    assert_eq!(pace(), None, "it is not needed");
    cell("6");
    let measured = pace();
    assert!(measured.is_some());
    cell("9");
    assert_eq!(pace(), measured, "cells of one comparison have one pace");
    let comparison = run_json(folder, &["compare", "progress.toml", "--device", "cpu", "--collect"]);
    assert_eq!(comparison["equal_time"]["arms"][2]["missing_seeds"], serde_json::json!([3]));
    // Cells of another pace, as from a machine that measured for itself, are no part of it.
    let other = measured.unwrap().replace("\"far\": ", "\"far\": 9");
    std::fs::write(folder.join("runs/progress/pace.json"), other).unwrap();
    let output = run(folder, &["compare", "progress.toml", "--device", "cpu", "--collect"]);
    let message = stderr(&output);
    assert!(output.status.code() == Some(2) && message.contains("train.steps"), "{message}");
}

#[test]
fn encoders_of_the_same_recipe_and_seed_are_taken_from_another_comparison() {
    let folder = study();
    let folder = folder.path();
    let anew = without_clock(compare(folder, &["--out", "runs/first"]));
    let encoder = |run: &str| {
        std::fs::metadata(folder.join(run).join("encoder.safetensors")).unwrap().modified().unwrap()
    };
    let time = encoder("runs/first/cells/same-seed3");
    let environment = |run: &str| std::fs::read(folder.join(run).join("events.jsonl")).unwrap();
    let taken = without_clock(compare(folder, &["--out", "second", "--reuse", "runs", "--jobs", "2"]));
    assert_eq!(taken, anew);
    assert_eq!(
        environment("second/cells/same-seed3"),
        environment("runs/first/cells/same-seed3"),
        "it was copied, not trained: the log has the same times"
    );
    assert_eq!(encoder("runs/first/cells/same-seed3"), time, "and the original is as it was");
    // Judged in another way, the encoders stay and the judgement is made anew.
    let otherwise = compare(folder, &["--out", "second", "--set", "evaluation.train_pool=60"]);
    assert_eq!(otherwise["arms"][0]["scores"]["./shapes"]["linear"]["n_train"], 60);
    // Another recipe is trained, whatever there is.
    let other = ["--out", "third", "--reuse", "second", "--set", "seeds=[7]"];
    assert!(compare(folder, &other)["arms"][0]["missing_seeds"].as_array().unwrap().is_empty());
    assert!(!folder.join("third/cells/same-seed3").exists());
    // A change for all arms reaches each of them; an arm's own goes first.
    let longer =
        ["--out", "fourth", "--set", "seeds=[7]", "--set", "set=[\"train.steps=3\", \"views.std=0.7\"]"];
    let longer = compare(folder, &longer);
    assert!(longer["arms"].as_array().unwrap().iter().all(|arm| arm["steps"] == 3), "{longer}");
    let recipe = std::fs::read_to_string(folder.join("fourth/cells/gaussian-1-seed7/config.toml")).unwrap();
    assert!(recipe.contains("\nstd = 1.0\n"), "{recipe}");
    // What somebody chose for grey images is not what they decide where nothing is said.
    let flipped = ["--out", "flipped", "--set", "seeds=[7]", "--set", "augment.preset=simclr-small"];
    compare(folder, &flipped);
    compare(folder, &["--out", "open", "--set", "seeds=[7]", "--reuse", "flipped"]);
    assert_ne!(environment("open/cells/same-seed7"), environment("flipped/cells/same-seed7"));
    compare(folder, &[&flipped[2..], &["--out", "again", "--reuse", "flipped"]].concat());
    assert_eq!(environment("again/cells/same-seed7"), environment("flipped/cells/same-seed7"));
}

#[test]
fn encoders_that_a_generator_taught_before_it_was_trained_anew_are_not_used() {
    let folder = study();
    let folder = folder.path();
    compare(folder, &["--out", "runs/first"]);
    let log = |run: &str| std::fs::read(folder.join(run).join("events.jsonl")).unwrap();
    let before = log("runs/first/cells/same-seed3");
    write_generator_with_weights(folder, 7);
    let refused = run(folder, &["compare", "study.toml", "--device", "cpu", "--out", "runs/first"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("other weights of the generator generator") && said.contains("--out"), "{said}");
    assert_eq!(log("runs/first/cells/same-seed3"), before, "what is there stays");
    // Another comparison takes the encoders of real images, and trains the others.
    compare(folder, &["--out", "second", "--reuse", "runs"]);
    assert_eq!(log("second/cells/real-seed3"), log("runs/first/cells/real-seed3"));
    assert_ne!(log("second/cells/same-seed3"), before);
}

#[test]
fn arms_that_would_learn_from_other_images_of_the_same_place_are_not_compared() {
    let folder = study();
    let folder = folder.path();
    let cell = |cell: &str, out: &str| {
        run(folder, &["compare", "study.toml", "--device", "cpu", "--out", out, "--cell", cell])
    };
    assert!(cell("0", "old").status.success());
    write_idx(folder, 121, 45);
    let refused = cell("1", "old");
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("other images of") && said.contains("real-seed3"), "{said}");
    // Encoders of other images are not taken over beside those of these.
    assert!(cell("0", "new").status.success());
    write_idx(folder, 120, 45);
    assert!(cell("1", "other").status.success());
    write_idx(folder, 121, 45);
    let taken =
        ["compare", "study.toml", "--device", "cpu", "--out", "new", "--cell", "1", "--reuse", "other"];
    assert!(run(folder, &taken).status.success());
    let log = |run: &str| std::fs::read_to_string(folder.join(run).join("events.jsonl")).unwrap();
    assert_ne!(log("new/cells/real-seed5"), log("other/cells/real-seed5"));
}

#[test]
fn halves_from_two_machines_give_the_table_of_one_and_a_killed_study_goes_on() {
    let folder = study();
    let folder = folder.path();
    let whole = without_clock(compare(folder, &["--out", "whole", "--jobs", "2"]));
    for (machine, cells) in [("one", [0, 2, 4, 6]), ("two", [1, 3, 5, 7])] {
        for cell in cells {
            let (cell, out) = (cell.to_string(), format!("machine {machine}"));
            let arguments = ["compare", "study.toml", "--device", "cpu", "--out", &out, "--cell", &cell];
            assert!(run(folder, &arguments).status.success(), "{machine} {cell}");
        }
    }
    let half = compare(folder, &["--out", "machine one", "--collect"]);
    assert_eq!(half["arms"][0]["missing_seeds"], serde_json::json!([5]));
    copy_folder(&folder.join("machine two/cells"), &folder.join("machine one/cells"));
    assert_eq!(without_clock(compare(folder, &["--out", "machine one", "--collect"])), whole);

    // Killed somewhere in the middle, the same command goes on.
    let mut child = zview(folder)
        .args(["compare", "study.toml", "--device", "cpu", "--out", "killed"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the second cell", || folder.join("killed/cells/same-seed3/config.toml").exists());
    send("KILL", &child);
    child.wait().unwrap();
    assert_eq!(without_clock(compare(folder, &["--out", "killed"])), whole);
}

#[test]
fn a_failed_cell_is_listed_and_the_others_are_compared() {
    let folder = study();
    let folder = folder.path();
    // A folder where the run of one cell should write its encoder.
    let taken = folder.join("runs/study/cells/same-seed5");
    std::fs::create_dir_all(&taken).unwrap();
    std::fs::write(taken.join("config.toml"), "seed = 9\n[source]\nkind = \"real\"\ndata = \"./shapes\"\n")
        .unwrap();
    let output = run(folder, &["compare", "study.toml", "--device", "cpu", "--json", "--set", "seeds=[3]"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = run(folder, &["compare", "study.toml", "--device", "cpu", "--plan"]);
    assert!(
        output.status.code() == Some(2) && stderr(&output).contains("differing: "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn everything_wrong_with_a_comparison_is_said_at_once_and_before_anything_runs() {
    let folder = study();
    let folder = folder.path();
    let wrong = STUDY
        .replace("reference = \"real\"", "reference = \"reel\"")
        .replace("views = \"gaussian-0.5\"", "views = \"gaussian\"")
        .replace("seeds = [3, 5]", "seeds = [3, 3]")
        .replace("data = [\"./shapes\"]", "data = [\"./shapes\"]\nprogress = 3")
        .replace(
            "name = \"same\"",
            "name = \"real\"\nagainst = \"nobody\"\nat = { series = \"real\", value = 1.0 }",
        )
        .replace("set = [\"views.kind=same\"]", "set = [\"anchors.unique=1000\", \"train.steps=7\"]");
    let wrong =
        wrong.replace("name = \"gaussian\"", "name = \"gaussian\"\nset = [\"source.generator=nowhere\"]");
    std::fs::write(folder.join("study.toml"), wrong).unwrap();
    let real = std::fs::read_to_string(folder.join("real.toml")).unwrap();
    std::fs::write(
        folder.join("real.toml"),
        real.replace("data = \"./shapes\"\n[views]", "data = \"./absent\"\n[views]"),
    )
    .unwrap();
    let output = run(folder, &["compare", "study.toml", "--device", "cpu"]);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for word in [
        "no arm \"reel\"",
        "gap.views: there is no arm \"gaussian\"",
        "two have the same name",
        "seeds: expected one or more, each once",
        "anchors.unique is 1000, but 7 steps see 56 anchors",
        "train.steps differ",
        "arm real: against: there is no arm \"nobody\"",
        "at.series: no arm \"real\" has `vary`",
        "progress: expected a divisor of train.steps",
        "source.data",
        "./absent",
        "arm gaussian-0.5: source.generator: no generator `nowhere`",
    ] {
        assert!(message.contains(word), "`{word}` is not in {message}");
    }
    assert!(!folder.join("runs").exists());
    // Time cannot be shared out by a reference that takes none.
    let untrained = PROGRESS
        .replace("\"train.steps=6\", \"views.kind=same\"", "\"train.steps=0\", \"train.warmup_steps=0\"");
    std::fs::write(folder.join("study.toml"), untrained).unwrap();
    let message = stderr(&run(folder, &["compare", "study.toml", "--device", "cpu"]));
    assert!(message.contains("equal_time: the reference \"same\" takes no updates"), "{message}");
}

const PHOTOS: &str = r#"question = "Which colours?"
reference = "plain"
recipe = "recipe.toml"
seeds = [1, 2]
data = ["../photos"]

[evaluation]
protocols = ["linear"]
linear = { penalties = [0.1] }

[[arms]]
name = "plain"
set = ["augment.preset=simclr-small"]

[[arms]]
name = "large"
set = ["augment.preset=simclr"]
"#;

const PHOTO_RECIPE: &str = "[source]\nkind = \"real\"\ndata = \"../photos\"\nsize = 16\nmax_reject_share = 0.4\n\
    [encoder]\narch = \"conv\"\nwidth = 4\n[train]\nsteps = 2\nbatch = 4\n";

/// Photographs of several sizes, one of them cut short, and a comparison of two presets in another folder.
fn photos() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for class in ["cat", "dog"] {
        let of_class = folder.path().join("photos").join(class);
        std::fs::create_dir_all(&of_class).unwrap();
        for number in 0..12 {
            let shape = ImageShape { channels: 3, height: 18 + number % 3, width: 24 };
            let pixels = noise(3 * shape.height * shape.width, number as u64 + 1);
            let pixels: Vec<u8> = pixels.iter().map(|value| ((value + 0.5) * 255.0) as u8).collect();
            write_grid(&of_class.join(format!("{number}.png")), &[&pixels[..]], shape, 1, 0).unwrap();
        }
    }
    let whole = std::fs::read(folder.path().join("photos/cat/0.png")).unwrap();
    std::fs::write(folder.path().join("photos/cat/broken.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::create_dir(folder.path().join("cmp")).unwrap();
    std::fs::write(folder.path().join("cmp/recipe.toml"), PHOTO_RECIPE).unwrap();
    std::fs::write(folder.path().join("cmp/study.toml"), PHOTOS).unwrap();
    folder
}

#[test]
fn photographs_of_several_sizes_with_a_damaged_one_are_compared() {
    let folder = photos();
    let folder = folder.path();
    let comparison = run_json(folder, &["compare", "cmp/study.toml", "--device", "cpu"]);
    assert_eq!(comparison["failed"], serde_json::json!([]));
    assert_eq!(comparison["data"], serde_json::json!(["photos"]), "it is called without the way to it");
    let scores = &comparison["arms"][1]["scores"]["photos"]["linear"];
    assert_eq!(scores["seeds"].as_array().unwrap().len(), 2, "{scores}");
    // Without a size or a share what is wrong is still told before anything runs.
    for (line, words) in [("size = 16\n", "differ in size"), ("max_reject_share = 0.4\n", "broken.png")] {
        std::fs::write(folder.join("cmp/recipe.toml"), PHOTO_RECIPE.replace(line, "")).unwrap();
        let refused = run(folder, &["compare", "cmp/study.toml", "--device", "cpu", "--plan"]);
        assert!(stderr(&refused).contains(words), "{}", stderr(&refused));
    }
}

#[test]
fn of_two_seeds_a_comparison_says_that_they_are_too_few_and_gives_no_p_value() {
    let folder = photos();
    let comparison = run_json(folder.path(), &["compare", "cmp/study.toml", "--device", "cpu"]);
    let minus = &comparison["arms"][1]["minus_reference"]["photos"]["linear"];
    assert!(minus["difference"].is_number() && minus.get("p_holm") == Some(&Value::Null), "{minus}");
    assert!(minus.get("p_value") == Some(&Value::Null) && minus["low"].is_null(), "{minus}");
    let answer = comparison["answer"].as_str().unwrap();
    assert!(answer.contains("two seeds are too few to say; three or more are needed"), "{answer}");
    assert!(!answer.contains("significant"), "{answer}");
    let markdown = std::fs::read_to_string(folder.path().join("runs/study/comparison.md")).unwrap();
    assert!(!markdown.contains(", p 0") && !markdown.contains(", p 1"), "{markdown}");
}

#[test]
fn a_plan_lists_arms_steps_and_seeds_and_short_times_in_seconds() {
    let folder = photos();
    let plan = zview(folder.path())
        .args(["compare", "cmp/study.toml", "--device", "cpu", "--plan"])
        .output()
        .unwrap();
    let plan = String::from_utf8_lossy(&plan.stdout);
    assert!(
        plan.contains(" one after another, by") && plan.contains("; about ") && !plan.contains("minutes"),
        "{plan}"
    );
    assert!(plan.contains("plain  2 steps each, seeds 1, 2") && plan.contains("large  2 steps"), "{plan}");
}

/// It counted as none in silence.
#[test]
fn a_judgement_that_cannot_be_read_is_named_and_made_again() {
    let folder = study();
    let folder = folder.path();
    let words = ["compare", "study.toml", "--device", "cpu", "--out", "short", "--set", "seeds=[0]"];
    let words = [&words[..], &["--set", "train.steps=2", "--set", "train.warmup_steps=0"]].concat();
    let first = run_json(folder, &words);
    let file = folder.join("short/cells/real-seed0/evaluation.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let renamed = text.replace("\"top1\"", "\"top_1\"");
    assert_ne!(renamed, text);
    std::fs::write(&file, renamed).unwrap();
    let again = run(folder, &words);
    let told = stderr(&again);
    assert!(again.status.success(), "{told}");
    assert_eq!(told.matches("counts as not judged").count(), 1, "{told}");
    assert!(told.contains("evaluation.json") && told.contains("top1"), "{told}");
    assert_eq!(run_json(folder, &words)["arms"][0]["scores"], first["arms"][0]["scores"]);
}
