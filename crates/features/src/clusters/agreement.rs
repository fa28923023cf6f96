//! How well clusters agree with classes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::matching::best_matching;
use crate::FeatureError;

/// Agreement of clusters and classes of the same images; 1 is perfect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusterAgreement {
    /// Images judged.
    pub images: usize,
    /// Share of images whose cluster is matched with their class, in the best one-to-one matching of clusters
    /// and classes, 0 to 1.
    pub accuracy: f64,
    /// Adjusted Rand index: 0 is what chance gives, below 0 is worse (Hubert and Arabie 1985, "Comparing
    /// partitions").
    pub adjusted_rand: f64,
    /// Mutual information over the mean of the two entropies, 0 to 1 (Strehl and Ghosh 2002). It is not
    /// corrected for chance: many small clusters raise it.
    pub normalised_mutual_information: f64,
}

/// Agreement of `clusters` and `labels`, both (N), whatever the numbers are.
///
/// Where both put all images into one group, the two agree perfectly; where one does, mutual information is 0.
///
/// # Errors
/// No image, lists of different lengths.
pub fn cluster_agreement(clusters: &[u32], labels: &[u32]) -> Result<ClusterAgreement, FeatureError> {
    if clusters.len() != labels.len() {
        let what = "clusters, one per label";
        return Err(FeatureError::Size { what, expected: labels.len(), got: clusters.len() });
    }
    if labels.is_empty() {
        return Err(FeatureError::Empty { set: "the clustered set".to_owned() });
    }
    let table = Contingency::new(clusters, labels);
    Ok(ClusterAgreement {
        images: labels.len(),
        accuracy: table.matched_share(),
        adjusted_rand: table.adjusted_rand(),
        normalised_mutual_information: table.normalised_mutual_information(),
    })
}

/// How many images are in which cluster and class.
struct Contingency {
    /// (clusters) of (classes), those that occur.
    cells: Vec<Vec<f64>>,
    clusters: Vec<f64>,
    classes: Vec<f64>,
    images: f64,
}

impl Contingency {
    fn new(clusters: &[u32], labels: &[u32]) -> Self {
        let places = |numbers: &[u32]| {
            let mut places: BTreeMap<u32, usize> = numbers.iter().map(|&number| (number, 0)).collect();
            places.values_mut().enumerate().for_each(|(at, place)| *place = at);
            places
        };
        let (rows, columns) = (places(clusters), places(labels));
        let mut cells = vec![vec![0.0; columns.len()]; rows.len()];
        for (cluster, label) in clusters.iter().zip(labels) {
            cells[rows[cluster]][columns[label]] += 1.0;
        }
        Self {
            clusters: cells.iter().map(|row| row.iter().sum()).collect(),
            classes: (0..columns.len()).map(|column| cells.iter().map(|row| row[column]).sum()).collect(),
            cells,
            images: labels.len() as f64,
        }
    }

    fn matched_share(&self) -> f64 {
        let matched = best_matching(&self.cells).into_iter().enumerate();
        let right: f64 =
            matched.filter_map(|(row, column)| column.map(|column| self.cells[row][column])).sum();
        right / self.images
    }

    fn adjusted_rand(&self) -> f64 {
        let pairs = |count: f64| count * (count - 1.0) / 2.0;
        let sum_of = |counts: &[f64]| counts.iter().map(|&count| pairs(count)).sum::<f64>();
        let together: f64 = self.cells.iter().map(|row| sum_of(row)).sum();
        let (in_clusters, in_classes) = (sum_of(&self.clusters), sum_of(&self.classes));
        let all = pairs(self.images);
        let expected = if all > 0.0 { in_clusters * in_classes / all } else { 0.0 };
        let most = 0.5 * (in_clusters + in_classes);
        // Both all in one group, or both every image alone.
        if most == expected { 1.0 } else { (together - expected) / (most - expected) }
    }

    fn normalised_mutual_information(&self) -> f64 {
        if self.clusters.len() == 1 && self.classes.len() == 1 {
            return 1.0;
        }
        let entropy = |counts: &[f64]| -> f64 {
            counts.iter().map(|count| -count / self.images * (count / self.images).ln()).sum()
        };
        let mut information = 0.0;
        for (row, cluster) in self.cells.iter().zip(&self.clusters) {
            for (&cell, class) in row.iter().zip(&self.classes).filter(|(cell, _)| **cell > 0.0) {
                information += cell / self.images * (cell * self.images / (cluster * class)).ln();
            }
        }
        let mean = 0.5 * (entropy(&self.clusters) + entropy(&self.classes));
        if mean > 0.0 { (information / mean).clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clusters_do_not_matter() {
        let told = cluster_agreement(&[7, 7, 3, 3, 9], &[0, 0, 1, 1, 2]).unwrap();
        assert_eq!((told.accuracy, told.adjusted_rand), (1.0, 1.0));
        assert!((told.normalised_mutual_information - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_group_and_single_images_are_defined() {
        let told = cluster_agreement(&[0, 0, 0, 0], &[0, 0, 1, 1]).unwrap();
        assert_eq!((told.accuracy, told.adjusted_rand), (0.5, 0.0));
        assert_eq!(told.normalised_mutual_information, 0.0);
        let told = cluster_agreement(&[4, 4], &[1, 1]).unwrap();
        assert_eq!((told.accuracy, told.adjusted_rand, told.normalised_mutual_information), (1.0, 1.0, 1.0));
        let told = cluster_agreement(&[4], &[1]).unwrap();
        assert_eq!((told.accuracy, told.adjusted_rand, told.normalised_mutual_information), (1.0, 1.0, 1.0));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert!(cluster_agreement(&[], &[]).unwrap_err().to_string().contains("no images"));
        assert!(cluster_agreement(&[1], &[]).unwrap_err().to_string().contains("expected 0, got 1"));
    }
}
