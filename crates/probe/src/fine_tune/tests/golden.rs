//! Training against PyTorch's (`scripts/fine_tune_reference.py`).

use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use zview_encoder::load_encoder;
use zview_network::optimizer::warmup_cosine;
use zview_network::weights::StateDict;
use zview_network::{Network, StateVisitor};
use zview_runtime::device::read_floats;

use super::super::candidate::Candidate;
use super::super::classifier::Classifier;
use super::super::training::Training;
use super::*;

const CLASSES: usize = 4;
const WARMUP: u64 = 4;

/// Every tensor of a network on the host, by name.
fn values(network: &impl Network) -> Vec<(String, Vec<f32>)> {
    struct Values(Vec<(String, Vec<f32>)>);
    impl StateVisitor for Values {
        fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            self.0.push((name.to_owned(), read_floats(tensor.clone().inner()).unwrap()));
        }
        fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            self.parameter(name, tensor);
        }
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut values = Values(Vec::new());
    network.clone().visit("", &mut values);
    values.0
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn losses_and_weights_of_twenty_layer_wise_steps_are_those_of_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fine_tune.safetensors");
    let device = Device::flex();
    for (kind, optimizer, weight_decay) in
        [("sgd", OptimizerKind::Sgd, 5e-4), ("adamw", OptimizerKind::AdamW, 0.05)]
    {
        let mut file = StateDict::read(&path, None).unwrap();
        let shape = file.shape("images").unwrap().to_vec();
        let size = shape[1..].iter().product::<usize>();
        let images = file.take("images", &shape).unwrap();
        let labels = file.take_integers("labels", &shape[..1]).unwrap();
        let batch_shape = file.shape("batches").unwrap().to_vec();
        let batches = file.take_integers("batches", &batch_shape).unwrap();
        let losses = file.take(&format!("{kind}/losses"), &batch_shape[..1]).unwrap();
        let peak = f64::from(file.take(&format!("{kind}/peak"), &[1]).unwrap()[0]);

        let encoder = load_encoder(&path, &device).unwrap().encoder().clone();
        let config =
            FineTuneConfig { optimizer, weight_decay: Some(weight_decay), ..FineTuneConfig::default() };
        let candidate = Candidate { learning_rate: peak, layer_decay: 0.7 };
        let classifier = Classifier::new(encoder, CLASSES, &device);
        let mut training = Training::new(classifier, candidate, &config, &device);
        let steps = batch_shape[0] as u64;
        for (step, (batch, expected)) in batches.chunks(batch_shape[1]).zip(&losses).enumerate() {
            let pixels: Vec<f32> =
                batch.iter().flat_map(|&image| &images[image as usize * size..][..size]).copied().collect();
            let pixels = TensorData::new(pixels, [batch.len(), shape[1], shape[2], shape[3]]);
            let labels: Vec<u32> = batch.iter().map(|&image| labels[image as usize] as u32).collect();
            let lr = warmup_cosine(step as u64, steps, WARMUP, peak, 0.0);
            let loss = training.step(Tensor::from_data(pixels, &device), &labels, lr);
            let loss = read_floats(loss).unwrap()[0];
            assert!((loss - expected).abs() < 1e-4, "{kind} step {step}: {loss} {expected}");
        }
        let mut compared = 0;
        for (name, value) in values(&training.classifier) {
            let short = name.strip_prefix("encoder.").unwrap_or(&name);
            let key = format!("{kind}/{short}");
            if let Some(shape) = file.shape(&key).map(<[usize]>::to_vec) {
                let difference = largest_difference(&value, &file.take(&key, &shape).unwrap());
                assert!(difference < 2e-4, "{key}: {difference:e}");
                compared += 1;
            }
        }
        assert_eq!(compared, 5);
    }
}

#[test]
fn every_layer_moves_with_its_rate_and_at_decay_zero_only_the_head() {
    let device = Device::flex();
    let images = corners(16, 4, 0);
    let labels = images.labels.clone().unwrap();
    let all: Vec<usize> = (0..16).collect();
    let pixels = TensorData::new(images.unit_floats(&all).unwrap(), [16, 1, 8, 8]);
    let pixels: Tensor<4> = Tensor::from_data(pixels, &device);
    // Plain SGD moves a tensor by its rate times its gradient, so that the first step away from a head that is not
    // zero shows the rates; the second step is the first that a head of zeros lets through.
    let moved = |decay: f64| -> Vec<(String, f32)> {
        let config = FineTuneConfig {
            optimizer: OptimizerKind::Sgd,
            momentum: Some(0.0),
            weight_decay: Some(0.0),
            ..quick()
        };
        let candidate = Candidate { learning_rate: 0.1, layer_decay: decay };
        let encoder = random_encoder(&conv(), &device).encoder().clone();
        let head = crate::linear::Logistic::from_parts(
            (0..128).map(|i| f64::from(i % 7) - 3.0).collect(),
            vec![0.0; 4],
        );
        let classifier = Classifier::with_head(encoder, &head, &device);
        let mut training = Training::new(classifier, candidate, &config, &device);
        let before = values(&training.classifier);
        let _ = training.step(pixels.clone(), &labels, 0.1);
        let after = values(&training.classifier);
        let pairs = before.into_iter().zip(after);
        pairs.map(|((name, a), (_, b))| (name, largest_difference(&a, &b))).collect()
    };
    let (full, halved, none) = (moved(1.0), moved(0.5), moved(0.0));
    for (((name, full), (_, halved)), (_, none)) in full.iter().zip(&halved).zip(&none) {
        if name.contains("running") {
            assert!(*full > 0.0 && full == none, "{name}: statistics follow the images: {full} {none}");
            continue;
        }
        assert!(*full > 0.0, "{name} does not move");
        let stage = name.strip_prefix("encoder.stages.").and_then(|rest| rest[..1].parse::<i32>().ok());
        match stage {
            None => assert!(full == halved && full == none, "{name}: the head has the full rate"),
            Some(stage) => {
                let ratio = halved / full;
                let expected = 0.5f32.powi(4 - stage);
                assert!((ratio / expected - 1.0).abs() < 0.02, "{name}: {ratio} {expected}");
                assert_eq!(*none, 0.0, "{name}");
            }
        }
    }
}

#[test]
fn every_device_takes_the_same_steps() {
    let losses = |device: &Device| -> Vec<f32> {
        let images = corners(8, 2, 0);
        let labels = images.labels.clone().unwrap();
        let pixels = TensorData::new(images.unit_floats(&(0..8).collect::<Vec<_>>()).unwrap(), [8, 1, 8, 8]);
        let pixels: Tensor<4> = Tensor::from_data(pixels, device);
        let encoder = random_encoder(&EncoderConfig { width: 2, ..conv() }, device).encoder().clone();
        let candidate = Candidate { learning_rate: 0.05, layer_decay: 0.7 };
        let config = FineTuneConfig { clip_norm: Some(5.0), ..quick() };
        let mut training = Training::new(Classifier::new(encoder, 2, device), candidate, &config, device);
        (0..4).map(|_| read_floats(training.step(pixels.clone(), &labels, 0.05)).unwrap()[0]).collect()
    };
    let expected = losses(&Device::flex());
    zview_runtime::device::on_test_devices(|name, device| {
        let got = losses(device);
        assert!(largest_difference(&expected, &got) < 1e-3, "{name}: {expected:?} {got:?}");
        assert!(got[3] < got[0], "{name}: {got:?}");
    });
}
