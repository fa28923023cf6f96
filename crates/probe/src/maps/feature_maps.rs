//! A sample of features on a plane, by PCA and by t-SNE.

use serde::{Deserialize, Serialize};
use zview_runtime::seed::{Purpose, Stream};

use super::principal_components::PrincipalComponents;
use super::trustworthiness::trustworthiness;
use super::tsne::{largest_perplexity, tsne};
use crate::ProbeError;
use zview_features::{Features, Problems, Settings};

/// Fewer images than this have no neighbourhoods to show.
const IMAGES_MIN: usize = 10;

/// How maps are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MapConfig {
    /// Images on the map at most, drawn at random; time grows a little faster than their number.
    pub images: usize,
    /// Principal components that t-SNE sees.
    pub components: usize,
    /// The effective number of neighbours of a point; a third of the images at most.
    pub perplexity: f64,
    /// Steps of t-SNE, 250 of them exaggerated.
    pub steps: usize,
    /// The k of the maps' trustworthiness.
    pub neighbours: usize,
    /// Seed of the sample. Nothing else is random.
    pub seed: u64,
}

impl Default for MapConfig {
    fn default() -> Self {
        Self { images: 2_000, components: 50, perplexity: 30.0, steps: 2_000, neighbours: 15, seed: 0 }
    }
}

impl Settings for MapConfig {
    fn problems(&self) -> Vec<String> {
        let perplexity = self.perplexity;
        let holds = perplexity >= 1.0 && perplexity.is_finite();
        Problems::default()
            .at_least("images", IMAGES_MIN, self.images)
            .at_least("components", 2, self.components)
            .require(holds, "perplexity", "1 or more", perplexity)
            .at_least("neighbours", 1, self.neighbours)
            .list()
    }
}

/// One map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureMap {
    /// Where each image of the sample lies, (N, 2).
    pub points: Vec<[f64; 2]>,
    /// The share of neighbourhoods on the map that are neighbourhoods in feature space, see
    /// [`trustworthiness`].
    pub trustworthiness: f64,
}

/// Two maps of the same sample of images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureMaps {
    /// Which images are on the maps, ascending, (N).
    pub images: Vec<usize>,
    /// The class of each, (N).
    pub labels: Vec<u32>,
    /// The two directions of largest variance.
    pub pca: FeatureMap,
    /// The share of the variance along either axis of `pca`, 0 to 1.
    pub pca_variance_shares: [f64; 2],
    /// t-SNE of the leading principal components, begun at `pca`.
    pub tsne: FeatureMap,
    /// Principal components that t-SNE saw.
    pub components: usize,
    /// The share of the variance in them, 0 to 1.
    pub components_variance_share: f64,
    /// The perplexity used.
    pub perplexity: f64,
    /// Kullback-Leibler divergence that t-SNE ended at, nats.
    pub tsne_divergence: f64,
    /// The k of the trustworthiness.
    pub neighbours: usize,
}

/// Maps of a random sample of `features` by PCA and by t-SNE of the leading principal components (50 by default,
/// the usual practice: van der Maaten and Hinton 2008, section 4.2).
///
/// Distances are Euclidean, between features as they come from the encoder. Features that are all the same lie
/// on one point of either map. The same features and seed give the same bits, whatever the number of threads.
///
/// # Errors
/// [`ProbeError::TooFewToMap`] below 10 images, settings that cannot work.
pub fn feature_maps(features: &Features, config: &MapConfig) -> Result<FeatureMaps, ProbeError> {
    if features.len() < IMAGES_MIN {
        return Err(ProbeError::TooFewToMap { images: features.len(), needed: IMAGES_MIN });
    }
    config.check()?;
    let images = sample(features.len(), config.images, config.seed);
    let features = features.select(&images);
    let principal = PrincipalComponents::fit(&features, config.components)?;
    let coordinates = principal.project(&features)?;
    let shares = principal.variance_shares();
    let share = |axis: usize| shares.get(axis).copied().unwrap_or(0.0);
    let components = principal.len();
    // Features that vary in fewer than two directions have a map all the same.
    let at = |image: usize, axis: usize| {
        if axis < components { coordinates[image * components + axis] } else { 0.0 }
    };
    let pca: Vec<[f64; 2]> = (0..images.len()).map(|image| [at(image, 0), at(image, 1)]).collect();
    let perplexity = config.perplexity.min(largest_perplexity(images.len()));
    let neighbours = config.neighbours.min((images.len() - 1) / 2);
    let map = tsne(&coordinates, components.max(1), &pca, perplexity, config.steps);
    let judged = |points: Vec<[f64; 2]>| {
        let trustworthiness = trustworthiness(&features, &points, neighbours)?;
        Ok::<_, ProbeError>(FeatureMap { points, trustworthiness })
    };
    Ok(FeatureMaps {
        labels: features.labels().to_vec(),
        pca: judged(pca)?,
        pca_variance_shares: [share(0), share(1)],
        tsne: judged(map.points)?,
        components,
        components_variance_share: shares.iter().sum(),
        perplexity,
        tsne_divergence: map.divergence,
        neighbours,
        images,
    })
}

/// `count` of `images` at random, ascending; all where there are no more.
fn sample(images: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut drawn: Vec<usize> = (0..images).collect();
    // Step 0 belongs to the images that a report shows.
    Stream::new(seed, Purpose::Picture, 1, 0).shuffle(&mut drawn);
    drawn.truncate(count);
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};

    fn small() -> MapConfig {
        MapConfig { images: 150, steps: 500, ..MapConfig::default() }
    }

    /// Of each point's `k` nearest, the share that has its class.
    fn purity(map: &FeatureMap, labels: &[u32], k: usize) -> f64 {
        let mut same = 0;
        for (image, point) in map.points.iter().enumerate() {
            let distances: Vec<f64> = map
                .points
                .iter()
                .map(|other| (other[0] - point[0]).powi(2) + (other[1] - point[1]).powi(2))
                .collect();
            let nearest = super::super::trustworthiness::nearest_first(image, &distances);
            same += nearest[..k].iter().filter(|&&other| labels[other] == labels[image]).count();
        }
        same as f64 / (k * labels.len()) as f64
    }

    #[test]
    fn clouds_lie_apart_and_a_seed_decides_every_bit() {
        let features = clouds(400, 20, 6, 4.0, 0);
        let maps = feature_maps(&features, &small()).unwrap();
        assert_eq!((maps.images.len(), maps.tsne.points.len(), maps.components), (150, 150, 20));
        assert!(maps.images.is_sorted() && maps.images[149] < 400);
        assert!(
            maps.images.iter().zip(&maps.labels).all(|(&image, &label)| features.labels()[image] == label)
        );
        assert!(purity(&maps.tsne, &maps.labels, 5) > 0.95);
        assert!(maps.tsne.trustworthiness > maps.pca.trustworthiness, "{maps:?}");
        assert!((maps.components_variance_share - 1.0).abs() < 1e-12);
        assert_eq!(maps, feature_maps(&features, &small()).unwrap());
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(maps, one.install(|| feature_maps(&features, &small()).unwrap()));
        let other = feature_maps(&features, &MapConfig { seed: 1, ..small() }).unwrap();
        assert_ne!(maps.images, other.images);
    }

    #[test]
    fn features_without_spread_lie_on_one_point() {
        let same = Features::new(vec![2.5; 40], 2, vec![0; 20], numbered(1)).unwrap();
        let maps = feature_maps(&same, &small()).unwrap();
        assert_eq!(maps.components, 0);
        assert!(maps.pca.points.iter().chain(&maps.tsne.points).all(|&point| point == [0.0; 2]));
    }

    #[test]
    fn one_dimension_and_repeated_images_are_no_trouble() {
        let values: Vec<f32> = (0..40).map(|image| (image / 4) as f32).collect();
        let line = Features::new(values, 1, vec![0; 40], numbered(1)).unwrap();
        let maps = feature_maps(&line, &small()).unwrap();
        assert_eq!((maps.components, maps.pca_variance_shares), (1, [1.0, 0.0]));
        assert!(maps.tsne.points.iter().flatten().all(|coordinate| coordinate.is_finite()), "{maps:?}");
        assert_eq!(maps.perplexity, 13.0);
    }

    #[test]
    fn settings_that_cannot_work_and_too_few_images_are_named() {
        let features = clouds(30, 3, 3, 1.0, 0);
        let error = |config| feature_maps(&features, &config).unwrap_err().to_string();
        assert!(error(MapConfig { images: 3, ..small() }).contains("images: expected "));
        assert!(error(MapConfig { components: 1, ..small() }).contains("components: expected "));
        assert!(error(MapConfig { perplexity: f64::NAN, ..small() }).contains("perplexity: expected "));
        assert!(error(MapConfig { neighbours: 0, ..small() }).contains("neighbours: expected "));
        let error = feature_maps(&clouds(9, 3, 3, 1.0, 0), &small()).unwrap_err().to_string();
        assert!(error.contains('9') && error.contains("10"), "{error}");
        assert!(serde_json::from_str::<MapConfig>(r#"{"perplexitty": 3}"#).is_err());
    }
}
