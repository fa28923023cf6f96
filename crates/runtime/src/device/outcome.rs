//! Whether a device was compared with the CPU before it computed.

use serde::Serialize;

/// What is known of a device's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelfcheckOutcome {
    /// It is the CPU, which the others are compared with.
    Reference,
    /// It agreed with the CPU just now.
    Passed,
    /// It agreed with the CPU earlier: same driver, build and shapes.
    PassedEarlier,
    /// It did not agree, and was used because that was asked for.
    Failed,
    /// It was not compared.
    Skipped,
}
