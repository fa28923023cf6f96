//! Encoders to and from Python: `zview export`, and `encoder.weights`.

use crate::support::{run, run_json, stderr, write_generator, write_idx, write_recipe};

/// Small settings of every architecture.
const ARCHITECTURES: [(&str, &[&str]); 5] = [
    ("resnet18", &["encoder.width=4"]),
    ("resnet50", &["encoder.arch=resnet50", "encoder.width=4", "encoder.stem=imagenet"]),
    (
        "vit",
        &["encoder.arch=vit", "encoder.width=8", "encoder.depth=2", "encoder.heads=2", "encoder.patch=4"],
    ),
    (
        "vit-mean",
        &["encoder.arch=vit", "encoder.width=8", "encoder.depth=1", "encoder.pool=mean", "augment.size=24"],
    ),
    ("conv", &["encoder.arch=conv", "encoder.width=4"]),
];

/// A folder with a generator, its recipe and labelled images.
fn inputs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    write_idx(folder.path(), 60, 30);
    folder
}

fn pretrain_words<'a>(out: &'a str, settings: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["pretrain", "recipe.toml", "--device", "cpu", "--out", out];
    for &setting in settings.iter().chain(&["train.steps=2", "train.batch=4", "train.warmup_steps=0"]) {
        words.extend(["--set", setting]);
    }
    words
}

#[test]
fn every_architecture_trains_and_is_probed() {
    let folder = inputs();
    let folder = folder.path();
    for (name, settings) in ARCHITECTURES {
        assert_eq!(run_json(folder, &pretrain_words(name, settings))["steps"], 2, "{name}");
        let probe = ["probe", name, "--data", "./shapes", "--protocol", "knn", "--device", "cpu"];
        let probed = run_json(folder, &probe);
        assert!(probed["knn"]["20"]["top1"].as_f64().unwrap() > 0.2, "{name}: {probed}");
    }
    // A Vision Transformer's position embeddings are interpolated to whole patches of another side.
    let probe = |size| {
        let words =
            ["probe", "vit", "--data", "./shapes", "--protocol", "knn", "--size", size, "--device", "cpu"];
        run(folder, &words)
    };
    let output = probe("20");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("4x4 patches are interpolated to 5x5"), "{}", stderr(&output));
    let output = probe("18");
    assert!(!output.status.success());
    assert!(stderr(&output).contains("no multiple of its patches of 4"), "{}", stderr(&output));
}

#[test]
fn images_that_an_architecture_cannot_take_are_refused_by_the_field() {
    let folder = inputs();
    let folder = folder.path();
    for (setting, words) in [
        ("encoder.patch=6", "encoder.patch: a side of 6 does not divide that of the images, 16 pixels"),
        ("encoder.patch=3", "encoder.patch: expected 4 to 16"),
        ("encoder.heads=3", "encoder.heads: expected a divisor of encoder.width (4)"),
        ("encoder.depth=0", "encoder.depth: expected 1 to 64"),
    ] {
        let output = run(folder, &pretrain_words("refused", &["encoder.arch=vit", setting]));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert!(!folder.join("refused").exists());
    }
    let output = run(folder, &pretrain_words("refused", &["encoder.patch=4"]));
    assert!(stderr(&output).contains("encoder.patch: not used by arch \"resnet18\""), "{}", stderr(&output));
}

#[test]
fn a_run_starts_from_the_weights_of_another() {
    let folder = inputs();
    let folder = folder.path();
    for (name, settings) in ARCHITECTURES {
        run_json(folder, &pretrain_words(name, settings));
        let weights = format!("encoder.weights={name}/encoder.safetensors");
        let again = format!("{name}-again");
        // Later settings win: no step, so the encoder is the file's.
        let settings = [settings, &[weights.as_str()]].concat();
        let mut words = pretrain_words(&again, &settings);
        words.extend(["--set", "train.steps=0"]);
        run_json(folder, &words);
        let bytes = |run: &str| std::fs::read(folder.join(run).join("encoder.safetensors")).unwrap();
        assert!(bytes(name) == bytes(&again), "{name}");
        let events = std::fs::read_to_string(folder.join(&again).join("events.jsonl")).unwrap();
        let hash = zview_runtime::hash::sha256_of_bytes(&bytes(name));
        assert!(events.contains(&format!("\"sha256\":\"{hash}\"")), "{events}");
        assert!(
            std::fs::read_to_string(folder.join(&again).join("config.toml")).unwrap().contains("weights")
        );
    }
    // The file is not needed any more once the run has a checkpoint.
    std::fs::remove_file(folder.join("conv/encoder.safetensors")).unwrap();
    let again = ["pretrain", "conv-again/config.toml", "--out", "conv-again", "--resume", "--device", "cpu"];
    assert!(run(folder, &again).status.success());
}

#[test]
fn weights_that_do_not_fit_say_what_to_set() {
    let folder = inputs();
    let folder = folder.path();
    run_json(folder, &pretrain_words("narrow", &["encoder.width=4"]));
    let weights = "encoder.weights=narrow/encoder.safetensors";
    for (settings, words) in [
        (&["encoder.width=8"][..], "its encoder.width is 4, the recipe's 8"),
        (
            &["encoder.width=4", "encoder.arch=resnet34"],
            "its encoder.arch is resnet18, the recipe's resnet34",
        ),
        (&["encoder.width=4", "encoder.stem=imagenet"], "its encoder.stem is small, the recipe's imagenet"),
        (&["encoder.width=4", "encoder.pixel_mean=0.4"], "its encoder.pixel_mean is 0.5, the recipe's 0.4"),
    ] {
        let output = run(folder, &pretrain_words("refused", &[settings, &[weights]].concat()));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
    let absent = run(folder, &pretrain_words("refused", &["encoder.weights=absent.pth"]));
    assert!(absent.status.code() == Some(2) && stderr(&absent).contains("absent.pth"), "{}", stderr(&absent));
}

#[test]
fn an_export_says_how_it_is_loaded_and_which_library_has_the_network() {
    let folder = inputs();
    let folder = folder.path();
    for (name, settings) in ARCHITECTURES {
        run_json(folder, &pretrain_words(name, settings));
    }
    let refused = |words: &[&str], remedy: &str| {
        let output = run(folder, &[&["export"], words, &["-o", "x.safetensors"]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(remedy), "{}", stderr(&output));
    };
    refused(&["conv", "--format", "timm"], "`--format sequential`");
    refused(&["vit", "--format", "torchvision"], "`--format timm`");
    refused(&["resnet18", "--format", "sequential"], "`--format torchvision` or `--format timm`");
    refused(&["absent"], "absent");
    let exported = run_json(folder, &["export", "resnet18", "-o", "resnet18.safetensors"]);
    let file = folder.join("resnet18.safetensors");
    assert_eq!(exported["sha256"], zview_runtime::hash::sha256_of_file(&file).unwrap());
    assert_eq!(exported["keys"].as_array().unwrap().len(), 120, "torchvision's resnet18 without fc");
    assert_eq!((&exported["pixel_mean"], &exported["pixel_std"]), (&0.5.into(), &0.5.into()));
    assert_eq!(exported["differences"].as_array().unwrap().len(), 3, "width, stem, channels");
    // What was exported is an encoder like any other.
    let probe =
        ["probe", "resnet18.safetensors", "--data", "./shapes", "--protocol", "knn", "--device", "cpu"];
    assert_eq!(run_json(folder, &probe)["feature_dimension"], 32);
}
