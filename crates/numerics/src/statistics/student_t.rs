//! Student's t-distribution.

use statrs::function::beta::checked_beta_reg;

/// The probability that Student's t with `degrees` of freedom is below `t`; NaN where `degrees` is not above 0.
#[must_use]
pub fn student_t_cdf(t: f64, degrees: f64) -> f64 {
    let upper_tail = upper_tail(t, degrees);
    if t < 0.0 { upper_tail } else { 1.0 - upper_tail }
}

/// The t below which Student's t with `degrees` of freedom lies with `probability` (0 to 1, both
/// excluded; NaN otherwise).
///
/// By bisection: the library's own quantiles are wrong in the tails of few degrees of freedom.
#[must_use]
pub fn student_t_quantile(probability: f64, degrees: f64) -> f64 {
    if !(probability > 0.0 && probability < 1.0 && degrees > 0.0 && degrees.is_finite()) {
        return f64::NAN;
    }
    // The smaller tail has all its digits.
    let tail = probability.min(1.0 - probability);
    let (mut low, mut high) = (0.0, 1.0);
    while upper_tail(high, degrees) > tail && high < 1e300 {
        high *= 2.0;
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return if probability < 0.5 { -middle } else { middle };
        }
        if upper_tail(middle, degrees) > tail { low = middle } else { high = middle }
    }
}

/// The probability that Student's t is beyond |t|.
///
/// Source: Abramowitz and Stegun, 26.5.27: I_x(degrees / 2, 1 / 2) / 2 where x = degrees / (degrees + t^2). Near the
/// middle, where x is almost 1, it is computed from 1 - x, which keeps the digits of t.
fn upper_tail(t: f64, degrees: f64) -> f64 {
    let (square, sum) = (t * t, degrees + t * t);
    let beta = |a, b, x| checked_beta_reg(a, b, x).unwrap_or(f64::NAN);
    if square / sum < 3.0 / (degrees + 5.0) {
        0.5 - 0.5 * beta(0.5, 0.5 * degrees, square / sum)
    } else {
        0.5 * beta(0.5 * degrees, 0.5, degrees / sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Case {
        degrees: f64,
        t: f64,
        cdf: f64,
        probability: f64,
        quantile: f64,
    }

    /// `scripts/golden_student_t.py`, which computes with 50 digits.
    #[test]
    fn is_the_reference_into_the_tails() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/golden/student_t.json")).unwrap();
        assert!(cases.len() > 100);
        for Case { degrees, t, cdf, probability, quantile } in cases {
            let got = student_t_cdf(t, degrees);
            assert!((got / cdf - 1.0).abs() < 4e-12, "{degrees} {t}: {got} against {cdf}");
            let got = student_t_quantile(probability, degrees);
            assert!(
                (got / quantile - 1.0).abs() < 4e-12,
                "{degrees} {probability}: {got} against {quantile}"
            );
        }
    }

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
        assert!((student_t_cdf(1.0, 1.0) - 0.75).abs() < 1e-15 && student_t_cdf(0.0, 4.0) == 0.5);
        assert!(student_t_cdf(1.0, -1.0).is_nan() && student_t_cdf(f64::NAN, 2.0).is_nan());
        assert!(
            student_t_quantile(0.3, f64::NAN).is_nan() && student_t_quantile(0.3, f64::INFINITY).is_nan()
        );
        assert_eq!(student_t_quantile(0.5, 7.0), 0.0);
    }
}
