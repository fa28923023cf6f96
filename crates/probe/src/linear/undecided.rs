//! Drawing the rows of which a classifier is undecided.

use rayon::prelude::*;

use super::logistic::{BLOCK_ROWS, Logistic};
use zview_features::{Features, pieces};

/// Bytes of probabilities that are kept; where there are more, each look at them computes them anew.
const KEPT_BYTES: usize = 256 << 20;
/// Rows whose probabilities are computed at once: as many as share the threads well.
const PART_ROWS: usize = 16 * BLOCK_ROWS;

/// The probability of every class for every image, (N, C).
pub(super) struct Probabilities<'a> {
    model: &'a Logistic,
    features: &'a Features,
    kept: Option<Vec<f64>>,
}

impl<'a> Probabilities<'a> {
    /// Those that `model` gives `features`.
    pub(super) fn new(model: &'a Logistic, features: &'a Features) -> Self {
        Self::within(model, features, KEPT_BYTES)
    }

    fn within(model: &'a Logistic, features: &'a Features, bytes: usize) -> Self {
        let size = features.len().saturating_mul(model.bias().len()).saturating_mul(size_of::<f64>());
        let kept = (size <= bytes).then(|| model.probabilities(features, 0..features.len()));
        Self { model, features, kept }
    }

    /// Calls `look` with the probabilities of one part of the images after another, (R, C), and the first one's number.
    fn for_each(&self, mut look: impl FnMut(usize, &[f64])) {
        match &self.kept {
            Some(all) => look(0, all),
            None => pieces(0..self.features.len(), PART_ROWS)
                .into_iter()
                .for_each(|part| look(part.start, &self.model.probabilities(self.features, part))),
        }
    }
}

/// What one class has drawn so far.
struct Line {
    /// Of all images.
    total: f64,
    step: f64,
    passed: f64,
    next: f64,
    drawn: Vec<(usize, f64)>,
}

/// For each class about `count` images drawn in proportion to their curvatures p (1 - p), each with the curvature of all
/// images that it stands for: the curvatures are laid end to end on a line, and the line is stepped along evenly
/// (systematic sampling; no random numbers).
pub(super) fn undecided_rows(probabilities: &Probabilities<'_>, count: usize) -> Vec<Vec<(usize, f64)>> {
    let (images, classes) = (probabilities.features.len(), probabilities.model.bias().len());
    let new = || Line { total: 0.0, step: 0.0, passed: 0.0, next: 0.0, drawn: Vec::new() };
    let mut lines: Vec<Line> = std::iter::repeat_with(new).take(classes).collect();
    let curvatures = |rows: &[f64], class: usize| -> Vec<f64> {
        rows.iter().skip(class).step_by(classes).map(|p| (p * (1.0 - p)).max(0.0)).collect()
    };
    probabilities.for_each(|_, rows| {
        lines.par_iter_mut().enumerate().for_each(|(class, line)| {
            curvatures(rows, class).iter().for_each(|curvature| line.total += curvature);
        });
    });
    for line in &mut lines {
        line.step = line.total / count as f64;
        line.next = 0.5 * line.step;
    }
    probabilities.for_each(|first, rows| {
        lines.par_iter_mut().enumerate().for_each(|(class, line)| {
            line.take(first, &curvatures(rows, class), images <= count);
        });
    });
    lines.into_iter().map(|line| line.drawn).collect()
}

impl Line {
    /// Goes along the `curvatures` of the images from `first` on, and takes `all` that have any or those stepped on.
    fn take(&mut self, first: usize, curvatures: &[f64], all: bool) {
        for (row, &curvature) in (first..).zip(curvatures) {
            if all || self.step <= 0.0 {
                if curvature > 0.0 {
                    self.drawn.push((row, curvature));
                }
                continue;
            }
            self.passed += curvature;
            let mut stands_for = 0.0;
            while self.next < self.passed {
                self.next += self.step;
                stands_for += self.step;
            }
            if stands_for > 0.0 {
                self.drawn.push((row, stands_for));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};

    /// Of two classes, for images whose probabilities have these curvatures.
    fn drawn(curvatures: &[f64], count: usize) -> Vec<(usize, f64)> {
        let logit = |curvature: f64| {
            let p = 0.5 + (0.25 - curvature).max(0.0).sqrt();
            if curvature > 0.0 { (p / (1.0 - p)).ln() as f32 } else { 1e6 }
        };
        let values = curvatures.iter().map(|&curvature| logit(curvature)).collect();
        let features = Features::new(values, 1, vec![0; curvatures.len()], numbered(2)).unwrap();
        let model = Logistic::from_parts(vec![1.0, 0.0], vec![0.0; 2]);
        undecided_rows(&Probabilities::new(&model, &features), count).swap_remove(0)
    }

    #[test]
    fn rows_drawn_stand_for_all_and_undecided_ones_come_more_often() {
        // Every tenth row is undecided.
        let curvatures: Vec<f64> = (0..5_000).map(|row| if row % 10 == 0 { 0.25 } else { 0.001 }).collect();
        let rows = drawn(&curvatures, 400);
        let total = |undecided: bool| -> f64 {
            rows.iter().filter(|(row, _)| (row % 10 == 0) == undecided).map(|(_, curvature)| curvature).sum()
        };
        assert!(rows.len() <= 401 && (total(true) - 125.0).abs() < 5.0, "{}", total(true));
        assert!((total(true) + total(false) - 129.5).abs() < 0.5, "{}", total(false));
        let undecided = rows.iter().filter(|(row, _)| row % 10 == 0).count();
        assert!(undecided > 350, "{undecided}");
        assert_eq!(drawn(&curvatures, 9_000).len(), 5_000);
        assert!(drawn(&[0.0; 50], 10).is_empty());
    }

    #[test]
    fn probabilities_that_are_not_kept_draw_the_same() {
        let features = clouds(2 * PART_ROWS + 77, 3, 4, 0.5, 0);
        let weights = (0..12).map(|at| f64::from(at).sin()).collect();
        let model = Logistic::from_parts(weights, vec![0.0, 0.1, -0.1, 0.2]);
        let of = |bytes| undecided_rows(&Probabilities::within(&model, &features, bytes), 50);
        assert_eq!(of(0), of(usize::MAX));
        assert!(of(0).iter().all(|rows| (40..=51).contains(&rows.len())));
    }
}
