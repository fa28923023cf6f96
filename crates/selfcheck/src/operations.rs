//! The operations that training and rendering are made of, each on a small shape of its own.

use burn::tensor::ops::{InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Int, Tensor, TensorData, activation, module};
use zview_data::ImageShape;
use zview_kernels::{batch_norm, conv_transpose2d, conv2d, scale_shift};
use zview_network::layers;
use zview_network::optimizer::{NamedGradients, Optimizer, OptimizerConfig, OptimizerKind, StepGate};
use zview_network::{Network, StateVisitor, track_gradients};

use super::operation::{Inputs, Operation};
use zview_contrastive::objective::NtXent;
use zview_encoder::augment::{AugmentConfig, Augmentation};

const EPSILON: f64 = 1e-5;
const AUGMENTED: ImageShape = ImageShape { channels: 3, height: 12, width: 10 };

/// The table.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let mut table = convolutions();
    table.extend(normalizations());
    table.extend(activations());
    table.extend(reductions());
    table.extend(transformers());
    table.extend(optimizers());
    table.push(Operation::forward_only("augmentation", &[("images", &[6, 3, 12, 10])], augmentation));
    table
}

fn convolutions() -> Vec<Operation> {
    let conv = |name, kernel: usize, stride: usize| {
        let weight: &[usize] = &[7, 5, kernel, kernel];
        Operation::new(name, &[("input", &[3, 5, 10, 9]), ("weight", weight)], move |x| {
            conv2d(x.get(0), x.get(1), [stride; 2], [kernel / 2; 2]).reshape([-1])
        })
    };
    vec![
        conv("conv2d 3x3, stride 1", 3, 1),
        conv("conv2d 3x3, stride 2", 3, 2),
        conv("conv2d 1x1, stride 1", 1, 1),
        conv("conv2d 1x1, stride 2", 1, 2),
        conv("conv2d 7x7, stride 2", 7, 2),
        Operation::new(
            "conv_transpose2d 4x4, stride 2",
            &[("input", &[3, 5, 5, 4]), ("weight", &[5, 7, 4, 4])],
            |x| conv_transpose2d(x.get(0), x.get(1), [2, 2], [1, 1], [0, 0]).reshape([-1]),
        ),
    ]
}

fn normalizations() -> Vec<Operation> {
    const MAP: &[usize] = &[4, 5, 7, 6];
    vec![
        Operation::new("batch_norm", &[("input", MAP), ("weight", &[5]), ("bias", &[5])], |x| {
            let normalized = batch_norm(x.get(0), None, x.get(1), x.get(2), EPSILON, false);
            Tensor::cat(vec![normalized.output.reshape([-1]), normalized.mean, normalized.variance], 0)
        }),
        Operation::new(
            "batch_norm + residual, relu",
            &[("input", MAP), ("residual", MAP), ("weight", &[5]), ("bias", &[5])],
            |x| {
                let normalized = batch_norm(x.get(0), Some(x.get(1)), x.get(2), x.get(3), EPSILON, true);
                normalized.output.reshape([-1])
            },
        ),
        Operation::new(
            "scale_shift + residual, relu",
            &[("input", MAP), ("residual", MAP), ("scale", &[5]), ("shift", &[5])],
            |x| scale_shift(x.get(0), Some(x.get(1)), x.get(2), x.get(3), true).reshape([-1]),
        ),
    ]
}

fn activations() -> Vec<Operation> {
    const INPUT: &[(&str, &[usize])] = &[("input", &[257])];
    vec![
        Operation::new("relu", INPUT, |x| activation::relu(x.get(0))),
        Operation::new("leaky_relu", INPUT, |x| activation::leaky_relu(x.get(0), 0.2)),
        Operation::new("tanh", INPUT, |x| activation::tanh(x.get(0))),
        Operation::new("sigmoid", INPUT, |x| activation::sigmoid(x.get(0))),
    ]
}

fn reductions() -> Vec<Operation> {
    vec![
        Operation::new("linear", &[("input", &[9, 33]), ("weight", &[17, 33]), ("bias", &[17])], |x| {
            let product = x.get::<2>(0).matmul(x.get::<2>(1).transpose());
            (product + x.get::<1>(2).unsqueeze()).reshape([-1])
        }),
        Operation::new("log_softmax", &[("logits", &[11, 19])], |x| {
            activation::log_softmax(x.get::<2>(0), 1).reshape([-1])
        }),
        Operation::new("NT-Xent", &[("projections", &[12, 8])], |x| {
            NtXent::new(6, 2, 0.2, x.device).loss(x.get(0))
        }),
        Operation::new("max_pool2d 3x3, stride 2", &[("input", &[2, 5, 11, 10])], |x| {
            let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
            module::max_pool2d(x.get(0), options).reshape([-1])
        }),
        Operation::new("mean pooling", &[("input", &[6, 5, 30])], |x| {
            x.get::<3>(0).mean_dim(2).reshape([-1])
        }),
        Operation::new("nearest upsampling", &[("input", &[2, 5, 4, 3])], |x| {
            let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([8, 6]);
            module::interpolate(x.get(0), options).reshape([-1])
        }),
        Operation::new("embedding", &[("embedding", &[5, 6])], |x| {
            // Rows that are taken several times, once and never: gradients add up.
            let rows = TensorData::from([4i32, 0, 4, 2, 2, 4, 0]);
            x.get::<2>(0).select(0, Tensor::<1, Int>::from_data(rows, x.device)).reshape([-1])
        }),
    ]
}

fn transformers() -> Vec<Operation> {
    const HEADS: &[usize] = &[2, 3, 7, 5];
    vec![
        Operation::new("gelu", &[("input", &[257])], |x| layers::gelu(x.get::<1>(0))),
        Operation::new("layer_norm", &[("tokens", &[3, 5, 17]), ("weight", &[17]), ("bias", &[17])], |x| {
            layers::layer_norm(x.get(0), x.get(1), x.get(2)).reshape([-1])
        }),
        Operation::new("attention", &[("query", HEADS), ("key", HEADS), ("value", HEADS)], |x| {
            layers::attention(x.get(0), x.get(1), x.get(2)).reshape([-1])
        }),
        Operation::new("patches", &[("images", &[2, 3, 8, 12])], |x| {
            layers::patches(x.get(0), 4).reshape([-1])
        }),
    ]
}

fn optimizers() -> Vec<Operation> {
    const INPUTS: &[(&str, &[usize])] = &[("weight", &[65]), ("gradient", &[65])];
    // A vector is not taken for a bias here, so that everything of the equation is computed.
    let of = |kind| OptimizerConfig { exclude_norm_and_bias: false, ..OptimizerConfig::of(kind) };
    let clipped = OptimizerConfig { clip_norm: Some(0.5), ..of(OptimizerKind::AdamW) };
    let each = OptimizerKind::ALL.iter().map(|&kind| (kind.name(), of(kind), None));
    let further = [
        ("adam", OptimizerConfig::adam(0.5, 0.9), None),
        ("adamw, scaled and clipped", clipped, Some(1024.0)),
    ];
    let operation =
        |(name, config, scale)| Operation::forward_only(name, INPUTS, move |x| two_steps(x, &config, scale));
    each.chain(further).map(operation).collect()
}

/// A network of one parameter.
#[derive(Clone)]
struct One(Tensor<1>);

impl Network for One {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        visitor.parameter(&format!("{prefix}weight"), &mut self.0);
    }
}

/// The weight after two steps along `gradient * weight` and what follows it, the gradients `scale` times as large on
/// their way to the optimizer.
fn two_steps(x: &Inputs<'_>, config: &OptimizerConfig, scale: Option<f32>) -> Tensor<1> {
    let (mut one, mut optimizer) = (One(x.get(0)), Optimizer::new(config));
    track_gradients(&mut one);
    for number in 1..=2 {
        let loss = (one.0.clone().square() * x.get::<1>(1).autodiff()).sum() * scale.unwrap_or(1.0);
        let mut gradients = NamedGradients::of(&one, "", loss.backward());
        let scale = scale.map(|scale| Tensor::from_floats([scale], x.device));
        let gate = scale.and_then(|scale| StepGate::new(&gradients, Some(scale), config.clip_norm));
        optimizer.update(number, 0.1, gate.as_ref()).step(&mut one, "", &mut gradients);
    }
    one.0.inner()
}

/// Every change that there is, on images squeezed into 0..1.
fn augmentation(x: &Inputs<'_>) -> Tensor<1> {
    let device: &Device = x.device;
    let images = (x.get::<4>(0) * 0.15 + 0.5).clamp(0.0, 1.0);
    Augmentation::new(&AugmentConfig::all(), AUGMENTED, device).apply(images, 0, 0).reshape([-1])
}
