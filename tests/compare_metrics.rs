//! Comparisons by metrics that are no accuracies.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::study::study;
use crate::support::{run, stderr};

/// Two arms with three seeds, judged by `protocols`.
fn two_arms(protocols: &str) -> String {
    let of =
        |protocol: &str, settings: &'static str| if protocols.contains(protocol) { settings } else { "" };
    let linear = of("linear", "linear = { penalties = [0.1] }");
    let robustness = of("robustness", "robustness = { images = 20, severities = [3] }");
    format!(
        r#"question = "What do far views change?"
reference = "near"
recipe = "recipe.toml"
seeds = [3, 5, 7]
data = ["./shapes"]

[evaluation]
protocols = {protocols}
train_pool = 120
{linear}
{robustness}

[[arms]]
name = "near"

[[arms]]
name = "far"
set = ["views.std=2.0"]
"#
    )
}

/// The table of text, the Markdown, the page and the JSON.
fn compared(folder: &Path, protocols: &str) -> (String, String, String, Value) {
    fs::write(folder.join("two.toml"), two_arms(protocols)).unwrap();
    let output = run(folder, &["compare", "two.toml", "--device", "cpu"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| fs::read_to_string(folder.join("runs/two").join(name)).unwrap();
    let json = serde_json::from_str(&read("comparison.json")).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, read("comparison.md"), read("report.html"), json)
}

const TITLES: [&str; 6] = [
    "Calibration error",
    "Corrupted images",
    "Lost to corruptions",
    "Effective rank",
    "RankMe",
    "Adjusted Rand index of clusters",
];

#[test]
fn metrics_of_any_protocol_are_compared_in_their_unit() {
    let folder = study();
    let protocols = r#"["linear", "knn", "spectrum", "clusters", "robustness"]"#;
    let (text, markdown, page, json) = compared(folder.path(), protocols);
    let head = text.lines().find(|line| line.starts_with("arm ")).unwrap();
    for title in TITLES {
        let lower = title.to_lowercase();
        assert!(head.contains(&lower) && markdown.contains(&format!("| {lower} |")), "{title}: {head}");
        assert!(page.contains(&format!("{title} on ./shapes")), "{title} is drawn");
        assert!(page.contains(&format!("data-label=\"{title}\"")), "{title} has a column");
    }
    assert!(
        head.find("linear") < head.find("20-nn") && head.find("20-nn") < head.find("calibration"),
        "{head}"
    );
    for said in [&text, &markdown, &page] {
        let lower = said.contains("Lower is better: Calibration error, Lost to corruptions.");
        assert!(lower && said.contains("Not in %: Effective rank, RankMe"), "{said}");
    }
    assert!(markdown.contains("Accuracies and other shares in %"), "{markdown}");
    assert!(page.contains("Scores by arm") && page.contains("Without p: Calibration error"));
    assert!(json["answer"].as_str().unwrap().starts_with("By linear probe, against near, on ./shapes "));
    let far = &json["arms"][1];
    for key in ["linear", "ece", "corrupted", "effective_rank", "rank_me", "clusters_adjusted_rand"] {
        let (score, minus) = (&far["scores"]["./shapes"][key], &far["minus_reference"]["./shapes"][key]);
        assert!(score["mean"].is_number() && score["seeds"].as_array().unwrap().len() == 3, "{key}: {score}");
        assert!(minus["low"].as_f64() <= minus["difference"].as_f64(), "{key}: {minus}");
        assert_eq!(minus["p_value"].is_number(), key == "linear", "{key}: {minus}");
    }
    let metric = |key: &str| {
        let metrics = json["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["key"] == key).unwrap().clone()
    };
    assert_eq!((&metric("ece")["unit"], &metric("ece")["better"]), (&"share".into(), &"lower".into()));
    assert_eq!(metric("rank_me")["unit"], "number");
}

#[test]
fn a_comparison_without_accuracies_has_a_table_and_an_answer() {
    let folder = study();
    let (text, markdown, page, json) = compared(folder.path(), r#"["spectrum", "clusters"]"#);
    let answer = json["answer"].as_str().unwrap();
    assert!(answer.starts_with("By Effective rank, against near, on ./shapes without p: far ("), "{answer}");
    assert!(!answer.contains('%') && !answer.contains("points"), "{answer}");
    let head = text.lines().find(|line| line.starts_with("arm ")).unwrap();
    assert!(head.contains("effective rank - near") && !head.contains("linear"), "{head}");
    assert!(!text.contains("images of 16x16 grey; %"), "{text}");
    let units = markdown.contains("\nValues, mean over seeds (3, 5, 7)") && !markdown.contains("in points");
    assert!(units && markdown.contains("| minus near |"), "{markdown}");
    assert!(page.contains("Values, mean over the seeds") && !page.contains("percentage points"));
    assert!(!page.contains("Accuracy by arm") && !page.contains("accuracy in %"));
    // Accuracies alone are shown as before, without the calibration that comes with each linear probe.
    let (text, markdown, page, json) = compared(folder.path(), r#"["linear"]"#);
    assert!(json["arms"][1]["scores"]["./shapes"]["ece"]["mean"].is_number());
    for said in [&text, &markdown, &page] {
        assert!(!said.contains("alibration") && !said.contains("is better:"), "{said}");
    }
    assert!(markdown.contains("Accuracy in %, mean over seeds") && page.contains("Accuracy by arm"));
}
