//! The interval of a ratio of two means that were measured on the same seeds.

use super::{Interval, student_t_quantile};

/// mean(numerators) / mean(denominators) and its 95 % interval, pair by pair (one pair per seed). The interval is `None`
/// where the denominator cannot be told from 0 (then no finite interval holds the ratio with 95 %), or with fewer than
/// two pairs. `None` for lists of different lengths or none.
///
/// Source: Fieller, Journal of the Royal Statistical Society B 16 (1954).
#[must_use]
pub fn ratio_interval(numerators: &[f64], denominators: &[f64]) -> Option<(f64, Option<Interval>)> {
    let count = numerators.len() as f64;
    if numerators.is_empty() || numerators.len() != denominators.len() {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (a, b) = (mean(numerators), mean(denominators));
    let ratio = a / b;
    if numerators.len() < 2 {
        return Some((ratio, None));
    }
    let covariance = |x: &[f64], y: &[f64]| {
        let (mean_x, mean_y) = (mean(x), mean(y));
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / (count - 1.0) / count
    };
    let (v_aa, v_ab, v_bb) = (
        covariance(numerators, numerators),
        covariance(numerators, denominators),
        covariance(denominators, denominators),
    );
    let t = student_t_quantile(0.975, count - 1.0);
    let g = t * t * v_bb / (b * b);
    if g >= 1.0 {
        return Some((ratio, None));
    }
    let spread = v_aa - 2.0 * ratio * v_ab + ratio * ratio * v_bb
        - g * (v_aa - v_ab * v_ab / v_bb.max(f64::MIN_POSITIVE));
    let half_width = t / b.abs() * spread.max(0.0).sqrt() / (1.0 - g);
    let middle = (ratio - g * v_ab / v_bb.max(f64::MIN_POSITIVE)) / (1.0 - g);
    Some((ratio, Some(Interval { low: middle - half_width, high: middle + half_width })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    #[test]
    fn intervals_cover_the_ratio_and_are_absent_where_the_denominator_may_be_zero() {
        let (mut covered, trials) = (0, 400);
        for trial in 0..trials {
            let mut stream = Stream::new(trial, Purpose::Check, 720, 0);
            let mut draw =
                |mean: f32| -> Vec<f64> { (0..5).map(|_| f64::from(mean + stream.normal())).collect() };
            let (a, b) = (draw(7.0), draw(10.0));
            let interval = ratio_interval(&a, &b).unwrap().1.unwrap();
            covered += u64::from(interval.low <= 0.7 && 0.7 <= interval.high);
        }
        let coverage = covered as f64 / trials as f64;
        assert!((0.92..=0.98).contains(&coverage), "{coverage}");
        assert!(ratio_interval(&[1.0, 2.0, 1.5], &[0.1, -0.1, 0.05]).unwrap().1.is_none());
        assert_eq!(ratio_interval(&[1.0], &[2.0]), Some((0.5, None)));
        assert!(ratio_interval(&[1.0], &[]).is_none());
    }

    #[test]
    fn a_denominator_without_spread_gives_the_interval_of_the_numerator() {
        // Mean 2, standard deviation 1, N = 3: half width 4.302652 / sqrt(3) = 2.484, over 4.
        let (ratio, interval) = ratio_interval(&[1.0, 2.0, 3.0], &[4.0; 3]).unwrap();
        let interval = interval.unwrap();
        assert!(
            (ratio - 0.5).abs() < 1e-12 && (interval.high - 0.5 - 2.484_137 / 4.0).abs() < 1e-5,
            "{interval:?}"
        );
    }
}
