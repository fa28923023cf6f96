//! Encoders of other origin against what their libraries compute of them (`scripts/make_encoder_golden.py`), and what of a
//! file is named, chosen or refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod cases;
mod features;
mod heads;
mod names;
mod refused;
mod written;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::ImageShape;
use zview_encoder::{
    Architecture, Encoder, EncoderConfig, FrozenEncoder, LoadedEncoder, Pool, ReadOptions, load_encoder,
    read_encoder,
};
use zview_network::weights::StateDict;
use zview_network::{NamedTensors, write_tensors};
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use features::recipe;
use written::{Written, rewritten, written};

/// Largest difference of a feature; features have a standard deviation of about 1.
const TOLERANCE: f32 = 1e-5;
/// The networks of `scripts/make_encoder_golden.py`.
const VITS: [&str; 10] = [
    "layer-scale",
    "registers-without-place",
    "qk-norm",
    "fc-norm",
    "fc-norm-class-token",
    "mean-of-patches",
    "no-final-norm",
    "dinov2",
    "transformers",
    "torchvision",
];
const RESNETS: [&str; 6] = ["resnet-d", "resnet-c", "se-resnet", "eca-resnet", "resnext", "wide-resnet"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/foreign/{name}.safetensors"))
}

/// `count` images of (37 i mod 101) / 101.
fn images(count: usize, channels: usize, side: usize) -> Tensor<4> {
    let values = (0..count * channels * side * side).map(|place| (37 * place % 101) as f32 / 101.0).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, [count, channels, side, side]), &Device::flex())
}

fn features(encoder: &FrozenEncoder, side: usize) -> Vec<f32> {
    read_floats(encoder.features(images(2, 3, side))).unwrap()
}

fn expected(name: &str, side: usize) -> Vec<f32> {
    let mut state = StateDict::read(&golden("features"), None).unwrap();
    let key = format!("{name}.{side}");
    let shape = state.shape(&key).unwrap_or_else(|| panic!("no {key}")).to_vec();
    state.take(&key, &shape).unwrap()
}

fn sides(name: &str) -> Vec<usize> {
    let state = StateDict::read(&golden("features"), None).unwrap();
    let of_name = |key: &str| key.strip_prefix(name)?.strip_prefix('.')?.parse().ok();
    state.keys().iter().filter_map(|info| of_name(&info.key)).collect()
}

fn difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Two heads, as every golden Vision Transformer has, and images of this side.
fn options(side: Option<usize>) -> ReadOptions {
    ReadOptions { heads: Some(2), side, ..ReadOptions::default() }
}

/// The same for one of all the golden networks: a residual one has no heads.
fn options_of(name: &str) -> ReadOptions {
    if VITS.contains(&name) { options(None) } else { ReadOptions::default() }
}
