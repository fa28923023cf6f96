//! Good files of every layout, and everything that can be wrong with one.

use std::path::PathBuf;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::test_files::{TestTensor, calling_pickle, float_tensor, legacy_file, state_dict_pickle, zip_file};
use super::{StateDict, WeightsError, check_hash};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn two_tensors() -> Vec<TestTensor> {
    let bytes = [1.5f32, -2.0].iter().flat_map(|v| burn::tensor::f16::from_f32(*v).to_le_bytes()).collect();
    vec![
        float_tensor("net.0.weight", [2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        TestTensor {
            key: "net.0.half",
            storage: "HalfStorage",
            shape: [1, 2],
            stride: [2, 1],
            elements: 2,
            bytes,
        },
    ]
}

/// The same state dict in both layouts.
fn both_layouts(tensors: &[TestTensor]) -> [(&'static str, Vec<u8>); 2] {
    [
        ("legacy.pth", legacy_file(&state_dict_pickle(tensors, true), tensors)),
        ("zip.pth", zip_file(&state_dict_pickle(tensors, false), tensors)),
    ]
}

#[test]
fn tensors_saved_from_a_gpu_are_read_from_both_pytorch_layouts() {
    let folder = Folder::new();
    for (name, bytes) in both_layouts(&two_tensors()) {
        let mut state_dict = StateDict::read(&folder.file(name, &bytes), None).unwrap();
        let weight = state_dict.take("net.0.weight", &[2, 3]).unwrap();
        assert_eq!(weight, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "{name}");
        let used: Vec<bool> = state_dict.keys().iter().map(|key| key.used).collect();
        assert_eq!(used, [false, true], "{name}");
        assert_eq!(state_dict.take("net.0.half", &[1, 2]).unwrap(), [1.5, -2.0], "{name}");
    }
}

#[test]
fn a_wrong_key_shape_or_type_is_named() {
    let folder = Folder::new();
    let mut tensors = two_tensors();
    let mut bytes = Vec::new();
    (0..2).for_each(|v| bytes.extend(i64::to_le_bytes(v)));
    let (shape, stride) = ([1, 2], [2, 1]);
    tensors.push(TestTensor { key: "steps", storage: "LongStorage", shape, stride, elements: 2, bytes });
    tensors.push(float_tensor("broken", [1, 2], &[f32::NAN, 1.0]));
    for (name, bytes) in both_layouts(&tensors) {
        let mut state_dict = StateDict::read(&folder.file(name, &bytes), None).unwrap();
        let message = |result: Result<Vec<f32>, WeightsError>| result.unwrap_err().to_string();
        let missing = message(state_dict.take("net.0.wieght", &[2, 3]));
        assert!(missing.contains("file's 4") && missing.contains("nearest are `net.0.weight`"), "{missing}");
        let prefix = message(state_dict.take("weight", &[2, 3]));
        assert!(prefix.contains("state_dict = \"net.0\""), "{prefix}");
        let shape = message(state_dict.take("net.0.weight", &[3, 2]));
        assert!(shape.contains("[2, 3]") && shape.contains("expected [3, 2]"), "{shape}");
        let integers = message(state_dict.take("steps", &[1, 2]));
        assert!(integers.contains("`steps` holds int64, expected floating-point"), "{integers}");
        let values = message(state_dict.take("broken", &[1, 2]));
        assert!(values.contains("1 values that are not finite"), "{values}");
        assert_eq!(state_dict.take_integers("steps", &[1, 2]).unwrap(), [0, 1]);
    }
}

#[test]
fn a_pickle_that_calls_a_function_is_refused_and_the_function_is_not_called() {
    let folder = Folder::new();
    let mark = folder.0.path().join("called");
    let command = format!("touch '{}'", mark.display());
    for in_dictionary in [false, true] {
        let pickle = calling_pickle(&command, in_dictionary);
        for (name, bytes) in [
            ("legacy.pth", legacy_file(&pickle, &[])),
            ("zip.pth", zip_file(&pickle, &[])),
            ("plain.pkl", pickle.clone()),
        ] {
            let error = StateDict::read(&folder.file(name, &bytes), None).unwrap_err();
            assert!(matches!(error, WeightsError::NoTensors { .. }), "{name}: {error}");
            assert!(error.to_string().contains("may hold code (refused"), "{error}");
        }
    }
    assert!(!mark.exists());
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let folder = Folder::new();
    for (name, bytes) in both_layouts(&two_tensors()) {
        for length in 0..bytes.len() {
            let path = folder.file(name, &bytes[..length]);
            let taken = StateDict::read(&path, None).and_then(|mut state_dict| {
                state_dict.take("net.0.weight", &[2, 3])?;
                state_dict.take("net.0.half", &[1, 2])
            });
            assert!(taken.is_err(), "{name} cut to {length} of {} bytes", bytes.len());
        }
    }
}

#[test]
fn what_is_no_weights_file_is_an_error() {
    let folder = Folder::new();
    let absurd_header = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    let long_header = [&200_000_000u64.to_le_bytes()[..], b"{\"a\":1}"].concat();
    for (name, bytes, what) in [
        ("empty.pth", b"".as_slice(), "an empty file"),
        ("empty.safetensors", b"", "an empty file"),
        ("text.pth", b"<!DOCTYPE html><html>not found</html>", "a web page"),
        ("text.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ] {
        let error = StateDict::read(&folder.file(name, bytes), None).unwrap_err();
        assert!(matches!(error, WeightsError::NotWeights { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name) && error.to_string().contains(what), "{error}");
    }
    for (name, bytes) in [
        ("absurd.safetensors", absurd_header.as_slice()),
        ("long.safetensors", &long_header),
        ("long-header-in-another-name.pth", &long_header),
    ] {
        let error = StateDict::read(&folder.file(name, bytes), None).unwrap_err();
        assert!(matches!(error, WeightsError::Malformed { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let absent = StateDict::read(&folder.0.path().join("absent.pth"), None).unwrap_err();
    assert!(matches!(absent, WeightsError::Read { .. }), "{absent}");
    let folder_itself = StateDict::read(folder.0.path(), None).unwrap_err();
    assert!(matches!(folder_itself, WeightsError::Read { .. }), "{folder_itself}");
}

#[test]
fn a_tensor_that_claims_more_than_the_file_holds_is_refused() {
    let folder = Folder::new();
    let repeated = TestTensor { stride: [0, 0], ..float_tensor("w", [1_000, 1_000], &[1.0]) };
    for (name, bytes) in both_layouts(&[repeated]) {
        let mut state_dict = StateDict::read(&folder.file(name, &bytes), None).unwrap();
        let error = state_dict.take("w", &[1_000, 1_000]).unwrap_err().to_string();
        assert!(error.contains("claims 4000000 bytes"), "{error}");
    }
}

#[test]
fn safetensors_are_read_and_checked_against_their_length() {
    let folder = Folder::new();
    let bytes: Vec<u8> = [1.0f64, 2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let tensor = TensorView::new(Dtype::F64, vec![2], &bytes).unwrap();
    let file = safetensors::serialize([("bias", tensor)], None).unwrap();
    let mut state_dict = StateDict::read(&folder.file("w.safetensors", &file), None).unwrap();
    assert_eq!(state_dict.take("bias", &[2]).unwrap(), [1.0, 2.0]);
    let renamed = folder.file("w.bin", &file);
    assert!(StateDict::read(&renamed, Some("state_dict")).is_ok());
    for length in 0..file.len() {
        let path = folder.file("w.safetensors", &file[..length]);
        assert!(StateDict::read(&path, None).is_err(), "cut to {length} bytes");
    }
}

#[test]
fn a_state_dict_that_is_not_in_the_file_is_named() {
    let folder = Folder::new();
    for (name, bytes) in both_layouts(&two_tensors()) {
        let path = folder.file(name, &bytes);
        for key in ["g_ema", "net.0.weight"] {
            let error = StateDict::read(&path, Some(key)).unwrap_err();
            assert!(matches!(error, WeightsError::NoStateDict { .. }), "{error}");
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}

#[test]
fn another_file_than_the_manifest_means_is_refused_by_its_hash() {
    let folder = Folder::new();
    let path = folder.file("abc", b"abc");
    let hash = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
    check_hash(&path, hash).unwrap();
    let error = check_hash(&path, &hash.replace('B', "0")).unwrap_err().to_string();
    assert!(error.contains("expected sha256 0a78") && error.contains("got ba78"), "{error}");
}
