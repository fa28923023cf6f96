//! The GPU path on whatever adapter there is, a software one too: training follows the CPU's losses.

use std::path::Path;

use zview_runtime::testing::{adapter, did_not_run};

use crate::support::{has_adapter, run, run_json, stderr, write_generator, write_idx, write_recipe};

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
        let losses = losses.iter().flat_map(|event| event["losses"]["loss"].as_array().unwrap().clone());
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
    for (method, names, own) in [
        ("gan", ["discriminator", "generator"], "[gan]\ndiscriminator_width = 4"),
        ("vae", ["reconstruction", "divergence"], "[vae]\nencoder_width = 4"),
    ] {
        let text = format!(
            "name = \"tiny\"\nmethod = \"{method}\"\n[source]\ndata = \"./shapes\"\n\
             [generator]\nlatent_dimension = 4\nwidth = 8\nconditional = true\nclass_dimension = 3\n\
             {own}\n\
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
                |event: &serde_json::Value| names.map(|name| event["losses"][name][0].as_f64().unwrap());
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

#[test]
fn activations_of_16_bits_follow_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    let half = ["--set", "train.precision=\"f16\""];
    let refused = run(folder, &[&["pretrain", "recipe.toml", "--device", "cpu"][..], &half].concat());
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("set it to \"f32\""), "{}", stderr(&refused));
    let devices = run_json(folder, &["devices", "--device", "cpu"]);
    if !devices["devices"].as_array().unwrap().iter().any(|device| device["f16"] == true) {
        return did_not_run("no adapter of this machine computes in f16");
    }
    let losses = |out: &str, more: &[&str]| -> Vec<f64> {
        let settings = ["--set", "train.steps=20", "--set", "train.batch=8", "--set", "train.log_every=10"];
        let train = ["pretrain", "recipe.toml", "--out", out];
        let output = run(folder, &[&train[..], &settings[..], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let events = train_events(folder, out);
        let losses = events.iter().flat_map(|event| event["losses"]["loss"].as_array().unwrap().clone());
        losses.map(|loss| loss.as_f64().unwrap()).collect()
    };
    let full = losses("full", &["--device", "cpu"]);
    let in_half = losses("half", &[&["--device", "wgpu"][..], &half].concat());
    assert_eq!((full.len(), in_half.len()), (20, 20));
    let differences: Vec<f64> = full.iter().zip(&in_half).map(|(a, b)| ((a - b) / a).abs()).collect();
    let mean = differences.iter().sum::<f64>() / 20.0;
    println!("relative difference of the first loss {:.1e}, of 20 on average {mean:.1e}", differences[0]);
    // Single steps of so small a run drift apart; the first one has nothing but rounding to differ by.
    assert!(differences[0] <= 2e-3 && mean <= 2e-2, "f32 {full:?}\nf16 {in_half:?}");
    assert!(differences[0] > 1e-6, "16 bits cannot follow so closely: {:e}", differences[0]);
    let scales: Vec<f64> =
        train_events(folder, "half").iter().map(|event| event["loss_scale"].as_f64().unwrap()).collect();
    assert!(scales.iter().all(|scale| (1.0..=16_777_216.0).contains(scale)), "{scales:?}");
    let file = std::fs::read(folder.join("half/checkpoints/step-00000020/optimizer.safetensors")).unwrap();
    assert!(String::from_utf8_lossy(&file).contains("\"loss_scale\""), "a resumed run needs the scale");
}

#[test]
fn what_does_not_fit_on_the_device_names_the_setting_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let devices = run_json(folder, &["devices", "--device", "cpu"]);
    let software = devices["devices"].as_array().unwrap().first().cloned();
    let Some(adapter) = adapter(software) else { return };
    let limit = adapter["max_storage_binding_bytes"].as_u64().unwrap();
    if limit > 1 << 30 {
        return did_not_run(format_args!("this adapter's buffers hold {limit} bytes"));
    }
    write_generator(folder);
    write_recipe(folder);
    // 32,000 views of 64 x 64 pixels are 500 MiB.
    let large = ["--set", "train.batch=16000", "--set", "encoder.width=16", "--set", "train.log_every=1000"];
    let train = ["pretrain", "recipe.toml", "--out", "run", "--device", "wgpu"];
    let output = run(folder, &[&train[..], &large].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for words in ["cannot hold one buffer of", "MiB", "train.batch", "--device cpu"] {
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
}
