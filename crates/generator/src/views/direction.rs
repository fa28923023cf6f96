//! Directions without preference.

use zview_runtime::seed::Stream;

/// Fills `direction` (D) with a point uniform on the unit sphere.
pub(super) fn fill_uniform(stream: &mut Stream, direction: &mut [f32]) {
    direction.fill_with(|| stream.normal());
    let norm = direction.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    for value in direction {
        *value = (f64::from(*value) / norm.max(f64::MIN_POSITIVE)) as f32;
    }
}
