//! A network that is a list of layers, as DCGAN (<https://arxiv.org/abs/1511.06434>), the decoder
//! of a VAE (<https://arxiv.org/abs/1312.6114>) and most small generators are.

use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::activations::Activations;
use super::{Architecture, operations};
use crate::Manifest;
use crate::manifest::{Features, Layer};
use zview_network::Cost;
use zview_network::weights::{StateDict, WeightsError};

/// A layer with its weights. The manifest's check has made sure that the sizes fit.
#[derive(Debug)]
enum Step {
    Linear {
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
    },
    Conv {
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        stride: usize,
        padding: usize,
    },
    ConvTranspose {
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        stride: usize,
        padding: usize,
        output_padding: usize,
    },
    ScaleAndShift {
        scale: Tensor<1>,
        shift: Tensor<1>,
    },
    Condition {
        embedding: Tensor<2>,
    },
    LeakyRelu {
        slope: f64,
    },
    Relu,
    Tanh,
    Sigmoid,
    UpsampleNearest {
        factor: usize,
    },
    Reshape {
        features: Features,
    },
}

/// The built network.
#[derive(Debug)]
struct Sequential {
    steps: Vec<Step>,
    parameters: usize,
}

/// A file of any key names may be meant.
pub(super) const MARK: Option<&str> = None;

/// Walks the layers with the shape of the features in hand and lists all that does not fit.
pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_options(&[]);
    let mut features = Features::Flat(manifest.latent.dimension);
    for (index, layer) in manifest.layers.iter().enumerate() {
        let mut report = |problem| problems.push(format!("`layers[{index}]` ({}): {problem}", layer.kind()));
        number_problems(layer).into_iter().for_each(&mut report);
        features = match features.through(layer, manifest.classes()) {
            Ok(next) => next,
            Err(problem) => {
                report(problem);
                // Go on as if the layer had got what it expects, to find what else is wrong.
                match wanted_by(layer, features).through(layer, manifest.classes()) {
                    Ok(next) => next,
                    Err(_) => return problems,
                }
            }
        };
    }
    let output = manifest.output;
    let wanted = Features::Map { channels: output.channels, height: output.height, width: output.width };
    if features != wanted {
        problems.push(format!("the last layer: expected {wanted} as [output] says, got {features}"));
    }
    if manifest.condition.is_some()
        && !manifest.layers.iter().any(|layer| matches!(layer, Layer::Condition { .. }))
    {
        problems.push("[condition]: expected a layer of kind `condition` that uses it, got none".to_owned());
    }
    problems.extend(range_problem(manifest));
    problems
}

/// The features nearest to `got` that `layer` accepts.
fn wanted_by(layer: &Layer, got: Features) -> Features {
    match (layer, got) {
        (Layer::Linear { inputs, .. }, _) => Features::Flat(*inputs),
        (
            Layer::Conv { r#in, .. } | Layer::ConvTranspose { r#in, .. },
            Features::Map { height, width, .. },
        ) => Features::Map { channels: *r#in, height, width },
        (Layer::BatchNorm { channels, .. }, Features::Flat(_)) => Features::Flat(*channels),
        (Layer::BatchNorm { channels, .. }, Features::Map { height, width, .. }) => {
            Features::Map { channels: *channels, height, width }
        }
        (Layer::Reshape { shape }, _) => match shape[..] {
            [channels, height, width] => Features::Map { channels, height, width },
            [features] => Features::Flat(features),
            _ => got,
        },
        _ => got,
    }
}

fn number_problems(layer: &Layer) -> Vec<String> {
    let mut problems = Vec::new();
    match layer {
        Layer::BatchNorm { eps, .. } if !(eps.is_finite() && *eps >= 0.0) => {
            problems.push(format!("expected `eps` of 0 or above, got {eps}"));
        }
        Layer::LeakyRelu { slope } if !slope.is_finite() => {
            problems.push(format!("expected a finite `slope`, got {slope}"));
        }
        _ => {}
    }
    problems
}

/// A last layer that bounds its output must bound it to `output.range`.
fn range_problem(manifest: &Manifest) -> Option<String> {
    let shapes_only =
        |layer: &&Layer| !matches!(layer, Layer::Reshape { .. } | Layer::UpsampleNearest { .. });
    let expected = match manifest.layers.iter().rev().find(shapes_only)? {
        Layer::Tanh {} => [-1.0, 1.0],
        Layer::Sigmoid {} => [0.0, 1.0],
        _ => return None,
    };
    let got = manifest.output.range;
    (got != expected)
        .then(|| format!("`output.range`: expected {expected:?} as the last layer gives, got {got:?}"))
}

/// Takes each layer's tensors out of `state_dict` and puts them on `device`.
pub(super) fn build(
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    from_layers(&manifest.layers, manifest, state_dict, device)
}

/// As [`build`] with other layers than the manifest's, which fit its latent and its output.
pub(super) fn from_layers(
    layers: &[Layer],
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    let classes = manifest.classes().unwrap_or(0);
    let mut loader = LayerLoader { state_dict, device, parameters: 0 };
    let steps = layers.iter().map(|layer| loader.step(layer, classes)).collect::<Result<_, _>>()?;
    Ok(Box::new(Sequential { steps, parameters: loader.parameters }))
}

struct LayerLoader<'a> {
    state_dict: &'a mut StateDict,
    device: &'a Device,
    parameters: usize,
}

impl LayerLoader<'_> {
    fn step(&mut self, layer: &Layer, classes: usize) -> Result<Step, WeightsError> {
        Ok(match *layer {
            Layer::Linear { ref key, inputs, outputs, bias } => Step::Linear {
                // PyTorch stores (outputs, inputs).
                weight: self.parameter(key, "weight", [outputs, inputs])?.transpose(),
                bias: self.bias(bias, key, outputs)?,
            },
            Layer::Conv { ref key, r#in, out, kernel, stride, padding, bias } => Step::Conv {
                weight: self.parameter(key, "weight", [out, r#in, kernel, kernel])?,
                bias: self.bias(bias, key, out)?,
                stride,
                padding,
            },
            Layer::ConvTranspose { ref key, r#in, out, kernel, stride, padding, output_padding, bias } => {
                Step::ConvTranspose {
                    weight: self.parameter(key, "weight", [r#in, out, kernel, kernel])?,
                    bias: self.bias(bias, key, out)?,
                    stride,
                    padding,
                    output_padding,
                }
            }
            Layer::BatchNorm { ref key, channels, eps } => self.batch_norm(key, channels, eps)?,
            Layer::Condition { ref key, dimension } => {
                Step::Condition { embedding: self.parameter(key, "weight", [classes, dimension])? }
            }
            Layer::LeakyRelu { slope } => Step::LeakyRelu { slope },
            Layer::Relu {} => Step::Relu,
            Layer::Tanh {} => Step::Tanh,
            Layer::Sigmoid {} => Step::Sigmoid,
            Layer::UpsampleNearest { factor } => Step::UpsampleNearest { factor },
            // The manifest's check allows one or three extents.
            Layer::Reshape { ref shape } => Step::Reshape {
                features: match shape[..] {
                    [channels, height, width] => Features::Map { channels, height, width },
                    _ => Features::Flat(shape.iter().product()),
                },
            },
        })
    }

    fn parameter<const R: usize>(
        &mut self,
        key: &str,
        part: &str,
        shape: [usize; R],
    ) -> Result<Tensor<R>, WeightsError> {
        let values = self.state_dict.take(&format!("{key}.{part}"), &shape)?;
        self.parameters += values.len();
        Ok(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    fn bias(&mut self, present: bool, key: &str, outputs: usize) -> Result<Option<Tensor<1>>, WeightsError> {
        present.then(|| self.parameter(key, "bias", [outputs])).transpose()
    }

    /// (x - mean) / sqrt(variance + eps) * weight + bias as scale * x + shift, worked out in f64.
    fn batch_norm(&mut self, key: &str, channels: usize, eps: f64) -> Result<Step, WeightsError> {
        let mut part = |part: &str| self.state_dict.take(&format!("{key}.{part}"), &[channels]);
        let (weight, bias) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let count = variance.iter().filter(|variance| f64::from(**variance) + eps <= 0.0).count();
        if count > 0 {
            let (path, key) = (self.state_dict.path().to_owned(), format!("{key}.running_var"));
            return Err(WeightsError::Values { path, key, count, problem: "give no standard deviation" });
        }
        self.parameters += weight.len() + bias.len();
        let scale = |c: usize| f64::from(weight[c]) / (f64::from(variance[c]) + eps).sqrt();
        let shift = |c: usize| f64::from(bias[c]) - f64::from(mean[c]) * scale(c);
        let per_channel = |value: &dyn Fn(usize) -> f64| {
            let values: Vec<f32> = (0..channels).map(|c| value(c) as f32).collect();
            Tensor::from_data(TensorData::new(values, [channels]), self.device)
        };
        Ok(Step::ScaleAndShift { scale: per_channel(&scale), shift: per_channel(&shift) })
    }
}

impl Architecture for Sequential {
    fn raw_image_from_latent(&self, z: Tensor<2>, condition: Option<Tensor<1, Int>>) -> Tensor<4> {
        let mut now = Activations::Flat(z);
        let mut steps = self.steps.iter().peekable();
        while let Some(step) = steps.next() {
            now = match step {
                Step::ScaleAndShift { scale, shift } => {
                    // A ReLU after it is the same pass over the map.
                    let relu = steps.next_if(|next| matches!(next, Step::Relu)).is_some();
                    now.scaled_and_shifted(scale.clone(), shift.clone(), relu)
                }
                step => step.forward(now, condition.as_ref()),
            };
        }
        now.into_map()
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    fn first_layer(&self) -> Option<Tensor<2>> {
        // Values of a class embedding, which follow those of z.
        let mut embedded = 0;
        for step in &self.steps {
            match step {
                Step::Condition { embedding } => embedded += embedding.dims()[1],
                Step::Reshape { features: Features::Flat(_) | Features::Map { height: 1, width: 1, .. } } => {
                }
                Step::Linear { weight, .. } => {
                    let [inputs, outputs] = weight.dims();
                    return Some(weight.clone().slice([0..inputs - embedded, 0..outputs]));
                }
                Step::ConvTranspose { weight, padding, output_padding, .. } => {
                    // On a map of one pixel the kernel is what comes out, without what padding cuts off.
                    let [inputs, outputs, kernel, _] = weight.dims();
                    let kept = *padding..kernel.min((kernel + output_padding).saturating_sub(*padding));
                    let features = outputs * kept.len() * kept.len();
                    let kernels =
                        weight.clone().slice([0..inputs - embedded, 0..outputs, kept.clone(), kept]);
                    return Some(kernels.reshape([inputs - embedded, features]));
                }
                _ => return None,
            }
        }
        None
    }

    fn cost(&self, [batch, dimension]: [usize; 2]) -> Cost {
        let mut total = Cost::default();
        let mut features = Features::Flat(dimension);
        for step in &self.steps {
            let (next, cost) = step.cost(batch, features);
            features = next;
            total += cost;
        }
        total
    }
}

impl Step {
    fn forward(&self, now: Activations, condition: Option<&Tensor<1, Int>>) -> Activations {
        use Activations::{Flat, Map};
        match self {
            Self::Linear { weight, bias } => {
                Flat(operations::linear(now.into_flat(), weight.clone(), bias.clone()))
            }
            Self::Conv { weight, bias, stride, padding } => {
                Map(operations::conv(now.into_map(), weight.clone(), bias.clone(), *stride, *padding))
            }
            Self::ConvTranspose { weight, bias, stride, padding, output_padding } => {
                let (weight, bias) = (weight.clone(), bias.clone());
                let map = now.into_map();
                Map(operations::conv_transpose(map, weight, bias, *stride, *padding, *output_padding))
            }
            Self::ScaleAndShift { scale, shift } => {
                now.scaled_and_shifted(scale.clone(), shift.clone(), false)
            }
            Self::Condition { embedding } => match condition {
                Some(condition) => {
                    let (features, condition) = (now.into_flat(), condition.clone());
                    Flat(operations::concatenate_embedding(features, embedding.clone(), condition))
                }
                None => now,
            },
            Self::LeakyRelu { slope } => match now {
                Flat(features) => Flat(activation::leaky_relu(features, *slope)),
                Map(map) => Map(activation::leaky_relu(map, *slope)),
            },
            Self::Relu => match now {
                Flat(features) => Flat(activation::relu(features)),
                Map(map) => Map(activation::relu(map)),
            },
            Self::Tanh => match now {
                Flat(features) => Flat(features.tanh()),
                Map(map) => Map(map.tanh()),
            },
            Self::Sigmoid => match now {
                Flat(features) => Flat(activation::sigmoid(features)),
                Map(map) => Map(activation::sigmoid(map)),
            },
            Self::UpsampleNearest { factor } => Map(operations::upsample_nearest(now.into_map(), *factor)),
            Self::Reshape { features } => now.reshaped(*features),
        }
    }

    /// The features after this step, and what it costs for B images with features `now`.
    fn cost(&self, batch: usize, now: Features) -> (Features, Cost) {
        let (x, side) = (batch * now.size(), now.sides());
        // An activation or a reshape keeps the number of values; per value it takes some operations.
        let element_wise = |operations| (now, Cost::element_wise(operations, x, 2));
        match self {
            Self::Linear { weight, bias } => {
                let [inputs, outputs] = weight.dims();
                let bias = Cost::new(bias.as_ref().map_or(0, |_| batch * outputs), 0);
                (Features::Flat(outputs), Cost::matrix_products(1, batch, inputs, outputs) + bias)
            }
            Self::Conv { weight, bias, stride, padding } => {
                let [channels, channels_in, kernel, _] = weight.dims();
                let [height, width] = side.map(|side| (side + 2 * padding - kernel) / stride + 1);
                let next = Features::Map { channels, height, width };
                let y = batch * next.size();
                let window = 2 * channels_in * kernel * kernel + usize::from(bias.is_some());
                (next, Cost::new(window * y, x + weight.shape().num_elements() + y))
            }
            Self::ConvTranspose { weight, bias, stride, padding, output_padding } => {
                let [_, channels, kernel, _] = weight.dims();
                let [height, width] =
                    side.map(|side| (side - 1) * stride + kernel + output_padding - 2 * padding);
                let next = Features::Map { channels, height, width };
                let y = batch * next.size();
                let operations = 2 * x * channels * kernel * kernel + bias.as_ref().map_or(0, |_| y);
                (next, Cost::new(operations, x + weight.shape().num_elements() + y))
            }
            Self::ScaleAndShift { .. } => element_wise(2),
            Self::Condition { embedding } => {
                let added = embedding.dims()[1];
                let next = Features::Flat(now.size() + added);
                (next, Cost::new(0, x + batch * added + batch * next.size()))
            }
            Self::LeakyRelu { .. } => element_wise(2),
            Self::Relu | Self::Tanh => element_wise(1),
            Self::Sigmoid => element_wise(3),
            Self::UpsampleNearest { factor } => {
                let [height, width] = side.map(|side| side * factor);
                let next = match now {
                    Features::Map { channels, .. } => Features::Map { channels, height, width },
                    Features::Flat(channels) => Features::Map { channels, height, width },
                };
                (next, Cost::new(0, x + batch * next.size()))
            }
            Self::Reshape { features } => (*features, Cost::default()),
        }
    }
}
