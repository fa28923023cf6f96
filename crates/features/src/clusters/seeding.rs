//! First centres of clusters: far apart, but not outliers.
//!
//! Arthur and Vassilvitskii 2007, "k-means++: The Advantages of Careful Seeding": each centre is a point drawn
//! with probability proportional to its squared distance to the nearest centre so far. As they propose in
//! section 4, and scikit-learn does, several candidates are drawn and the best is taken.

use rayon::prelude::*;
use zview_runtime::seed::Stream;

use super::points::Points;

/// For each of `streams` `k` of the points, as centres. Where there are fewer distinct points than that, some
/// come twice. All are found together, so that the points are read once for each centre.
pub(super) fn first_centres(points: &Points, k: usize, streams: &mut [Stream]) -> Vec<Points> {
    if streams.is_empty() {
        return Vec::new();
    }
    let candidates = 2 + (k as f64).ln() as usize;
    let all = points.len() as u64;
    let mut starts: Vec<Start> = streams
        .iter_mut()
        .map(|stream| Start {
            chosen: vec![stream.below(all) as usize],
            distances: vec![f32::INFINITY; points.len()],
            stream,
        })
        .collect();
    let firsts: Vec<usize> = starts.iter().map(|start| start.chosen[0]).collect();
    take_best(points, &mut starts, &firsts, 1);
    for _ in 1..k {
        let drawn: Vec<usize> = starts.par_iter_mut().flat_map_iter(|start| start.draw(candidates)).collect();
        let best = take_best(points, &mut starts, &drawn, candidates);
        starts.iter_mut().zip(best).for_each(|(start, point)| start.chosen.push(point));
    }
    starts.iter().map(|start| rows(points, &start.chosen)).collect()
}

/// Centres found so far.
struct Start<'a> {
    chosen: Vec<usize>,
    /// Of every point the squared distance to the nearest of them.
    distances: Vec<f32>,
    stream: &'a mut Stream,
}

impl Start<'_> {
    /// Points, with probability proportional to their distance; any points where all distances are 0.
    fn draw(&mut self, count: usize) -> Vec<usize> {
        let mut sum = 0.0;
        let sums: Vec<f64> = self
            .distances
            .iter()
            .map(|&distance| {
                sum += f64::from(distance);
                sum
            })
            .collect();
        let last = self.distances.iter().rposition(|&distance| distance > 0.0);
        let mut one = || match last {
            None => self.stream.below(sums.len() as u64) as usize,
            Some(last) => {
                // 53 bits: with the 24 of `uniform` some points of large sets could not be hit.
                let at = (self.stream.bits() >> 11) as f64 / 9_007_199_254_740_992.0 * sum;
                sums.partition_point(|&sum| sum <= at).min(last)
            }
        };
        (0..count).map(|_| one()).collect()
    }
}

/// Takes for each start the best of its `each` candidates: the one after which the sum of squared distances is
/// the smallest. `drawn` has those of the first start first.
fn take_best(points: &Points, starts: &mut [Start], drawn: &[usize], each: usize) -> Vec<usize> {
    let before: Vec<&[f32]> = starts.iter().map(|start| start.distances.as_slice()).collect();
    let tiles = points.map_tiles(&rows(points, drawn), |first, mut distances| {
        let mut sums = vec![0.0f64; drawn.len()];
        for (point, row) in (first..).zip(distances.chunks_exact_mut(drawn.len())) {
            for (column, distance) in row.iter_mut().enumerate() {
                *distance = distance.min(before[column / each][point]);
                sums[column] += f64::from(*distance);
            }
        }
        (distances, sums)
    });
    let mut potentials = vec![0.0; drawn.len()];
    for (_, sums) in &tiles {
        potentials.iter_mut().zip(sums).for_each(|(potential, sum)| *potential += sum);
    }
    let best_column = |start: usize| {
        let columns = start * each..(start + 1) * each;
        columns.fold(start * each, |best, at| if potentials[at] < potentials[best] { at } else { best })
    };
    let best: Vec<usize> = (0..starts.len()).map(best_column).collect();
    starts.par_iter_mut().zip(&best).for_each(|(start, &column)| {
        let of_points = tiles.iter().flat_map(|(distances, _)| distances.chunks_exact(drawn.len()));
        start.distances.iter_mut().zip(of_points).for_each(|(distance, row)| *distance = row[column]);
    });
    best.into_iter().map(|column| drawn[column]).collect()
}

fn rows(points: &Points, chosen: &[usize]) -> Points {
    let values = chosen.iter().flat_map(|&point| points.row(point).to_vec()).collect();
    Points::new(values, points.dimension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::Purpose;

    #[test]
    fn points_are_drawn_by_distance() {
        let mut stream = Stream::new(0, Purpose::Check, 305, 0);
        let mut start =
            Start { chosen: Vec::new(), distances: vec![1.0, 0.0, 3.0, 4.0, 0.0], stream: &mut stream };
        let mut counts = [0; 5];
        start.draw(8_000).into_iter().for_each(|point| counts[point] += 1);
        assert!((900..1_100).contains(&counts[0]) && counts[1] == 0 && counts[4] == 0, "{counts:?}");
        assert!((2_850..3_150).contains(&counts[2]), "{counts:?}");
        start.distances = vec![0.0; 3];
        let mut drawn = start.draw(100);
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, [0, 1, 2]);
    }

    #[test]
    fn every_far_group_gets_a_centre_and_starts_do_not_depend_on_each_other() {
        let values = (0..60).map(|at| (at % 6) as f32 * 100.0 + at as f32 * 0.01).collect();
        let points = Points::new(values, 1);
        let streams = || [0, 1, 2].map(|start| Stream::new(0, Purpose::Check, 306, start));
        let starts = first_centres(&points, 6, &mut streams());
        for centres in &starts {
            let mut groups: Vec<usize> =
                centres.values.iter().map(|value| (value / 100.0).round() as usize).collect();
            groups.sort_unstable();
            assert_eq!(groups, [0, 1, 2, 3, 4, 5]);
        }
        let alone = first_centres(&points, 6, &mut streams()[1..2]);
        assert_eq!(alone[0].values, starts[1].values);
        assert_ne!(starts[0].values, starts[1].values);
    }
}
