//! The layers of a generator in training: DCGAN's (Radford et al. 2016, <https://arxiv.org/abs/1511.06434>)
//! at any size that doubles up from 4 to 8 pixels.

use zview_data::ImageShape;
use zview_network::StateError;
use zview_runtime::seed::Stream;

use super::config::GeneratorConfig;
use super::method::{Design, Setting};
use crate::architectures::{ArchitectureKind, Sequential};
use crate::layers::{BatchNorm, Condition, Conv, ConvTranspose, Layer, Linear, PadMode, Relu, Reshape};
use crate::manifest::{Latent, NoOptions, Options};

/// The side in pixels (4 to 8) that doubles up to `side`, and how often; `None` where none does.
pub(super) fn start_size(side: usize) -> Option<(usize, usize)> {
    let doublings = (1..=6).find(|doublings| {
        let start = side >> doublings;
        (4..=8).contains(&start) && start << doublings == side
    })?;
    Some((side >> doublings, doublings))
}

impl Design {
    /// The layer list that GANs and VAEs train, whose layer `end` bounds the output to `range`.
    pub(super) fn layer_list(setting: &Setting<'_>, end: Layer, range: [f32; 2]) -> Self {
        let config = &setting.training.generator;
        Self {
            architecture: ArchitectureKind::Sequential,
            options: Options::Sequential(NoOptions {}),
            latent: Latent::normal(config.latent_dimension),
            range,
            layers: generator_layers(config, setting.classes.is_some(), setting.shape, end),
        }
    }

    /// The layers with fresh weights.
    ///
    /// # Errors
    /// [`StateError::Weights`] for a layer that cannot be trained.
    pub(super) fn network(
        &self,
        setting: &Setting<'_>,
        random: &mut Stream,
    ) -> Result<Sequential, StateError> {
        let (dimension, classes) = (self.latent.dimension, setting.classes.unwrap_or(0));
        Ok(Sequential::fresh(&self.layers, dimension, classes, random, setting.device)?)
    }
}

/// z (and the class's embedding) to images: linear, then a transposed convolution per doubling, each with batch
/// normalisation and ReLU, and a convolution at full size. `end` bounds the output.
fn generator_layers(
    config: &GeneratorConfig,
    conditional: bool,
    shape: ImageShape,
    end: Layer,
) -> Vec<Layer> {
    let (start, doublings) = start_size(shape.height).unwrap_or((4, 1));
    let mut layers = Vec::new();
    let mut inputs = config.latent_dimension;
    if conditional {
        layers.push(Layer::Condition(Condition::embedding("condition".to_owned(), config.class_dimension)));
        inputs += config.class_dimension;
    }
    let width = config.width;
    layers.push(Layer::Linear(Linear {
        key: "project".to_owned(),
        inputs,
        outputs: width * start * start,
        bias: false,
    }));
    layers.push(Layer::Reshape(Reshape { shape: vec![width, start, start] }));
    layers.extend(norm_and_relu("project", width));
    let mut channels = width;
    for doubling in 1..=doublings {
        let out = if doubling == doublings { width.div_ceil(4) } else { width };
        let key = format!("up{doubling}");
        layers.push(Layer::ConvTranspose(ConvTranspose {
            key: key.clone(),
            r#in: channels,
            out,
            kernel: 4,
            stride: 2,
            padding: 1,
            output_padding: 0,
            dilation: 1,
            groups: 1,
            bias: false,
        }));
        layers.extend(norm_and_relu(&key, out));
        channels = out;
    }
    layers.push(Layer::Conv(Conv {
        key: "image".to_owned(),
        r#in: channels,
        out: shape.channels,
        kernel: 3,
        stride: 1,
        padding: 1,
        padding_mode: PadMode::Zeros,
        dilation: 1,
        groups: 1,
        bias: true,
    }));
    layers.push(end);
    layers
}

fn norm_and_relu(key: &str, channels: usize) -> [Layer; 2] {
    [Layer::BatchNorm(BatchNorm::new(format!("{key}_norm"), channels)), Layer::Relu(Relu {})]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Tanh;
    use crate::manifest::Features;

    #[test]
    fn every_allowed_size_comes_out() {
        assert_eq!(start_size(28), Some((7, 2)));
        assert_eq!(start_size(32), Some((8, 2)));
        assert_eq!(start_size(96), Some((6, 4)));
        assert_eq!([27, 3, 4, 30, 1024].map(start_size), [None; 5]);
        for side in [8, 28, 32, 64, 96, 224] {
            let shape = ImageShape { channels: 3, height: side, width: side };
            let config = GeneratorConfig::default();
            let layers = generator_layers(&config, true, shape, Layer::Tanh(Tanh {}));
            let features = layers
                .iter()
                .try_fold(Features::Flat(64), |features, layer| features.through(layer, Some(10)));
            assert_eq!(features, Ok(Features::Map { channels: 3, height: side, width: side }));
        }
    }
}
