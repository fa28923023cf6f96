//! Leading eigenvectors of a symmetric tridiagonal matrix: bisection for the values, inverse iteration for the
//! vectors (Golub and Van Loan, Matrix Computations, 8.4.1 and 7.6.1).

use crate::features::matrix::{add_scaled, dot};

/// Solutions of the shifted equation per vector. Two suffice for well separated values.
const INVERSE_ITERATIONS: usize = 4;
/// More halvings than a double has bits.
const HALVINGS: usize = 128;

/// A symmetric tridiagonal matrix.
#[derive(Debug, Clone)]
pub(super) struct Tridiagonal {
    /// (N).
    pub(super) diagonal: Vec<f64>,
    /// (N - 1), the entries beside the diagonal.
    pub(super) beside: Vec<f64>,
}

impl Tridiagonal {
    /// The `count` (at most N) largest eigenvalues, largest first.
    pub(super) fn largest_eigenvalues(&self, count: usize) -> Vec<f64> {
        // Gershgorin: no eigenvalue is farther from its diagonal entry than the sum of the entries beside it.
        let bounds = self.diagonal.iter().enumerate().map(|(k, &value)| {
            let radius = self.beside_of(k);
            (value - radius, value + radius)
        });
        let (low, high) =
            bounds.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (low, high)| (a.min(low), b.max(high)));
        let mut above = high;
        let mut values = Vec::with_capacity(count);
        for k in 0..count {
            // Fewer than N - k eigenvalues are below the one wanted.
            let (mut lower, mut upper) = (low, above);
            for _ in 0..HALVINGS {
                let middle = 0.5 * (lower + upper);
                if middle <= lower || middle >= upper {
                    break;
                }
                if self.eigenvalues_below(middle) >= self.diagonal.len() - k {
                    upper = middle;
                } else {
                    lower = middle;
                }
            }
            above = upper;
            values.push(0.5 * (lower + upper));
        }
        values
    }

    /// A unit eigenvector for each of `values`, largest first: (K, N) row by row, orthogonal to each other.
    pub(super) fn eigenvectors(&self, values: &[f64]) -> Vec<f64> {
        let n = self.diagonal.len();
        let scale = (0..n).fold(0.0f64, |scale, k| scale.max(self.diagonal[k].abs() + self.beside_of(k)));
        let mut vectors: Vec<f64> = Vec::with_capacity(values.len() * n);
        let mut shift_before = f64::INFINITY;
        for (k, &value) in values.iter().enumerate() {
            // Equal eigenvalues are told apart by a rounding error, as in LAPACK's dstein.
            let shift = value.min(shift_before - 10.0 * f64::EPSILON * scale);
            shift_before = shift;
            // Any start does that is not orthogonal to the vector; the golden ratio spreads its entries.
            let spread = |at: usize| ((at + 1) as f64 * (k + 1) as f64 * 0.618_033_988_749_894_9).fract();
            let mut vector: Vec<f64> = (0..n).map(|at| spread(at) + 0.25).collect();
            for _ in 0..INVERSE_ITERATIONS {
                self.solve(shift, scale, &mut vector);
                // Twice, because what is left after the first time can be small.
                for _ in 0..2 {
                    normalise(&mut vector);
                    for found in vectors.chunks_exact(n) {
                        let along = dot(found, &vector);
                        add_scaled(&mut vector, -along, found);
                    }
                }
                normalise(&mut vector);
            }
            vectors.extend(vector);
        }
        vectors
    }

    /// The sum of the magnitudes beside the diagonal in row k.
    fn beside_of(&self, k: usize) -> f64 {
        let at = |k: usize| self.beside.get(k).map_or(0.0, |value| value.abs());
        at(k) + if k > 0 { at(k - 1) } else { 0.0 }
    }

    /// How many eigenvalues are below `shift`: the negative pivots of the factorisation (Sylvester).
    fn eigenvalues_below(&self, shift: f64) -> usize {
        let mut pivot = 1.0;
        let mut below = 0;
        for (k, &value) in self.diagonal.iter().enumerate() {
            let beside = if k > 0 { self.beside[k - 1] } else { 0.0 };
            // Divided before it is multiplied, so that no square overflows.
            pivot = value - shift - beside / pivot * beside;
            if pivot == 0.0 {
                pivot = -f64::MIN_POSITIVE;
            }
            below += usize::from(pivot < 0.0);
        }
        below
    }

    /// Solves (T - shift I) x = `right` in place by elimination with row exchanges. A pivot that vanishes becomes
    /// a rounding error of `scale`.
    fn solve(&self, shift: f64, scale: f64, right: &mut [f64]) {
        let n = self.diagonal.len();
        let smallest = (f64::EPSILON * scale).max(f64::MIN_POSITIVE);
        let pivot_of = |value: f64| if value.abs() < smallest { smallest.copysign(value) } else { value };
        // Row k of the upper triangle: entries at k, k + 1 and k + 2.
        let mut upper = vec![[0.0; 3]; n];
        let mut row = [self.diagonal[0] - shift, self.beside.first().copied().unwrap_or(0.0), 0.0];
        for k in 0..n {
            if k + 1 == n {
                upper[k] = [pivot_of(row[0]), 0.0, 0.0];
                break;
            }
            let mut next = [
                self.beside[k],
                self.diagonal[k + 1] - shift,
                self.beside.get(k + 1).copied().unwrap_or(0.0),
            ];
            if next[0].abs() > row[0].abs() {
                std::mem::swap(&mut row, &mut next);
                right.swap(k, k + 1);
            }
            row[0] = pivot_of(row[0]);
            let factor = next[0] / row[0];
            right[k + 1] -= factor * right[k];
            upper[k] = row;
            row = [next[1] - factor * row[1], next[2] - factor * row[2], 0.0];
        }
        for k in (0..n).rev() {
            let after = |offset: usize| right.get(k + offset).map_or(0.0, |value| upper[k][offset] * value);
            right[k] = (right[k] - after(1) - after(2)) / upper[k][0];
        }
    }
}

/// Divides by the length; the largest entry first, so that no square overflows.
fn normalise(vector: &mut [f64]) {
    let largest = vector.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    if largest > 0.0 {
        vector.iter_mut().for_each(|value| *value /= largest);
        let length = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
    }
}
