//! The whole evaluation of one frozen encoder on one labelled data set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zview_data::ImageSet;

use crate::{
    FewShotConfig, FewShotScore, KnnConfig, KnnScore, LinearProbeConfig, LinearScore, ProbeError, few_shot,
    knn, linear_probe,
};
use zview_features::{FeatureCache, FeatureError, FeatureExtractor, Features, extract_some, training_pool};

/// A way of judging features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A linear classifier on all training images.
    Linear,
    /// k nearest neighbours.
    Knn,
    /// A linear classifier on few labels of each class.
    FewShot,
}

/// What is evaluated and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Which protocols.
    pub protocols: Vec<Protocol>,
    /// How many training images are used (the first, or evenly spaced ones of a set stored class by
    /// class); `None` for all.
    pub train_pool: Option<usize>,
    /// Images encoded at once.
    pub batch: usize,
    /// The linear probe.
    pub linear: LinearProbeConfig,
    /// Nearest neighbours.
    pub knn: KnnConfig,
    /// Few labels.
    pub few_shot: FewShotConfig,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            protocols: vec![Protocol::Linear, Protocol::Knn, Protocol::FewShot],
            train_pool: Some(10_000),
            batch: 256,
            linear: LinearProbeConfig::default(),
            knn: KnnConfig::default(),
            few_shot: FewShotConfig::default(),
        }
    }
}

/// Results of an evaluation; accuracies are fractions. What was not asked for is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Linear probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linear: Option<LinearScore>,
    /// Nearest neighbours, keyed by k.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knn: Option<BTreeMap<usize, KnnScore>>,
    /// Few labels, keyed by labels per class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub few_shot: Option<BTreeMap<usize, FewShotScore>>,
    /// Training images used.
    pub n_train: usize,
    /// Test images, all of them.
    pub n_test: usize,
    /// The limit on training images, if there was one.
    pub train_pool: Option<usize>,
    /// D, the number of features.
    pub feature_dimension: usize,
    /// SHA-256 of the encoder's weights and statistics, the same before and after.
    pub extractor_sha256: String,
}

/// The features of a training pool and of all test images, by one encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedSets {
    /// Which training images are in the pool, in the order of `train`.
    pub pool: Vec<usize>,
    /// Features of the pool.
    pub train: Features,
    /// Features of all test images, in the data set's order.
    pub test: Features,
    /// SHA-256 of the encoder's weights and statistics, the same before and after.
    pub extractor_sha256: String,
}

/// Encodes a pool of at most `train_pool` images of `train` and all of `test`, `batch` at a time.
///
/// # Errors
/// Whatever extraction cannot do, and an encoder that changed on the way.
pub fn encode(
    extractor: &dyn FeatureExtractor,
    train: &ImageSet,
    test: &ImageSet,
    train_pool: Option<usize>,
    batch: usize,
) -> Result<EncodedSets, ProbeError> {
    encode_with(extractor, train, test, train_pool, batch, None)
}

/// [`encode`] with features that `cache` has kept where it has them.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(
    extractor: &dyn FeatureExtractor,
    train: &ImageSet,
    test: &ImageSet,
    train_pool: Option<usize>,
    batch: usize,
    cache: Option<&FeatureCache>,
) -> Result<EncodedSets, ProbeError> {
    let state =
        || extractor.state_sha256().map_err(|message| ProbeError::Features(FeatureError::State { message }));
    let before = state()?;
    let pool = training_pool(train, train_pool);
    let features = |images: &ImageSet, indices: &[usize]| match cache {
        Some(cache) => cache.features(extractor, &before, images, indices, batch),
        None => extract_some(extractor, images, indices, batch),
    };
    let train = features(train, &pool)?;
    let test = features(test, &(0..test.len()).collect::<Vec<_>>())?;
    let after = state()?;
    if before != after {
        return Err(ProbeError::StateChanged { before, after });
    }
    Ok(EncodedSets { pool, train, test, extractor_sha256: after })
}

/// Evaluates features that are already there; `extractor_sha256` says whose they are.
///
/// All of `train` is used: [`EvaluationConfig::train_pool`] is only reported.
///
/// # Errors
/// Whatever a protocol cannot do.
pub fn evaluate_features(
    train: &Features,
    test: &Features,
    config: &EvaluationConfig,
    extractor_sha256: String,
) -> Result<Evaluation, ProbeError> {
    let asked = |protocol| config.protocols.contains(&protocol);
    let linear = asked(Protocol::Linear).then(|| linear_probe(train, test, &config.linear)).transpose()?;
    let knn = asked(Protocol::Knn).then(|| knn(train, test, &config.knn)).transpose()?;
    let few_shot = asked(Protocol::FewShot).then(|| few_shot(train, test, &config.few_shot)).transpose()?;
    Ok(Evaluation {
        linear,
        knn,
        few_shot,
        n_train: train.len(),
        n_test: test.len(),
        train_pool: config.train_pool,
        feature_dimension: train.dimension(),
        extractor_sha256,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::clouds;
    use zview_features::made_up::{Pixels, strip};

    #[test]
    fn the_json_has_the_promised_keys() {
        let (train, test) = (clouds(400, 6, 3, 2.0, 0), clouds(90, 6, 3, 2.0, 1));
        let config = EvaluationConfig::default();
        let evaluation = evaluate_features(&train, &test, &config, "abc".to_owned()).unwrap();
        let json = serde_json::to_value(&evaluation).unwrap();
        for pointer in [
            "/linear/top1",
            "/linear/low",
            "/linear/high",
            "/linear/penalty",
            "/knn/20/top1",
            "/few_shot/10/mean",
            "/few_shot/100/low",
            "/few_shot/100/high",
            "/few_shot/100/draws/4",
            "/n_train",
            "/n_test",
            "/train_pool",
            "/extractor_sha256",
        ] {
            assert!(json.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer} in {json}");
        }
        assert!(json.pointer("/linear/correct").is_none());
        let only = EvaluationConfig { protocols: vec![Protocol::Knn], ..config };
        let json =
            serde_json::to_value(evaluate_features(&train, &test, &only, String::new()).unwrap()).unwrap();
        assert!(json.get("linear").is_none() && json.get("few_shot").is_none());
    }

    #[test]
    fn images_go_in_and_accuracy_comes_out() {
        let config = EvaluationConfig {
            protocols: vec![Protocol::Knn],
            train_pool: Some(20),
            knn: KnnConfig { k: Some(vec![1]), ..KnnConfig::default() },
            ..EvaluationConfig::default()
        };
        let sets =
            encode(&Pixels::new(2), &strip(25, 5), &strip(10, 5), config.train_pool, config.batch).unwrap();
        let evaluation = evaluate_features(&sets.train, &sets.test, &config, sets.extractor_sha256).unwrap();
        assert_eq!((evaluation.n_train, evaluation.n_test), (20, 10));
        // The test images are the first training images; 0 to 9 point in different directions.
        assert_eq!(evaluation.knn.unwrap()[&1].top1, 1.0);
    }

    #[test]
    fn an_encoder_that_changes_is_refused() {
        let changing = Pixels { changing: true, ..Pixels::new(2) };
        let error = encode(&changing, &strip(9, 3), &strip(9, 3), None, 8).unwrap_err();
        assert!(matches!(error, ProbeError::StateChanged { .. }), "{error}");
    }

    #[test]
    fn a_configuration_reads_from_toml_like_text_and_refuses_unknown_keys() {
        let json = r#"{"train_pool": 500, "knn": {"k": [5, 20], "vote": "majority"}, "few_shot": {"penalty": {"fixed": 0.01}}}"#;
        let config: EvaluationConfig = serde_json::from_str(json).unwrap();
        assert_eq!((config.train_pool, config.knn.k), (Some(500), Some(vec![5, 20])));
        assert_eq!(config.few_shot.draws, 10);
        assert!(serde_json::from_str::<EvaluationConfig>(r#"{"knn": {"ks": [5]}}"#).is_err());
    }
}
