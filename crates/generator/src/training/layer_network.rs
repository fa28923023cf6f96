//! The layers of a manifest with weights that training changes.

use burn::tensor::{Device, Tensor, TensorData, activation};
use zview_network::layers::BatchNorm;
use zview_network::{Mode, Network, StateVisitor};
use zview_runtime::seed::Stream;

use crate::architectures::activations::Activations;
use crate::architectures::operations;
use crate::layers::{self, Layer};
use crate::manifest::Features;

/// A generator (or the decoder of a VAE) in training. Tensors have the names that the manifest's
/// layers ask for.
#[derive(Debug, Clone)]
pub(super) struct LayerNetwork {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Linear {
        key: String,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
    },
    Conv {
        key: String,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        stride: usize,
        padding: usize,
    },
    ConvTranspose {
        key: String,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        stride: usize,
        padding: usize,
        output_padding: usize,
    },
    /// With the ReLU that follows it, if one does.
    BatchNorm {
        key: String,
        norm: Box<BatchNorm>,
        relu: bool,
    },
    Condition {
        key: String,
        embedding: Tensor<2>,
    },
    /// Nothing to learn.
    Fixed(Layer),
}

impl LayerNetwork {
    /// Fresh weights: uniform in ±1/sqrt(inputs of a unit), class embeddings standard normal, as
    /// PyTorch's layers begin. `classes` is the number of rows of a class embedding.
    pub(super) fn new(layers: &[Layer], classes: usize, random: &mut Stream, device: &Device) -> Self {
        let mut fresh = Fresh { random, device };
        let mut steps = Vec::new();
        let mut layers = layers.iter().peekable();
        while let Some(layer) = layers.next() {
            let relu = matches!(layer, Layer::BatchNorm(_))
                && layers.next_if(|next| matches!(next, Layer::Relu(_))).is_some();
            steps.push(fresh.step(layer, classes, relu));
        }
        Self { steps }
    }

    /// z (B, D), with one-hot classes (B, K) if there is a condition, to what the last layer gives.
    pub(super) fn forward(&mut self, z: Tensor<2>, classes: Option<&Tensor<2>>, mode: Mode) -> Tensor<4> {
        let mut now = Activations::Flat(z);
        for step in &mut self.steps {
            now = step.forward(now, classes, mode);
        }
        now.into_map()
    }
}

struct Fresh<'a> {
    random: &'a mut Stream,
    device: &'a Device,
}

impl Fresh<'_> {
    fn step(&mut self, layer: &Layer, classes: usize, relu: bool) -> Step {
        match layer {
            Layer::Linear(layers::Linear { key, inputs, outputs, bias }) => Step::Linear {
                key: key.clone(),
                weight: self.uniform([*outputs, *inputs], *inputs),
                bias: bias.then(|| self.uniform([*outputs], *inputs)),
            },
            Layer::Conv(layers::Conv { key, r#in, out, kernel, stride, padding, bias, .. }) => {
                let inputs = r#in * kernel * kernel;
                Step::Conv {
                    key: key.clone(),
                    weight: self.uniform([*out, *r#in, *kernel, *kernel], inputs),
                    bias: bias.then(|| self.uniform([*out], inputs)),
                    stride: *stride,
                    padding: *padding,
                }
            }
            Layer::ConvTranspose(layers::ConvTranspose {
                key,
                r#in,
                out,
                kernel,
                stride,
                padding,
                output_padding,
                bias,
                ..
            }) => {
                // Each output pixel sees (kernel / stride)² of the kernel's places.
                let inputs = (r#in * kernel * kernel).div_ceil(stride * stride).max(1);
                Step::ConvTranspose {
                    key: key.clone(),
                    weight: self.uniform([*r#in, *out, *kernel, *kernel], inputs),
                    bias: bias.then(|| self.uniform([*out], inputs)),
                    stride: *stride,
                    padding: *padding,
                    output_padding: *output_padding,
                }
            }
            Layer::BatchNorm(layers::BatchNorm { key, channels, .. }) => Step::BatchNorm {
                key: key.clone(),
                norm: Box::new(BatchNorm::new(*channels, self.device)),
                relu,
            },
            Layer::Condition(layers::Condition { key: Some(key), dimension: Some(dimension), .. }) => {
                let values: Vec<f32> = (0..classes * dimension).map(|_| self.random.normal()).collect();
                let data = TensorData::new(values, [classes, *dimension]);
                Step::Condition { key: key.clone(), embedding: Tensor::from_data(data, self.device) }
            }
            fixed => Step::Fixed(fixed.clone()),
        }
    }

    fn uniform<const R: usize>(&mut self, shape: [usize; R], inputs: usize) -> Tensor<R> {
        let bound = 1.0 / (inputs as f32).sqrt();
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| self.random.uniform_in(-bound, bound)).collect();
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }
}

impl Step {
    fn forward(&mut self, now: Activations, classes: Option<&Tensor<2>>, mode: Mode) -> Activations {
        use Activations::{Flat, Map};
        match self {
            Self::Linear { weight, bias, .. } => {
                Flat(zview_kernels::linear(now.into_flat(), weight.clone().transpose(), bias.clone()))
            }
            Self::Conv { weight, bias, stride, padding, .. } => {
                Map(operations::conv(now.into_map(), weight.clone(), bias.clone(), *stride, *padding))
            }
            Self::ConvTranspose { weight, bias, stride, padding, output_padding, .. } => {
                let (weight, bias) = (weight.clone(), bias.clone());
                Map(operations::conv_transpose(
                    now.into_map(),
                    weight,
                    bias,
                    *stride,
                    *padding,
                    *output_padding,
                ))
            }
            Self::BatchNorm { norm, relu, .. } => {
                let flat = matches!(now, Flat(_));
                let map = norm.forward(now.into_map(), None, *relu, mode);
                if flat { Flat(Map(map).into_flat()) } else { Map(map) }
            }
            Self::Condition { embedding, .. } => match classes {
                Some(classes) => {
                    let embedded = classes.clone().matmul(embedding.clone());
                    Flat(Tensor::cat(vec![now.into_flat(), embedded], 1))
                }
                None => now,
            },
            Self::Fixed(layer) => fixed(layer, now),
        }
    }
}

/// The layers without weights.
fn fixed(layer: &Layer, now: Activations) -> Activations {
    use Activations::{Flat, Map};
    let map = |now: Activations, f: &dyn Fn(Tensor<4>) -> Tensor<4>| match now {
        Flat(features) => Flat(Map(f(Flat(features).into_map())).into_flat()),
        Map(map) => Map(f(map)),
    };
    match layer {
        Layer::LeakyRelu(layers::LeakyRelu { slope }) => map(now, &|x| activation::leaky_relu(x, *slope)),
        Layer::Relu(_) => map(now, &activation::relu),
        Layer::Tanh(_) => map(now, &Tensor::tanh),
        Layer::Sigmoid(_) => map(now, &activation::sigmoid),
        Layer::UpsampleNearest(layers::UpsampleNearest { factor: Some(factor), .. }) => {
            Map(operations::upsample_nearest(now.into_map(), *factor))
        }
        Layer::Reshape(layers::Reshape { shape }) => now.reshaped(match shape[..] {
            [channels, height, width] => Features::Map { channels, height, width },
            _ => Features::Flat(shape.iter().product()),
        }),
        _ => now, // training makes no others
    }
}

impl Network for LayerNetwork {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        for step in &mut self.steps {
            let (key, bias) = match step {
                Step::Linear { key, weight, bias } => {
                    visitor.parameter(&format!("{prefix}{key}.weight"), weight);
                    (key, bias)
                }
                Step::Conv { key, weight, bias, .. } | Step::ConvTranspose { key, weight, bias, .. } => {
                    visitor.parameter(&format!("{prefix}{key}.weight"), weight);
                    (key, bias)
                }
                Step::BatchNorm { key, norm, .. } => {
                    norm.visit(&format!("{prefix}{key}"), visitor);
                    continue;
                }
                Step::Condition { key, embedding } => {
                    visitor.parameter(&format!("{prefix}{key}.weight"), embedding);
                    continue;
                }
                Step::Fixed(_) => continue,
            };
            if let Some(bias) = bias {
                visitor.parameter(&format!("{prefix}{key}.bias"), bias);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zview_runtime::device::on_test_devices;
    use zview_runtime::seed::Purpose;

    use super::*;
    use crate::training::batch::{normal_rows, one_hot};
    use crate::{Manifest, list_manifests};

    /// The published weights need not be here: fresh ones have the same shapes.
    #[test]
    fn the_network_of_every_manifest_computes_the_same_on_every_device() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/generators");
        let manifests = list_manifests(&[folder]);
        assert!(manifests.len() >= 6, "{manifests:?}");
        let manifests: Vec<Manifest> = manifests.iter().map(|path| Manifest::read(path).unwrap()).collect();
        let images = |manifest: &Manifest, device: &Device| {
            let random = &mut Stream::new(0, Purpose::Weights, 0, 0);
            let classes = manifest.classes().unwrap_or(0);
            let mut network = LayerNetwork::new(&manifest.layers, classes, random, device);
            let z = normal_rows(4, manifest.latent.dimension, (0, Purpose::Check, 0), device);
            let condition = manifest.classes().map(|count| one_hot(&[0, 1, 1, count - 1], count, device));
            let images = network.forward(z, condition.as_ref(), Mode::Evaluate);
            images.into_data().try_into_vec::<f32>().unwrap()
        };
        let expected: Vec<Vec<f32>> =
            manifests.iter().map(|manifest| images(manifest, &Device::flex())).collect();
        on_test_devices(|name, device| {
            for (manifest, expected) in manifests.iter().zip(&expected) {
                let got = images(manifest, device);
                let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                let worst = expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(
                    got.len() == expected.len() && largest > 0.0 && worst <= 1e-5 * largest,
                    "{}, {name}: {worst:e} of {largest}",
                    manifest.name
                );
            }
        });
    }
}
