//! First centres of clusters: far apart, but not outliers.
//!
//! Arthur and Vassilvitskii 2007, "k-means++: The Advantages of Careful Seeding": each centre is a point drawn
//! with probability proportional to its squared distance to the nearest centre so far. As they propose in
//! section 4, and scikit-learn does, several candidates are drawn and the best is taken.

use zview_runtime::seed::Stream;

use super::points::Points;

/// `k` of the points, as centres. Where there are fewer distinct points than that, some come twice.
pub(super) fn first_centres(points: &Points, k: usize, stream: &mut Stream) -> Points {
    let candidates = 2 + (k as f64).ln() as usize;
    let mut chosen = vec![stream.below(points.len() as u64) as usize];
    let mut distances = points.map_distances(&rows(points, &chosen), |_, distances| distances[0]);
    while chosen.len() < k {
        let drawn: Vec<usize> = (0..candidates).map(|_| draw(&distances, stream)).collect();
        let closer = points.map_distances(&rows(points, &drawn), |point, to_candidates| -> Vec<f32> {
            to_candidates.iter().map(|&distance| distance.min(distances[point])).collect()
        });
        let potential = |candidate: usize| -> f64 { closer.iter().map(|to| f64::from(to[candidate])).sum() };
        let potentials: Vec<f64> = (0..candidates).map(potential).collect();
        let best =
            (0..candidates).fold(0, |best, at| if potentials[at] < potentials[best] { at } else { best });
        chosen.push(drawn[best]);
        distances = closer.into_iter().map(|to| to[best]).collect();
    }
    rows(points, &chosen)
}

fn rows(points: &Points, chosen: &[usize]) -> Points {
    let values = chosen.iter().flat_map(|&point| points.row(point).to_vec()).collect();
    Points::new(values, points.dimension)
}

/// A point, with probability proportional to its weight; any point where all weigh nothing.
fn draw(weights: &[f32], stream: &mut Stream) -> usize {
    let sum: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    if sum <= 0.0 {
        return stream.below(weights.len() as u64) as usize;
    }
    // 53 bits: with the 24 of `uniform` far points of large sets could not be hit.
    let mut left = (stream.bits() >> 11) as f64 / 9_007_199_254_740_992.0 * sum;
    let mut last = 0;
    for (point, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = point;
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::Purpose;

    #[test]
    fn points_are_drawn_by_weight() {
        let mut counts = [0; 4];
        let mut stream = Stream::new(0, Purpose::Check, 305, 0);
        for _ in 0..8_000 {
            counts[draw(&[1.0, 0.0, 3.0, 4.0], &mut stream)] += 1;
        }
        assert!((900..1_100).contains(&counts[0]) && counts[1] == 0, "{counts:?}");
        assert!((2_850..3_150).contains(&counts[2]), "{counts:?}");
        assert!((0..50).all(|_| draw(&[0.0; 3], &mut stream) < 3));
    }

    #[test]
    fn every_far_group_gets_a_centre() {
        let values = (0..60).map(|at| (at % 6) as f32 * 100.0 + at as f32 * 0.01).collect();
        let points = Points::new(values, 1);
        let centres = first_centres(&points, 6, &mut Stream::new(0, Purpose::Check, 306, 0));
        let mut groups: Vec<usize> =
            centres.values.iter().map(|value| (value / 100.0).round() as usize).collect();
        groups.sort_unstable();
        assert_eq!(groups, [0, 1, 2, 3, 4, 5]);
    }
}
