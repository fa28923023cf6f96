//! Clusters found without labels, and what they are worth.

use serde::{Deserialize, Serialize};
use zview_runtime::seed::{Purpose, Stream};

use super::agreement::{ClusterAgreement, cluster_agreement};
use super::davies_bouldin::davies_bouldin;
use super::kmeans::{KMeansConfig, kmeans};
use super::points::Points;
use super::silhouette::silhouette;
use crate::{FeatureError, Features, Problems, Settings};

/// How clusters are found and measured. Time grows with images, features, clusters and restarts; of 1,000
/// clusters lower the restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Number of clusters; that of the classes if `None`.
    pub clusters: Option<usize>,
    /// Starts of k-means from other first centres; the best is kept.
    pub restarts: usize,
    /// Steps of one start at most.
    pub max_iterations: usize,
    /// Images whose silhouette is measured at most: its time grows with the square.
    pub silhouette_images: usize,
    /// Seed of the first centres and of the choice of images.
    pub seed: u64,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        let KMeansConfig { restarts, max_iterations, seed } = KMeansConfig::default();
        Self { clusters: None, restarts, max_iterations, silhouette_images: 5_000, seed }
    }
}

impl Settings for ClusterConfig {
    fn problems(&self) -> Vec<String> {
        Problems::default()
            .at_least("clusters", 1, self.clusters)
            .at_least("restarts", 1, self.restarts)
            .at_least("max_iterations", 1, self.max_iterations)
            .at_least("silhouette_images", 2, self.silhouette_images)
            .list()
    }
}

/// Quality of k-means clusters of training features; distances are those of unit-length features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterQuality {
    /// Clusters asked for.
    pub clusters: usize,
    /// Training images, which the clusters are of.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// Mean squared distance of a training image to its centre, 0 to 1.
    pub mean_squared_distance: f64,
    /// Mean silhouette of training images, -1 to 1; `None` where all are in one cluster.
    pub silhouette: Option<f64>,
    /// Training images that it was measured on, and among.
    pub silhouette_images: usize,
    /// Davies-Bouldin index of the training images; `None` where all are in one cluster.
    pub davies_bouldin: Option<f64>,
    /// Agreement with the classes of the training images.
    pub train: ClusterAgreement,
    /// Agreement with those of the test images, each in the cluster of the nearest centre.
    pub test: ClusterAgreement,
}

/// Clusters `train` without looking at labels, and judges the clusters by themselves and by the labels of
/// `train` and `test`. Clusters and classes are matched anew for each of the two, as is usual.
///
/// # Errors
/// An empty set, sets that do not fit together, more clusters than images, settings that cannot work.
pub fn cluster_quality(
    train: &Features,
    test: &Features,
    config: &ClusterConfig,
) -> Result<ClusterQuality, FeatureError> {
    Features::check_train_and_test(train, test)?;
    config.check()?;
    let k = config.clusters.unwrap_or_else(|| train.classes());
    let &ClusterConfig { restarts, max_iterations, seed, .. } = config;
    let found = kmeans(train, k, &KMeansConfig { restarts, max_iterations, seed })?;
    let unit = train.with_values(Points::unit(train)?.values);
    let chosen = sample(train.len(), config.silhouette_images, seed);
    let clusters_of_chosen: Vec<u32> = chosen.iter().map(|&image| found.assignment[image]).collect();
    Ok(ClusterQuality {
        clusters: k,
        n_train: train.len(),
        n_test: test.len(),
        mean_squared_distance: found.inertia / train.len() as f64,
        silhouette: silhouette(&unit.select(&chosen), &clusters_of_chosen)?,
        silhouette_images: chosen.len(),
        davies_bouldin: davies_bouldin(&unit, &found.assignment)?,
        train: cluster_agreement(&found.assignment, train.labels())?,
        test: cluster_agreement(&found.assign(test)?, test.labels())?,
    })
}

/// `wanted` of `images` numbers, or all, ascending.
fn sample(images: usize, wanted: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..images).collect();
    if wanted < images {
        Stream::new(seed, Purpose::Cluster, 1, 0).shuffle(&mut numbers);
        numbers.truncate(wanted);
        numbers.sort_unstable();
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{clouds, numbered};

    #[test]
    fn clear_classes_are_found_and_noise_is_not() {
        let config = ClusterConfig { silhouette_images: 200, ..ClusterConfig::default() };
        let (train, test) = (clouds(400, 16, 5, 6.0, 0), clouds(200, 16, 5, 6.0, 1));
        let told = cluster_quality(&train, &test, &config).unwrap();
        assert_eq!((told.clusters, told.n_train, told.n_test, told.silhouette_images), (5, 400, 200, 200));
        assert_eq!((told.train.accuracy, told.test.accuracy, told.test.adjusted_rand), (1.0, 1.0, 1.0));
        assert!(told.silhouette.unwrap() > 0.6 && told.davies_bouldin.unwrap() < 0.6, "{told:?}");
        let noise =
            cluster_quality(&clouds(400, 16, 5, 0.0, 0), &clouds(200, 16, 5, 0.0, 1), &config).unwrap();
        assert!(noise.test.accuracy < 0.35 && noise.test.adjusted_rand.abs() < 0.05, "{noise:?}");
        assert!(noise.silhouette.unwrap() < 0.2, "{noise:?}");
    }

    #[test]
    fn labels_play_no_part_in_the_clusters() {
        let train = clouds(200, 8, 4, 1.0, 0);
        let mut labels = train.labels().to_vec();
        Stream::new(0, Purpose::Check, 308, 0).shuffle(&mut labels);
        let shuffled = Features::new(train.whole().unwrap().into_owned(), 8, labels, numbered(4)).unwrap();
        let told = |train: &Features| cluster_quality(train, train, &ClusterConfig::default()).unwrap();
        let (honest, shuffled) = (told(&train), told(&shuffled));
        assert_eq!(honest.silhouette, shuffled.silhouette);
        assert_eq!(honest.mean_squared_distance, shuffled.mean_squared_distance);
        assert!(shuffled.train.adjusted_rand < 0.05 && honest.train.adjusted_rand > 0.3);
    }

    #[test]
    fn one_class_missing_classes_and_bad_settings_are_defined() {
        let one = clouds(30, 4, 1, 1.0, 0);
        let told = cluster_quality(&one, &one, &ClusterConfig::default()).unwrap();
        assert_eq!((told.silhouette, told.davies_bouldin, told.test.accuracy), (None, None, 1.0));
        // Class 2 has neither training nor test images: it still counts as a class.
        let values = clouds(40, 4, 2, 5.0, 0);
        let two =
            Features::new(values.whole().unwrap().into_owned(), 4, values.labels().to_vec(), numbered(3))
                .unwrap();
        assert_eq!(cluster_quality(&two, &two, &ClusterConfig::default()).unwrap().clusters, 3);
        let error = |config: &ClusterConfig| cluster_quality(&one, &one, config).unwrap_err().to_string();
        let default = ClusterConfig::default();
        assert!(error(&ClusterConfig { clusters: Some(31), ..default.clone() }).contains("31 of 30 images"));
        assert!(error(&ClusterConfig { silhouette_images: 1, ..default }).contains("silhouette_images"));
    }
}
