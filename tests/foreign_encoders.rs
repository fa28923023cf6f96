//! `zview probe` on encoder files of other origin: what is told, chosen and refused on the command line.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{run, run_json, stderr, write_generator, write_idx, write_recipe};

/// Random networks that timm made (`scripts/make_encoder_golden.py`).
fn golden(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoder/tests/golden/foreign");
    folder.join(format!("{name}.safetensors")).to_string_lossy().into_owned()
}

fn images() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path(), 60, 30);
    folder
}

fn probe(folder: &Path, encoder: &str, words: &[&str]) -> Output {
    let rest = ["--data", "./shapes", "--protocol", "knn", "--device", "cpu", "--no-cache"];
    run(folder, &[&["probe", encoder], words, &rest].concat())
}

#[test]
fn a_foreign_file_says_what_was_read_and_how_its_pixels_are_taken() {
    let folder = images();
    let folder = folder.path();
    let said = |encoder: &str, words: &[&str]| {
        let output = probe(folder, encoder, words);
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    let resnet = golden("resnet-c");
    let without = said(&resnet, &[]);
    assert!(
        without.contains("a stem of 3 convolutions") && without.contains("tensors in torchvision's"),
        "{without}"
    );
    assert!(without.contains("--pixels was not given") && without.contains("expects imagenet"), "{without}");
    assert!(!said(&resnet, &["--pixels", "imagenet"]).contains("--pixels"));
    assert!(
        said(&resnet, &["--pixels", "0.5:0.25"])
            .contains("--pixels 0.5:0.25 was given; it most likely expects imagenet")
    );
    // The same numbers by name and in full are the same features.
    let accuracy = |pixels: &str| {
        let words = [
            "probe",
            &resnet,
            "--data",
            "./shapes",
            "--protocol",
            "knn",
            "--device",
            "cpu",
            "--pixels",
            pixels,
        ];
        let value = run_json(folder, &words);
        (value["extractor_sha256"].clone(), value["knn"].clone())
    };
    assert_eq!(accuracy("half"), accuracy("0.5:0.5"));
    assert_ne!(accuracy("half").0, accuracy("clip").0);
    let vit = said(&golden("layer-scale"), &["--heads", "2", "--pixels", "clip", "--size", "8"]);
    for words in ["LayerScale", "3 register tokens", "3x3 patches are interpolated to 2x2", "quick GELU"] {
        assert!(vit.contains(words), "{words}: {vit}");
    }
    let guessed = said(&golden("qk-norm"), &[]);
    assert!(
        guessed.contains("expects imagenet or half") && guessed.contains("the features are the class token"),
        "{guessed}"
    );
    // The same in the file of an evaluation.
    std::fs::write(folder.join("how.toml"), "pixels = \"imagenet\"\nprotocols = [\"knn\"]\n").unwrap();
    assert!(!said(&resnet, &["--config", "how.toml"]).contains("--pixels"));
}

#[test]
fn options_that_do_not_fit_the_file_are_refused_with_exit_code_2() {
    let folder = images();
    let folder = folder.path();
    for (encoder, words, message) in [
        ("resnet-c", &["--pixels", "image-net"][..], "unit, half, imagenet, clip"),
        ("resnet-c", &["--pixels", "0.5,0.5:0.5", "--color", "rgb"], "it takes 3 channels, not 2"),
        ("resnet-c", &["--branch", "encoder_q"], "`encoder_q`"),
        ("resnet-c", &["--heads", "2"], "--heads: it is no Vision Transformer"),
        ("resnet-c", &["--pool", "mean"], "--pool: it is no Vision Transformer"),
    ] {
        let output = probe(folder, &golden(encoder), words);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    let tuned = ["--data", "./shapes", "--protocol", "fine-tune", "--device", "cpu"];
    let output = run(folder, &[&["probe", &golden("se-resnet")][..], &tuned].concat());
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("squeeze-and-excitation"), "{}", stderr(&output));
    let export = run(folder, &["export", &golden("se-resnet"), "-o", "x.safetensors"]);
    assert!(
        !export.status.success() && stderr(&export).contains("squeeze-and-excitation"),
        "{}",
        stderr(&export)
    );
}

#[test]
fn an_export_takes_what_a_foreign_file_does_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let export = |words: &[&str]| {
        let vit = golden("mean-of-patches");
        run(folder.path(), &[&["export", &vit, "-o", "x.safetensors"], words].concat())
    };
    // No published network has its width.
    let unsaid = export(&[]);
    assert!(!unsaid.status.success() && stderr(&unsaid).contains("--heads"), "{}", stderr(&unsaid));
    let wrong = stderr(&export(&["--heads", "3"]));
    assert!(wrong.contains("--heads 3: expected a divisor of its 16 features"), "{wrong}");
    // It is read then, and is none of those that another library has.
    let said = stderr(&export(&["--heads", "2"]));
    assert!(said.contains("perceptrons of 32 hidden features cannot be exported"), "{said}");
}

#[test]
fn a_run_that_is_not_finished_names_the_checkpoint_that_can_be_probed() {
    let folder = images();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    let pretrain = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run"];
    let settings = [
        "encoder.width=4",
        "train.steps=4",
        "train.batch=4",
        "train.warmup_steps=0",
        "train.checkpoint_every=2",
    ];
    let set = settings.iter().flat_map(|setting| ["--set", setting]);
    run_json(folder, &pretrain.into_iter().chain(set).collect::<Vec<_>>());
    let whole =
        run_json(folder, &["probe", "run", "--data", "./shapes", "--protocol", "knn", "--device", "cpu"]);
    std::fs::remove_file(folder.join("run/encoder.safetensors")).unwrap();
    let output = probe(folder, "run", &[]);
    let message = stderr(&output);
    let checkpoint: PathBuf = ["run", "checkpoints", "step-00000004"].iter().collect();
    let checkpoint = checkpoint.to_string_lossy();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("the run is not finished") && message.contains(&*checkpoint), "{message}");
    // The last checkpoint is the encoder of the run: pixels are scaled as its recipe says.
    for named in [checkpoint.to_string(), format!("{checkpoint}/model.safetensors")] {
        let part = run_json(
            folder,
            &["probe", &named, "--data", "./shapes", "--protocol", "knn", "--device", "cpu"],
        );
        assert_eq!(part["knn"], whole["knn"], "{named}");
        assert_eq!(part["extractor_sha256"], whole["extractor_sha256"], "{named}");
        let told = probe(folder, &named, &[]);
        assert!(told.status.success() && !stderr(&told).contains("--pixels"), "{}", stderr(&told));
    }
    // A damaged one is passed over.
    let model = folder.join("run/checkpoints/step-00000004/model.safetensors");
    let mut bytes = std::fs::read(&model).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&model, bytes).unwrap();
    let message = stderr(&probe(folder, "run", &[]));
    assert!(message.contains("step-00000002"), "{message}");
    let message = stderr(&probe(folder, &checkpoint, &[]));
    assert!(message.contains("expected sha256"), "{message}");
}

#[test]
fn a_runs_own_encoder_says_its_pixels_heads_and_branch_itself() {
    let folder = images();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    let pretrain = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run"];
    let settings = ["encoder.width=4", "train.steps=1", "train.batch=4", "train.warmup_steps=0"];
    let set = settings.iter().flat_map(|setting| ["--set", setting]);
    run_json(folder, &pretrain.into_iter().chain(set).collect::<Vec<_>>());
    let quiet = probe(folder, "run", &[]);
    assert!(quiet.status.success() && !stderr(&quiet).contains("tensors"), "{}", stderr(&quiet));
    for (words, message) in [
        (["--pixels", "half"], "its file says how it scales pixels"),
        (["--heads", "2"], "--heads: zview's own encoders say it themselves"),
        (["--branch", "encoder"], "--branch: zview's own encoders say it themselves"),
        (["--pool", "mean"], "--pool: zview's own encoders say it themselves"),
    ] {
        let output = probe(folder, "run", &words);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}
