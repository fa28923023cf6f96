//! Measures of the eigenvalues of features' covariance.

use crate::views::rank_of_singular_values;
use serde::{Deserialize, Serialize};

use super::covariance::{covariance_eigenvalues, mean_row};
use super::power_law::{PowerLaw, power_law};
use crate::{FeatureError, Features, Problems, Settings, TILE_ROWS};

/// A dimension whose standard deviation is below this share of the largest magnitude in it is constant.
const CONSTANT: f64 = 1e-6;

/// What is told of the spectrum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpectrumConfig {
    /// Of how many first directions the share of variance is told; numbers beyond D are left out.
    pub first: Vec<usize>,
    /// First and last rank of the eigenvalues that the power law is fitted to.
    pub power_law_ranks: [usize; 2],
}

impl Default for SpectrumConfig {
    fn default() -> Self {
        Self { first: vec![1, 2, 5, 10, 20, 50, 100], power_law_ranks: [4, 100] }
    }
}

impl Settings for SpectrumConfig {
    fn problems(&self) -> Vec<String> {
        let [first, last] = self.power_law_ranks;
        Problems::default()
            .require(!self.first.contains(&0), "first", "numbers of 1 or more", &self.first)
            .require(
                0 < first && first <= last,
                "power_law_ranks",
                "two numbers of 1 or more, the second no smaller",
                self.power_law_ranks,
            )
            .list()
    }
}

/// How the variance of features is spread over directions.
///
/// All ranks depend on N while N is not much larger than D: compare them at one N only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpectrum {
    /// N, images measured.
    pub images: usize,
    /// D, the number of features.
    pub dimension: usize,
    /// Dimensions that are 0 for every image.
    pub dead_dimensions: usize,
    /// Dimensions that have one value for every image, the dead ones among them.
    pub constant_dimensions: usize,
    /// exp(entropy of sigma / sum sigma) of the singular values sigma of the centred features (Roy and
    /// Vetterli 2007, "The effective rank: a measure of effective dimensionality").
    pub effective_rank: f64,
    /// The same of the features as they are, not centred (RankMe: Garrido et al. 2023,
    /// <https://arxiv.org/abs/2210.02885>, equation 1).
    pub rank_me: f64,
    /// (sum lambda)^2 / sum lambda^2 of the eigenvalues lambda of the covariance.
    pub participation_ratio: f64,
    /// The decay of the eigenvalues; absent where there are too few.
    pub power_law: Option<PowerLaw>,
    /// Shares of the variance along the first directions.
    pub variance_shares: Vec<VarianceShare>,
    /// Eigenvalues of the covariance (divided by N), (D), descending. Of fewer images than dimensions the rest
    /// are 0.
    pub eigenvalues: Vec<f64>,
}

/// The variance along the first principal directions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VarianceShare {
    /// How many directions.
    pub directions: usize,
    /// Their share of the whole variance, 0 to 1.
    pub share: f64,
}

/// The spectrum of `features` (N, D). Labels play no part.
///
/// Features that are the same for all images have no variance: effective rank, participation ratio and
/// shares are 0.
///
/// # Errors
/// No image, ranks that are no range, [`FeatureError::Decomposition`].
pub fn feature_spectrum(
    features: &Features,
    config: &SpectrumConfig,
) -> Result<FeatureSpectrum, FeatureError> {
    if features.is_empty() {
        return Err(FeatureError::Empty { set: "the set whose spectrum is asked for".to_owned() });
    }
    config.check()?;
    let [first_rank, last_rank] = config.power_law_ranks;
    let dimension = features.dimension();
    let mean = mean_row(features);
    let mut eigenvalues = covariance_eigenvalues(features, &mean)?;
    eigenvalues.resize(dimension, 0.0);
    let variance: f64 = eigenvalues.iter().sum();
    let squares: f64 = eigenvalues.iter().map(|value| value * value).sum();
    let share = |directions: usize| {
        let along: f64 = eigenvalues[..directions].iter().sum();
        if variance > 0.0 { along / variance } else { 0.0 }
    };
    let (dead_dimensions, constant_dimensions) = unused_dimensions(features);
    Ok(FeatureSpectrum {
        images: features.len(),
        dimension,
        dead_dimensions,
        constant_dimensions,
        effective_rank: rank_of(&eigenvalues),
        rank_me: rank_of(&covariance_eigenvalues(features, &vec![0.0; dimension])?),
        participation_ratio: if squares > 0.0 { variance * variance / squares } else { 0.0 },
        power_law: power_law(&eigenvalues, first_rank, last_rank),
        variance_shares: config
            .first
            .iter()
            .filter(|&&directions| directions <= dimension)
            .map(|&directions| VarianceShare { directions, share: share(directions) })
            .collect(),
        eigenvalues,
    })
}

/// The effective rank of features whose second moments have these eigenvalues: singular values are square
/// roots, up to a factor that cancels. Rounding leaves eigenvalues of 1e-16 of the largest where there is no
/// variance, whose roots are not small: what is below 1e-14 of the largest, times their number, counts as 0.
fn rank_of(eigenvalues: &[f64]) -> f64 {
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    let noise = 1e-14 * largest;
    let root = |&value: &f64| if value > noise { value.sqrt() } else { 0.0 };
    rank_of_singular_values(&eigenvalues.iter().map(root).collect::<Vec<_>>())
}

/// How many dimensions are 0 for all images, and how many have one value for all.
fn unused_dimensions(features: &Features) -> (usize, usize) {
    let dimension = features.dimension();
    let mut low = features.row(0).into_owned();
    let mut high = low.clone();
    for tile in features.tiles(TILE_ROWS) {
        for row in tile.chunks_exact(dimension) {
            for ((low, high), &value) in low.iter_mut().zip(&mut high).zip(row) {
                *low = low.min(value);
                *high = high.max(value);
            }
        }
    }
    let ranges = || low.iter().zip(&high).map(|(&low, &high)| (f64::from(low), f64::from(high)));
    let dead = ranges().filter(|&(low, high)| low == 0.0 && high == 0.0).count();
    let constant = ranges().filter(|&(low, high)| high - low <= CONSTANT * low.abs().max(high.abs())).count();
    (dead, constant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{clouds, numbered};

    #[test]
    fn independent_dimensions_have_full_rank_and_a_line_has_rank_1() {
        let told = feature_spectrum(&clouds(4_000, 8, 2, 0.0, 0), &SpectrumConfig::default()).unwrap();
        for rank in [told.effective_rank, told.rank_me, told.participation_ratio] {
            assert!((rank - 8.0).abs() < 0.1, "{told:?}");
        }
        assert!((told.variance_shares[2].share - 0.625).abs() < 0.05 && told.variance_shares.len() == 3);
        let line: Vec<f32> = (0..50).flat_map(|at| [at as f32, -2.0 * at as f32, 0.0, 7.0]).collect();
        let line = Features::new(line, 4, vec![0; 50], numbered(1)).unwrap();
        let told = feature_spectrum(&line, &SpectrumConfig::default()).unwrap();
        assert!((told.effective_rank - 1.0).abs() < 1e-6 && (told.participation_ratio - 1.0).abs() < 1e-12);
        assert!(told.rank_me > 1.1, "the constant is a direction of its own where nothing is centred");
        assert_eq!((told.dead_dimensions, told.constant_dimensions), (1, 2));
        assert_eq!(told.power_law, None);
    }

    #[test]
    fn no_variance_is_defined_and_no_image_is_an_error() {
        let same = Features::new(vec![0.3; 12], 4, vec![0; 3], numbered(1)).unwrap();
        let told = feature_spectrum(&same, &SpectrumConfig::default()).unwrap();
        assert_eq!((told.effective_rank, told.participation_ratio), (0.0, 0.0));
        assert!((told.rank_me - 1.0).abs() < 1e-12 && told.constant_dimensions == 4);
        assert!(serde_json::to_string(&told).is_ok());
        let none = clouds(4, 2, 2, 1.0, 0).select(&[]);
        assert!(feature_spectrum(&none, &SpectrumConfig::default()).is_err());
        let config = SpectrumConfig { power_law_ranks: [9, 3], ..SpectrumConfig::default() };
        assert!(feature_spectrum(&same, &config).unwrap_err().to_string().contains("power_law_ranks"));
    }
}
