//! In what the activations of an encoder are kept.

use burn::tensor::DType;
use serde::{Deserialize, Serialize};
use zview_runtime::device::ChosenDevice;

/// Precision of the encoder's activations on a GPU. Weights, sums, statistics, features, loss and gradients of
/// weights have 32 bits in either; so has everything on the CPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, which halves memory and traffic, with a scaled loss.
    F16,
}

/// The device does not have the precision that a recipe asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "train.precision = \"f16\" needs a GPU that computes in f16, and {device} does not (`zview devices` says which \
     do); set it to \"f32\""
)]
pub struct NoHalfPrecision {
    device: String,
}

impl Precision {
    /// Checks that `device` has this precision.
    ///
    /// # Errors
    /// [`NoHalfPrecision`] where it has not.
    pub fn check(self, device: &ChosenDevice) -> Result<(), NoHalfPrecision> {
        let has_half = device.adapter.as_ref().is_some_and(|adapter| adapter.f16)
            && device.device.supports_dtype(DType::F16);
        if self == Self::F16 && !has_half {
            return Err(NoHalfPrecision { device: device.name.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use zview_runtime::device::cpu;

    use super::*;

    #[test]
    fn the_cpu_has_32_bits_only() {
        assert_eq!(Precision::F32.check(&cpu("for a test")), Ok(()));
        let error = Precision::F16.check(&cpu("for a test")).unwrap_err().to_string();
        assert!(error.contains("train.precision") && error.contains("f32"), "{error}");
    }
}
