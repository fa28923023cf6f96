//! What a comparison asks of its arms, and how many seeds it takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::study::study;
use crate::support::{run, stderr};

const STUDY: &str = r#"question = "What do far views change?"
reference = "near"
recipe = "recipe.toml"
seeds = [3, 5, 7]
data = ["./shapes"]

[[contrasts]]
name = "far"
difference = ["far-2", "near"]

[[contrasts]]
name = "line"
trend = "far"

[[contrasts]]
name = "gain"
gain = ["far-2", "near", "far-1", "near"]

[[contrasts]]
name = "equal"
difference = ["far-1", "near"]
equal_within = 99.0
family = "equality"

[evaluation]
protocols = ["linear", "few-shot"]
train_pool = 120
linear = { penalties = [0.1] }
few_shot = { labels_per_class = [2], shares = [], draws = 3 }

[[arms]]
name = "near"
at = { series = "far", value = 0.0 }

[[arms]]
name = "far"
vary = { key = "views.std", values = [1.0, 2.0] }
"#;

fn compared(folder: &Path, more: &[&str]) -> (Value, String) {
    let words = [&["compare", "asked.toml", "--device", "cpu"], more].concat();
    let output = run(folder, &words);
    assert!(output.status.success(), "{}", stderr(&output));
    let json = fs::read_to_string(folder.join("runs/asked/comparison.json")).unwrap();
    (serde_json::from_str(&json).unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Every file of every cell with its bytes.
fn cells(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folders = fs::read_dir(folder.join("runs/asked/cells")).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).unwrap());
    let files = files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

#[test]
fn contrasts_stand_first_and_all_else_has_intervals_alone() {
    let folder = study();
    let folder = folder.path();
    fs::write(folder.join("asked.toml"), STUDY).unwrap();
    let (json, text) = compared(folder, &[]);
    let contrasts = json["contrasts"].as_array().unwrap();
    assert_eq!(contrasts.len(), 8, "four contrasts by two measures");
    let of =
        |name: &str| contrasts.iter().find(|of| of["name"] == name && of["measure"] == "linear").unwrap();
    let mean = |arm: usize| number(&json["arms"][arm]["scores"]["./shapes"]["linear"]["mean"]);
    assert!((number(&of("far")["difference"]) - (mean(2) - mean(0))).abs() < 1e-7);
    assert!(
        (number(&of("line")["difference"]) - (mean(2) - mean(0))).abs() < 1e-7,
        "of three values, evenly"
    );
    assert!((number(&of("gain")["difference"]) - (mean(2) - mean(1))).abs() < 1e-7);
    assert!(number(&of("equal")["p_holm"]) < 0.05, "{}", of("equal"));
    // Six tests of one family: the smallest p-value is corrected by six.
    let family: Vec<&Value> = contrasts.iter().filter(|of| of["family"] != "equality").collect();
    let least = |key: &str| family.iter().map(|of| number(&of[key])).fold(1.0, f64::min);
    assert!((least("p_holm") - (6.0 * least("p_value")).min(1.0)).abs() < 1e-12, "{family:?}");
    for arm in &json["arms"].as_array().unwrap()[1..] {
        for of in arm["minus_reference"]["./shapes"].as_object().unwrap().values() {
            assert!(of["p_value"].is_null() && of["p_holm"].is_null() && !of["low"].is_null(), "{of}");
        }
    }
    assert!(text.contains("all contrasts of the file (6 tests), equality (2 tests)"), "{text}");
    assert!(text.contains("equal within 99.00 points"), "{text}");
    let answer = json["answer"].as_str().unwrap();
    assert!(answer.starts_with("By linear probe, on ./shapes far-2 minus near "), "{answer}");
    let page = fs::read_to_string(folder.join("runs/asked/report.html")).unwrap();
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words} is not on the page"));
    assert!(
        at("Planned contrasts") < at(">Result<") && at("far along views.std, from 0 to 2") < at(">Result<")
    );
    // Without cells of an arm its contrasts say why they are not there.
    for seed in [3, 5, 7] {
        fs::remove_dir_all(folder.join(format!("runs/asked/cells/far-2-seed{seed}"))).unwrap();
    }
    let (missing, text) = compared(folder, &["--collect"]);
    assert_eq!(missing["contrasts"].as_array().unwrap().len(), 2, "equal alone, by two measures");
    let told = "far on ./shapes: not tested, as there is no seed that all of its arms have.";
    assert_eq!(missing["not_tested"][0], told);
    assert!(text.contains(told), "{text}");
    let (_, whole) = compared(folder, &[]);
    assert!(!whole.contains("not tested"), "{whole}");
    let markdown = fs::read_to_string(folder.join("runs/asked/comparison.md")).unwrap();
    assert!(markdown.contains("| gain | (far-2 minus near) minus (far-1 minus near) | ./shapes | linear | "));
}

#[test]
fn seeds_may_grow_and_a_plan_says_what_they_find() {
    let folder = study();
    let folder = folder.path();
    fs::write(folder.join("asked.toml"), STUDY).unwrap();
    let (three, text) = compared(folder, &[]);
    assert!(text.contains("./shapes, linear: 3 seeds find "), "{text}");
    let before = cells(folder);
    let more = ["--set", "seeds=[3, 5, 7, 9]"];
    let plan = run(
        folder,
        &[&["compare", "asked.toml", "--device", "cpu", "--plan", "--untimed"], &more[..]].concat(),
    );
    let plan = String::from_utf8(plan.stdout).unwrap();
    assert!(
        plan.contains("linear: 4 seeds find ") && plan.contains("(6 tests corrected together)"),
        "{plan}"
    );
    let (four, _) = compared(folder, &more);
    let after = cells(folder);
    assert!(after.len() > before.len());
    for (path, bytes) in &before {
        assert!(after[path] == *bytes, "{} changed", path.display());
    }
    let seeds =
        |of: &Value| of["arms"][0]["scores"]["./shapes"]["linear"]["seeds"].as_array().unwrap().clone();
    assert_eq!(seeds(&three), seeds(&four)[..3]);

    fs::copy(folder.join("runs/asked/comparison.json"), folder.join("earlier.json")).unwrap();
    fs::write(folder.join("next.toml"), STUDY).unwrap();
    let next = ["compare", "next.toml", "--device", "cpu", "--plan", "--untimed"];
    let plan = run(folder, &[&next[..], &["--spread-of", "earlier.json", "--json"]].concat());
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["spreads"].as_array().unwrap().len(), 2, "{plan}");
    assert_eq!(plan["spreads"][0]["std_over_seeds"], four["spreads"][0]["std_over_seeds"]);
    let none = run(folder, &[&next[..], &["--spread-of", "study.toml"]].concat());
    assert!(!none.status.success() && stderr(&none).contains("--spread-of study.toml"), "{}", stderr(&none));
}

#[test]
fn contrasts_of_arms_that_are_not_there_are_refused_all_at_once() {
    let folder = study();
    let folder = folder.path();
    let wrong = STUDY
        .replace(
            "difference = [\"far-2\", \"near\"]",
            "difference = [\"far-2\", \"far-2\"]\ntrend = \"near\"",
        )
        .replace("gain = [\"far-2\", ", "gain = [\"far-7\", ")
        .replace("equal_within = 99.0", "equal_within = -1")
        .replace("name = \"line\"", "name = \"gain\"")
        + "[[contrasts]]\nname = \"nothing\"\ngain = [\"near\", \"far-1\", \"near\", \"far-1\"]\n";
    fs::write(folder.join("wrong.toml"), wrong).unwrap();
    let output = run(folder, &["compare", "wrong.toml", "--plan", "--untimed"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let no_top = STUDY
        .replace("trend = \"far\"", "rise = \"far\"")
        .replace("protocols = [\"linear\", \"few-shot\"]", "protocols = [\"few-shot\"]")
        .replace("linear = { penalties = [0.1] }\n", "");
    fs::write(folder.join("no_top.toml"), no_top).unwrap();
    let no_top = stderr(&run(folder, &["compare", "no_top.toml", "--plan", "--untimed"]));
    assert!(no_top.contains("contrasts: line: the top is picked on held-out training images"), "{no_top}");
    for words in [
        "contrasts: far: expected one of `difference`, `gain`, `trend`, `rise` and `fall`, got 2",
        "contrasts: far: difference: \"far-2\" minus \"far-2\" is nothing; name two arms",
        "contrasts: far: trend: expected the name of an arm with `vary` and three values or more",
        "contrasts: gain: gain: there is no arm \"far-7\"; the arms are far-1, far-2, near",
        "contrasts: nothing: gain: (near - far-1) - (near - far-1) is nothing; name other arms",
        "contrasts: equal: equal_within: expected above 0, got -1",
        "contrasts: two are called \"gain\"; each needs a name of its own",
    ] {
        assert!(told.contains(words), "no `{words}` in {told}");
    }
}
