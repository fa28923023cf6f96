//! Learning rate over steps.

/// Linear warm-up, then half a cosine from `peak` to `final_share` of it (Loshchilov and Hutter 2017, equation 5,
/// without restarts, <https://arxiv.org/abs/1608.03983>); with a share of 1 the rate stays at the peak.
///
/// `step` counts from 0; the peak is reached after `warmup_steps`.
#[must_use]
pub fn warmup_cosine(step: u64, steps: u64, warmup_steps: u64, peak: f64, final_share: f64) -> f64 {
    if step < warmup_steps {
        return peak * (step + 1) as f64 / warmup_steps as f64;
    }
    let done = (step - warmup_steps) as f64 / (steps.saturating_sub(warmup_steps)).max(1) as f64;
    let cosine = 0.5 * peak * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos());
    cosine + final_share * (peak - cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(final_share: f64) -> Vec<f64> {
        (0..=400).map(|step| warmup_cosine(step, 400, 50, 3.0, final_share)).collect()
    }

    #[test]
    fn rises_to_the_peak_and_falls_to_zero() {
        let rates = rates(0.0);
        assert!((rates[0] - 3.0 / 50.0).abs() < 1e-12);
        assert!((rates[49] - 3.0).abs() < 1e-12 && (rates[50] - 3.0).abs() < 1e-12);
        assert!((rates[225] - 1.5).abs() < 1e-12, "halfway through the cosine");
        assert!(rates[50..].windows(2).all(|pair| pair[1] <= pair[0]) && rates[399] < 1e-3);
    }

    #[test]
    fn falls_to_a_share_of_the_peak_or_stays_there() {
        let to_a_tenth = rates(0.1);
        assert!((to_a_tenth[49] - 3.0).abs() < 1e-12 && (to_a_tenth[400] - 0.3).abs() < 1e-12);
        assert!((to_a_tenth[225] - 1.65).abs() < 1e-12);
        assert!(rates(1.0)[50..].iter().all(|rate| (rate - 3.0).abs() < 1e-12), "constant after warm-up");
    }

    #[test]
    fn needs_no_warmup_and_no_steps() {
        assert!((warmup_cosine(0, 10, 0, 1.0, 0.0) - 1.0).abs() < 1e-12);
        assert!(warmup_cosine(5, 5, 5, 1.0, 0.0).is_finite());
    }
}
