//! Recipes and `--set` as a user meets them: mistakes are usage errors that name the key, what was given and what is
//! expected; a setting without an effect is one too.

use std::fs;
use std::path::Path;

use crate::support::{run, run_json, stderr, write_generator, write_idx, write_recipe};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    write_idx(folder.path(), 150, 60);
    folder
}

/// Runs the binary, which must refuse with exit code 2 and say every word.
fn refused(folder: &Path, arguments: &[&str], words: &[&str]) {
    let output = run(folder, arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?} does not say `{word}`: {message}");
    }
}

const TRAIN: [&str; 6] = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run"];

#[test]
fn values_that_cannot_be_are_usage_errors_that_name_the_key() {
    let folder = folder();
    let folder = folder.path();
    for (change, words) in [
        (
            "optimizer.lr=0,06",
            &["--set optimizer.lr=0,06", "optimizer.lr: expected a number", "write 0.06"][..],
        ),
        ("views.std=0,5", &["--set views.std=0,5", "views.std: expected a number", "write 0.5"]),
        ("objective.temperature=0,2", &["objective.temperature: expected a number", "write 0.2"]),
        ("objective.projector=128", &["objective.projector: expected a list"]),
        ("train.steps=-1", &["train.steps: expected a whole number, 0 or more, got -1"]),
        ("train.batch=1.5", &["train.batch: expected a whole number, 0 or more, got 1.5"]),
        ("train.steps=1e3", &["train.steps: expected a whole number", "write 1000"]),
        ("source.size=0", &["source.size: expected 1 to 8192 pixels per side, got 0"]),
        ("source.size=8193", &["source.size: expected 1 to 8192"]),
        ("source.size=-3", &["source.size: expected a whole number, 0 or more, got -3"]),
        ("source.color=red", &["--set source.color=red", "unknown variant `red`", "`grey`"]),
        ("source.max_reject_share=2", &["source.max_reject_share: expected 0 to 1, got 2"]),
        ("views.std=-1", &["views.std: expected 0 or above, got -1"]),
        ("views.std=nan", &["views.std: expected 0 or above, got NaN"]),
        ("views.truncation=0", &["views.truncation: expected 0.1 or above"]),
        ("views.per_anchor=0", &["views.per_anchor: expected 1 to"]),
        ("optimizer.lr=nan", &["optimizer.lr: expected a positive number, got NaN"]),
        ("augment.flip=yes", &["augment.flip: expected true or false", "write true"]),
        ("encoder.width=0", &["encoder.width: expected 1 to 1024, got 0"]),
        ("train.accumulate=18446744073709551615", &["train.accumulate"]),
        ("train.accumulate=9000000000000000000", &["train.accumulate: expected 1 to 65536"]),
        ("train.steps=9000000000000000000", &["train.steps: expected 0 to"]),
        ("probe.train_pool=0", &["probe.train_pool: expected 1 or more"]),
        ("seed=-1", &["seed: expected a whole number, 0 or more, got -1"]),
        ("train=3", &["train: expected a section of keys, got 3"]),
        ("anchors.unique=0", &["anchors.unique: expected 1 to"]),
        ("watch.every=x", &["watch.every: expected a whole number"]),
    ] {
        refused(folder, &[&TRAIN[..], &["--set", change]].concat(), words);
    }
    assert!(!folder.join("run").exists());
    // The same in the file, with its line.
    let text = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    for (from, to, words) in [
        ("std = 0.5", "std = 0,5", &["recipe.toml, line 7", "write 0.5"][..]),
        (
            "batch = 8",
            "batch = \"8\"",
            &["recipe.toml, line 14: train.batch: expected a whole number", "without quotes"],
        ),
    ] {
        fs::write(folder.join("wrong.toml"), text.replace(from, to)).unwrap();
        refused(
            folder,
            &["pretrain", "wrong.toml", "--device", "cpu"],
            &[&["wrong.toml"], &words[1..]].concat(),
        );
    }
    // Sizes on the command line.
    refused(folder, &["data", "inspect", "./shapes", "--size", "0"], &["`size`"]);
}

#[test]
fn weights_and_pictures_in_place_of_a_recipe_are_named() {
    let folder = folder();
    let folder = folder.path();
    run_json(folder, &["sample", "--generator", "generator", "--device", "cpu", "--out", "grid.png"]);
    refused(folder, &["pretrain", "grid.png"], &["grid.png is a PNG picture, not a recipe: give its folder"]);
    refused(folder, &["pretrain", "generator/weights.safetensors"], &["is a safetensors file"]);
    refused(folder, &["bench", "generator"], &["it is a folder"]);
    refused(folder, &["pretrain", "absent.toml"], &["cannot read absent.toml"]);
    let text = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.join("wide.toml"), [&[0xff, 0xfe][..], &utf16].concat()).unwrap();
    refused(folder, &["pretrain", "wide.toml"], &["wide.toml is text in UTF-16", "save it as UTF-8"]);
}

#[test]
fn a_recipe_with_a_byte_order_mark_and_a_quoted_format_trains() {
    let folder = folder();
    let folder = folder.path();
    let text = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let text = format!("\u{feff}# from [GenRep]\n\"format\" = 1 # [x]\n{text}").replace('\n', "\r\n");
    fs::write(folder.join("marked.toml"), text).unwrap();
    let trained = run_json(folder, &["pretrain", "marked.toml", "--device", "cpu", "--out", "run"]);
    assert_eq!(trained["steps"], 6);
}

#[test]
fn a_setting_without_an_effect_is_an_error_that_says_what_it_belongs_to() {
    let folder = folder();
    let folder = folder.path();
    for (change, words) in [
        ("source.color=rgb", &["source.color: has no effect with source.kind = \"generator\""][..]),
        ("source.size=8", &["source.size: has no effect with source.kind = \"generator\""]),
        ("source.max_reject_share=0.5", &["source.max_reject_share: has no effect"]),
        ("source.skip_damaged=true", &["source.skip_damaged: not used by kind \"generator\""]),
        ("source.real_share=0.5", &["source.real_share: not used by kind \"generator\""]),
        ("source.data=shapes", &["source.data: not used"]),
        ("views.radii=[1]", &["views.radii: not used by kind \"gaussian\""]),
        ("views.agreement=0.5", &["views.agreement: not used"]),
        ("encoder.depth=3", &["encoder.depth: not used by arch"]),
        ("encoder.pool=mean", &["encoder.pool: not used by arch"]),
        (
            "augment.blur_sigma=[1,2]",
            &["augment.blur_sigma: has no effect with augment.blur_probability = 0"],
        ),
        ("optimizer.beta1=0.5", &["optimizer.beta1: not used"]),
    ] {
        refused(folder, &[&TRAIN[..], &["--set", change]].concat(), words);
    }
    for (changes, words) in [
        (&["views.kind=same", "views.std=0.3"][..], "views.std: has no effect with views.kind = \"same\""),
        (&["views.kind=independent", "views.std=0.3"], "views.std: has no effect"),
        (
            &["encoder.arch=conv", "encoder.stem=imagenet"],
            "encoder.stem: has no effect with encoder.arch = \"conv\"",
        ),
        (
            &["encoder.arch=vit", "encoder.stem=imagenet"],
            "encoder.stem: has no effect with encoder.arch = \"vit\"",
        ),
        (
            &["watch.every=0", "watch.min_feature_std=0.5"],
            "watch.min_feature_std: has no effect with watch.every = 0",
        ),
    ] {
        let set: Vec<&str> = changes.iter().flat_map(|change| ["--set", change]).collect();
        refused(folder, &[&TRAIN[..], &set].concat(), &[words]);
    }
    // What the file says of its own kind is no mistake where --set chooses another.
    let same = run_json(folder, &[&TRAIN[..], &["--set", "views.kind=same"]].concat());
    assert_eq!(same["steps"], 6);
    // The run's own recipe, in which every key is written, is read back: by a probe, and to go on.
    run_json(folder, &["probe", "run", "--device", "cpu", "--protocol", "knn", "--train-pool", "60"]);
    let resumed = run_json(folder, &[&TRAIN[..], &["--set", "views.kind=same", "--resume"]].concat());
    assert_eq!(resumed["steps"], 6);
    let again = ["pretrain", "run/config.toml", "--device", "cpu", "--out", "again"];
    assert_eq!(run_json(folder, &again)["steps"], 6);
}

#[test]
fn an_option_without_an_effect_is_an_error_that_says_what_it_belongs_to() {
    let folder = folder();
    let folder = folder.path();
    run_json(folder, &[&TRAIN[..], &["--set", "train.steps=0"]].concat());
    let probe = ["probe", "run", "--device", "cpu", "--protocol", "knn", "--train-pool", "60"];
    for (option, words) in [
        (
            "--labels-per-class=5",
            "--labels-per-class: has no effect, as none of few-shot, label-curve, fine-tune",
        ),
        ("--draws=3", "--draws: has no effect, as neither few-shot nor label-curve is measured"),
    ] {
        refused(folder, &[&probe[..], &[option]].concat(), &[words, "add --protocol few-shot"]);
    }
    let sample = ["sample", "--generator", "generator", "--device", "cpu", "--out", "views.png"];
    for views in ["same", "independent"] {
        let arguments = [&sample[..], &["--kind", views, "--std", "0.5"]].concat();
        refused(folder, &arguments, &[&format!("--std: {views} views take no step"), "remove it"]);
        run_json(folder, &[&sample[..], &["--kind", views]].concat());
    }
}
