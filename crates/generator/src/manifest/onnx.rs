//! The section `[onnx]`: which inputs of an ONNX file mean what.

use serde::{Deserialize, Serialize};

/// Names within an ONNX file, where they are not clear from their number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnnxInputs {
    /// The input for latents; needed only where there are several beside `class`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latent: Option<String>,
    /// The input for classes; needed for a conditional generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How a class is given.
    pub class_as: ClassEncoding,
    /// The output that holds images; needed only where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// How a class is given to a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassEncoding {
    /// Its number, an integer: (B).
    #[default]
    Index,
    /// 1 at its number and 0 elsewhere: (B, classes).
    OneHot,
}
