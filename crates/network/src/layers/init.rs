//! Initial weights of convolutions.

use serde::{Deserialize, Serialize};

/// How convolutions are initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Uniform in ±1/sqrt(inputs of a unit): what PyTorch's layers do when nobody says otherwise.
    Uniform,
    /// Normal with variance 2 / (outputs of a unit): what torchvision's ResNets do (He et al. 2015).
    HeNormal,
}
