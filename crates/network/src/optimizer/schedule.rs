//! Learning rate over steps.

/// Linear warm-up, then half a cosine to zero (Loshchilov and Hutter 2017, equation 5, without restarts).
///
/// `step` counts from 0; the peak is reached after `warmup_steps`.
#[must_use]
pub fn warmup_cosine(step: u64, steps: u64, warmup_steps: u64, peak: f64) -> f64 {
    if step < warmup_steps {
        return peak * (step + 1) as f64 / warmup_steps as f64;
    }
    let done = (step - warmup_steps) as f64 / (steps.saturating_sub(warmup_steps)).max(1) as f64;
    0.5 * peak * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_the_peak_and_falls_to_zero() {
        let rates: Vec<f64> = (0..400).map(|step| warmup_cosine(step, 400, 50, 3.0)).collect();
        assert!((rates[0] - 3.0 / 50.0).abs() < 1e-12);
        assert!((rates[49] - 3.0).abs() < 1e-12 && (rates[50] - 3.0).abs() < 1e-12);
        assert!((rates[225] - 1.5).abs() < 1e-12, "halfway through the cosine");
        assert!(rates[50..].windows(2).all(|pair| pair[1] <= pair[0]) && rates[399] < 1e-3);
    }

    #[test]
    fn needs_no_warmup_and_no_steps() {
        assert!((warmup_cosine(0, 10, 0, 1.0) - 1.0).abs() < 1e-12);
        assert!(warmup_cosine(5, 5, 5, 1.0).is_finite());
    }
}
