//! Position embeddings for images of another side than the file's.

/// PIL's cubic, which PyTorch's antialiased interpolation has too.
const CUBIC: f64 = -0.5;
/// Where the cubic ends.
const REACH: f64 = 2.0;

/// Embeddings `values` (old * old, D), row by row, for a grid of `new` rows and columns: (new * new, D).
///
/// As timm's `resample_abs_pos_embed`, which is PyTorch's `interpolate(mode="bicubic", antialias=True)` of the grid.
pub(super) fn resample(values: &[f32], old: usize, new: usize, features: usize) -> Vec<f32> {
    let taps: Vec<(usize, Vec<f64>)> = (0..new).map(|place| weights(place, old, new)).collect();
    // Columns first: (old, new, D).
    let mut rows = vec![0.0f64; old * new * features];
    for row in 0..old {
        for (column, (first, weights)) in taps.iter().enumerate() {
            let into = &mut rows[(row * new + column) * features..][..features];
            for (offset, weight) in weights.iter().enumerate() {
                let from = &values[(row * old + first + offset) * features..][..features];
                into.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            }
        }
    }
    let mut resampled = Vec::with_capacity(new * new * features);
    for (first, weights) in &taps {
        for column in 0..new {
            for feature in 0..features {
                let value = |offset: usize| rows[((first + offset) * new + column) * features + feature];
                let sum: f64 =
                    weights.iter().enumerate().map(|(offset, weight)| weight * value(offset)).sum();
                resampled.push(sum as f32);
            }
        }
    }
    resampled
}

/// The first of the old places that make up the new one, and their weights.
fn weights(place: usize, old: usize, new: usize) -> (usize, Vec<f64>) {
    let scale = old as f64 / new as f64;
    let stretch = scale.max(1.0); // shrinking averages over more places
    let centre = scale * (place as f64 + 0.5);
    let first = (centre - REACH * stretch + 0.5).max(0.0) as usize;
    let end = ((centre + REACH * stretch + 0.5) as usize).min(old);
    let weights: Vec<f64> =
        (first..end).map(|other| cubic((other as f64 - centre + 0.5) / stretch)).collect();
    let sum: f64 = weights.iter().sum();
    (first, weights.into_iter().map(|weight| weight / sum).collect())
}

/// Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", with his a.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((CUBIC + 2.0) * x - (CUBIC + 3.0)) * x * x + 1.0
    } else if x < REACH {
        (((x - 5.0) * x + 8.0) * x - 4.0) * CUBIC
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_resampled_as_timm_does() {
        // timm.layers.resample_abs_pos_embed(torch.arange(9.)[None, :, None] ** 2, [s, s], num_prefix_tokens=0)
        let grid: Vec<f32> = (0..9).map(|place| (place * place) as f32).collect();
        for (new, expected) in EXPECTED {
            let got = resample(&grid, 3, new, 1);
            assert_eq!(got.len(), new * new);
            for (got, expected) in got.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-4, "{new}: {got} {expected}");
            }
        }
    }

    const EXPECTED: [(usize, &[f32]); 2] = [
        (2, &[2.87117, 8.19785, 30.28452, 47.04453]),
        (
            5,
            &[
                -0.72054, -0.60138, -0.13207, 1.54619, 2.60733, 1.73374, 2.72588, 4.78358, 8.05023, 9.98437,
                8.47170, 11.05224, 16.00000, 22.15672, 25.67924, 26.09026, 30.25919, 38.09702, 47.1438,
                52.25472, 37.02243, 42.06435, 51.49056, 62.12574, 68.10964,
            ],
        ),
    ];
}
