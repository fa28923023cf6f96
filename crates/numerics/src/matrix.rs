//! The two matrix products that the evaluation needs, on row-major slices, on one thread.
//!
//! Callers split their rows among threads themselves, in pieces that do not depend on the number of
//! threads, so that results do not either.

/// `out` (M, N) = `a` (M, K) times `b` (N, K) transposed.
pub fn multiply_transposed<T: Real>(a: &[T], b: &[T], inner: usize, out: &mut [T]) {
    let (rows, columns) = (a.len() / inner, b.len() / inner);
    assert!(a.len() == rows * inner && b.len() == columns * inner && out.len() == rows * columns);
    // SAFETY: the three slices hold exactly the (M, K), (N, K) and (M, N) elements that the strides
    // address (checked above), and `out` is borrowed exclusively.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            columns as isize,
            false,
            a.as_ptr(),
            1,
            inner as isize,
            b.as_ptr(),
            inner as isize,
            1,
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// `out` (M, N) += `a` (K, M) transposed times `b` (K, N).
pub fn add_transposed_product<T: Real>(a: &[T], b: &[T], inner: usize, out: &mut [T]) {
    let (rows, columns) = (a.len() / inner, b.len() / inner);
    assert!(a.len() == rows * inner && b.len() == columns * inner && out.len() == rows * columns);
    // SAFETY: as above, with (K, M), (K, N) and (M, N).
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            columns as isize,
            true,
            a.as_ptr(),
            rows as isize,
            1,
            b.as_ptr(),
            1,
            columns as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Inner product. Eight running sums let the compiler use vector registers.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_pieces, b_pieces) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_pieces.remainder().iter().zip(b_pieces.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_pieces.zip(b_pieces) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// `a` += `factor` times `b`.
pub fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

/// f32 or f64.
pub trait Real: Copy + 'static {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_agree_with_their_sums() {
        let (m, n, k) = (5, 3, 4);
        let a: Vec<f64> = (0..m * k).map(|i| (i as f64 * 0.7).sin()).collect();
        let b: Vec<f64> = (0..n * k).map(|i| (i as f64 * 1.3).cos()).collect();
        let mut product = vec![9.0; m * n];
        multiply_transposed(&a, &b, k, &mut product);
        for row in 0..m {
            for column in 0..n {
                let sum: f64 = (0..k).map(|i| a[row * k + i] * b[column * k + i]).sum();
                assert!((product[row * n + column] - sum).abs() < 1e-14);
                let vectors = dot(&a[row * k..(row + 1) * k], &b[column * k..(column + 1) * k]);
                assert!((vectors - sum).abs() < 1e-14);
            }
        }
        // The same numbers read as (K, M) and (K, N), added onto ones.
        let mut sum_of_products = vec![1.0; m * n];
        add_transposed_product(&a, &b, k, &mut sum_of_products);
        for row in 0..m {
            for column in 0..n {
                let sum: f64 = (0..k).map(|i| a[i * m + row] * b[i * n + column]).sum();
                assert!((sum_of_products[row * n + column] - 1.0 - sum).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn dot_takes_the_remainder_too() {
        let ones = vec![1.0; 19];
        assert_eq!(dot(&ones, &ones), 19.0);
    }
}
