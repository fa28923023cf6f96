//! Weights in parts against what torch gives in eval mode (`scripts/make_weight_parts.py`).

use std::path::{Path, PathBuf};

use super::StateDict;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn worst_difference(key: &str, transposed: bool) -> f32 {
    let mut parts = StateDict::read(&golden("parts.pth"), None).unwrap();
    let mut whole = StateDict::read(&golden("whole.pth"), None).unwrap();
    let shape = whole.shape(key).unwrap().to_vec();
    assert_eq!(parts.shape(key), Some(shape.as_slice()), "{key}");
    let expected = whole.take(key, &shape).unwrap();
    let got = if transposed { parts.take_transposed(key, &shape) } else { parts.take(key, &shape) };
    let got = got.unwrap_or_else(|error| panic!("{error}"));
    assert!(expected.iter().any(|value| value.abs() > 0.01), "{key}");
    got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max)
}

#[test]
fn weights_in_parts_are_those_of_torch_in_eval_mode() {
    for name in
        ["conv", "transposed", "square", "square_transposed", "linear", "norm", "norm_columns", "norm_all"]
    {
        for end in ["", "_new"] {
            let difference = worst_difference(&format!("{name}{end}.weight"), name.contains("transposed"));
            assert!(difference < 4e-6, "{name}{end}: {difference}");
        }
    }
    for (name, transposed) in
        [("old", false), ("pruned", false), ("untrained_conv", false), ("untrained", true)]
    {
        let difference = worst_difference(&format!("{name}.weight"), transposed);
        assert!(difference < 4e-6, "{name}: {difference}");
    }
}

#[test]
fn the_axis_of_a_trained_spectral_norm_shows_in_its_vectors() {
    assert!(worst_difference("square_transposed.weight", false) < 4e-6);
    assert!(worst_difference("square.weight", true) < 4e-6);
}

#[test]
fn the_parts_of_a_weight_are_all_used() {
    let mut parts = StateDict::read(&golden("parts.pth"), None).unwrap();
    let shape = parts.shape("conv.weight").unwrap().to_vec();
    parts.take("conv.weight", &shape).unwrap();
    let account = parts.account();
    assert_eq!(account.used, ["conv.weight_orig", "conv.weight_u", "conv.weight_v"]);
    assert!(account.unused.contains(&"conv.bias".to_owned()));
}
