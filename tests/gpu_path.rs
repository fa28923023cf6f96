//! The GPU path on whatever adapter there is, a software one too: training follows the CPU's losses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod support;

use std::path::Path;

use support::{run, run_json, stderr, write_generator, write_idx, write_recipe};

fn has_adapter(folder: &Path) -> bool {
    let devices = run_json(folder, &["devices", "--device", "cpu"]);
    let found = !devices["devices"].as_array().unwrap().is_empty();
    if !found {
        println!("skipped: this machine has no graphics adapter, not even a software one");
    }
    found
}

/// The `train` events of a run.
fn train_events(folder: &Path, run: &str) -> Vec<serde_json::Value> {
    let events = std::fs::read_to_string(folder.join(run).join("events.jsonl")).unwrap();
    let events = events.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.filter(|event| event["event"] == "train").collect()
}

fn worst_relative_difference(cpu: &[f64], gpu: &[f64]) -> f64 {
    cpu.iter().zip(gpu).map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f64::max)
}

#[test]
fn twenty_steps_on_wgpu_follow_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !has_adapter(folder) {
        return;
    }
    write_generator(folder);
    write_recipe(folder);
    let losses = |device: &str| -> Vec<f64> {
        let settings = ["--set", "train.steps=20", "--set", "train.batch=8", "--set", "train.log_every=20"];
        let train = ["pretrain", "recipe.toml", "--device", device, "--selfcheck", "skip", "--out", device];
        let output = run(folder, &[&train[..], &settings[..]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let losses = train_events(folder, device);
        let losses = losses.iter().flat_map(|event| event["losses"].as_array().unwrap().clone());
        losses.map(|loss| loss.as_f64().unwrap()).collect()
    };
    let (cpu, gpu) = (losses("cpu"), losses("wgpu"));
    assert_eq!((cpu.len(), gpu.len()), (20, 20));
    let worst = worst_relative_difference(&cpu, &gpu);
    println!("largest relative difference of a loss over 20 steps: {worst:.1e}");
    assert!(worst <= 1e-3, "cpu {cpu:?}\nwgpu {gpu:?}");
    assert!((cpu[0] - cpu[1]).abs() > 1e-2, "the weights move: {cpu:?}");
}

#[test]
fn a_generator_in_training_on_wgpu_follows_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !has_adapter(folder) {
        return;
    }
    write_idx(folder, 32, 6);
    for (method, names) in
        [("gan", ["discriminator", "generator"]), ("vae", ["reconstruction", "divergence"])]
    {
        let text = format!(
            "name = \"tiny\"\nmethod = \"{method}\"\n[data]\nname = \"./shapes\"\n\
             [generator]\nlatent_dimension = 4\nwidth = 8\nconditional = true\nclass_dimension = 3\n\
             [gan]\ndiscriminator_width = 4\n[vae]\nencoder_width = 4\n\
             [train]\nsteps = 6\nbatch = 8\nlog_every = 1\n"
        );
        std::fs::write(folder.join("training.toml"), text).unwrap();
        let losses = |device: &str| -> Vec<f64> {
            let out = format!("{method}-{device}");
            let train = ["generator", "train", "training.toml", "--device", device, "--out", &out];
            let train = [&train[..], &["--selfcheck", "skip"]].concat();
            let output = run(folder, &train);
            assert!(output.status.success(), "{}", stderr(&output));
            let of_step =
                |event: &serde_json::Value| names.map(|name| event["losses"][name].as_f64().unwrap());
            train_events(folder, &out).iter().flat_map(of_step).collect()
        };
        let (cpu, gpu) = (losses("cpu"), losses("wgpu"));
        assert_eq!((cpu.len(), gpu.len()), (12, 12));
        // A loss of the generator may lie near zero, so differences are measured against 1 at least.
        let worst = cpu.iter().zip(&gpu).map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f64::max);
        println!("{method}: largest difference of a loss over 6 steps: {worst:.1e}");
        assert!(worst <= 2e-3, "cpu {cpu:?}\nwgpu {gpu:?}");
        assert!((cpu[0] - cpu[10]).abs() > 1e-3, "the weights move: {cpu:?}");
    }
}
