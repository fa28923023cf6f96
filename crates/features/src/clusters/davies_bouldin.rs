//! How wide clusters are beside the distance between them.
//!
//! Davies and Bouldin 1979, "A Cluster Separation Measure": the mean over clusters of the largest
//! (s_i + s_j) / |c_i - c_j|, s being the mean distance to the centre c.

use crate::{FeatureError, Features};

/// The Davies-Bouldin index of `features` (N, D) in `clusters` (N), from 0, smaller is better. Clusters whose
/// centres coincide are left out of each other's comparison. `None` where there are fewer than two clusters.
///
/// # Errors
/// Lists of different lengths.
pub fn davies_bouldin(features: &Features, clusters: &[u32]) -> Result<Option<f64>, FeatureError> {
    if clusters.len() != features.len() {
        let what = "clusters, one per image";
        return Err(FeatureError::Size { what, expected: features.len(), got: clusters.len() });
    }
    let mut images_of = std::collections::BTreeMap::<u32, Vec<usize>>::new();
    for (image, &cluster) in clusters.iter().enumerate() {
        images_of.entry(cluster).or_default().push(image);
    }
    if images_of.len() < 2 {
        return Ok(None);
    }
    let spread: Vec<(Vec<f64>, f64)> =
        images_of.values().map(|images| centre_and_width(features, images)).collect();
    let ratio = |i: usize, j: usize| {
        let apart = distance(&spread[i].0, spread[j].0.iter().copied());
        if apart > 0.0 { (spread[i].1 + spread[j].1) / apart } else { 0.0 }
    };
    let count = spread.len();
    let worst = |i: usize| (0..count).filter(|&j| j != i).map(|j| ratio(i, j)).fold(0.0, f64::max);
    Ok(Some((0..count).map(worst).sum::<f64>() / count as f64))
}

/// The mean of the rows, and their mean distance to it.
fn centre_and_width(features: &Features, images: &[usize]) -> (Vec<f64>, f64) {
    let mut centre = vec![0.0; features.dimension()];
    for &image in images {
        centre.iter_mut().zip(features.row(image).iter()).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    centre.iter_mut().for_each(|sum| *sum /= images.len() as f64);
    let to_centre =
        |&image: &usize| distance(&centre, features.row(image).iter().map(|&value| f64::from(value)));
    let width = images.iter().map(to_centre).sum::<f64>() / images.len() as f64;
    (centre, width)
}

fn distance(a: &[f64], b: impl Iterator<Item = f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::numbered;

    #[test]
    fn by_hand() {
        // Centres 0.5 and 11, widths 0.5 and 1.
        let features = Features::new(vec![0.0, 1.0, 10.0, 12.0], 1, vec![0; 4], numbered(1)).unwrap();
        let told = davies_bouldin(&features, &[5, 5, 2, 2]).unwrap().unwrap();
        assert!((told - 1.5 / 10.5).abs() < 1e-12, "{told}");
        assert_eq!(davies_bouldin(&features, &[3; 4]).unwrap(), None);
        assert!(davies_bouldin(&features, &[3; 5]).is_err());
    }
}
