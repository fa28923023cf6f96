//! ResNets against PyTorch's own results (torchvision's code, random weights, narrow networks):
//! features, losses, gradients and running statistics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::ImageShape;
use zview_encoder::{Architecture, Encoder, EncoderConfig, Stem, load_encoder};
use zview_network::weights::StateDict;
use zview_network::{Mode, Network, StateVisitor, read_network, track_gradients};
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};
use zview_runtime::testing::shared;

/// A ResNet takes images of any size.
const IMAGES: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };

struct Case {
    folder: &'static str,
    weights: &'static str,
    reference: &'static str,
    arch: Architecture,
    stem: Stem,
    /// Largest difference of a gradient over the tensor's largest entry. The reference's own readme
    /// gives these: tiny batches make gradients of the deep network less well conditioned.
    gradient_tolerance: f32,
}

const CASES: [Case; 4] = [
    Case {
        folder: "resnet18",
        weights: "weights.pth",
        reference: "reference.safetensors",
        arch: Architecture::Resnet18,
        stem: Stem::Imagenet,
        gradient_tolerance: 1e-4,
    },
    Case {
        folder: "resnet18",
        weights: "weights-cifar-stem.pth",
        reference: "reference-cifar-stem.safetensors",
        arch: Architecture::Resnet18,
        stem: Stem::Small,
        gradient_tolerance: 1e-4,
    },
    Case {
        folder: "resnet50-w",
        weights: "weights.pth",
        reference: "reference.safetensors",
        arch: Architecture::Resnet50,
        stem: Stem::Imagenet,
        gradient_tolerance: 2e-3,
    },
    Case {
        folder: "resnet50-w-cifar",
        weights: "weights.pth",
        reference: "reference.safetensors",
        arch: Architecture::Resnet50,
        stem: Stem::Small,
        gradient_tolerance: 2e-3,
    },
];

fn folder(case: &Case) -> Option<PathBuf> {
    shared(Path::new("encoders/parity").join(case.folder))
}

fn tensor(reference: &mut StateDict, key: &str) -> (Vec<f32>, Vec<usize>) {
    let shape = reference.shape(key).unwrap_or_else(|| panic!("no {key}")).to_vec();
    (reference.take(key, &shape).unwrap(), shape)
}

fn images(reference: &mut StateDict, size: usize, device: &Device) -> Tensor<4> {
    let (values, shape) = tensor(reference, &format!("x{size}"));
    Tensor::from_data(TensorData::new(values, [shape[0], shape[1], shape[2], shape[3]]), device)
}

fn largest_difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn features_match_pytorch_and_the_architecture_is_recognised() {
    for case in &CASES {
        let Some(folder) = folder(case) else { return };
        let encoder = load_encoder(&folder.join(case.weights), &Device::flex()).unwrap();
        let config = encoder.config();
        assert_eq!((config.arch, config.stem, config.width), (case.arch, case.stem, 8));
        let mut reference = StateDict::read(&folder.join(case.reference), None).unwrap();
        for size in [32, 64] {
            let features = encoder.features(images(&mut reference, size, &Device::flex()));
            let (expected, _) = tensor(&mut reference, &format!("eval{size}.pooled"));
            let error = largest_difference(&read_floats(features).unwrap(), &expected);
            println!("{} {} at {size}: {error:.1e}", case.folder, case.weights);
            assert!(error <= 1e-4, "{} {}: {error}", case.folder, case.weights);
        }
    }
}

/// Compares every gradient's norm, the first convolution's whole gradient, and every running statistic.
struct Compare<'a> {
    reference: &'a mut StateDict,
    gradients: &'a burn::tensor::Gradients,
    size: usize,
    tolerance: f32,
    norms: usize,
}

impl StateVisitor for Compare<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        let gradient = read_floats(tensor.grad(self.gradients).unwrap_or_else(|| panic!("{name}"))).unwrap();
        let norm = gradient.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32;
        let expected = self::tensor(self.reference, &format!("train{}.grad_norm.{name}", self.size)).0[0];
        assert!((norm - expected).abs() <= self.tolerance * expected, "{name}: {norm} against {expected}");
        self.norms += 1;
        if name == "conv1.weight" {
            let (expected, _) = self::tensor(self.reference, &format!("train{}.grad.{name}", self.size));
            let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
            let error = largest_difference(&gradient, &expected) / largest;
            assert!(error <= self.tolerance, "{name}: {error}");
        }
    }

    fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        if self.size == 32 {
            let (expected, _) = self::tensor(self.reference, &format!("train32.after.{name}"));
            let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
            let error = largest_difference(&read_floats(tensor.clone()).unwrap(), &expected);
            assert!(error <= 1e-4 * largest.max(1.0), "{name}: {error}");
        }
    }

    fn counter(&mut self, name: &str, count: &mut u64) {
        assert_eq!(*count, 4322, "{name}");
    }
}

#[test]
fn a_training_pass_matches_pytorch_in_loss_gradients_and_running_statistics() {
    for case in &CASES {
        let Some(folder) = folder(case) else { return };
        let config = EncoderConfig {
            arch: case.arch,
            width: 8,
            stem: case.stem,
            pixel_mean: 0.0,
            pixel_std: 1.0,
            ..EncoderConfig::default()
        };
        for size in [32, 64] {
            let device = Device::flex();
            let mut reference = StateDict::read(&folder.join(case.reference), None).unwrap();
            let mut weights = StateDict::read(&folder.join(case.weights), None).unwrap();
            let mut encoder =
                Encoder::new(&config, IMAGES, &mut Stream::new(0, Purpose::Check, 0, 0), &device).unwrap();
            read_network(&mut encoder, "", &mut weights).unwrap();
            track_gradients(&mut encoder);
            let x = images(&mut reference, size, &device);
            let batch = x.dims()[0] as f32;
            let pooled = encoder.forward(x.autodiff(), Mode::Train);
            let loss = pooled.square().sum() / batch;
            let expected = tensor(&mut reference, &format!("train{size}.loss")).0[0];
            let got = read_floats(loss.clone().inner()).unwrap()[0];
            assert!((got - expected).abs() <= 1e-4 * expected, "{}: {got} {expected}", case.folder);
            let gradients = loss.backward();
            let tolerance = case.gradient_tolerance;
            let mut compare =
                Compare { reference: &mut reference, gradients: &gradients, size, tolerance, norms: 0 };
            encoder.visit("", &mut compare);
            assert!(compare.norms >= 60, "{} parameters", compare.norms);
        }
    }
}

#[test]
fn resnet34_has_torchvisions_tensors() {
    // torchvision.models.resnet34: 21,284,672 parameters without fc.
    let config =
        EncoderConfig { arch: Architecture::Resnet34, stem: Stem::Imagenet, ..EncoderConfig::default() };
    let encoder =
        Encoder::new(&config, IMAGES, &mut Stream::new(0, Purpose::Check, 0, 0), &Device::flex()).unwrap();
    assert_eq!(zview_network::count_parameters(&encoder), 21_284_672);
}
