//! From slices to matrices that can be decomposed: checked, and scaled so that squares neither overflow nor vanish.

use faer::{Mat, MatRef};

use super::LinalgError;

/// A matrix whose largest magnitude is from 1 to 2 (or 0), and the power of two that it was divided by.
#[derive(Debug)]
pub(super) struct Scaled {
    pub(super) matrix: Mat<f64>,
    pub(super) scale: f64,
}

/// `values` as a matrix (rows, columns), row-major.
pub(super) fn checked(values: &[f64], rows: usize, columns: usize) -> Result<MatRef<'_, f64>, LinalgError> {
    if rows == 0 || columns == 0 {
        return Err(LinalgError::Empty { rows, columns });
    }
    if rows.checked_mul(columns) != Some(values.len()) {
        return Err(LinalgError::Size { rows, columns, got: values.len() });
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(LinalgError::NotFinite { row: at / columns, column: at % columns, value: values[at] });
    }
    Ok(MatRef::from_row_major_slice(values, rows, columns))
}

/// `values` as a matrix (rows, columns), divided by a power of two, which changes no digit.
pub(super) fn scaled(values: &[f64], rows: usize, columns: usize) -> Result<Scaled, LinalgError> {
    let matrix = checked(values, rows, columns)?;
    let scale = power_of_two_below(values.iter().fold(0.0f64, |largest, value| largest.max(value.abs())));
    Ok(Scaled { matrix: Mat::from_fn(rows, columns, |row, column| matrix[(row, column)] / scale), scale })
}

/// The largest power of two that is not above `value`, at least the smallest normal number; 1 for 0.
fn power_of_two_below(value: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    if value == 0.0 { 1.0 } else { f64::from_bits(value.to_bits() & EXPONENT).max(f64::MIN_POSITIVE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_powers_of_two() {
        for (value, expected) in
            [(1.0, 1.0), (3.9, 2.0), (0.3, 0.25), (0.0, 1.0), (1.5e-320, f64::MIN_POSITIVE)]
        {
            assert_eq!(power_of_two_below(value), expected);
        }
        let largest = scaled(&[f64::MAX, 1.0], 1, 2).unwrap();
        assert!(largest.matrix[(0, 0)] < 2.0 && largest.matrix[(0, 0)] * largest.scale == f64::MAX);
    }
}
