//! Against mpmath with 60 digits (`scripts/golden_linalg.py`), by the equations that define a decomposition, for any
//! number of threads, and on what cannot be decomposed.

use serde::Deserialize;
use zview_runtime::seed::{Purpose, Stream};

use super::*;

#[derive(Deserialize)]
struct Golden {
    symmetric: Vec<Symmetric>,
    rectangular: Vec<Rectangular>,
}

#[derive(Deserialize)]
struct Symmetric {
    name: String,
    size: usize,
    matrix: Vec<f64>,
    eigenvalues: Vec<f64>,
    eigenvectors: Option<Vec<f64>>,
    cholesky: Option<Vec<f64>>,
    condition: Option<f64>,
}

#[derive(Deserialize)]
struct Rectangular {
    name: String,
    rows: usize,
    columns: usize,
    matrix: Vec<f64>,
    singular_values: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../tests/golden/linalg.json")).unwrap()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The largest difference, as a share of the largest magnitude expected.
fn error(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    got.iter().zip(expected).fold(0.0, |worst, (a, b)| f64::max(worst, (a - b).abs() / largest))
}

/// A random symmetric matrix of the rank given, (N, N).
fn gram(n: usize, rank: usize) -> Vec<f64> {
    let mut random = Stream::new(0, Purpose::Check, 0, 0);
    let factor: Vec<f64> = (0..n * rank).map(|_| f64::from(random.normal())).collect();
    let row = |k: usize| &factor[k * rank..(k + 1) * rank];
    (0..n * n).map(|at| dot(row(at / n), row(at % n))).collect()
}

#[test]
fn eigenvalues_and_vectors_are_the_reference() {
    for case in golden().symmetric {
        let eigen = symmetric_eigen(&case.matrix, case.size).unwrap();
        let alone = symmetric_eigenvalues(&case.matrix, case.size).unwrap();
        for values in [&eigen.values, &alone] {
            let error = error(values, &case.eigenvalues);
            assert!(error < 3e-15, "{}: {error:e}", case.name);
        }
        for (row, expected) in case.eigenvectors.iter().flat_map(|of| of.chunks_exact(case.size)).enumerate()
        {
            let (got, mut expected) = (&eigen.vectors[row * case.size..][..case.size], expected.to_vec());
            make_largest_positive(&mut expected);
            assert!(error(got, &expected) < 1e-13, "{} {row}", case.name);
        }
    }
}

#[test]
fn singular_values_are_the_reference() {
    for case in golden().rectangular {
        let got = singular_values(&case.matrix, case.rows, case.columns).unwrap();
        let error = error(&got, &case.singular_values);
        assert!(error < 2e-15, "{}: {error:e}", case.name);
    }
}

#[test]
fn cholesky_factors_are_the_reference_and_solve() {
    let mut seen = 0;
    for case in golden().symmetric {
        let (Some(expected), Some(condition)) = (case.cholesky, case.condition) else {
            assert!(Cholesky::new(&case.matrix, case.size).is_err(), "{}", case.name);
            continue;
        };
        seen += 1;
        let n = case.size;
        let cholesky = Cholesky::new(&case.matrix, n).unwrap();
        let off = error(&cholesky.lower(), &expected);
        assert!(off < 1e-16 * condition.max(50.0), "{}: {off:e}, condition {condition:e}", case.name);
        // Two right-hand sides at once: A^-1 (A x) = x and L^-1 (L x) = x.
        let x: Vec<f64> = (0..2 * n).map(|at| (at as f64).sin()).collect();
        let times = |matrix: &[f64]| -> Vec<f64> {
            x.chunks_exact(n)
                .flat_map(|x| matrix.chunks_exact(n).map(|row| dot(row, x)).collect::<Vec<_>>())
                .collect()
        };
        let (mut solved, mut half) = (times(&case.matrix), times(&cholesky.lower()));
        cholesky.solve(&mut solved);
        cholesky.solve_lower(&mut half);
        let tolerance = 2e-15 * condition.max(50.0);
        assert!(error(&solved, &x) < tolerance && error(&half, &x) < tolerance, "{}", case.name);
    }
    assert_eq!(seen, 4);
}

fn check(matrix: &[f64], n: usize) -> SymmetricEigen {
    let eigen = symmetric_eigen(matrix, n).unwrap();
    assert!(eigen.values.is_sorted_by(|a, b| a >= b));
    let largest = eigen.values.iter().fold(1e-300f64, |largest, value| largest.max(value.abs()));
    for (k, vector) in eigen.vectors.chunks_exact(n).enumerate() {
        for (at, row) in matrix.chunks_exact(n).enumerate() {
            let error = dot(row, vector) - eigen.values[k] * vector[at];
            assert!(error.abs() < 1e-12 * largest, "{k} {at}: {error:e}");
        }
        for (other, direction) in eigen.vectors.chunks_exact(n).enumerate() {
            let expected = if other == k { 1.0 } else { 0.0 };
            assert!((dot(vector, direction) - expected).abs() < 1e-12, "{k} {other}");
        }
        let largest = vector.iter().copied().reduce(|a, b| if b.abs() > a.abs() { b } else { a });
        assert!(largest > Some(0.0), "{k}");
    }
    eigen
}

#[test]
fn every_vector_solves_the_equation_and_they_are_orthonormal() {
    check(&gram(150, 200), 150);
    check(&gram(3, 5), 3);
    // Vectors of the eigenvalue 0 are right too.
    let eigen = check(&gram(40, 10), 40);
    assert!(eigen.values[9] > 1.0 && eigen.values[10].abs() < 1e-12 * eigen.values[0]);
}

#[test]
fn equal_eigenvalues_get_different_vectors() {
    let n = 30;
    // I + 1 1ᵀ: one eigenvalue of 31, the others all 1.
    let matrix: Vec<f64> = (0..n * n).map(|at| if at / n == at % n { 2.0 } else { 1.0 }).collect();
    let eigen = check(&matrix, n);
    assert!((eigen.values[0] - 31.0).abs() < 1e-12 && (eigen.values[11] - 1.0).abs() < 1e-12);
    // Diagonal matrices have nothing to reflect; zero has no scale.
    let identity: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    check(&identity, n);
    assert_eq!(check(&[0.0; 16], 4).values, [0.0; 4]);
    assert_eq!(check(&[-3.0], 1).values, [-3.0]);
    let eigen = check(&[0.0, -1.0, -1.0, 0.0], 2);
    assert!((eigen.values[0] - 1.0).abs() < 1e-15 && (eigen.values[1] + 1.0).abs() < 1e-15);
}

#[test]
fn scale_does_not_matter() {
    let matrix = gram(12, 20);
    let [plain, small, large] = [1.0, 2f64.powi(-500), 2f64.powi(500)].map(|scale| {
        let scaled: Vec<f64> = matrix.iter().map(|value| value * scale).collect();
        let unscaled = |values: Vec<f64>| values.iter().map(|value| value / scale).collect::<Vec<_>>();
        let eigen = symmetric_eigen(&scaled, 12).unwrap();
        (eigen.vectors, unscaled(eigen.values), unscaled(singular_values(&scaled, 16, 9).unwrap()))
    });
    assert!(small == plain && large == plain, "a power of two changes no digit");
}

#[test]
fn singular_values_that_can_be_told_by_hand() {
    let near = |got: Vec<f64>, expected: &[f64]| assert!(error(&got, expected) < 1e-14, "{got:?}");
    near(singular_values(&[3.0, 0.0, 0.0, -4.0], 2, 2).unwrap(), &[4.0, 3.0]);
    near(singular_values(&[3.0, 4.0], 1, 2).unwrap(), &[5.0]);
    near(singular_values(&[3.0, 4.0], 2, 1).unwrap(), &[5.0]);
    near(singular_values(&[1.0; 54], 6, 9).unwrap(), &[54f64.sqrt(), 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(singular_values(&[0.0; 6], 2, 3).unwrap(), [0.0, 0.0]);
    // [[1, 1], [0, 1]]: the golden ratio and its inverse; at any scale.
    let golden = 0.5 * (1.0 + 5f64.sqrt());
    for scale in [1.0, 1e-200, 1e200] {
        near(singular_values(&[scale, scale, 0.0, scale], 2, 2).unwrap(), &[scale * golden, scale / golden]);
    }
}

/// Everything that is computed of `matrix` (N, N), as bits.
fn bits(matrix: &[f64], n: usize) -> Vec<u64> {
    let eigen = symmetric_eigen(matrix, n).unwrap();
    let cholesky = Cholesky::new(matrix, n).unwrap();
    let mut solved = matrix.to_vec();
    cholesky.solve(&mut solved);
    let values = singular_values(matrix, n, n).unwrap();
    [eigen.values, eigen.vectors, symmetric_eigenvalues(matrix, n).unwrap(), values, cholesky.lower(), solved]
        .concat()
        .into_iter()
        .map(f64::to_bits)
        .collect()
}

#[test]
fn bits_are_the_same_on_any_number_of_threads() {
    // Large enough for every blocked path.
    let n = 300;
    let matrix = gram(n, 320);
    let alone = bits(&matrix, n);
    let together: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| bits(&matrix, n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(together.iter().all(|bits| *bits == alone));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert!(pool.install(|| bits(&matrix, n)) == alone, "within a pool of threads too");
}

/// What each decomposition says of a matrix.
fn refusals(matrix: &[f64], n: usize) -> [LinalgError; 4] {
    [
        symmetric_eigen(matrix, n).unwrap_err(),
        symmetric_eigenvalues(matrix, n).unwrap_err(),
        singular_values(matrix, n, n).unwrap_err(),
        Cholesky::new(matrix, n).unwrap_err(),
    ]
}

#[test]
fn what_is_no_matrix_is_refused_by_name() {
    let all = |matrix: &[f64], n: usize, expected: LinalgError| {
        for refusal in refusals(matrix, n) {
            assert_eq!(refusal, expected);
        }
    };
    all(&[], 0, LinalgError::Empty { rows: 0, columns: 0 });
    all(&[1.0; 6], 2, LinalgError::Size { rows: 2, columns: 2, got: 6 });
    all(&[1.0; 6], usize::MAX, LinalgError::Size { rows: usize::MAX, columns: usize::MAX, got: 6 });
    assert!(matches!(singular_values(&[], 0, 3), Err(LinalgError::Empty { rows: 0, columns: 3 })));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for refusal in refusals(&[1.0, 0.0, bad, 1.0], 2) {
            let LinalgError::NotFinite { row: 1, column: 0, value } = refusal else { panic!("{refusal}") };
            assert_eq!(value.to_bits(), bad.to_bits());
        }
    }
}

#[test]
fn a_matrix_that_is_not_positive_definite_has_no_factor() {
    let refused = |matrix: &[f64], n: usize| Cholesky::new(matrix, n).unwrap_err();
    assert_eq!(refused(&[1.0, 2.0, 2.0, 1.0], 2), LinalgError::NotPositiveDefinite { rows: 2, row: 1 });
    assert_eq!(refused(&[0.0], 1), LinalgError::NotPositiveDefinite { rows: 1, row: 0 });
    // Squares that overflow.
    assert!(matches!(refused(&[1.0, 0.0, f64::MAX, 1.0], 2), LinalgError::NotPositiveDefinite { .. }));
    let mut large = gram(200, 220);
    large[150 * 200 + 150] = -1.0;
    assert_eq!(refused(&large, 200), LinalgError::NotPositiveDefinite { rows: 200, row: 150 });
    assert!(refused(&large, 200).to_string().contains("multiple of the identity"));
}

#[test]
fn a_factor_multiplies_and_solves_row_by_row() {
    let cholesky = Cholesky::new(&[4.0, 0.0, 2.0, 10.0], 2).unwrap();
    assert_eq!((cholesky.size(), cholesky.lower()), (2, vec![2.0, 0.0, 1.0, 3.0]));
    let after = |change: fn(&Cholesky, &mut [f64])| {
        let mut rows = [2.0, 4.0, 6.0, 9.0];
        change(&cholesky, &mut rows);
        rows
    };
    assert_eq!(after(Cholesky::multiply_transposed), [8.0, 12.0, 21.0, 27.0]);
    assert_eq!(after(Cholesky::solve_lower), [1.0, 1.0, 3.0, 2.0]);
    assert!(error(&after(Cholesky::solve_transposed), &[1.0 / 3.0, 4.0 / 3.0, 1.5, 3.0]) < 1e-15);
    assert!(error(&after(Cholesky::solve), &[1.0 / 3.0, 1.0 / 3.0, 7.0 / 6.0, 2.0 / 3.0]) < 1e-15);
    cholesky.solve(&mut []);
}
