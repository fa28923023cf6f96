//! What the program says: the help of every command, and messages that a stranger meets. Each is a file in
//! `tests/messages/`; `ZVIEW_REWRITE=1 cargo test --release -p zview-cli --test black_box messages` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::study::study;
use crate::support::{run, stderr};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/messages").join(name)
}

/// Compares `text` with the file `name`, or writes it; gives what differs.
fn compared(name: &str, text: &str) -> Option<String> {
    let text: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let file = golden(name);
    if std::env::var_os("ZVIEW_REWRITE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return None;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    (expected != text).then(|| format!("{}:\n--- expected\n{expected}\n--- got\n{text}", file.display()))
}

/// The commands below `path`, by its help.
fn commands_below(folder: &Path, path: &[String]) -> Vec<String> {
    let help = help(folder, path);
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn help(folder: &Path, path: &[String]) -> String {
    let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let output = run(folder, &words);
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut paths = vec![Vec::new()];
    let mut differences = Vec::new();
    let mut commands = 0;
    while let Some(path) = paths.pop() {
        let name = if path.is_empty() { "zview".to_owned() } else { path.join("-") };
        let text = help(folder, &path);
        let below = commands_below(folder, &path);
        if below.is_empty() {
            commands += 1;
            assert!(text.contains("Examples:\n  zview "), "{name} has no example");
        }
        differences.extend(compared(&format!("help/{name}.txt"), &text));
        paths.extend(below.into_iter().map(|command| [&path[..], &[command]].concat()));
    }
    assert!(commands >= 18, "{commands}");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

const RECIPE_WRONG: &str = "seed = \"one\"\n[source]\nkind = \"real\"\ndata = \"./shapes\"\n[train]\nbatch_size = 8\n\
                            epochs = 3\nsteps = 1.5\n[optimizer]\nlearning_rate = 0.1\n";

/// Twenty messages: the words of the command line, and the file that has what is said.
const MESSAGES: [(&str, &[&str]); 24] = [
    ("a-comparison-to-pretrain", &["pretrain", "study.toml"]),
    ("a-recipe-to-compare", &["compare", "recipe.toml"]),
    ("an-evaluation-to-pretrain", &["pretrain", "evaluation.toml"]),
    ("a-generators-recipe-to-pretrain", &["pretrain", "gan.toml"]),
    ("a-manifest-to-generator-train", &["generator", "train", "generator/generator.toml"]),
    ("a-recipe-to-generator-train", &["generator", "train", "recipe.toml"]),
    ("a-recipe-to-probe", &["probe", "recipe.toml", "--data", "./shapes"]),
    ("a-recipe-as-evaluation", &["probe", "run", "--config", "recipe.toml"]),
    ("a-run-folder-to-pretrain", &["pretrain", "run"]),
    ("all-wrong-keys-at-once", &["pretrain", "wrong.toml"]),
    (
        "wrong-keys-of-file-and-set",
        &["pretrain", "wrong.toml", "--set", "train.batch=x", "--set", "views.stdd=1"],
    ),
    (
        "values-that-cannot-be",
        &["pretrain", "recipe.toml", "--set", "train.batch=1", "--set", "views.std=-1"],
    ),
    ("option-batch-size", &["pretrain", "recipe.toml", "--batch-size", "64"]),
    ("option-lr", &["pretrain", "recipe.toml", "--lr", "0.1"]),
    ("option-gpu", &["probe", "run", "--gpu", "0"]),
    ("option-output", &["export", "run", "--output", "x.safetensors"]),
    ("option-dataset", &["probe", "run", "--dataset", "mnist"]),
    ("device-cuda", &["pretrain", "recipe.toml", "--device", "cuda:0"]),
    ("device-mps", &["pretrain", "recipe.toml", "--device", "mps"]),
    ("command-train", &["train", "recipe.toml"]),
    ("command-eval", &["eval", "run"]),
    ("ending-of-an-output", &["embed", "run", "--data", "./shapes", "--out", "features.parquet"]),
    ("no-head", &["predict", "run", "--data", "./shapes", "--device", "cpu"]),
    (
        "labels-of-several-protocols",
        &["probe", "run", "--protocol", "fine-tune", "--labels-per-class", "5,10"],
    ),
];

#[test]
fn messages_that_a_stranger_meets() {
    let folder = study();
    let folder = folder.path();
    fs::write(folder.join("wrong.toml"), RECIPE_WRONG).unwrap();
    fs::write(folder.join("evaluation.toml"), "data = [\"./shapes\"]\nprotocols = [\"knn\"]\n").unwrap();
    fs::write(folder.join("gan.toml"), "name = \"x\"\nmethod = \"gan\"\n[source]\ndata = \"./shapes\"\n")
        .unwrap();
    let pretrain = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run", "--set", "train.steps=2"];
    assert!(run(folder, &pretrain).status.success());
    let mut differences = Vec::new();
    for (name, words) in MESSAGES {
        let output = run(folder, words);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        assert!(!text.contains("panicked"), "{name}: {text}");
        let text = text.replace(&folder.display().to_string(), "FOLDER");
        differences.extend(compared(&format!("{name}.txt"), &format!("$ zview {}\n{text}", words.join(" "))));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
