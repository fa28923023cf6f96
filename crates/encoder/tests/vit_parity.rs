//! The Vision Transformer against timm's own results (`scripts/make_vit_golden.py`): features and every gradient.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use zview_data::ImageShape;
use zview_encoder::{Architecture, Encoder, EncoderConfig, Pool};
use zview_network::weights::StateDict;
use zview_network::{Mode, Network, StateVisitor, read_network, track_gradients};
use zview_runtime::device::{on_test_devices, read_floats};
use zview_runtime::seed::{Purpose, Stream};

/// Largest difference over the largest value.
const TOLERANCE: f32 = 1e-5;
const SIZE: usize = 12;

fn golden(pool: Pool, channels: usize) -> PathBuf {
    let pool = if pool == Pool::Mean { "avg" } else { "token" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/vit-{pool}-{channels}.safetensors"))
}

fn vit(config: EncoderConfig, images: ImageShape, device: &Device) -> Encoder {
    let config = EncoderConfig { arch: Architecture::Vit, pixel_mean: 0.0, pixel_std: 1.0, ..config };
    Encoder::new(&config, images, &mut Stream::new(0, Purpose::Check, 0, 0), device).unwrap()
}

fn take(state: &mut StateDict, key: &str) -> Vec<f32> {
    let shape = state.shape(key).unwrap_or_else(|| panic!("no {key}")).to_vec();
    state.take(key, &shape).unwrap()
}

fn tensor<const D: usize>(state: &mut StateDict, key: &str, device: &Device) -> Tensor<D> {
    let shape: [usize; D] = state.shape(key).unwrap().try_into().unwrap();
    Tensor::from_data(TensorData::new(take(state, key), shape), device)
}

/// The largest difference, over the largest expected value.
fn difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

struct Compare<'a> {
    state: &'a mut StateDict,
    gradients: &'a Gradients,
    worst: (f32, String),
    count: usize,
}

impl StateVisitor for Compare<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        let got = read_floats(tensor.grad(self.gradients).unwrap_or_else(|| panic!("{name}"))).unwrap();
        let error = difference(&got, &take(self.state, &format!("gradient.{name}")));
        if error > self.worst.0 {
            self.worst = (error, name.to_owned());
        }
        self.count += 1;
    }
    fn buffer<const D: usize>(&mut self, name: &str, _: &mut Tensor<D>) {
        panic!("{name}: a Vision Transformer has no buffers");
    }
    fn counter(&mut self, name: &str, _: &mut u64) {
        panic!("{name}: a Vision Transformer has no counters");
    }
}

#[test]
fn features_and_gradients_are_timms() {
    on_test_devices(|device_name, device| {
        for (pool, channels) in
            [(Pool::ClassToken, 1), (Pool::ClassToken, 3), (Pool::Mean, 1), (Pool::Mean, 3)]
        {
            let config = EncoderConfig {
                width: 8,
                depth: Some(2),
                heads: Some(2),
                patch: Some(4),
                pool: Some(pool),
                ..EncoderConfig::default()
            };
            let mut state = StateDict::read(&golden(pool, channels), None).unwrap();
            let mut encoder = vit(config, ImageShape { channels, height: SIZE, width: SIZE }, device);
            read_network(&mut encoder, "model.", &mut state).unwrap();
            track_gradients(&mut encoder);
            let images: Tensor<4> = tensor(&mut state, "x", device);
            let features = encoder.forward(images.autodiff(), Mode::Train);
            let expected = take(&mut state, "features");
            let error = difference(&read_floats(features.clone().inner()).unwrap(), &expected);
            let slopes = tensor::<2>(&mut state, "slopes", device).autodiff();
            let gradients = (features * slopes).sum().backward();
            let mut compare =
                Compare { state: &mut state, gradients: &gradients, worst: (0.0, String::new()), count: 0 };
            encoder.visit("", &mut compare);
            let (worst, name) = compare.worst;
            println!(
                "{device_name} {pool:?} {channels}: features {error:.1e}, gradients {worst:.1e} ({name})"
            );
            assert!(error <= TOLERANCE && worst <= TOLERANCE, "{pool:?} {channels}: {error} {worst} {name}");
            assert_eq!(compare.count, 30);
        }
    });
}

#[test]
fn its_tokens_are_those_of_the_whole_network() {
    let device = Device::flex();
    let config = EncoderConfig { width: 8, depth: Some(2), heads: Some(2), ..EncoderConfig::default() };
    let encoder = vit(config, ImageShape { channels: 1, height: SIZE, width: SIZE }, &device);
    let vit = encoder.vit().unwrap();
    let images: Tensor<4> = Tensor::from_data(
        TensorData::new(
            (0..2 * SIZE * SIZE).map(|i| (i % 7) as f32 / 7.0).collect::<Vec<_>>(),
            [2, 1, SIZE, SIZE],
        ),
        &device,
    );
    let tokens = vit.embed_patches(images.clone());
    assert_eq!((tokens.dims(), vit.position_embedding().dims()), ([2, 9, 8], [9, 8]));
    // A patch's token depends on that patch alone.
    let other = images.clone().slice_assign([0..2, 0..1, 0..4, 4..8], Tensor::zeros([2, 1, 4, 4], &device));
    let moved = (vit.embed_patches(other) - tokens.clone()).abs().sum_dim(2);
    let moved = read_floats(moved).unwrap();
    let changed: Vec<usize> = (0..18).filter(|&place| moved[place] > 1e-6).collect();
    assert_eq!(changed, [1, 10], "the second patch of the first row, in both images");
    // Attention does not know an order: any subset in any order gives the same tokens.
    let some = |order: [i32; 3]| {
        let order = Tensor::<1, burn::tensor::Int>::from_data(order, &device);
        vit.encode_tokens(tokens.clone().select(1, order))
    };
    let (forth, back) = (some([0, 4, 7]), some([7, 4, 0]));
    let error = difference(&read_floats(forth.flip([1])).unwrap(), &read_floats(back).unwrap());
    assert!(error < 1e-5, "{error}");
}

#[test]
fn its_parameters_are_timms() {
    let config = |width, depth, heads, patch| EncoderConfig {
        width,
        depth: Some(depth),
        heads: Some(heads),
        patch: Some(patch),
        ..EncoderConfig::default()
    };
    let device = Device::flex();
    let images = |side| ImageShape { channels: 3, height: side, width: side };
    // timm's vit_tiny_patch16_224 without head.
    let tiny = vit(config(192, 12, 3, 16), images(224), &device);
    assert_eq!(zview_network::count_parameters(&tiny), 5_524_416);
    let small = vit(config(192, 3, 3, 4), images(32), &device);
    assert_eq!(zview_network::count_parameters(&small), 1_357_056);
}

/// As timm's `no_weight_decay`.
#[test]
fn weight_decay_does_not_shrink_class_token_and_places() {
    struct BiasLike(Vec<String>);
    impl StateVisitor for BiasLike {
        fn parameter<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn bias_like<const D: usize>(&mut self, name: &str, _: &mut Tensor<D>) {
            self.0.push(name.to_owned());
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let images = ImageShape { channels: 1, height: SIZE, width: SIZE };
    let config = EncoderConfig {
        width: 8,
        depth: Some(2),
        heads: Some(2),
        patch: Some(4),
        pool: Some(Pool::ClassToken),
        ..EncoderConfig::default()
    };
    let mut names = BiasLike(Vec::new());
    vit(config, images, &Device::flex()).visit("encoder.", &mut names);
    assert_eq!(names.0, ["encoder.cls_token", "encoder.pos_embed"]);
}
