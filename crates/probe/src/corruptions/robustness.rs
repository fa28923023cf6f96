//! What a linear probe of clean images still says of corrupted ones.
//!
//! After Hendrycks and Dietterich 2019, <https://arxiv.org/abs/1903.12261>, with plain accuracies: their
//! corruption error divides by that of AlexNet.

use serde::{Deserialize, Serialize};
use zview_data::ImageSet;
use zview_numerics::statistics::{Interval, accuracy_interval, difference_of_one, percentile_interval};

use super::kind::{Corruption, SEVERITIES};
use super::set::corrupt;
use crate::ProbeError;
use crate::linear::LinearProbe;
use zview_features::{FeatureError, FeatureExtractor, Problems, Settings, extract};

/// Keeps the resamples apart from those of other figures of one run.
const USE_NUMBER: u64 = 2 << 40;

/// How robustness is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RobustnessConfig {
    /// How many test images are used, evenly spaced; `None` for all. Every one is encoded once clean and once
    /// for each corruption and severity: that is the cost.
    pub images: Option<usize>,
    /// Which corruptions.
    pub corruptions: Vec<Corruption>,
    /// Which severities, 1 to 5.
    pub severities: Vec<u8>,
    /// Images encoded at once.
    pub batch: usize,
    /// Seed of the corruptions and the confidence intervals.
    pub seed: u64,
}

impl Default for RobustnessConfig {
    fn default() -> Self {
        Self {
            images: Some(2_000),
            corruptions: Corruption::all(),
            severities: (1..=SEVERITIES).collect(),
            batch: 256,
            seed: 0,
        }
    }
}

impl Settings for RobustnessConfig {
    fn problems(&self) -> Vec<String> {
        let severities = &self.severities;
        let of_severities =
            !severities.is_empty() && severities.iter().all(|severity| (1..=SEVERITIES).contains(severity));
        Problems::default()
            .at_least("images", 1, self.images)
            .require(!self.corruptions.is_empty(), "corruptions", "one or more", &self.corruptions)
            .require(
                of_severities,
                "severities",
                format_args!("one number of 1 to {SEVERITIES}, or several"),
                severities,
            )
            .at_least("batch", 1, self.batch)
            .list()
    }
}

/// Accuracies on corrupted images; fractions, intervals at 95 % over test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// Test images, each used for every corruption.
    pub n_test: usize,
    /// Accuracy on these images as they are.
    pub clean: f64,
    /// Interval of `clean`.
    pub clean_interval: Interval,
    /// Mean accuracy over all corruptions and severities.
    pub corrupted: f64,
    /// Interval of `corrupted`.
    pub corrupted_interval: Interval,
    /// `clean` minus `corrupted`.
    pub drop: f64,
    /// Interval of `drop`, from the same resamples of images.
    pub drop_interval: Interval,
    /// Each corruption and severity.
    pub scores: Vec<CorruptionScore>,
}

/// Accuracy with one corruption and severity; fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorruptionScore {
    /// Which corruption.
    pub corruption: Corruption,
    /// 1 to 5.
    pub severity: u8,
    /// What that means for this corruption, see [`Corruption`].
    pub strength: f64,
    /// Share of images that are right.
    pub top1: f64,
    /// Interval of `top1`.
    pub interval: Interval,
    /// Accuracy on clean images minus `top1`.
    pub drop: f64,
    /// Interval of `drop`, paired by image.
    pub drop_interval: Interval,
}

/// Accuracy of `probe`, fitted on features of clean training images, on corrupted images of `test`.
///
/// # Errors
/// No corruption or severity, a severity or a number of images that cannot be, whatever extraction cannot do,
/// test classes or features that are not those of the probe, an encoder that changed on the way.
pub fn robustness(
    extractor: &dyn FeatureExtractor,
    probe: &LinearProbe,
    test: &ImageSet,
    config: &RobustnessConfig,
) -> Result<Robustness, ProbeError> {
    config.check()?;
    let state =
        || extractor.state_sha256().map_err(|message| ProbeError::Features(FeatureError::State { message }));
    let before = state()?;
    let images = test.select(&evenly_spaced(test.len(), config.images));
    let correct_of = |images: &ImageSet| -> Result<Vec<bool>, ProbeError> {
        let features = extract(extractor, images, config.batch)?;
        probe.check(&features)?;
        Ok(probe.predictions(&features).correct())
    };
    let clean = correct_of(&images)?;
    let mut scores = Vec::new();
    let mut right_times = vec![0u32; images.len()];
    for &corruption in &config.corruptions {
        for &severity in &config.severities {
            let correct = correct_of(&corrupt(&images, corruption, severity, config.seed)?)?;
            right_times.iter_mut().zip(&correct).for_each(|(times, &right)| *times += u32::from(right));
            scores.push(score(corruption, severity, &clean, &correct));
            tracing::debug!(corruption = corruption.name(), severity, "corrupted images judged");
        }
    }
    let after = state()?;
    if before != after {
        return Err(ProbeError::StateChanged { before, after });
    }
    Ok(summary(&clean, &right_times, scores, config.seed))
}

/// At most `wanted` of `images` numbers, evenly spaced, so that every class of a set stored class by class
/// gives its share.
fn evenly_spaced(images: usize, wanted: Option<usize>) -> Vec<usize> {
    let wanted = wanted.unwrap_or(images).min(images);
    (0..wanted).map(|position| (position as u128 * images as u128 / wanted as u128) as usize).collect()
}

fn share(correct: &[bool]) -> f64 {
    correct.iter().filter(|&&right| right).count() as f64 / correct.len() as f64
}

fn score(corruption: Corruption, severity: u8, clean: &[bool], correct: &[bool]) -> CorruptionScore {
    let right = correct.iter().filter(|&&right| right).count();
    let nothing = Interval { low: f64::NAN, high: f64::NAN };
    CorruptionScore {
        corruption,
        severity,
        strength: corruption.strengths()[usize::from(severity) - 1],
        top1: share(correct),
        interval: accuracy_interval(right, correct.len()),
        drop: share(clean) - share(correct),
        drop_interval: difference_of_one(clean, correct, None).unwrap_or(nothing),
    }
}

/// Means over all corruptions, with intervals over images: what one image is in all its versions stays together.
fn summary(clean: &[bool], right_times: &[u32], scores: Vec<CorruptionScore>, seed: u64) -> Robustness {
    let images = clean.len();
    let versions = scores.len() as f64;
    let mean_of = |value: &(dyn Fn(usize) -> f64 + Sync)| {
        let mean = (0..images).map(value).sum::<f64>() / images as f64;
        let interval = percentile_interval(seed, USE_NUMBER, |stream| {
            let draws = (0..images).map(|_| value(stream.below(images as u64) as usize));
            draws.sum::<f64>() / images as f64
        });
        (mean, interval)
    };
    let clean_of = |image: usize| f64::from(u8::from(clean[image]));
    let corrupted_of = |image: usize| f64::from(right_times[image]) / versions;
    let (clean, clean_interval) = mean_of(&clean_of);
    let (corrupted, corrupted_interval) = mean_of(&corrupted_of);
    let (drop, drop_interval) = mean_of(&|image| clean_of(image) - corrupted_of(image));
    Robustness {
        n_test: images,
        clean,
        clean_interval,
        corrupted,
        corrupted_interval,
        drop,
        drop_interval,
        scores,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::LinearProbeConfig;
    use zview_data::ImageShape;
    use zview_features::made_up::{Pixels, strip};
    use zview_runtime::seed::{Purpose, Stream};

    /// Bright on the left or on the right half, with noise.
    fn halves(images: usize, draw: u64) -> ImageSet {
        let shape = ImageShape { channels: 1, height: 8, width: 8 };
        let mut stream = Stream::new(0, Purpose::Check, 302, draw);
        let labels: Vec<u32> = (0..images as u32).map(|image| image % 2).collect();
        let pixels = labels.iter().flat_map(|&label| {
            (0..64).map(|at| if (at % 8 < 4) == (label == 0) { 140 } else { 110 }).collect::<Vec<u8>>()
        });
        let pixels = pixels.map(|pixel| pixel + (stream.uniform() * 20.0) as u8).collect();
        ImageSet::new("halves", shape, pixels, Some(labels), vec!["left".into(), "right".into()]).unwrap()
    }

    fn fitted(extractor: &Pixels) -> LinearProbe {
        let train = extract(extractor, &halves(100, 0), 50).unwrap();
        LinearProbe::fit(&train, &LinearProbeConfig::default()).unwrap()
    }

    #[test]
    fn a_probe_that_needs_contrast_suffers_from_lack_of_it() {
        let extractor = Pixels::new(64);
        let probe = fitted(&extractor);
        let config = RobustnessConfig {
            images: Some(60),
            corruptions: vec![Corruption::Contrast, Corruption::GaussianNoise],
            severities: vec![1, 5],
            ..RobustnessConfig::default()
        };
        let told = robustness(&extractor, &probe, &halves(100, 1), &config).unwrap();
        assert_eq!((told.n_test, told.clean, told.scores.len()), (60, 1.0, 4));
        let mean = told.scores.iter().map(|score| score.top1).sum::<f64>() / 4.0;
        assert!((told.corrupted - mean).abs() < 1e-12 && (told.drop - (1.0 - mean)).abs() < 1e-12);
        assert!(told.scores[3].top1 <= told.scores[2].top1, "{told:?}");
        assert!(told.drop_interval.low <= told.drop && told.drop <= told.drop_interval.high);
        assert_eq!(told, robustness(&extractor, &probe, &halves(100, 1), &config).unwrap());
    }

    #[test]
    fn settings_are_read_by_name_and_unknown_ones_refused() {
        let read = |json: &str| serde_json::from_str::<RobustnessConfig>(json);
        let config = read(r#"{"corruptions": ["jpeg", "gaussian-noise"], "images": null}"#).unwrap();
        assert_eq!(config.corruptions, [Corruption::Jpeg, Corruption::GaussianNoise]);
        assert_eq!((config.images, config.severities.len()), (None, 5));
        assert!(read(r#"{"severity": [1]}"#).is_err() && read(r#"{"corruptions": ["fog"]}"#).is_err());
    }

    #[test]
    fn images_are_evenly_spaced() {
        assert_eq!(evenly_spaced(10, Some(4)), [0, 2, 5, 7]);
        assert_eq!(evenly_spaced(3, Some(9)), [0, 1, 2]);
        assert_eq!(evenly_spaced(2, None), [0, 1]);
        assert!(evenly_spaced(0, Some(4)).is_empty());
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        let extractor = Pixels::new(64);
        let probe = fitted(&extractor);
        let told = |test: &ImageSet, config: &RobustnessConfig| {
            robustness(&extractor, &probe, test, config).unwrap_err().to_string()
        };
        let default = RobustnessConfig::default();
        assert!(told(&halves(4, 1).first(0), &default).contains("no images"));
        assert!(
            told(&halves(4, 1), &RobustnessConfig { images: Some(0), ..default.clone() }).contains("images")
        );
        let none = RobustnessConfig { corruptions: Vec::new(), ..default.clone() };
        assert!(told(&halves(4, 1), &none).contains("corruptions: expected "));
        let severity = RobustnessConfig { severities: vec![7], ..default.clone() };
        assert!(told(&halves(4, 1), &severity).contains("severities: expected "));
        let changing = Pixels { changing: true, ..Pixels::new(64) };
        let changed = robustness(&changing, &probe, &halves(4, 1), &default).unwrap_err();
        assert!(matches!(changed, ProbeError::StateChanged { .. }));
        // Other classes than the probe's.
        let other = Pixels::new(2);
        let error = robustness(&other, &probe, &strip(4, 3), &default).unwrap_err().to_string();
        assert!(error.contains("2") && error.contains("64"), "{error}");
    }
}
