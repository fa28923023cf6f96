//! The cases of `../shared/cases` that concern reading a weights file.

use std::path::{Path, PathBuf};

use super::{StateDict, WeightsError};

fn case(name: &str) -> Option<PathBuf> {
    zview_runtime::testing::shared(Path::new("cases").join(name))
}

const WEIGHTS: [(&str, &[usize]); 4] = [
    ("net.0.weight", &[8, 12, 4, 4]),
    ("net.1.weight", &[12]),
    ("net.3.weight", &[12, 3, 4, 4]),
    ("net.3.bias", &[3]),
];

/// The control's weights: every case was made from the same network.
fn same_weights(name: &str, state_dict: Option<&str>) {
    let (Some(case), Some(control)) = (case(name), case("w-plain")) else { return };
    let mut state =
        StateDict::read(&case.join("g.pth"), state_dict).unwrap_or_else(|error| panic!("{error}"));
    let mut control = StateDict::read(&control.join("g.pth"), None).unwrap();
    for (key, shape) in WEIGHTS {
        let (got, expected) = (state.take(key, shape).unwrap(), control.take(key, shape).unwrap());
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{name}: {key} differs by {worst}");
    }
}

#[test]
fn python_objects_beside_the_tensors_are_passed_over() {
    for name in ["w-defaultdict", "w-dict-subclass", "w-ema-object", "w-optimizer-object"] {
        same_weights(name, Some("state_dict"));
    }
}

#[test]
fn a_complex_buffer_that_is_not_needed_refuses_nothing() {
    same_weights("w-complex", None);
}

#[test]
fn the_prefix_of_data_parallel_is_found_and_can_be_named() {
    same_weights("w-module-prefix", None);
    same_weights("w-module-prefix-sd", Some("module"));
}

#[test]
fn spectral_norm_makes_the_weight_that_it_was_made_from() {
    let Some(folder) = case("w-spectral-norm") else { return };
    let mut state = StateDict::read(&folder.join("g.pth"), None).unwrap();
    // In Python: w, u, v = (sd[f"net.0.weight_{x}"] for x in ("orig", "u", "v")); m = w.transpose(0, 1).flatten(1);
    // (w / (u @ m @ v)).flatten()[:3]
    let torch = [[0.027_950_233, -0.028_996_175, 0.033_413_62], [0.089_496_89, 0.054_046_575, 0.046_030_033]];
    let made = [WEIGHTS[0], WEIGHTS[2]].map(|(key, shape)| state.take(key, shape).unwrap());
    for (made, torch) in made.iter().zip(&torch) {
        assert!(
            made.iter().zip(torch).all(|(got, expected)| (got - expected).abs() < 1e-6),
            "{:?}",
            &made[..3]
        );
    }
    for (key, shape) in [WEIGHTS[1], WEIGHTS[3]] {
        state.take(key, shape).unwrap();
    }
    assert!(state.unused().iter().all(|name| name.starts_with("net.1.")), "{:?}", state.unused());
}

#[test]
fn what_is_no_weights_file_is_named_with_what_to_do() {
    for (name, file, what) in [
        ("w-lfs-pointer", "g.pth", "git lfs pull"),
        ("w-html", "g.pth", "web page"),
        ("w-torchscript", "g.pt", "TorchScript"),
        ("w-plain", "generator.toml", "is text; name the weights"),
    ] {
        let Some(folder) = case(name) else { return };
        let error = StateDict::read(&folder.join(file), None).unwrap_err();
        assert!(matches!(error, WeightsError::NotWeights { .. }), "{name}: {error}");
        assert!(error.to_string().contains(what), "{name}: {error}");
    }
}
