//! How well a score separates two sets of images.

use zview_numerics::statistics::{Interval, percentile_interval};

/// The probability that an outlier scores higher than an inlier, ties counted half: the area under the
/// receiver operating characteristic. Exact, by ranks (Mann and Whitney). NaN where one of the sets is empty
/// or a score is not a number.
#[must_use]
pub fn auroc(inliers: &[f64], outliers: &[f64]) -> f64 {
    if inliers.iter().chain(outliers).any(|score| score.is_nan()) {
        return f64::NAN;
    }
    let levels = Levels::new(inliers, outliers);
    area(&levels.inliers, &levels.outliers)
}

/// 95 % interval of [`auroc`], both sets resampled.
#[must_use]
pub fn auroc_interval(inliers: &[f64], outliers: &[f64], seed: u64, use_number: u64) -> Interval {
    let levels = Levels::new(inliers, outliers);
    if inliers.is_empty() || outliers.is_empty() || inliers.iter().chain(outliers).any(|s| s.is_nan()) {
        return Interval { low: f64::NAN, high: f64::NAN };
    }
    let place = |score: &f64| levels.scores.partition_point(|level| level < score) as u32;
    let inliers: Vec<u32> = inliers.iter().map(place).collect();
    let outliers: Vec<u32> = outliers.iter().map(place).collect();
    percentile_interval(seed, use_number, |stream| {
        let mut drawn = |places: &[u32]| {
            let mut counts = vec![0u32; levels.scores.len()];
            for _ in 0..places.len() {
                counts[places[stream.below(places.len() as u64) as usize] as usize] += 1;
            }
            counts
        };
        area(&drawn(&inliers), &drawn(&outliers))
    })
}

/// The share of outliers that pass where the threshold lets at least the given share of inliers pass: the
/// false positive rate at that true positive rate, inliers being the positives. NaN where one set is empty.
#[must_use]
pub fn false_positive_rate(inliers: &[f64], outliers: &[f64], true_positive_rate: f64) -> f64 {
    if inliers.is_empty() || outliers.is_empty() {
        return f64::NAN;
    }
    let mut sorted = inliers.to_vec();
    sorted.sort_by(f64::total_cmp);
    // A share such as 0.95 is not exact in binary: 19 of 20 images must do.
    let needed = (true_positive_rate * sorted.len() as f64 - 1e-9).ceil() as usize;
    let threshold = sorted[needed.clamp(1, sorted.len()) - 1];
    outliers.iter().filter(|&&score| score <= threshold).count() as f64 / outliers.len() as f64
}

/// How many images of each set have each distinct score.
struct Levels {
    /// Ascending.
    scores: Vec<f64>,
    inliers: Vec<u32>,
    outliers: Vec<u32>,
}

impl Levels {
    fn new(inliers: &[f64], outliers: &[f64]) -> Self {
        let mut all: Vec<(f64, bool)> = inliers.iter().map(|&score| (score, true)).collect();
        all.extend(outliers.iter().map(|&score| (score, false)));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut levels = Self { scores: Vec::new(), inliers: Vec::new(), outliers: Vec::new() };
        for equal in all.chunk_by(|a, b| a.0 == b.0) {
            let inside = equal.iter().filter(|image| image.1).count();
            levels.scores.push(equal[0].0);
            levels.inliers.push(inside as u32);
            levels.outliers.push((equal.len() - inside) as u32);
        }
        levels
    }
}

/// The area from the number of inliers and outliers on each level, lowest first.
fn area(inliers: &[u32], outliers: &[u32]) -> f64 {
    let (mut below, mut halves, mut all_outliers) = (0u64, 0u64, 0u64);
    for (&inside, &outside) in inliers.iter().zip(outliers) {
        let (inside, outside) = (u64::from(inside), u64::from(outside));
        // Twice the pairs, so that halves are whole.
        halves += outside * (2 * below + inside);
        below += inside;
        all_outliers += outside;
    }
    halves as f64 / (2.0 * below as f64 * all_outliers as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    #[test]
    fn pairs_are_counted_and_ties_are_halves() {
        assert_eq!(auroc(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(auroc(&[3.0, 4.0], &[1.0, 2.0]), 0.0);
        assert_eq!(auroc(&[1.0; 7], &[1.0; 3]), 0.5);
        // Pairs: (1, 1) half, (1, 3) whole, (2, 1) none, (2, 3) whole.
        assert_eq!(auroc(&[1.0, 2.0], &[1.0, 3.0]), 0.625);
        assert_eq!(auroc(&[0.0], &[-0.0]), 0.5);
        assert_eq!(auroc(&[f64::NEG_INFINITY], &[f64::INFINITY]), 1.0);
        assert!(auroc(&[], &[1.0]).is_nan() && auroc(&[1.0], &[]).is_nan());
        assert!(auroc(&[1.0], &[f64::NAN]).is_nan());
        assert!(auroc_interval(&[], &[1.0], 0, 0).low.is_nan());
    }

    #[test]
    fn the_threshold_lets_19_of_20_pass() {
        let inliers: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(false_positive_rate(&inliers, &[18.0, 18.5, 19.0, 3.0], 0.95), 0.5);
        assert_eq!(false_positive_rate(&[1.0; 5], &[1.0, 2.0], 0.95), 0.5);
        assert!(false_positive_rate(&[], &[1.0], 0.95).is_nan());
    }

    #[test]
    fn intervals_cover_the_truth_about_95_times_in_100() {
        // Normals one standard deviation apart: the area is Phi(1 / sqrt 2) = 0.760250.
        let covered = (0..200)
            .filter(|&draw| {
                let mut stream = Stream::new(0, Purpose::Check, 303, draw);
                let inliers: Vec<f64> = (0..80).map(|_| f64::from(stream.normal())).collect();
                let outliers: Vec<f64> = (0..60).map(|_| 1.0 + f64::from(stream.normal())).collect();
                let interval = auroc_interval(&inliers, &outliers, draw, 0);
                interval.low <= 0.760_250 && 0.760_250 <= interval.high
            })
            .count();
        assert!((180..=198).contains(&covered), "{covered}");
    }
}
