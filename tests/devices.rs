//! `zview devices` and what depends on how the binary was built.

use zview_runtime::testing::{adapter, did_not_run};

use crate::support::{has_adapter, run, run_json, stderr, write_generator, write_recipe, zview};

/// The features that this test, and so the binary, was built with.
fn features() -> Vec<&'static str> {
    let all = [
        ("cpu", true),
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("metal", cfg!(feature = "metal")),
        ("fusion", cfg!(feature = "fusion")),
        ("autotune", cfg!(feature = "autotune")),
    ];
    all.into_iter().filter(|(_, built)| *built).map(|(name, _)| name).collect()
}

#[test]
fn the_features_and_the_shader_compiler_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let on_cpu = run_json(folder.path(), &["devices", "--device", "cpu"]);
    assert_eq!(on_cpu["build_features"], serde_json::json!(features()));
    assert_eq!(on_cpu["chosen"]["shader_compiler"], serde_json::Value::Null);
    let text = run(folder.path(), &["devices", "--device", "cpu"]);
    let words = format!("build features: {}", features().join(", "));
    assert!(String::from_utf8_lossy(&text.stdout).contains(&words));
    let Some(_) = adapter(on_cpu["devices"].as_array().unwrap().first()) else { return };
    let chosen = &run_json(folder.path(), &["devices", "--device", "wgpu"])["chosen"];
    let compiler = chosen["shader_compiler"].as_str().unwrap();
    let possible = match chosen["adapter"]["api"].as_str().unwrap() {
        "vulkan" if cfg!(feature = "vulkan") => &["spirv", "wgsl"][..],
        "metal" if cfg!(feature = "metal") => &["msl"],
        _ => &["wgsl"],
    };
    assert!(possible.contains(&compiler), "{chosen}");
}

#[test]
fn a_run_records_the_features() {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    let pretrain = ["pretrain", "recipe.toml", "--device", "cpu", "--set", "train.steps=2", "--out", "run"];
    let output = run(folder.path(), &pretrain);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = std::fs::read_to_string(folder.path().join("run/environment.json")).unwrap();
    let environment: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(environment["build_features"], serde_json::json!(features()));
    assert_eq!(environment["device"]["shader_compiler"], serde_json::Value::Null);
}

#[test]
fn what_the_build_or_the_system_cannot_do_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let refusals = if cfg!(not(feature = "wgpu")) {
        ["wgpu", "vulkan", "metal"].map(|device| Some((device, "--features wgpu"))).to_vec()
    } else {
        vec![cfg!(not(target_os = "macos")).then_some(("metal", "which has no Metal"))]
    };
    for (device, words) in refusals.into_iter().flatten() {
        let output = run(folder.path(), &["devices", "--device", device]);
        assert_eq!(output.status.code(), Some(2), "{device}: {}", stderr(&output));
        for words in [words, "--device cpu", &format!("--device {device}`")] {
            assert!(stderr(&output).contains(words), "{device}: {}", stderr(&output));
        }
    }
}

/// The CPU needs no warming in any build.
#[test]
fn warming_says_plainly_when_there_is_nothing_to_warm() {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    let warm = ["bench", "recipe.toml", "--warm", "--device", "cpu"];
    let warmed = run_json(folder.path(), &warm);
    let why = if cfg!(feature = "autotune") { "runs no shaders" } else { "--features autotune" };
    assert!(warmed["nothing_to_warm"].as_str().unwrap().contains(why), "{warmed}");
    assert_eq!((&warmed["steps"], &warmed["added"]), (&0.into(), &0.into()));
    let text = run(folder.path(), &warm).stdout;
    assert!(String::from_utf8_lossy(&text).starts_with("nothing to warm: "));
}

/// A package to start in, so that the framework would put its cache into `target` on its own.
#[test]
fn the_autotune_cache_is_in_the_cache_folder_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if cfg!(not(feature = "autotune")) {
        return did_not_run("the build has no autotune");
    }
    if !has_adapter(folder) {
        return;
    }
    std::fs::write(folder.join("Cargo.toml"), "[package]\n").unwrap();
    let output = zview(folder).args(["devices", "--device", "wgpu"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!folder.join("target").exists());
}
