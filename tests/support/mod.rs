//! What the black-box tests share: running the binary, and small inputs of our own making.

pub mod browser;
pub mod study;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use zview_runtime::testing::adapter;

/// The binary with a clean environment: no named data sets but those of `folder`.
pub fn zview(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zview"));
    command.current_dir(folder).env_remove("ZVIEW_DATA").env("XDG_CACHE_HOME", folder.join("cache"));
    command.env("XDG_RUNTIME_DIR", folder);
    // Mesa's compiled shaders, which the clean cache folder would throw away.
    command.env("MESA_SHADER_CACHE_DIR", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs the binary and waits for it.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    zview(folder).args(arguments).output().unwrap()
}

/// Runs the binary, expects success, and gives its JSON.
pub fn run_json(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = run(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether this machine has a graphics adapter, a software one too.
pub fn has_adapter(folder: &Path) -> bool {
    let devices = run_json(folder, &["devices", "--device", "cpu"]);
    adapter(devices["devices"].as_array().unwrap().first()).is_some()
}

/// What went to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Numbers that look random and are the same everywhere.
pub fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let draw = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..count).map(draw).collect()
}

/// A safetensors file of f32 tensors.
pub fn write_safetensors(path: &Path, tensors: &[(&str, &[usize], &[f32])]) {
    let mut header = serde_json::Map::new();
    let mut bytes = Vec::new();
    for (name, shape, values) in tensors {
        let start = bytes.len();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry =
            serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, bytes.len()] });
        header.insert((*name).to_owned(), entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(bytes);
    std::fs::write(path, file).unwrap();
}

/// A folder `generator` with weights and a manifest: latent of 6 to a 1x16x16 image.
pub fn write_generator(folder: &Path) -> PathBuf {
    write_generator_with_weights(folder, 1)
}

/// The generator of [`write_generator`] with weights that `seed` decides.
pub fn write_generator_with_weights(folder: &Path, seed: u64) -> PathBuf {
    let generator = folder.join("generator");
    std::fs::create_dir_all(&generator).unwrap();
    let weights = generator.join("weights.safetensors");
    let scaled: Vec<f32> = noise(256 * 6, seed).iter().map(|value| 4.0 * value).collect();
    write_safetensors(&weights, &[("fc.weight", &[256, 6], &scaled), ("fc.bias", &[256], &noise(256, 2))]);
    let hash = zview_runtime::hash::sha256_of_file(&weights).unwrap();
    std::fs::write(generator.join("generator.toml"), manifest(&hash)).unwrap();
    generator
}

/// The manifest of [`write_generator`].
pub fn manifest(hash: &str) -> String {
    format!(
        r#"name = "tiny"
source = "made by a test"
licence = "none"
weights = "weights.safetensors"
sha256 = "{hash}"
architecture = "sequential"

[latent]
dimension = 6
distribution = "normal"

[output]
channels = 1
height = 16
width = 16
range = [0.0, 1.0]

[[layers]]
kind = "linear"
key = "fc"
inputs = 6
outputs = 256

[[layers]]
kind = "sigmoid"

[[layers]]
kind = "reshape"
shape = [1, 16, 16]
"#
    )
}

/// IDX files of 16x16 images of three classes: a bright row, column or diagonal at a random place.
pub fn write_idx(folder: &Path, train: usize, test: usize) -> PathBuf {
    let data = folder.join("shapes");
    std::fs::create_dir_all(&data).unwrap();
    for (prefix, count, seed) in [("train", train, 3), ("t10k", test, 4)] {
        let places = noise(count, seed);
        let mut pixels = Vec::with_capacity(count * 256);
        let mut labels = Vec::with_capacity(count);
        for (index, place) in places.iter().enumerate() {
            let (class, place) = (index % 3, ((place + 0.5) * 16.0) as usize % 16);
            labels.push(class as u8);
            for y in 0..16 {
                for x in 0..16 {
                    let lit = match class {
                        0 => y == place,
                        1 => x == place,
                        _ => (x + y) % 16 == place,
                    };
                    pixels.push(if lit { 255 } else { ((x * 7 + y * 13 + index) % 32) as u8 });
                }
            }
        }
        let mut images = vec![0, 0, 8, 3];
        for extent in [count as u32, 16, 16] {
            images.extend(extent.to_be_bytes());
        }
        images.extend(&pixels);
        std::fs::write(data.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
        let mut file = vec![0, 0, 8, 1];
        file.extend((count as u32).to_be_bytes());
        file.extend(&labels);
        std::fs::write(data.join(format!("{prefix}-labels-idx1-ubyte")), file).unwrap();
    }
    data
}

/// A small recipe that trains on the generator of [`write_generator`].
pub fn write_recipe(folder: &Path) -> PathBuf {
    let recipe = folder.join("recipe.toml");
    std::fs::write(
        &recipe,
        r#"seed = 3
[source]
kind = "generator"
generator = "generator"
[views]
kind = "gaussian"
std = 0.5
[encoder]
width = 4
[objective]
projector = [16, 8]
[train]
steps = 6
batch = 8
warmup_steps = 2
log_every = 2
[probe]
data = "shapes"
train_pool = 120
"#,
    )
    .unwrap();
    recipe
}

/// Every loss of a run's log with its step, as text: equal text is equal bits.
pub fn losses(run: &Path) -> Vec<(u64, String)> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut losses = Vec::new();
    for event in events.filter(|event| event["event"] == "train") {
        let losses_of_event = &event["losses"];
        // Earlier versions had no name for the only loss.
        let of_event = losses_of_event.as_array().or(losses_of_event["loss"].as_array()).unwrap();
        let first = event["step"].as_u64().unwrap() - of_event.len() as u64 + 1;
        losses.extend((first..).zip(of_event.iter().map(ToString::to_string)));
    }
    losses
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(path, target).unwrap();
        }
    }
}

/// Waits for what must happen within two minutes, on a machine that does other things too.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(120), "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal such as `TERM` to a child.
pub fn send(signal: &str, child: &std::process::Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
    assert!(sent.success(), "kill -{signal} {pid}");
}
