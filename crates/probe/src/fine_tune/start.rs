//! Where training starts from.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use zview_data::{ImageSet, ImageShape};
use zview_encoder::{Encoder, EncoderConfig, FrozenEncoder, load_encoder};
use zview_network::{Network, StateVisitor};
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use crate::ProbeError;
use zview_features::FeatureError;

/// Where training starts from.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// The encoder of a run folder or an encoder file, which is only read.
    Pretrained(&'a Path),
    /// This encoder, which stays as it is; training takes place on its device.
    Encoder(&'a FrozenEncoder),
    /// Random weights of this architecture: the baseline. [`EncoderConfig::weights`] has no part in it.
    Scratch(&'a EncoderConfig),
}

/// A start whose encoder was loaded and checked.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Pretrained(Box<FrozenEncoder>),
    Scratch(Box<EncoderConfig>),
}

impl Origin {
    /// Loads what `start` names, and checks that it fits `images`.
    pub(super) fn open(start: Start<'_>, images: &ImageSet, device: &Device) -> Result<Self, ProbeError> {
        let encoder = match start {
            Start::Scratch(config) => {
                let problems = config.problems();
                if !problems.is_empty() {
                    let (expected, got) = ("one that can be built", problems.join("; "));
                    return Err(ProbeError::Features(FeatureError::Setting {
                        key: "encoder",
                        expected,
                        got,
                    }));
                }
                return Ok(Self::Scratch(Box::new(config.clone())));
            }
            Start::Pretrained(path) => load_encoder(path, device)?,
            Start::Encoder(encoder) => encoder.clone(),
        };
        encoder.check_images(images.shape).map_err(|error| {
            ProbeError::Features(FeatureError::Images { set: images.name.clone(), problem: error.problem })
        })?;
        check_finite(encoder.encoder())?;
        Ok(Self::Pretrained(Box::new(encoder)))
    }

    /// What it is called in a result.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pretrained(_) => "pretrained",
            Self::Scratch(_) => "scratch",
        }
    }

    /// Where training takes place; `device` for random weights.
    pub(super) fn device(&self, device: &Device) -> Device {
        match self {
            Self::Pretrained(encoder) => encoder.device().clone(),
            Self::Scratch(_) => device.clone(),
        }
    }

    /// A copy to be trained; random weights depend on the seed alone.
    pub(super) fn encoder(
        &self,
        set: &str,
        images: ImageShape,
        seed: u64,
        device: &Device,
    ) -> Result<Encoder, ProbeError> {
        match self {
            Self::Pretrained(encoder) => Ok(encoder.encoder().clone()),
            Self::Scratch(config) => {
                let random = &mut Stream::new(seed, Purpose::Weights, 0, 0);
                Encoder::new(config, images, random, device).map_err(|error| {
                    ProbeError::Features(FeatureError::Images { set: set.to_owned(), problem: error.problem })
                })
            }
        }
    }

    /// SHA-256 of the pretrained encoder's tensors.
    pub(super) fn state_sha256(&self) -> Result<Option<String>, ProbeError> {
        match self {
            Self::Pretrained(encoder) => encoder
                .state_sha256()
                .map(Some)
                .map_err(|error| ProbeError::Features(FeatureError::State { message: error.to_string() })),
            Self::Scratch(_) => Ok(None),
        }
    }
}

/// Refuses an encoder with a weight or statistic that is not finite.
fn check_finite(encoder: &Encoder) -> Result<(), ProbeError> {
    struct Check(Result<(), ProbeError>);
    impl StateVisitor for Check {
        fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            if self.0.is_err() {
                return;
            }
            self.0 = match read_floats(tensor.clone()) {
                Err(source) => Err(ProbeError::Features(FeatureError::State { message: source.to_string() })),
                Ok(values) => match values.into_iter().find(|value| !value.is_finite()) {
                    Some(value) => Err(ProbeError::WeightNotFinite { tensor: name.to_owned(), value }),
                    None => Ok(()),
                },
            };
        }
        fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
            self.parameter(name, tensor);
        }
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut check = Check(Ok(()));
    encoder.clone().visit("", &mut check);
    check.0
}
