//! A data set as one file: `zview data pack`, what a kill leaves of it, and what is done with the file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use zview_data::ImageShape;
use zview_data::picture::encode_grid;
use zview_runtime::testing::python;

use crate::support::{noise, run, run_json, send, stderr, wait_until, zview};

/// `images` noisy PNG images of two classes in `photos/<class>/`.
fn put_photos(folder: &Path, images: usize, size: usize) {
    let shape = ImageShape { channels: 3, height: size, width: size + 3 };
    for number in 0..images {
        let class = ["cat", "dog"][number % 2];
        let dark = 40.0 + 100.0 * (number % 2) as f32;
        let values = noise(shape.bytes(), number as u64 + 1);
        let pixels: Vec<u8> = values.iter().map(|value| (dark + 60.0 * value) as u8).collect();
        let path = folder.join(format!("photos/{class}/{number}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, encode_grid(Path::new("png"), &[&pixels], shape, 1, 0).unwrap()).unwrap();
    }
}

fn pack<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["data", "pack", "photos", "-o", "photos.safetensors"], more].concat()
}

#[test]
fn a_packed_set_is_trained_on_probed_and_embedded_as_its_images_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 40, 20);
    let packed = run_json(folder, &pack(&["--size", "16"]));
    assert_eq!((&packed["splits"][0]["images"], &packed["splits"][1]["images"]), (&32.into(), &8.into()));
    assert_eq!((&packed["stopped"], &packed["classes"]), (&false.into(), &2.into()));
    let seen = run_json(folder, &["data", "inspect", "photos.safetensors", "--decode"]);
    assert_eq!((&seen["images"], &seen["format"]), (&40.into(), &"packed images (safetensors)".into()));
    assert_eq!(seen["rejects"].as_array().unwrap().len(), 0);

    let trained = run(
        folder,
        &[
            "pretrain",
            "photos.safetensors",
            "--steps",
            "2",
            "--device",
            "cpu",
            "--out",
            "run",
            "--set",
            "encoder.width=2",
        ],
    );
    assert!(trained.status.success(), "{}", stderr(&trained));
    let probe = |data| {
        let probe = ["probe", "run", "--data", data, "--size", "16", "--protocol", "knn", "--device", "cpu"];
        run_json(folder, &probe)
    };
    let [of_file, of_images] = ["photos.safetensors", "photos"].map(probe);
    for key in ["n_train", "n_test", "knn"] {
        assert!(!of_file[key].is_null() && of_file[key] == of_images[key], "{key}");
    }
    let embed = |data, out| {
        let output =
            run(folder, &["embed", "run", "--data", data, "--size", "16", "--device", "cpu", "--out", out]);
        assert!(output.status.success(), "{}", stderr(&output));
        fs::read(folder.join(out)).unwrap()
    };
    assert!(embed("photos.safetensors", "a.npy") == embed("photos", "b.npy"), "other features");
}

#[test]
fn the_same_bytes_come_of_any_number_of_threads_and_after_any_kill() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 50, 600);
    let (target, journal) =
        (folder.join("photos.safetensors"), folder.join("photos.safetensors.partial.journal"));
    let whole = |threads: &str| {
        let output = run(folder, &pack(&["--size", "600", "--workers", threads]));
        assert!(output.status.success(), "{}", stderr(&output));
        let bytes = fs::read(&target).unwrap();
        fs::remove_file(&target).unwrap();
        bytes
    };
    let one = whole("1");
    assert!(one == whole("3"), "three threads make other bytes");
    // Images of 1 MB: the first part is safe before the last one is begun.
    let start = || {
        let command = pack(&["--size", "600", "--workers", "1"]);
        zview(folder).args(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut child = start();
    wait_until("a part", || fs::read_to_string(&journal).is_ok_and(|lines| lines.lines().count() >= 2));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!target.exists(), "it was too fast to be killed");
    let refused = run(folder, &pack(&["--size", "500"]));
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("`size` is 600 there, 500 was asked for"), "{}", stderr(&refused));
    let mut child = start();
    send("TERM", &child);
    let code = child.wait().unwrap().code();
    let packed = run_json(folder, &pack(&["--size", "600"]));
    assert!(packed["went_on_from"].as_u64().unwrap() >= 15 || code == Some(0), "{packed}");
    assert!(fs::read(&target).unwrap() == one, "other bytes after a kill");
    assert!(!journal.exists() && run_json(folder, &pack(&["--size", "600"]))["was_there"] == true);
}

const READ_BY_PYTHON: &str = r#"
import json, hashlib
import numpy as np, torch
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_torch

arrays, tensors = load_file("photos.safetensors"), load_torch("photos.safetensors")
with safe_open("photos.safetensors", "np") as file:
    about = file.metadata()
classes, images = json.loads(about["classes"]), json.loads(about["images"])
sha256, per_hash = json.loads(about["sha256"]), json.loads(about["images_per_hash"])
assert about["format"] == "zview images" and classes == ["cat", "dog"], about
for split in "train", "test":
    pixels, labels = arrays[f"{split}.images"], arrays[f"{split}.labels"]
    assert pixels.dtype == np.uint8 and labels.dtype == np.int64 and len(pixels) == images[split] == len(labels)
    assert torch.equal(tensors[f"{split}.images"], torch.from_numpy(pixels))
    assert torch.equal(tensors[f"{split}.labels"], torch.from_numpy(labels))
    torch.nn.functional.one_hot(tensors[f"{split}.labels"], len(classes))
    ends, text = arrays[f"{split}.name_ends"], arrays[f"{split}.names"].tobytes()
    for number, (image, label) in enumerate(zip(pixels, labels)):
        name = text[ends[number - 1] if number else 0 : ends[number]].decode()
        assert name.startswith(classes[label] + "/"), name
        stored = np.asarray(Image.open("photos/" + name)).transpose(2, 0, 1)
        left = (stored.shape[2] - 7) // 2
        assert (stored[:, :, left : left + 7] == image).all(), name
    for number, wanted in enumerate(sha256[f"{split}.images"]):
        part = pixels[number * per_hash[split] : (number + 1) * per_hash[split]]
        assert hashlib.sha256(part.tobytes()).hexdigest() == wanted
    assert [hashlib.sha256(labels.tobytes()).hexdigest()] == sha256[f"{split}.labels"]
print(len(arrays["train.images"]) + len(arrays["test.images"]))
"#;

#[test]
fn python_reads_the_same_pixels_labels_names_and_hashes() {
    let Some(python) = python(&["torch", "numpy", "PIL", "safetensors"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // An odd number of bytes of pixels: labels are moved to where PyTorch can take them.
    put_photos(folder, 13, 7);
    run_json(folder, &pack(&["--size", "7"]));
    let output = Command::new(python).current_dir(folder).args(["-c", READ_BY_PYTHON]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "13");
}
