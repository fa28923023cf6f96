//! Every kind of views and every stream of anchors from the binary.

use std::fs;
use std::path::Path;

use crate::support::{copy_folder, losses, run, run_json, stderr, write_generator, write_recipe};

const KINDS: [&str; 8] =
    ["gaussian", "angular", "uniform-ball", "radii", "interpolate", "adaptive", "independent", "same"];

fn folder_with_generator() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    folder
}

fn train(folder: &Path, out: &str, settings: &[&str]) -> Vec<(u64, String)> {
    let mut arguments = vec!["pretrain", "recipe.toml", "--device", "cpu", "--out", out];
    arguments.extend(["--set", "train.log_every=1"]);
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    let output = run(folder, &arguments);
    assert!(output.status.success(), "{settings:?}: {}", stderr(&output));
    losses(&folder.join(out))
}

fn refused(folder: &Path, settings: &[&str]) -> String {
    let mut arguments = vec!["pretrain", "recipe.toml", "--device", "cpu", "--out", "refused"];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    let output = run(folder, &arguments);
    assert_eq!(output.status.code(), Some(2), "{settings:?}: {}", stderr(&output));
    assert!(!folder.join("refused").exists());
    stderr(&output).split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "")
}

#[test]
fn every_kind_of_views_is_drawn_and_trains_with_2_to_16_views() {
    let folder = folder_with_generator();
    let folder = folder.path();
    let mut pictures = std::collections::BTreeMap::new();
    for kind in KINDS {
        let picture = format!("{kind}.png");
        let takes_steps = !["same", "independent"].contains(&kind);
        let sample = ["sample", "--generator", "generator", "--device", "cpu"];
        let mut more = vec!["--kind", kind, "--anchors", "3", "--per-anchor", "16", "--out", &picture];
        if takes_steps {
            more.extend(["--std", "0.7"]);
        }
        assert_eq!(run_json(folder, &[&sample[..], &more].concat())["images"], 48);
        pictures.insert(fs::read(folder.join(&picture)).unwrap(), kind);
        let setting = format!("views.kind={kind}");
        for per_anchor in ["views.per_anchor=2", "views.per_anchor=5"] {
            let out = format!("{kind}-{per_anchor}");
            let mut settings = vec![setting.as_str(), per_anchor, "train.steps=2", "train.warmup_steps=0"];
            if takes_steps {
                settings.push("views.std=0.7");
            }
            let taught = train(folder, &out, &settings);
            assert_eq!(taught.len(), 2);
        }
    }
    // Before it has adapted, `adaptive` is Gaussian.
    assert_eq!(pictures.len(), KINDS.len() - 1, "{:?}", pictures.values());
}

#[test]
fn views_whose_distance_adapts_go_on_with_it_after_a_stop() {
    let folder = folder_with_generator();
    let folder = folder.path();
    let settings = ["views.kind=adaptive", "train.steps=40", "train.checkpoint_every=15"];
    let whole = train(folder, "whole", &settings);
    let stds = |run: &str| -> Vec<f64> {
        let events = fs::read_to_string(folder.join(run).join("events.jsonl")).unwrap();
        let lines = events.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter_map(|event| event["view_std"].as_f64()).collect()
    };
    let moved = stds("whole");
    assert!(moved.first() != moved.last(), "{moved:?}");
    copy_folder(&folder.join("whole"), &folder.join("cut"));
    for later in ["step-00000030", "step-00000040"] {
        fs::remove_dir_all(folder.join("cut/checkpoints").join(later)).unwrap();
    }
    let resumed = run(
        folder,
        &[
            &[
                "pretrain",
                "recipe.toml",
                "--device",
                "cpu",
                "--out",
                "cut",
                "--resume",
                "--set",
                "train.log_every=1",
            ],
            &settings.iter().flat_map(|setting| ["--set", setting]).collect::<Vec<_>>()[..],
        ]
        .concat(),
    );
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert_eq!(losses(&folder.join("cut")), whole);
    assert_eq!(stds("cut"), moved);
    let encoder = |run: &str| fs::read(folder.join(run).join("encoder.safetensors")).unwrap();
    assert!(encoder("cut") == encoder("whole"));
}

#[test]
fn a_fixed_number_of_anchors_is_another_stream_than_fresh_ones() {
    let folder = folder_with_generator();
    let folder = folder.path();
    let fresh = train(folder, "fresh", &[]);
    let unique = train(folder, "unique", &["anchors.unique=16"]);
    assert_ne!(fresh, unique);
    let again = train(folder, "again", &["anchors.unique=16"]);
    assert_eq!(unique, again);
    let in_order = train(folder, "in-order", &["anchors.unique=16", "anchors.order=sequential"]);
    assert_ne!(unique, in_order);
    assert_ne!(unique, train(folder, "views", &["anchors.unique=16", "anchors.unique_views=2"]));
}

#[test]
fn several_generators_share_every_batch() {
    let folder = folder_with_generator();
    let folder = folder.path();
    let recipe = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let one = "generator = \"generator\"";
    assert!(recipe.contains(one));
    let two = "generators = [{ generator = \"generator\", share = 3.0 }, { generator = \"generator\" }]";
    fs::write(folder.join("recipe.toml"), recipe.replace(one, two)).unwrap();
    let mixed = train(folder, "mixed", &[]);
    let error = refused(folder, &["source.same_classes=true"]);
    assert!(error.contains("have [None, None] classes"), "{error}");
    // The same network twice, with the anchors of both parts numbered through, is one generator.
    fs::write(folder.join("recipe.toml"), recipe).unwrap();
    assert_eq!(mixed, train(folder, "single", &[]));
}

#[test]
fn what_cannot_be_drawn_is_refused_before_anything_is_written() {
    let folder = folder_with_generator();
    let folder = folder.path();
    let error = refused(folder, &["views.space=w"]);
    assert!(error.contains("no intermediate latent space w"), "{error}");
    let error = refused(folder, &["views.radii=[1.0]", "views.agreement=0.5"]);
    assert!(
        error.contains("views.radii: not used") && error.contains("views.agreement: not used"),
        "{error}"
    );
    let error = refused(folder, &["anchors.unique_views=2"]);
    assert!(error.contains("anchors.unique_views"), "{error}");
    let error = refused(folder, &["source.same_classes=true", "anchors.order=sequential"]);
    assert!(error.contains("source.same_classes") && error.contains("anchors.order"), "{error}");
}
