//! Where the spread of an accuracy comes from: training seeds, draws of labelled images, or both together.

use serde::Serialize;

use super::{Interval, student_t_quantile};

/// Variance components of an accuracy measured for every training seed on every draw of labelled images.
///
/// accuracy(s, r) = mean + seed(s) + draw(r) + rest(s, r), all effects random and independent. The rest is what the
/// two together do, with the test images' share. Estimated by the method of moments of a two-way table with one
/// value per cell (Searle, Casella and McCulloch, Variance Components); negative estimates are 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VarianceSplit {
    /// Mean over all cells, a fraction.
    pub mean: f64,
    /// Standard deviation between training seeds.
    pub std_of_seeds: f64,
    /// Standard deviation between draws of labelled images.
    pub std_of_draws: f64,
    /// Standard deviation of the rest.
    pub std_of_rest: f64,
    /// Standard error of the mean over these seeds and draws, both being samples of many.
    pub standard_error: f64,
    /// Lower end of the 95 % interval of the mean, by Satterthwaite's degrees of freedom; `None` where it is left out.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// Training seeds.
    pub seeds: usize,
    /// Draws of labelled images.
    pub draws: usize,
}

/// Splits the variance of `accuracies`, one row per training seed and one column per draw, the same draws in every
/// row. `None` unless there are two of each at least and all rows are equally long.
#[must_use]
pub fn variance_split(accuracies: &[Vec<f64>]) -> Option<VarianceSplit> {
    let (seeds, draws) = (accuracies.len(), accuracies.first()?.len());
    if seeds < 2 || draws < 2 || accuracies.iter().any(|row| row.len() != draws) {
        return None;
    }
    let (s, r) = (seeds as f64, draws as f64);
    let seed_means: Vec<f64> = accuracies.iter().map(|row| row.iter().sum::<f64>() / r).collect();
    let draw_means: Vec<f64> =
        (0..draws).map(|draw| accuracies.iter().map(|row| row[draw]).sum::<f64>() / s).collect();
    let mean = seed_means.iter().sum::<f64>() / s;
    let squares = |values: &[f64]| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let between_seeds = r * squares(&seed_means) / (s - 1.0);
    let between_draws = s * squares(&draw_means) / (r - 1.0);
    let mut rest = 0.0;
    for (row, seed_mean) in accuracies.iter().zip(&seed_means) {
        for (value, draw_mean) in row.iter().zip(&draw_means) {
            rest += (value - seed_mean - draw_mean + mean).powi(2);
        }
    }
    let rest = rest / ((s - 1.0) * (r - 1.0));
    let of_seeds = ((between_seeds - rest) / r).max(0.0);
    let of_draws = ((between_draws - rest) / s).max(0.0);
    let variance = of_seeds / s + of_draws / r + rest / (s * r);
    let Interval { low, high } = interval(mean, variance, [between_seeds, between_draws, rest], s, r);
    Some(VarianceSplit {
        mean,
        std_of_seeds: of_seeds.sqrt(),
        std_of_draws: of_draws.sqrt(),
        std_of_rest: rest.sqrt(),
        standard_error: variance.sqrt(),
        low: Some(low),
        high: Some(high),
        seeds,
        draws,
    })
}

/// The variance of the mean is (MS_seeds + MS_draws - MS_rest) / (S R), or what is left of it when a component was
/// cut at 0; Satterthwaite's degrees of freedom are those of that combination of mean squares.
fn interval(mean: f64, variance: f64, mean_squares: [f64; 3], s: f64, r: f64) -> Interval {
    let [seeds, draws, rest] = mean_squares;
    let share = |square: f64, degrees: f64| (square / (s * r)).powi(2) / degrees;
    let (with_seeds, with_draws) = (seeds > rest, draws > rest);
    let mut denominator = 0.0;
    if with_seeds {
        denominator += share(seeds, s - 1.0);
    }
    if with_draws {
        denominator += share(draws, r - 1.0);
    }
    if with_seeds == with_draws {
        denominator += share(rest, (s - 1.0) * (r - 1.0));
    }
    let degrees = if denominator > 0.0 { (variance * variance / denominator).max(1.0) } else { 1.0 };
    let half_width = student_t_quantile(0.975, degrees) * variance.sqrt();
    Interval { low: mean - half_width, high: mean + half_width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    fn table(seeds: usize, draws: usize, of: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
        (0..seeds).map(|seed| (0..draws).map(|draw| of(seed, draw)).collect()).collect()
    }

    #[test]
    fn a_table_by_hand() {
        // Row means 2 and 4, column means 2, 3 and 4, no rest: MS_seeds = 6, MS_draws = 2.
        let split = variance_split(&[vec![1.0, 2.0, 3.0], vec![3.0, 4.0, 5.0]]).unwrap();
        assert!((split.mean - 3.0).abs() < 1e-12 && split.std_of_rest < 1e-12);
        assert!((split.std_of_seeds - 2f64.sqrt()).abs() < 1e-12, "6 / 3: {split:?}");
        assert!((split.std_of_draws - 1.0).abs() < 1e-12, "2 / 2: {split:?}");
        assert!((split.standard_error - (1.0 + 1.0 / 3.0f64).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn planted_components_are_found_and_intervals_cover_the_mean() {
        let (mut covered, mut sums, trials) = (0, [0.0; 3], 300);
        for trial in 0..trials {
            let effect = |kind: u64, index: usize, std: f64| {
                std * f64::from(Stream::new(trial, Purpose::Check, kind, index as u64).normal())
            };
            let accuracies = table(5, 10, |seed, draw| {
                0.8 + effect(1, seed, 0.02) + effect(2, draw, 0.03) + effect(3, 100 * seed + draw, 0.01)
            });
            let split = variance_split(&accuracies).unwrap();
            covered += u64::from(split.low <= Some(0.8) && Some(0.8) <= split.high);
            for (sum, std) in sums.iter_mut().zip([split.std_of_seeds, split.std_of_draws, split.std_of_rest])
            {
                *sum += std * std;
            }
        }
        let stds = sums.map(|sum| (sum / trials as f64).sqrt());
        for (std, planted) in stds.iter().zip([0.02, 0.03, 0.01]) {
            assert!((std / planted - 1.0).abs() < 0.1, "{stds:?}");
        }
        let coverage = covered as f64 / trials as f64;
        assert!((0.91..=0.99).contains(&coverage), "{coverage}");
    }

    #[test]
    fn one_seed_or_one_draw_cannot_be_split() {
        assert!(variance_split(&table(1, 5, |_, draw| draw as f64)).is_none());
        assert!(variance_split(&table(3, 1, |seed, _| seed as f64)).is_none());
        assert!(variance_split(&[vec![0.5, 0.6], vec![0.5]]).is_none());
        assert!(variance_split(&[]).is_none());
        let same = variance_split(&table(3, 3, |_, _| 0.5)).unwrap();
        assert_eq!((same.low, same.high, same.standard_error), (Some(0.5), Some(0.5), 0.0));
    }
}
