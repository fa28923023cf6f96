//! The studies that are shipped: each can be read, and what it needs can be made.

use std::path::Path;
use std::process::Command;

use crate::support::{run, stderr};

/// Of what the project ships only data and generators that are not part of it may be missing.
#[test]
fn every_study_that_is_shipped_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let studies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/studies");
    let mut read = 0;
    for file in std::fs::read_dir(studies).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        read += 1;
        let output = run(folder.path(), &["compare", file.to_str().unwrap(), "--plan", "--untimed"]);
        let message = stderr(&output);
        let problems: Vec<&str> =
            message.lines().filter_map(|line| line.split_once("   - ")).map(|of| of.1).collect();
        assert!(output.status.success() || !problems.is_empty(), "{}: {message}", file.display());
        // A path is where data was looked for.
        for problem in problems.into_iter().filter(|problem| !problem.starts_with('/')) {
            let absent = problem.contains("no generator `") || problem.contains("data: ");
            assert!(absent, "{}: {problem}", file.display());
        }
    }
    assert!(read >= 20, "{read}");
}

/// The comment `runs/NAME` of three studies was taken for a generator, and nothing was computed.
#[test]
fn the_generators_that_studies_sh_trains_have_a_recipe_of_that_name() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new("bash")
        .args(["scripts/studies.sh", "--generators"])
        .current_dir(&project)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let list = String::from_utf8(output.stdout).unwrap();
    let generators: Vec<(&str, &str)> = list.lines().map(|line| line.split_once(' ').unwrap()).collect();
    for early in ["", "-600", "-200"] {
        let generator = format!("runs/mnist-gan-conditional{early}");
        let recipe = "configs/generators/train/mnist-gan-conditional.toml";
        assert!(generators.contains(&(&generator, recipe)), "{generators:?}");
    }
    for (generator, recipe) in generators {
        assert!(project.join(recipe).is_file(), "{generator}: {recipe}");
    }
}
