//! Mean and t-interval over seeds or draws.

use super::{Interval, student_t_quantile};

/// The mean of some values and its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanInterval {
    /// The mean; NaN of no values.
    pub mean: f64,
    /// Sample standard deviation (N - 1); `None` of fewer than two values.
    pub std: Option<f64>,
    /// mean +- t std / sqrt(N) with N - 1 degrees of freedom; `None` of fewer than two values.
    pub interval: Option<Interval>,
}

/// Mean, standard deviation and 95 % t-interval of `values` (one per seed or draw).
///
/// For a paired comparison of two arms give it the differences, seed by seed.
#[must_use]
pub fn mean_interval(values: &[f64]) -> MeanInterval {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return MeanInterval { mean, std: None, interval: None };
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let half_width = student_t_quantile(0.975, count - 1.0) * (variance / count).sqrt();
    MeanInterval {
        mean,
        std: Some(variance.sqrt()),
        interval: Some(Interval { low: mean - half_width, high: mean + half_width }),
    }
}

/// The middle value, or the mean of the middle two; 0 of no values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// mean(first) - mean(second) and its 95 % t-interval, without taking their variances for equal; no interval where
/// either has fewer than two values.
///
/// Source: Welch, Biometrika 34 (1947).
#[must_use]
pub fn welch_interval(first: &[f64], second: &[f64]) -> MeanInterval {
    let (a, b) = (mean_interval(first), mean_interval(second));
    let mean = a.mean - b.mean;
    let Some((a_std, b_std)) = a.std.zip(b.std) else {
        return MeanInterval { mean, std: None, interval: None };
    };
    let parts =
        [(a_std, first.len() as f64), (b_std, second.len() as f64)].map(|(std, n)| (std * std / n, n - 1.0));
    let variance: f64 = parts.iter().map(|(part, _)| part).sum();
    let uncertain: f64 = parts.iter().map(|(part, degrees)| part * part / degrees).sum();
    let degrees = if uncertain > 0.0 { variance * variance / uncertain } else { 1.0 };
    let half_width = student_t_quantile(0.975, degrees) * variance.sqrt();
    let interval = Some(Interval { low: mean - half_width, high: mean + half_width });
    MeanInterval { mean, std: Some(variance.sqrt()), interval }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn welch_agrees_with_scipy() {
        // scipy.stats.ttest_ind([0.9, 0.92, 0.97], [0.8, 0.85], equal_var=False).confidence_interval()
        let difference = welch_interval(&[0.9, 0.92, 0.97], &[0.8, 0.85]);
        let interval = difference.interval.unwrap();
        assert!((difference.mean - 0.105).abs() < 1e-12, "{difference:?}");
        assert!(
            (interval.low - (-0.018354544)).abs() < 1e-7 && (interval.high - 0.228354544).abs() < 1e-7,
            "{interval:?}"
        );
        assert!(welch_interval(&[0.5], &[0.4, 0.5]).interval.is_none());
    }

    #[test]
    fn an_interval_by_hand() {
        // Mean 2, standard deviation 1, N = 3: half width 4.302652 / sqrt(3).
        let summary = mean_interval(&[1.0, 2.0, 3.0]);
        let interval = summary.interval.unwrap();
        assert_eq!((summary.mean, summary.std), (2.0, Some(1.0)));
        assert!((interval.high - 2.0 - 2.484_137).abs() < 1e-5 && (interval.low + 0.484_137).abs() < 1e-5);
        assert_eq!(mean_interval(&[0.5]), MeanInterval { mean: 0.5, std: None, interval: None });
        assert!(mean_interval(&[]).mean.is_nan());
    }
}
