//! The GPU path on whatever adapter there is, a software one too: training follows the CPU's losses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod support;

use support::{run, run_json, stderr, write_generator, write_recipe};

#[test]
fn twenty_steps_on_wgpu_follow_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let devices = run_json(folder, &["devices", "--device", "cpu"]);
    if devices["devices"].as_array().unwrap().is_empty() {
        println!("skipped: this machine has no graphics adapter, not even a software one");
        return;
    }
    write_generator(folder);
    write_recipe(folder);
    let losses = |device: &str| -> Vec<f64> {
        let settings = ["--set", "train.steps=20", "--set", "train.batch=8", "--set", "train.log_every=20"];
        let train = ["pretrain", "recipe.toml", "--device", device, "--out", device];
        let output = run(folder, &[&train[..], &settings[..]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let events = std::fs::read_to_string(folder.join(device).join("events.jsonl")).unwrap();
        let events = events.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let train = events.filter(|event| event["event"] == "train");
        train
            .flat_map(|event| event["losses"].as_array().unwrap().clone())
            .map(|loss| loss.as_f64().unwrap())
            .collect()
    };
    let (cpu, gpu) = (losses("cpu"), losses("wgpu"));
    assert_eq!((cpu.len(), gpu.len()), (20, 20));
    let worst = cpu.iter().zip(&gpu).map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f64::max);
    println!("largest relative difference of a loss over 20 steps: {worst:.1e}");
    assert!(worst <= 1e-3, "cpu {cpu:?}\nwgpu {gpu:?}");
    assert!((cpu[0] - cpu[1]).abs() > 1e-2, "the weights move: {cpu:?}");
}
