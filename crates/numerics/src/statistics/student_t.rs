//! Mean and t-interval over seeds or draws, and Student's t-distribution.

use super::Interval;

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

/// The probability that Student's t with `degrees` of freedom is below `t`.
///
/// Source: Abramowitz and Stegun, 26.5.27: 1 - I_x(degrees / 2, 1 / 2) / 2 for t >= 0, where
/// x = degrees / (degrees + t^2).
#[must_use]
pub fn student_t_cdf(t: f64, degrees: f64) -> f64 {
    let upper_tail = 0.5 * incomplete_beta(degrees / (degrees + t * t), 0.5 * degrees, 0.5);
    if t < 0.0 { upper_tail } else { 1.0 - upper_tail }
}

/// The t below which Student's t with `degrees` of freedom lies with `probability` (0 to 1, both
/// excluded; NaN otherwise).
#[must_use]
pub fn student_t_quantile(probability: f64, degrees: f64) -> f64 {
    if !(probability > 0.0 && probability < 1.0 && degrees > 0.0) {
        return f64::NAN;
    }
    if probability < 0.5 {
        return -student_t_quantile(1.0 - probability, degrees);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while student_t_cdf(high, degrees) < probability && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if student_t_cdf(middle, degrees) < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and
/// Stegun 26.5.8) in Lentz's form.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        // The fraction converges quickly on the other side.
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let factor = (a * x.ln() + b * (1.0 - x).ln() + log_gamma(a + b) - log_gamma(a) - log_gamma(b)).exp() / a;
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in (1..500).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for coefficient in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + coefficient * d);
            c = away_from_zero(1.0 + coefficient / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() < 1e-15 * fraction.abs() {
            break;
        }
    }
    factor * fraction
}

/// ln Gamma(x) for x > 0: Stirling's series after shifting x beyond 10.
fn log_gamma(x: f64) -> f64 {
    let (mut shifted, mut correction) = (x, 0.0);
    while shifted < 10.0 {
        correction -= shifted.ln();
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    correction + (shifted - 0.5) * shifted.ln() - shifted + 0.5 * std::f64::consts::TAU.ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_published_tables() {
        for (probability, degrees, expected) in [
            (0.975, 1.0, 12.706_204_74),
            (0.975, 2.0, 4.302_652_73),
            (0.975, 4.0, 2.776_445_11),
            (0.995, 9.0, 3.249_835_54),
            (0.95, 30.0, 1.697_260_89),
            (0.975, 1e7, 1.959_964),
            (0.025, 4.0, -2.776_445_11),
        ] {
            let quantile = student_t_quantile(probability, degrees);
            assert!((quantile - expected).abs() < 1e-6, "{probability} {degrees}: {quantile}");
        }
        assert!(student_t_quantile(1.0, 3.0).is_nan());
        assert!((student_t_cdf(1.0, 1.0) - 0.75).abs() < 1e-12);
    }

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
