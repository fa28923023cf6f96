//! A graphics device that is lost in the middle of a run, as after a driver reset: the run ends, its last checkpoint
//! is intact, and the run goes on from it elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use burn::backend::wgpu::{WgpuSetup, wgpu};
use burn::tensor::Device;
use zview_contrastive::train::{PretrainOptions, Recipe, pretrain};
use zview_network::checkpoint::Checkpoint;
use zview_runtime::device::{ChosenDevice, cpu, list_adapters};
use zview_runtime::stop::StopSignal;
use zview_runtime::testing::adapter;

const RECIPE: &str = r#"
[source]
kind = "generator"
generator = "glyphs-gan"
[views]
kind = "gaussian"
std = 0.2
[encoder]
width = 2
[objective]
projector = [8, 4]
[train]
steps = 100000
batch = 2
warmup_steps = 10
log_every = 5
checkpoint_every = 5
"#;

/// The first Vulkan adapter, brought up by hand so that the test can take it away.
fn device_and_its_handle() -> Option<(ChosenDevice, wgpu::Device)> {
    let backends = wgpu::Backends::VULKAN;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = pollster::block_on(instance.enumerate_adapters(backends)).into_iter().next()?;
    let wanted = wgpu::DeviceDescriptor {
        required_features: adapter.features() & !wgpu::Features::all_experimental_mask(),
        required_limits: adapter.limits(),
        ..wgpu::DeviceDescriptor::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&wanted)).ok()?;
    let handle = device.clone();
    let setup = WgpuSetup { instance, adapter, device, queue, backend: wgpu::Backend::Vulkan };
    let device = Device::wgpu_options().setup(setup).init().ok()?;
    let adapter = list_adapters().into_iter().next();
    let chosen = ChosenDevice { adapter, device, ..cpu("for a test") };
    Some((chosen, handle))
}

fn run(recipe: &Recipe, out: &Path, resume: bool, device: &ChosenDevice) -> Result<u64, String> {
    let stop = StopSignal::default();
    let options = PretrainOptions {
        out,
        resume,
        device,
        data_dir: None,
        stop: &stop,
        decided: Vec::new(),
        epochs: None,
        beside: &[],
        tell: false,
    };
    pretrain(recipe, &options).map(|summary| summary.steps).map_err(|error| error.to_string())
}

#[test]
fn a_run_whose_device_is_lost_goes_on_from_its_last_checkpoint() {
    let Some((device, handle)) = adapter(device_and_its_handle()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, RECIPE).unwrap();
    let mut recipe = Recipe::load(&path, &[]).unwrap();

    let checkpoints = out.join("checkpoints");
    let reset = std::thread::spawn(move || {
        let started = Instant::now();
        while !checkpoints.join("step-00000005").exists() && started.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(5));
        }
        handle.destroy();
    });
    // The framework either says so or panics; the command line turns both into a message.
    let ended = catch_unwind(AssertUnwindSafe(|| run(&recipe, &out, false, &device)));
    reset.join().unwrap();
    if let Ok(result) = ended {
        let message = result.expect_err("a lost device cannot have finished 100,000 steps");
        println!("{message}");
        assert!(message.contains("lost"), "{message}");
    }
    let kept =
        Checkpoint::newest(&out).unwrap().expect("a checkpoint was written before the device was lost");
    println!("kept: step {}", kept.step());
    assert!(kept.step() >= 5);
    recipe.train.steps = kept.step(); // nothing left to do but to read it
    for (file, steps) in [("config.toml", "\nsteps = "), ("events.jsonl", "\"steps\":")] {
        let begun = std::fs::read_to_string(out.join(file)).unwrap();
        let shortened = begun.replace(&format!("{steps}100000"), &format!("{steps}{}", kept.step()));
        std::fs::write(out.join(file), shortened).unwrap();
    }
    assert_eq!(run(&recipe, &out, true, &cpu("for a test")), Ok(kept.step()));
    assert!(out.join("encoder.safetensors").exists());
}
