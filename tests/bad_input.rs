//! Bad input ends with exit code 1 or 2 and a message that names file, field and remedy.

use std::path::Path;

use zview_runtime::testing::shared;

use crate::support::{
    manifest, noise, run, stderr, write_generator, write_idx, write_recipe, write_safetensors,
};

/// Runs the binary and checks that it fails with `code`, without panicking, and says every word.
fn refused(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(folder, arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    assert!(output.stdout.is_empty(), "a failure prints no result");
    for word in words {
        assert!(message.contains(word), "{arguments:?} does not say `{word}`: {message}");
    }
}

fn inspect(folder: &Path, code: i32, words: &[&str]) {
    refused(folder, &["generator", "inspect", "generator", "--device", "cpu"], code, words);
}

#[test]
fn a_manifest_with_a_wrong_key_names_line_and_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_generator(folder.path()).join("generator.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("dimension = 6", "dimensions = 6");
    std::fs::write(&path, text).unwrap();
    inspect(folder.path(), 2, &["generator.toml", "line", "`dimensions`", "did you mean `dimension`?"]);
}

#[test]
fn a_manifest_with_a_wrong_shape_names_the_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_generator(folder.path()).join("generator.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("dimension = 6", "dimension = 7").replace("inputs = 6", "inputs = 7"))
        .unwrap();
    inspect(folder.path(), 1, &["weights.safetensors", "fc.weight", "[256, 6]", "[256, 7]", "manifest"]);
}

#[test]
fn a_weights_file_with_a_wrong_hash_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let generator = write_generator(folder.path());
    std::fs::write(generator.join("generator.toml"), manifest(&"0".repeat(64))).unwrap();
    inspect(folder.path(), 1, &["weights.safetensors", "sha256", &"0".repeat(64), "get the file again"]);
}

#[test]
fn a_key_that_is_not_in_the_file_lists_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let generator = write_generator(folder.path());
    let weights = generator.join("weights.safetensors");
    write_safetensors(
        &weights,
        &[("fc1.weight", &[256, 6], &noise(1536, 1)), ("fc1.bias", &[256], &noise(256, 1))],
    );
    let hash = zview_runtime::hash::sha256_of_file(&weights).unwrap();
    std::fs::write(generator.join("generator.toml"), manifest(&hash)).unwrap();
    inspect(folder.path(), 1, &["weights.safetensors", "`fc.weight`", "fc1.weight"]);
}

/// The generator of the tests with other bytes as its weights, and a manifest that fits them.
fn with_weights(folder: &Path, bytes: &[u8]) {
    let generator = write_generator(folder);
    std::fs::write(generator.join("weights.pth"), bytes).unwrap();
    let hash = zview_runtime::hash::sha256_of_bytes(bytes);
    let text = manifest(&hash).replace("weights.safetensors", "weights.pth");
    std::fs::write(generator.join("generator.toml"), text).unwrap();
}

#[test]
fn a_truncated_pth_is_refused() {
    let Some(whole) = shared("generators/mnist-cgan-mlp/generator.pth") else { return };
    let whole = std::fs::read(whole).unwrap();
    for kept in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        let folder = tempfile::tempdir().unwrap();
        with_weights(folder.path(), &whole[..kept]);
        inspect(folder.path(), 1, &["weights.pth", "get the file again"]);
    }
}

#[test]
fn a_pickle_that_calls_a_function_is_refused_and_nothing_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("called");
    let call = format!("cposix\nsystem\n(S'touch {}'\ntR.", witness.display());
    with_weights(folder.path(), call.as_bytes());
    inspect(folder.path(), 1, &["weights.pth"]);
    assert!(!witness.exists(), "the pickle's function was called");
}

#[test]
fn an_idx_file_that_is_cut_short_names_file_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let data = write_idx(folder.path(), 30, 9);
    let path = data.join("train-images-idx3-ubyte");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 100]).unwrap();
    refused(
        folder.path(),
        &["data", "inspect", "./shapes"],
        1,
        &["train-images-idx3-ubyte", "expected", "got"],
    );
}

#[test]
fn a_folder_with_a_broken_jpeg_stops_unless_a_share_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    let drawn = run(
        folder.path(),
        &["sample", "--generator", "generator", "--device", "cpu", "--out", "photos/train/a"],
    );
    assert!(drawn.status.success(), "{}", stderr(&drawn));
    std::fs::write(folder.path().join("photos/train/a/broken.jpg"), b"\xff\xd8\xff\xe0 not a jpeg").unwrap();
    let recipe = folder.path().join("real.toml");
    let text = "[source]\nkind = \"real\"\ndata = \"./photos\"\n[encoder]\nwidth = 4\n[train]\nsteps = 1\nbatch = 4\nwarmup_steps = 0\n";
    std::fs::write(&recipe, text).unwrap();
    let train = ["pretrain", "real.toml", "--device", "cpu"];
    refused(folder.path(), &train, 1, &["broken.jpg", "max_reject_share"]);
    let allowed = run(folder.path(), &[&train[..], &["--set", "source.max_reject_share=0.1"]].concat());
    assert!(allowed.status.success(), "{}", stderr(&allowed));
}

#[test]
fn an_unknown_config_key_is_refused_with_its_line_and_the_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_recipe(folder.path());
    let text = std::fs::read_to_string(&recipe).unwrap().replace("warmup_steps", "warm_up_steps");
    std::fs::write(&recipe, text).unwrap();
    refused(
        folder.path(),
        &["pretrain", "recipe.toml"],
        2,
        &["recipe.toml, line", "`warm_up_steps`", "did you mean `warmup_steps`?"],
    );
}

#[test]
fn a_missing_data_set_says_where_it_was_looked_for_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    let trained = run(folder.path(), &["pretrain", "recipe.toml", "--device", "cpu", "--out", "run"]);
    assert!(trained.status.success(), "{}", stderr(&trained));
    refused(
        folder.path(),
        &["probe", "run", "--data", "mnist", "--device", "cpu"],
        2,
        &["mnist", "--data-dir", "ZVIEW_DATA"],
    );
    refused(folder.path(), &["data", "inspect", "mnits"], 2, &["mnits", "mnist"]);
}

#[test]
fn an_encoder_file_that_only_claims_to_be_wide_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path(), 30, 9);
    let probe = ["probe", "wide.safetensors", "--data", "./shapes", "--device", "cpu"];
    let wide = folder.path().join("wide.safetensors");
    let small = noise(9, 1);
    let blocks: Vec<String> =
        (1..=4).flat_map(|layer| [1, 2].map(|conv| format!("layer{layer}.0.conv{conv}.weight"))).collect();
    for (width, claim) in [
        (1_000, "has 1 inputs, its block 1000 channels"),
        (100_000, "has 1 inputs, its block 100000 channels"),
        (0, "`conv1.weight` has shape [0, 1, 3, 3]"),
    ] {
        let (stem, shape) = (noise(width * 9, 1), [width, 1, 3, 3]);
        let mut tensors: Vec<(&str, &[usize], &[f32])> = vec![("conv1.weight", &shape, &stem)];
        write_safetensors(&wide, &tensors);
        refused(folder.path(), &probe, 1, &["wide.safetensors", "none of its 1 tensors"]);
        // With blocks it is a residual network's.
        tensors.extend(blocks.iter().map(|block| (&**block, &[1, 1, 3, 3][..], &small[..])));
        write_safetensors(&wide, &tensors);
        refused(folder.path(), &probe, 1, &["wide.safetensors", claim]);
    }
}

#[test]
fn missing_files_and_wrong_arguments_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &["pretrain", "absent.toml"], 2, &["absent.toml"]);
    refused(
        folder.path(),
        &["probe", "absent", "--data", "mnist", "--device", "cpu"],
        2,
        &["absent", "run folder"],
    );
    refused(folder.path(), &["generator", "inspect", "absent"], 2, &["absent", "manifest"]);
    let sheet = ["generator", "inspect", "glyphs-gan", "--sheet", "sheet.jpg"];
    refused(folder.path(), &sheet, 2, &["--sheet sheet.jpg", ".png"]);
    let nothing = ["generator", "inspect", "glyphs-gan", "--batch", "0"];
    refused(folder.path(), &nothing, 2, &["--batch", "got 0"]);
    refused(folder.path(), &["devices", "--device", "cuda"], 2, &["cuda", "vulkan"]);
    refused(folder.path(), &["sample", "--generator", "g", "--out", "x.jpg"], 2, &["x.jpg", ".png"]);
}
