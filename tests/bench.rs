//! `zview bench`: a step's stages against what the device can do.

use serde_json::Value;

use crate::support::{run_json, write_generator, write_recipe};

const STAGES: [&str; 5] = ["views", "augment", "forward", "backward", "optimize"];

fn bench(device: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_generator(folder);
    write_recipe(folder);
    let how = ["--steps", "2", "--warmup", "1", "--set", "train.batch=4", "--device", device];
    run_json(folder, &[&["bench", "recipe.toml"][..], &how].concat())
}

/// What every device's result holds.
fn check(measured: &Value) {
    let number = |path: &str| -> f64 {
        measured.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {measured:#}"))
    };
    let rate = number("/views_per_step") / number("/seconds_per_step");
    assert!((rate / number("/views_per_second") - 1.0).abs() < 1e-9);
    assert!((0.0..1.0).contains(&number("/input_share")));
    let stages: Vec<String> = STAGES.iter().map(|stage| format!("/profile/{stage}")).collect();
    for part in ["operations", "bytes"] {
        let sum: f64 = stages.iter().map(|stage| number(&format!("{stage}/{part}"))).sum();
        assert!(sum > 0.0 && sum == number(&format!("/step/{part}")), "{part}: {measured:#}");
    }
    for (name, stage) in STAGES.iter().zip(&stages) {
        let milliseconds = number(&format!("{stage}/milliseconds"));
        assert_eq!(milliseconds, number(&format!("/stages/{name}")));
        let seconds = number(&format!("{stage}/operations")) / number("/peak/operations_per_second");
        let share = 1e3 * seconds / milliseconds;
        assert!((share - number(&format!("{stage}/arithmetic_share"))).abs() < 1e-9 * share.max(1e-9));
        assert!(number(&format!("{stage}/floor_milliseconds")) >= 0.999e3 * seconds);
    }
    // A backward pass is about two forward passes.
    let ratio = number("/profile/backward/operations") / number("/profile/forward/operations");
    assert!((1.5..2.5).contains(&ratio), "{ratio}");
}

#[test]
fn the_cpu_is_measured_against_its_own_floors() {
    let measured = bench("cpu");
    check(&measured);
    assert!(measured["step"]["kernels"].is_null() && measured["kernels"].as_array().unwrap().is_empty());
    assert!(measured["driver"].is_null());
    if cfg!(target_os = "linux") {
        assert!(measured["memory_after"]["resident"].as_u64().unwrap() > 1 << 20);
    }
}
