//! Singular values of a matrix of doubles.
//!
//! Golub and Kahan 1965, "Calculating the singular values and pseudo-inverse of a matrix": Householder reflections
//! from both sides leave two diagonals, whose singular values are the positive eigenvalues of a symmetric
//! tridiagonal matrix with a zero diagonal. Those are found by bisection on Sturm counts (Demmel and Kahan 1990),
//! which always takes the same time and cannot fail to converge. Squaring the matrix instead would lose half the
//! digits, and small singular values are what an effective rank is about.

use super::feature_rows::dot;

/// Shifts that are counted together, in vector registers.
const LANES: usize = 8;
/// Halvings of the first interval: 2^-48 of the largest singular value.
const BISECTIONS: usize = 48;

/// The min(rows, columns) singular values of `matrix`, row-major, ascending; each with an error of about 1e-14
/// times the largest. Not-a-number where a value of the matrix is not finite. Panics where `matrix` does not hold
/// rows times columns values.
#[must_use]
pub fn singular_values(matrix: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    // Scaled to 1, so that squares neither overflow nor vanish.
    let scale = matrix.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    if !matrix.iter().all(|value| value.is_finite()) {
        return vec![f64::NAN; rows.min(columns)];
    }
    if scale == 0.0 {
        return vec![0.0; rows.min(columns)];
    }
    // Tall: at least as many rows as columns.
    let tall: Vec<f64> = if rows >= columns {
        matrix.iter().map(|value| value / scale).collect()
    } else {
        (0..rows * columns).map(|at| matrix[at % rows * columns + at / rows] / scale).collect()
    };
    let width = rows.min(columns);
    let off_diagonal = bidiagonal(tall, width);
    eigenvalues(&off_diagonal, width).into_iter().map(|value| value * scale).collect()
}

/// The two diagonals of a tall matrix with `width` columns, interleaved: d_1, e_1, d_2, e_2, ..., d_width.
fn bidiagonal(mut a: Vec<f64>, width: usize) -> Vec<f64> {
    let height = a.len() / width;
    let mut diagonals = Vec::with_capacity(2 * width);
    for k in 0..width {
        let mut left: Vec<f64> = (k..height).map(|row| a[row * width + k]).collect();
        let (d, left_factor) = reflector(&mut left);
        diagonals.push(d);
        let rest = k + 1..width;
        if rest.is_empty() {
            break;
        }
        // The left reflection takes a - factor * left (left^T a); row k first, which gives the right reflection.
        let mut combined = vec![0.0; rest.len()];
        for (row, &weight) in (k..height).zip(&left) {
            add_scaled(&mut combined, weight * left_factor, &a[row * width..][rest.clone()]);
        }
        add_scaled(&mut a[k * width..][rest.clone()], -left[0], &combined);
        let mut right = a[k * width..][rest.clone()].to_vec();
        let (e, right_factor) = reflector(&mut right);
        diagonals.push(e);
        for (row, &weight) in (k + 1..height).zip(&left[1..]) {
            let values = &mut a[row * width..][rest.clone()];
            add_scaled(values, -weight, &combined);
            let along = dot(values, &right);
            add_scaled(values, -right_factor * along, &right);
        }
    }
    diagonals
}

/// Makes `x` the direction of the reflection 1 - factor x x^T that leaves only its first value, and gives that
/// value and the factor.
fn reflector(x: &mut [f64]) -> (f64, f64) {
    let norm = dot(x, x).sqrt();
    if norm == 0.0 {
        return (0.0, 0.0);
    }
    let reflected = -norm.copysign(x[0]);
    let first = x[0];
    x[0] = first - reflected;
    (reflected, 2.0 / dot(x, x))
}

/// The positive eigenvalues, ascending, of the symmetric tridiagonal matrix with a zero diagonal and
/// `off_diagonal` (2 `count` - 1 values) beside it.
fn eigenvalues(off_diagonal: &[f64], count: usize) -> Vec<f64> {
    let squares: Vec<f64> = off_diagonal.iter().map(|value| value * value).collect();
    // Gershgorin: no eigenvalue is beyond the largest sum of two neighbours.
    let neighbours = off_diagonal.windows(2).map(|pair| pair[0].abs() + pair[1].abs());
    let bound = neighbours.chain([off_diagonal[0].abs()]).fold(0.0, f64::max);
    let smallest_pivot = f64::MIN_POSITIVE * bound.max(1.0).powi(2);
    let mut found = Vec::with_capacity(count);
    while found.len() < count {
        let wanted: [usize; LANES] = std::array::from_fn(|lane| (found.len() + lane).min(count - 1));
        let (mut low, mut high) = ([0.0; LANES], [bound; LANES]);
        for _ in 0..BISECTIONS {
            let middle: [f64; LANES] = std::array::from_fn(|lane| 0.5 * (low[lane] + high[lane]));
            let below = negative_pivots(&squares, &middle, smallest_pivot);
            for lane in 0..LANES {
                // As many eigenvalues are negative as are positive; they are below every shift too.
                if below[lane] as usize > count + wanted[lane] {
                    high[lane] = middle[lane];
                } else {
                    low[lane] = middle[lane];
                }
            }
        }
        let batch = (count - found.len()).min(LANES);
        found.extend((0..batch).map(|lane| 0.5 * (low[lane] + high[lane])));
    }
    found
}

/// How many eigenvalues are below each shift: the negative pivots of the factorisation (Sylvester).
fn negative_pivots(squares: &[f64], shifts: &[f64; LANES], smallest_pivot: f64) -> [f64; LANES] {
    let mut pivots: [f64; LANES] = std::array::from_fn(|lane| -shifts[lane]);
    let mut negative = [0.0; LANES];
    let mut count = |pivots: &mut [f64; LANES]| {
        for lane in 0..LANES {
            if pivots[lane].abs() < smallest_pivot {
                pivots[lane] = -smallest_pivot;
            }
            negative[lane] += if pivots[lane] < 0.0 { 1.0 } else { 0.0 };
        }
    };
    count(&mut pivots);
    for square in squares {
        for lane in 0..LANES {
            pivots[lane] = -shifts[lane] - square / pivots[lane];
        }
        count(&mut pivots);
    }
    negative
}

/// `a` += `factor` times `b`.
fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        let largest = expected.iter().fold(0.0f64, |a, b| a.max(b.abs()));
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() <= 2e-14 * largest, "{got} against {expected}");
        }
    }

    #[test]
    fn of_matrices_that_can_be_told_by_hand() {
        assert_near(&singular_values(&[3.0, 0.0, 0.0, -4.0], 2, 2), &[3.0, 4.0]);
        assert_near(&singular_values(&[3.0, 4.0], 1, 2), &[5.0]);
        assert_near(&singular_values(&[3.0, 4.0], 2, 1), &[5.0]);
        let ones = vec![1.0; 6 * 9];
        assert_near(&singular_values(&ones, 6, 9), &[0.0, 0.0, 0.0, 0.0, 0.0, 54f64.sqrt()]);
        assert_eq!(singular_values(&[0.0; 6], 2, 3), [0.0, 0.0]);
        // [[1, 1], [0, 1]]: the golden ratio and its inverse; at any scale.
        let golden = 0.5 * (1.0 + 5f64.sqrt());
        for scale in [1.0, 1e-200, 1e200] {
            let got = singular_values(&[scale, scale, 0.0, scale], 2, 2);
            assert_near(&got, &[scale / golden, scale * golden]);
        }
    }

    /// Q1 diag(s) Q2^T with orthogonal Q made of reflections has the singular values s.
    #[test]
    fn of_a_matrix_made_from_its_singular_values() {
        let (rows, columns) = (30, 21);
        let expected: Vec<f64> = (0..columns).map(|k| 10f64.powf(k as f64 / 2.0 - 10.0)).collect();
        let mut matrix = vec![0.0; rows * columns];
        for (k, value) in expected.iter().enumerate() {
            matrix[k * columns + k] = *value;
        }
        for turn in 0..3 {
            let wave = |count: usize, phase: f64| -> Vec<f64> {
                (0..count).map(|i| (i as f64 * 1.7 + phase + f64::from(turn)).sin()).collect()
            };
            let (u, v) = (wave(rows, 0.3), wave(columns, 0.8));
            let (u_factor, v_factor) = (2.0 / dot(&u, &u), 2.0 / dot(&v, &v));
            for row in matrix.chunks_exact_mut(columns) {
                let along = dot(row, &v);
                add_scaled(row, -v_factor * along, &v);
            }
            let mut combined = vec![0.0; columns];
            for (row, weight) in matrix.chunks_exact(columns).zip(&u) {
                add_scaled(&mut combined, *weight, row);
            }
            for (row, weight) in matrix.chunks_exact_mut(columns).zip(&u) {
                add_scaled(row, -u_factor * weight, &combined);
            }
        }
        assert_near(&singular_values(&matrix, rows, columns), &expected);
    }
}
