//! One part of a prior.

use super::normal::{phi, quantile};
use crate::manifest::{Distribution, LatentPart};

/// Standard deviations from the mean of a uniform distribution to its ends.
const UNIFORM_END: f64 = 1.732_050_807_568_877_2;

/// Values of z that are distributed alike.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Normal {
        dimension: usize,
        mean: f32,
        std: f32,
        bound: f32,
    },
    Uniform {
        dimension: usize,
        low: f64,
        high: f64,
    },
    /// Standard normal within -bound to bound; `below` is Phi(-bound).
    TruncatedNormal {
        dimension: usize,
        bound: f64,
        below: f64,
    },
    OneHot {
        dimension: usize,
    },
}

impl Part {
    pub(super) fn of(part: &LatentPart) -> Self {
        let (dimension, bound) = (part.dimension, part.truncation.unwrap_or(f32::INFINITY));
        match part.distribution {
            Distribution::Normal => {
                let (mean, std) = (part.mean.unwrap_or(0.0), part.std.unwrap_or(1.0));
                Self::Normal { dimension, mean, std, bound }
            }
            Distribution::Uniform => {
                let (low, high) = (part.low.unwrap_or(-1.0), part.high.unwrap_or(1.0));
                Self::Uniform { dimension, low: f64::from(low), high: f64::from(high) }
            }
            Distribution::TruncatedNormal => {
                let bound = f64::from(bound);
                Self::TruncatedNormal { dimension, bound, below: phi(-bound) }
            }
            Distribution::OneHot => Self::OneHot { dimension },
        }
    }

    pub(super) fn is_standard_normal(&self) -> bool {
        matches!(self, Self::Normal { mean, std, .. } if *mean == 0.0 && *std == 1.0)
    }

    pub(super) fn dimension(&self) -> usize {
        match self {
            Self::Normal { dimension, .. }
            | Self::Uniform { dimension, .. }
            | Self::TruncatedNormal { dimension, .. }
            | Self::OneHot { dimension } => *dimension,
        }
    }

    /// How many of its values have a coordinate.
    pub(super) fn coordinates(&self) -> usize {
        if matches!(self, Self::OneHot { .. }) { 0 } else { self.dimension() }
    }

    /// The bound of a coordinate with which z lies within `truncation` standard deviations of its mean (those of the
    /// whole normal for a truncated one).
    pub(super) fn coordinate_bound(&self, truncation: f32) -> f32 {
        let t = f64::from(truncation);
        match self {
            Self::Normal { bound, .. } => truncation.min(*bound),
            Self::Uniform { .. } if t < UNIFORM_END => quantile((1.0 + t / UNIFORM_END) / 2.0) as f32,
            Self::TruncatedNormal { bound, below, .. } if t < *bound => {
                quantile((phi(t) - below) / (1.0 - 2.0 * below)) as f32
            }
            _ => f32::INFINITY,
        }
    }

    /// z of the coordinate `x`.
    pub(super) fn value(&self, x: f32) -> f32 {
        match self {
            Self::Normal { mean, std, .. } => mean + std * x,
            Self::Uniform { low, high, .. } => {
                (low + (high - low) * phi(f64::from(x))).clamp(*low, *high) as f32
            }
            Self::TruncatedNormal { bound, below, .. } => {
                let share = below + (1.0 - 2.0 * below) * phi(f64::from(x));
                quantile(share).clamp(-bound, *bound) as f32
            }
            Self::OneHot { .. } => x,
        }
    }
}
