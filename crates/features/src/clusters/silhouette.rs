//! How much nearer images are to their own cluster than to the next.
//!
//! Rousseeuw 1987, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis":
//! (b - a) / max(a, b), a being the mean distance to the other images of the own cluster and b the smallest mean
//! distance to the images of another one.

use rayon::prelude::*;

use crate::spectrum::mean_row;
use crate::{FeatureError, Features};
use zview_numerics::matrix::multiply_transposed;

/// Images whose distances to all others are in memory at once, per thread.
const TILE: usize = 64;

/// The mean silhouette, -1 to 1, of `features` (N, D) in `clusters` (N), by Euclidean distance; an image alone
/// in its cluster counts 0. `None` where there are fewer than two clusters. Time grows with N^2.
///
/// # Errors
/// Lists of different lengths.
pub fn silhouette(features: &Features, clusters: &[u32]) -> Result<Option<f64>, FeatureError> {
    let (images, dimension) = (features.len(), features.dimension());
    if clusters.len() != images {
        let what = "clusters, one per image";
        return Err(FeatureError::Size { what, expected: images, got: clusters.len() });
    }
    let mut numbers = clusters.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() < 2 {
        return Ok(None);
    }
    let places: Vec<usize> =
        clusters.iter().map(|cluster| numbers.partition_point(|number| number < cluster)).collect();
    let mut sizes = vec![0usize; numbers.len()];
    places.iter().for_each(|&place| sizes[place] += 1);

    // About the mean, so that lengths are no larger than distances.
    let mean = mean_row(features);
    let centred: Vec<f64> =
        features.whole()?.iter().enumerate().map(|(at, &v)| f64::from(v) - mean[at % dimension]).collect();
    let squares: Vec<f64> =
        centred.chunks_exact(dimension).map(|row| row.iter().map(|value| value * value).sum()).collect();
    let values: Vec<f64> = centred
        .par_chunks(TILE * dimension)
        .enumerate()
        .flat_map_iter(|(tile, rows)| {
            let mut products = vec![0.0; rows.len() / dimension * images];
            multiply_transposed(rows, &centred, dimension, &mut products);
            let tile_values: Vec<f64> = products
                .chunks_exact(images)
                .zip(tile * TILE..)
                .map(|(products, image)| {
                    let mut sums = vec![0.0; sizes.len()];
                    for other in (0..images).filter(|&other| other != image) {
                        let squared = squares[image] + squares[other] - 2.0 * products[other];
                        sums[places[other]] += squared.max(0.0).sqrt();
                    }
                    of_image(&sums, &sizes, places[image])
                })
                .collect();
            tile_values
        })
        .collect();
    Ok(Some(values.iter().sum::<f64>() / images as f64))
}

/// From the sums of distances to each cluster's images.
fn of_image(sums: &[f64], sizes: &[usize], own: usize) -> f64 {
    if sizes[own] == 1 {
        return 0.0;
    }
    let inside = sums[own] / (sizes[own] - 1) as f64;
    let others = (0..sizes.len()).filter(|&cluster| cluster != own);
    let outside = others.map(|cluster| sums[cluster] / sizes[cluster] as f64).fold(f64::INFINITY, f64::min);
    let larger = inside.max(outside);
    if larger > 0.0 { (outside - inside) / larger } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::numbered;

    #[test]
    fn by_hand() {
        // At 0 and 1, and at 10 and 12.
        let features = Features::new(vec![0.0, 1.0, 10.0, 12.0], 1, vec![0; 4], numbered(1)).unwrap();
        let told = silhouette(&features, &[5, 5, 2, 2]).unwrap().unwrap();
        let expected = [10.0 / 11.0, 9.0 / 10.0, 7.5 / 9.5, 9.5 / 11.5];
        assert!((told - expected.iter().sum::<f64>() / 4.0).abs() < 1e-12, "{told}");
        // The image alone counts 0.
        let told = silhouette(&features, &[0, 0, 0, 1]).unwrap().unwrap();
        let expected = [(12.0 - 5.5) / 12.0, (11.0 - 5.0) / 11.0, (2.0 - 9.5) / 9.5, 0.0];
        assert!((told - expected.iter().sum::<f64>() / 4.0).abs() < 1e-12, "{told}");
        assert_eq!(silhouette(&features, &[3; 4]).unwrap(), None);
        assert!(silhouette(&features, &[3; 5]).is_err());
        let same = Features::new(vec![1.0; 4], 1, vec![0; 4], numbered(1)).unwrap();
        assert_eq!(silhouette(&same, &[0, 0, 1, 1]).unwrap(), Some(0.0));
    }
}
