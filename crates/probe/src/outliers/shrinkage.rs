//! How far a covariance estimated from few images is to be drawn towards a multiple of the identity.
//!
//! Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices": the share of
//! mu I in (1 - share) S + share mu I, mu = trace(S) / D, that makes the expected squared error smallest.

/// The share for the covariance `covariance` (D, D) of `centred` (N, D) rows of mean 0; 0 to 1. It is 0 where
/// the covariance is a multiple of the identity already.
#[must_use]
pub fn ledoit_wolf_shrinkage(
    squared_lengths: impl ExactSizeIterator<Item = f64>,
    covariance: &[f64],
    dimension: usize,
) -> f64 {
    let images = squared_lengths.len() as f64;
    let mu = (0..dimension).map(|d| covariance[d * dimension + d]).sum::<f64>() / dimension as f64;
    let squares: f64 = covariance.iter().map(|value| value * value).sum();
    // ||S - mu I||^2, as trace(S) = D mu.
    let delta = squares - dimension as f64 * mu * mu;
    // The mean over images of ||x x^T - S||^2, over N.
    let fourth_powers: f64 = squared_lengths.map(|square| square.powi(2)).sum();
    let beta = (fourth_powers / images - squares) / images;
    if delta <= 1e-14 * squares { 0.0 } else { (beta / delta).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_falls_with_images_and_stays_within_bounds() {
        use zview_runtime::seed::{Purpose, Stream};
        let share = |images: usize| {
            let mut stream = Stream::new(0, Purpose::Check, 304, 0);
            let rows: Vec<f64> =
                (0..images * 4).map(|at| f64::from(stream.normal()) * (1 + at % 4) as f64).collect();
            let mut covariance = vec![0.0; 16];
            for row in rows.chunks_exact(4) {
                for at in 0..16 {
                    covariance[at] += row[at / 4] * row[at % 4] / images as f64;
                }
            }
            let lengths = rows.chunks_exact(4).map(|row| row.iter().map(|value| value * value).sum());
            ledoit_wolf_shrinkage(lengths, &covariance, 4)
        };
        let (few, many) = (share(10), share(1_000));
        assert!(few > 0.05 && few <= 1.0 && many < 0.03 && many > 0.0, "{few} {many}");
        assert_eq!(ledoit_wolf_shrinkage([0.0; 2].into_iter(), &[0.0; 16], 4), 0.0);
    }
}
