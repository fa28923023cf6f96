//! One comparison of the device with the CPU.

use std::sync::LazyLock;

use serde::Serialize;
use zview_runtime::optional_shader_features;

/// What to do about a device that computes wrongly.
static REMEDY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "train with `--device cpu`, which always works, or try another driver or graphics interface \
         (`zview devices` lists them), and report this output; where only the step is wrong, the fault lies in the \
         recipe's own sizes, and another train.batch may not have it (check again); {}",
        remedy_by_build(&optional_shader_features())
    )
});

fn remedy_by_build(features: &[&str]) -> String {
    if features.is_empty() {
        return "the build has neither fusion nor autotune, so there is no feature to switch off".to_owned();
    }
    let named: Vec<String> = features.iter().map(|name| format!("`{name}`")).collect();
    format!("rebuild without {}, under which some drivers are known to compute wrongly", named.join(", "))
}

/// Errors are measured against this where everything on the CPU is smaller.
const SMALLEST_SCALE: f64 = 1e-6;

/// Whether something agrees with the CPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The operation, or the part of a training step.
    pub name: String,
    /// What of it differs most, such as `gradient of weight`.
    pub what: String,
    /// The largest difference relative to the CPU's largest value; infinite (`null` in JSON) where the device
    /// gave something that is not a number.
    pub error: f64,
    /// The largest error that is only rounding.
    pub tolerance: f64,
    /// Whether the error is within the tolerance.
    pub holds: bool,
    /// What to do about it, where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
}

impl Check {
    /// The check of one error.
    pub(super) fn new(name: &str, what: &str, error: f64, tolerance: f64) -> Self {
        let holds = error <= tolerance;
        let remedy = (!holds).then(|| REMEDY.as_str());
        Self { name: name.to_owned(), what: what.to_owned(), error, tolerance, holds, remedy }
    }

    /// The error as a multiple of the tolerance.
    #[must_use]
    pub fn severity(&self) -> f64 {
        self.error / self.tolerance
    }

    /// One sentence on a check that does not hold.
    #[must_use]
    pub fn complaint(&self) -> String {
        format!(
            "{}, {}: the device differs from the CPU by a relative {:.1e}, where {:.0e} is allowed",
            self.name, self.what, self.error, self.tolerance
        )
    }
}

/// `max |cpu - device| / max |cpu|`; infinite where the two cannot be compared.
pub(super) fn relative_error(cpu: &[f32], device: &[f32]) -> f64 {
    let scale = cpu.iter().map(|value| f64::from(value.abs())).fold(SMALLEST_SCALE, f64::max);
    if cpu.len() != device.len() || cpu.iter().chain(device).any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    let differences = cpu.iter().zip(device).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    differences.fold(0.0, f64::max) / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_largest_value_and_never_lost() {
        assert!((relative_error(&[1.0, -4.0], &[1.0, -4.4]) - 0.1).abs() < 1e-6);
        assert!(relative_error(&[1.0, 2.0], &[f32::NAN, 2.0]).is_infinite());
        assert!(relative_error(&[1.0], &[1.0, 1.0]).is_infinite());
        assert!(!Check::new("relu", "result", f64::INFINITY, 1e-5).holds);
        assert!(!Check::new("relu", "result", f64::NAN, 1e-5).holds);
    }

    #[test]
    fn a_complaint_names_operation_part_error_and_tolerance() {
        let check = Check::new("conv2d 3x3", "gradient of weight", 1.3e-3, 1e-5);
        for words in ["conv2d 3x3", "gradient of weight", "1.3e-3", "1e-5"] {
            assert!(check.complaint().contains(words), "{}", check.complaint());
        }
        assert!(check.remedy.unwrap().contains("--device cpu"));
    }

    #[test]
    fn the_remedy_names_what_the_build_can_do_without() {
        assert!(remedy_by_build(&[]).contains("neither fusion nor autotune"));
        let remedy = remedy_by_build(&["vulkan", "fusion"]);
        assert!(remedy.starts_with("rebuild without `vulkan`, `fusion`,"), "{remedy}");
    }
}
