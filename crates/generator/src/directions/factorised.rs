//! Closed-form factorisation of the first layer (SeFa: Shen and Zhou 2021, <https://arxiv.org/abs/2007.06600>).
//!
//! A latent z is first multiplied with A (D, F): y = z A + b. A step of length 1 along n changes y by ‖n A‖, which is
//! largest for the eigenvectors of A Aᵀ of the largest eigenvalues (equations 4 to 6, with A transposed). The authors'
//! code first brings every column of A to length 1, which their paper does not say; here the paper is followed.

use zview_numerics::linalg::symmetric_eigen;
use zview_runtime::device::read_floats;

use super::error::DirectionsError;
use super::set::{DirectionMethod, Directions, Origin, check_count};
use super::space::Space;
use crate::{Generator, LatentSpace};

/// The `count` directions that change the first layer of `generator` in `space` the most, largest first. For a
/// conditional generator, only the rows of A that z is multiplied with count.
///
/// # Errors
/// [`DirectionsError::NoFirstLayer`] where the generator begins with something else, [`DirectionsError::Generator`],
/// [`DirectionsError::Setting`] for more directions than there are dimensions.
pub fn factorised_directions(
    generator: &Generator,
    space: LatentSpace,
    count: usize,
) -> Result<Directions, DirectionsError> {
    let space = Space::new(generator, space)?;
    check_count(count, space.dimension())?;
    let weights = space.first_layer()?.without_autodiff();
    let [dimension, features] = weights.dims();
    let weights = read_floats(weights)?;
    let eigen = symmetric_eigen(&gram_of_rows(&weights, features), dimension)?;
    Ok(Directions {
        names: (0..count).map(|k| format!("factorised-{k}")).collect(),
        space: space.name(),
        values: eigen.vectors[..count * dimension].iter().map(|&value| value as f32).collect(),
        dimension,
        eigenvalues: Some(eigen.values[..count].iter().map(|&value| value as f32).collect()),
        scale: None,
        origin: Origin::of(generator, DirectionMethod::Factorised),
    })
}

/// A Aᵀ (D, D) of `weights` A (D, F), in double precision.
fn gram_of_rows(weights: &[f32], features: usize) -> Vec<f64> {
    let rows: Vec<&[f32]> = weights.chunks_exact(features.max(1)).collect();
    let n = rows.len();
    let mut gram = vec![0.0; n * n];
    for (i, row) in rows.iter().enumerate() {
        for (j, other) in rows[..=i].iter().enumerate() {
            let product: f64 = row.iter().zip(*other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            gram[i * n + j] = product;
            gram[j * n + i] = product;
        }
    }
    gram
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Golden {
        rows: usize,
        columns: usize,
        weights: Vec<f32>,
        eigenvalues: Vec<f64>,
        eigenvectors: Vec<f64>,
    }

    #[test]
    fn eigenvectors_equal_those_of_numpy_up_to_their_sign() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/factorised.json");
        let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let n = golden.rows;
        assert_eq!(golden.weights.len(), n * golden.columns);
        let eigen = symmetric_eigen(&gram_of_rows(&golden.weights, golden.columns), n).unwrap();
        for (got, expected) in eigen.values.iter().zip(&golden.eigenvalues) {
            assert!((got - expected).abs() < 1e-10 * golden.eigenvalues[0], "{got} {expected}");
        }
        for k in 0..n {
            let pairs = || eigen.vectors[k * n..(k + 1) * n].iter().zip(&golden.eigenvectors[k * n..]);
            let sign = pairs().map(|(a, b)| a * b).sum::<f64>().signum();
            let worst = pairs().map(|(a, b)| (a - sign * b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-8, "direction {k}: {worst:e}");
        }
    }

    #[test]
    fn weights_that_are_not_finite_are_refused() {
        let refused = symmetric_eigen(&gram_of_rows(&[1.0, f32::NAN, 0.5, 2.0], 2), 2);
        let message = DirectionsError::from(refused.unwrap_err()).to_string();
        assert!(message.contains("NaN") && message.contains("weights"), "{message}");
    }
}
