//! The latent spaces that views are drawn in, and coordinates in which they are alike.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use crate::{Generator, GeneratorError};

/// How many latents are mapped to find the mean and standard deviation of w.
const CALIBRATION_LATENTS: usize = 4_096;
/// How many are mapped at a time.
const CALIBRATION_BATCH: usize = 512;

/// Which of a generator's latent spaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentSpace {
    /// The space that latents are drawn from.
    #[default]
    Z,
    /// The intermediate space of a mapping network (StyleGAN, <https://arxiv.org/abs/1812.04948>).
    W,
}

impl LatentSpace {
    /// The name in a recipe and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Z => "z",
            Self::W => "w",
        }
    }
}

/// Coordinates of a latent space in which every dimension has mean 0 and standard deviation 1. In z they are those of
/// the prior ([`crate::prior`]): the latent's own where it is normal.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitCoordinates {
    /// Mean and standard deviation of each dimension; `None` in z.
    moments: Option<Vec<(f32, f32)>>,
}

impl UnitCoordinates {
    /// Those of z.
    #[must_use]
    pub fn of_z() -> Self {
        Self { moments: None }
    }

    /// Those of w, from 4,096 latents truncated at `truncation` that depend on nothing else: every run has the same.
    ///
    /// # Errors
    /// [`GeneratorError::NoIntermediateSpace`]; [`GeneratorError::Device`] where the device cannot be read.
    pub fn of_w(generator: &Generator, truncation: f32) -> Result<Self, GeneratorError> {
        let dimension = generator.space_dimension(LatentSpace::W)?;
        let (mut sums, mut squares) = (vec![0.0f64; dimension], vec![0.0f64; dimension]);
        for first in (0..CALIBRATION_LATENTS).step_by(CALIBRATION_BATCH) {
            let z: Vec<f32> = (first..first + CALIBRATION_BATCH)
                .flat_map(|latent| {
                    let mut stream = Stream::new(0, Purpose::Calibration, 0, latent as u64);
                    generator.prior().draw_z(&mut stream, truncation)
                })
                .collect();
            for w in w_from_z(generator, z)?.chunks_exact(dimension) {
                for (d, value) in w.iter().enumerate() {
                    sums[d] += f64::from(*value);
                    squares[d] += f64::from(*value).powi(2);
                }
            }
        }
        let count = CALIBRATION_LATENTS as f64;
        let moments = sums.iter().zip(&squares).map(|(sum, square)| {
            let mean = sum / count;
            let std = (square / count - mean * mean).max(0.0).sqrt();
            // A dimension that never changes is left as it is, and no step changes it.
            (mean as f32, std as f32)
        });
        Ok(Self { moments: Some(moments.collect()) })
    }

    /// The number of dimensions, where it is not that of z.
    #[must_use]
    pub fn dimension(&self) -> Option<usize> {
        self.moments.as_ref().map(Vec::len)
    }

    /// The standard deviation of dimension `d`.
    #[must_use]
    pub fn std(&self, d: usize) -> f32 {
        self.moments.as_ref().map_or(1.0, |moments| moments[d].1)
    }

    /// A latent (D) to these coordinates, in place.
    pub(super) fn standardise(&self, latent: &mut [f32]) {
        for (value, (mean, std)) in latent.iter_mut().zip(self.moments.iter().flatten()) {
            *value = if *std > 0.0 { (*value - mean) / std } else { 0.0 };
        }
    }

    /// A latent (D) from these coordinates, in place.
    pub(super) fn unstandardise(&self, latent: &mut [f32]) {
        for (value, (mean, std)) in latent.iter_mut().zip(self.moments.iter().flatten()) {
            *value = mean + std * *value;
        }
    }
}

/// Latents z (N, D) on the host to w (N, W) on the host.
pub(super) fn w_from_z(generator: &Generator, z: Vec<f32>) -> Result<Vec<f32>, GeneratorError> {
    let rows = z.len() / generator.latent_dimension();
    let z = Tensor::from_data(TensorData::new(z, [rows, generator.latent_dimension()]), generator.device());
    let w = generator.w_from_z(z)?;
    read_floats(w).map_err(|error| GeneratorError::Device {
        name: generator.name().to_owned(),
        reason: error.to_string(),
    })
}
