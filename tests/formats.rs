//! Files of every format that was ever written load; files of a later one are refused by name (R8 of
//! docs/reliability.md). `formats/` holds run folders as earlier versions wrote them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{copy_folder, losses, run, run_json, stderr};

/// A copy of `formats/run-format-1`: six steps of six.
fn first_format(folder: &Path) -> PathBuf {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/formats");
    copy_folder(&formats.join("run-format-1"), &folder.join("run"));
    fs::copy(formats.join("recipe.toml"), folder.join("recipe.toml")).unwrap();
    folder.join("run")
}

/// What an encoder file's header says of the encoder, and the bytes of its tensors.
fn parts(file: &[u8]) -> (serde_json::Value, &[u8]) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let (header, tensors) = file[8..].split_at(length);
    let header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let own = serde_json::from_str(header["__metadata__"]["zview-encoder"].as_str().unwrap()).unwrap();
    (own, tensors)
}

const RESUME: [&str; 7] = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run", "--resume"];

#[test]
fn a_run_of_the_first_format_is_resumed_with_its_own_weights() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let out = first_format(folder);
    let encoder = fs::read(out.join("encoder.safetensors")).unwrap();
    fs::remove_file(out.join("encoder.safetensors")).unwrap();
    assert_eq!(run_json(folder, &RESUME)["steps"], 6);
    let again = fs::read(out.join("encoder.safetensors")).unwrap();
    let ((header, tensors), (of_first, first)) = (parts(&again), parts(&encoder));
    assert!(tensors == first, "other weights came out");
    // What it was trained on is said since; all else is as it was.
    assert_eq!(header["view"]["height"], 28, "{header}");
    let mut without = header;
    without.as_object_mut().unwrap().remove("view");
    assert_eq!(without, of_first);
    // Two steps more, as if the recipe had asked for eight: the optimizer's state is needed.
    let config = fs::read_to_string(out.join("config.toml")).unwrap();
    fs::write(out.join("config.toml"), config.replace("steps = 6\n", "steps = 8\n")).unwrap();
    let went_on = run_json(folder, &[&RESUME[..], &["--set", "train.steps=8"]].concat());
    assert_eq!(went_on["steps"], 8);
    assert_eq!(losses(&out).len(), 8);
    assert!(
        out.join("checkpoints/step-00000008/manifest.sha256").is_file(),
        "what is written is of this format"
    );
}

#[test]
fn an_encoder_and_a_recipe_of_the_first_format_are_probed() {
    let folder = tempfile::tempdir().unwrap();
    first_format(folder.path());
    let probe = ["probe", "run", "--device", "cpu", "--protocol", "knn", "--train-pool", "60"];
    assert_eq!(run_json(folder.path(), &probe)["n_train"], 60);
}

#[test]
fn files_of_a_later_format_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let out = first_format(folder);
    let refused = |words: &[&str]| {
        let output = run(folder, &RESUME);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{}", stderr(&output));
        for word in words {
            assert!(stderr(&output).contains(word), "{word}: {}", stderr(&output));
        }
    };
    let manifest = out.join("checkpoints/step-00000006/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"format\": 1", "\"format\": 9")).unwrap();
    // The manifest of a later version has its hash beside it.
    let hash = zview_runtime::hash::sha256_of_file(&manifest).unwrap();
    fs::write(manifest.with_file_name("manifest.sha256"), format!("{hash}  manifest.json\n")).unwrap();
    refused(&["step-00000006", "manifest.json has format 9", "up to 2"]);
    let config = fs::read_to_string(out.join("config.toml")).unwrap();
    fs::write(out.join("config.toml"), format!("format = 7\nunknown_key = 1\n{config}")).unwrap();
    refused(&["config.toml has format 7", "up to 1"]);
    let path = out.join("encoder.safetensors");
    let bytes = fs::read(&path).unwrap();
    let place = bytes.windows(12).position(|window| window == b"\\\"format\\\":1").unwrap();
    let later = [&bytes[..place], b"\\\"format\\\":4", &bytes[place + 12..]].concat();
    fs::write(&path, later).unwrap();
    for words in [
        &["probe", "run/encoder.safetensors", "--data", "glyphs", "--device", "cpu"][..],
        &["export", "run", "--out", "x.safetensors"],
    ] {
        let output = run(folder, words);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("encoder.safetensors has format 4 and was written by a newer zview"), "{said}");
        assert!(!said.contains("holds no encoder"), "the file is not to blame: {said}");
    }
    let output = run(folder, &["export", "run/checkpoints/step-00000006", "--out", "x.safetensors"]);
    let said = stderr(&output);
    assert!(said.contains("has format") && !said.contains("holds no encoder"), "{said}");
}
