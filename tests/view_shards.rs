//! View shards as a user meets them: written by `zview sample`, trained from, damaged.

use std::path::Path;

use serde_json::Value;

use crate::support::{run, run_json, stderr, write_generator, write_recipe};

/// Samples what the recipe's 6 steps of 8 anchors take online.
fn sample(folder: &Path, out: &[&str]) -> Value {
    let drawn = ["--anchors", "48", "--batch", "8", "--per-anchor", "2", "--std", "0.5", "--seed", "3"];
    let sample = [&["sample", "--generator", "generator", "--device", "cpu"], &drawn[..], &["--out"], out];
    run_json(folder, &sample.concat())
}

/// A recipe that reads `shards`, with everything else as online but the views, which are there already.
fn write_shard_recipe(folder: &Path, shards: &str) {
    let online = std::fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let source = format!("kind = \"shards\"\nshards = \"{shards}\"");
    let text = online
        .replace("kind = \"generator\"\ngenerator = \"generator\"", &source)
        .replace("[views]\nkind = \"gaussian\"\nstd = 0.5\n", "");
    assert_ne!(online, text);
    std::fs::write(folder.join("shards.toml"), text).unwrap();
}

const FEW: [&str; 4] = ["--device", "cpu", "--set", "train.batch=8"];

fn losses(folder: &Path, recipe: &str, out: &str, more: &[&str]) -> Vec<f64> {
    let log = ["--set", "train.log_every=1", "--out", out];
    run_json(folder, &[&["pretrain", recipe], &FEW[..], &log, more].concat());
    let events = std::fs::read_to_string(folder.join(out).join("events.jsonl")).unwrap();
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event"] == "train")
        .flat_map(|event| event["losses"]["loss"].as_array().unwrap().clone())
        .map(|loss| loss.as_f64().unwrap())
        .collect()
}

#[test]
fn training_from_shards_repeats_the_run_that_rendered_its_views() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    // Weights that hardly move: training makes much of small differences, batches must not.
    let still = ["--set", "optimizer.lr=1e-9"];
    let online = losses(folder, "recipe.toml", "online", &still);
    assert_eq!(online.len(), 6);
    for (number, out) in [&["one.tar"][..], &["images"], &["shards", "--shards", "--anchors-per-shard", "7"]]
        .into_iter()
        .enumerate()
    {
        assert_eq!(sample(folder, out)["images"], 96);
        write_shard_recipe(folder, out[0]);
        let run = format!("run-{number}");
        let repeated = losses(
            folder,
            "shards.toml",
            &run,
            &[&still[..], &["--set", "anchors.order=sequential"]].concat(),
        );
        for (step, (online, repeated)) in online.iter().zip(&repeated).enumerate() {
            // Pixels are rounded to 1/255.
            assert!(
                (online - repeated).abs() < 0.003 * online,
                "{}, step {step}: {online} {repeated}",
                out[0]
            );
        }
        assert_eq!(repeated.len(), 6);
    }
    let shuffled = losses(folder, "shards.toml", "shuffled", &still);
    let apart = online.iter().zip(&shuffled).map(|(one, other)| (one - other).abs() / one);
    assert!(apart.fold(0.0, f64::max) > 2e-3, "another order is no other run: {online:?} {shuffled:?}");
    // The same seed writes the same bytes.
    let first = std::fs::read(folder.join("one.tar")).unwrap();
    sample(folder, &["one.tar"]);
    assert!(std::fs::read(folder.join("one.tar")).unwrap() == first);
}

#[test]
fn bench_tells_how_long_views_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    sample(folder, &["one.tar"]);
    write_shard_recipe(folder, "one.tar");
    let bench = |recipe: &str| run_json(folder, &[&["bench", recipe, "--steps", "2"], &FEW[..]].concat());
    let waiting = bench("shards.toml")["waiting_share"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&waiting), "{waiting}");
    assert!(bench("recipe.toml")["waiting_share"].is_null());
}

#[test]
fn damage_is_named_and_left_out_only_if_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    sample(folder, &["shards", "--shards", "--anchors-per-shard", "12"]);
    write_shard_recipe(folder, "shards");
    let shard = folder.join("shards/shard-000001.tar");
    let whole = std::fs::read(&shard).unwrap();
    std::fs::write(&shard, &whole[..whole.len() / 2]).unwrap();
    let refused = |code: i32, more: &[&str], told: &[&str]| {
        let output = run(folder, &[&["pretrain", "shards.toml", "--out", "run"], &FEW[..], more].concat());
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        // Messages are wrapped to the terminal's width.
        let said = stderr(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        for told in told {
            assert!(said.contains(told), "{told}: {said}");
        }
    };
    refused(1, &[], &["shard-000001.tar", "the manifest says", "skip_damaged = true"]);
    losses(folder, "shards.toml", "run", &["--set", "source.skip_damaged=true"]);
    let events = std::fs::read_to_string(folder.join("run/events.jsonl")).unwrap();
    assert!(events.contains("\"left_out\":[\"shards/shard-000001.tar: "), "{events}");
    std::fs::remove_dir_all(folder.join("run")).unwrap();

    std::fs::write(&shard, &whole).unwrap();
    refused(2, &["--set", "views.per_anchor=3"], &["anchor-000000000: 2 views", "asks for 3"]);
    refused(2, &["--set", "train.batch=64"], &["48 anchors, a batch has 64"]);
    refused(
        2,
        &["--set", "source.skip_damaged=true", "--set", "source.kind=generator"],
        &["source.shards: not used"],
    );
    refused(2, &["--set", "anchors.unique=7"], &["anchors: of view shards only the `order` is chosen"]);
    let taken = run(folder, &["sample", "--generator", "generator", "--out", "shards", "--shards"]);
    assert!(
        taken.status.code() == Some(2) && stderr(&taken).contains("is there already"),
        "{}",
        stderr(&taken)
    );
}

#[test]
fn shards_in_place_of_a_recipe_are_told_to_be_shards_and_how_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    let few = ["--anchors", "20", "--per-anchor", "2", "--device", "cpu"];
    for (out, more) in [("shards", &["--shards"][..]), ("one.tar", &[])] {
        let sample = ["sample", "--generator", "generator", "--out", out];
        assert!(run(folder, &[&sample[..], &few, more].concat()).status.success());
        let output = run(folder, &["pretrain", out, "--device", "cpu", "--out", "run"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("{out} holds view shards (40 images, up to 2 views")), "{said}");
        assert!(
            said.contains("kind = \"shards\"") && said.contains(&format!("shards = \"{out}\"")),
            "{said}"
        );
        assert!(!said.contains("unpack"), "{said}");
        // What is said works.
        let recipe = format!("[source]\nkind = \"shards\"\nshards = \"{out}\"\n");
        std::fs::write(folder.join("told.toml"), recipe).unwrap();
        let small = ["--steps", "1", "--set", "train.batch=10", "--set", "encoder.width=4"];
        let run_of = format!("run-{out}");
        let train = ["pretrain", "told.toml", "--device", "cpu", "--out", &run_of];
        let trained = run(folder, &[&train[..], &small].concat());
        assert!(trained.status.success(), "{}", stderr(&trained));
    }
    let probe = run(folder, &["probe", "run-one.tar", "--data", "./shards", "--device", "cpu"]);
    let said = stderr(&probe);
    assert!(
        said.contains("a folder of view shards, without labelled images") && !said.contains("unpack"),
        "{said}"
    );
}
