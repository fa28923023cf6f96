//! One encoder on one data set.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::{
    EncodedSets, Evaluation, FewShotScore, FineTuned, LinearProbe, ProbeError, Start, calibration, confusion,
    encode_with, few_shot, few_shot_shares, find_overlap, fine_tune, fine_tune_gain, fine_tune_keeping,
    knn_on, label_curve, outlier_detection, robustness, sgd_probe,
};
use zview_data::{ImageSet, Reject};
use zview_encoder::FrozenEncoder;
use zview_features::clusters::cluster_quality;
use zview_features::spectrum::feature_spectrum;
use zview_features::{
    FeatureCache, FeatureError, FeatureExtractor, Features, extract, nearest_neighbours, stratified_split,
};
use zview_runtime::words::counted;

use super::config::{Measure, SuiteConfig};
use super::judged_at::JudgedAt;
use super::set_evaluation::{OutlierEvaluation, QueryNeighbours, SetEvaluation, WithoutCopies};
use crate::suite::examples::draw_queries;
use crate::suite::intervals::TestIntervals;

const QUERIES: usize = 8;
const NEIGHBOURS: usize = 6;

/// Labelled images of one data set as an encoder takes them, and the outliers.
pub(super) struct Images<'a> {
    pub(super) data: &'a str,
    pub(super) train: &'a ImageSet,
    pub(super) test: &'a ImageSet,
    /// Test images that are not among them, by their class, of which there is no training image.
    pub(super) only_in_test: &'a BTreeMap<String, usize>,
    /// What was decided about the images.
    pub(super) notes: &'a [String],
    /// The other data set's name and test images.
    pub(super) outliers: Option<(&'a str, &'a ImageSet)>,
}

/// An evaluation, and what its page is made of.
pub(super) struct Measured {
    pub(super) evaluation: SetEvaluation,
    pub(super) encoded: EncodedSets,
}

/// An encoder and how it sees pixels.
pub(super) struct Judged<'a> {
    /// The encoder itself, from which fine-tuning starts.
    pub(super) encoder: &'a FrozenEncoder,
    /// The encoder behind whatever scales its pixels.
    pub(super) extractor: &'a dyn FeatureExtractor,
    /// Where fine-tuned networks are kept, and what their names begin with.
    pub(super) keep: Option<(&'a Path, &'a str)>,
}

/// Seconds by part.
#[derive(Default)]
struct Clock(BTreeMap<&'static str, f64>);

impl Clock {
    fn time<T, E: Into<ProbeError>>(
        &mut self,
        asked: bool,
        part: &'static str,
        of: impl FnOnce() -> Result<T, E>,
    ) -> Result<Option<T>, ProbeError> {
        if !asked {
            return Ok(None);
        }
        tracing::info!(part, "measuring");
        let started = Instant::now();
        let result = of().map_err(Into::into)?;
        self.0.insert(part, started.elapsed().as_secs_f64());
        Ok(Some(result))
    }
}

/// Measures all that `config` asks for. Every setting is decided on training images; the test images are judged once
/// by each protocol.
pub(super) fn measure(
    judged: &Judged<'_>,
    images: &Images<'_>,
    config: &SuiteConfig,
    intervals: &TestIntervals<'_>,
    cache: Option<&FeatureCache>,
) -> Result<Measured, ProbeError> {
    let Judged { encoder, extractor, keep } = *judged;
    let Images { train, test, .. } = *images;
    let asked = |measure| config.asks_for(measure);
    let mut clock = Clock::default();

    let pool = Some(config.train_pool);
    let encode = || encode_with(extractor, train, test, pool, config.batch, cache);
    let encoded = clock.time(true, "encode", encode)?.ok_or_else(|| nothing("encoded"))?;
    let (train_features, test_features) = (&encoded.train, &encoded.test);
    let labelled = train.select(&encoded.pool);

    let needs_probe = asked(Measure::Linear) || asked(Measure::Robustness) || asked(Measure::Outliers);
    let probe = clock.time(needs_probe, "linear", || {
        Features::check_classified(train_features, test_features)?;
        LinearProbe::fit(train_features, &config.linear)
    })?;
    let linear = probe.as_ref().filter(|_| asked(Measure::Linear)).map(|probe| {
        let mut score = probe.score(test_features);
        let interval = intervals.accuracy(&score.correct, 0);
        (score.low, score.high) = (interval.low, interval.high);
        score
    });
    let confusion = linear
        .as_ref()
        .map(|linear| {
            confusion(
                &linear.predictions,
                test_features.labels(),
                test_features.class_names(),
                &config.confusion,
            )
        })
        .transpose()?;
    let calibration =
        linear.as_ref().map(|linear| calibration(&linear.predictions, &config.calibration)).transpose()?;

    let mut knn = clock.time(asked(Measure::Knn), "knn", || {
        knn_on(extractor.device(), train_features, test_features, &config.knn)
    })?;
    for (&k, score) in knn.iter_mut().flatten() {
        let interval = intervals.accuracy(&score.correct, k as u64);
        (score.low, score.high) = (interval.low, interval.high);
    }
    let few = clock.time(asked(Measure::FewShot), "few_shot", || {
        let by_class = few_shot(train_features, test_features, &config.few_shot)?;
        Ok::<_, ProbeError>((by_class, few_shot_shares(train_features, test_features, &config.few_shot)?))
    })?;
    let held_out = config.few_shot_validation_share;
    let few_shot_validation =
        clock.time(asked(Measure::FewShot) && held_out > 0.0, "few_shot_validation", || {
            let split = stratified_split(train_features, held_out.min(1.0), config.few_shot.seed);
            let (labelled, judged) =
                (train_features.select(&split.training), train_features.select(&split.validation));
            few_shot(&labelled, &judged, &config.few_shot)
        })?;
    let (few_shot, mut few_shot_shares) = few.unzip();
    let classes = train_features.class_names().len();
    let left_out =
        few_shot_shares.as_mut().map(|shares| without_too_few(shares, classes)).unwrap_or_default();
    let label_curve = clock.time(asked(Measure::LabelCurve), "label_curve", || {
        label_curve(train_features, test_features, &config.label_curve)
    })?;
    let sgd = clock.time(asked(Measure::Sgd), "sgd", || {
        sgd_probe(extractor, train, test, Some(config.train_pool), &config.sgd)
    })?;
    let tuned = |start: Start<'_>| fine_tune(start, &labelled, test, &config.fine_tune, encoder.device());
    let from_weights = clock.time(asked(Measure::FineTune), "fine_tune", || {
        let start = Start::Encoder(encoder);
        fine_tune_keeping(start, &labelled, test, &config.fine_tune, encoder.device())
    })?;
    let (from_weights, networks) = from_weights.unzip();
    let kept = match keep {
        Some((folder, name)) => keep_all(&networks.unwrap_or_default(), folder, name)?,
        None => Vec::new(),
    };
    let scratch =
        clock.time(asked(Measure::Scratch), "scratch", || tuned(Start::Scratch(encoder.config())))?;
    let fine_tune_gain = from_weights
        .as_ref()
        .zip(scratch.as_ref())
        .map(|(from_weights, scratch)| fine_tune_gain(from_weights, scratch))
        .transpose()?;
    let robustness = clock.time(asked(Measure::Robustness), "robustness", || match &probe {
        Some(probe) => robustness(extractor, probe, test, &config.robustness),
        None => Err(nothing("fitted")),
    })?;
    let outliers = match images.outliers.filter(|_| asked(Measure::Outliers)) {
        None => None,
        Some((data, others)) => clock.time(true, "outliers", || {
            // Their labels are not looked at, and there may be none.
            let others = extract(extractor, &unlabelled(others)?, config.batch)?;
            let detection =
                outlier_detection(train_features, test_features, &others, probe.as_ref(), &config.outliers)?;
            Ok::<_, ProbeError>(OutlierEvaluation { data: data.to_owned(), detection })
        })?,
    };
    let spectrum = clock
        .time(asked(Measure::Spectrum), "spectrum", || feature_spectrum(test_features, &config.spectrum))?;
    let clusters = clock.time(asked(Measure::Clusters), "clusters", || {
        cluster_quality(train_features, test_features, &config.clusters)
    })?;
    let overlap =
        clock.time(asked(Measure::Overlap), "overlap", || find_overlap(&labelled, test, &config.overlap))?;
    let linear_without_copies = overlap.as_ref().zip(linear.as_ref()).and_then(|(overlap, linear)| {
        let top1 = overlap.accuracy_without_copies(&linear.correct)?;
        Some(WithoutCopies { top1, n_test: overlap.is_copy.iter().filter(|&&is_copy| !is_copy).count() })
    });

    let queries = draw_queries(config.knn.seed, test_features.len(), QUERIES);
    let nearest = nearest_neighbours(train_features, &test_features.select(&queries), NEIGHBOURS)?;
    let neighbours = queries.iter().zip(&nearest).map(|(&test, near)| QueryNeighbours {
        test,
        train: near.iter().map(|near| encoded.pool[near.image]).collect(),
    });

    let evaluation = SetEvaluation {
        data: images.data.to_owned(),
        data_notes: images.notes.to_vec(),
        rejects: left_out_files(train, test),
        classes_only_in_test: images.only_in_test.clone(),
        judged_at: JudgedAt::new(train.shape, encoder),
        protocol: decisions(config),
        base: Evaluation {
            linear,
            knn,
            few_shot,
            n_train: train_features.len(),
            n_test: test_features.len(),
            train_pool: Some(config.train_pool),
            feature_dimension: train_features.dimension(),
            extractor_sha256: encoded.extractor_sha256.clone(),
        },
        intervals: intervals.resampling().clone(),
        linear_without_copies,
        few_shot_shares: few_shot_shares.filter(|_| !config.few_shot.shares.is_empty()),
        left_out,
        beside: None,
        few_shot_validation,
        label_curve,
        sgd,
        fine_tune: from_weights,
        fine_tuned_networks: kept,
        scratch,
        fine_tune_gain,
        confusion,
        calibration,
        robustness,
        outliers,
        spectrum,
        clusters,
        overlap,
        neighbours: neighbours.collect(),
        seconds: clock.0,
    };
    Ok(Measured { evaluation, encoded })
}

/// Writes fine-tuned networks into `folder`: `NAME-seedN.safetensors`.
fn keep_all(networks: &[FineTuned], folder: &Path, name: &str) -> Result<Vec<PathBuf>, ProbeError> {
    let failed = |message: String| ProbeError::Features(FeatureError::State { message });
    std::fs::create_dir_all(folder).map_err(|error| failed(format!("{}: {error}", folder.display())))?;
    let kept = networks.iter().map(|network| {
        let file = folder.join(format!("{name}-seed{}.safetensors", network.seed));
        network.save(&file).map_err(|error| failed(error.to_string()))?;
        Ok(file)
    });
    kept.collect()
}

/// The unreadable files of both splits, each once: of a folder without splits both name the same.
fn left_out_files(train: &ImageSet, test: &ImageSet) -> Vec<Reject> {
    let mut rejects: Vec<Reject> = train.rejects.iter().chain(&test.rejects).cloned().collect();
    let mut seen = BTreeSet::new();
    rejects.retain(|reject| seen.insert(reject.path.clone()));
    rejects
}

/// Takes out the shares that give no class more than one label: that says what one label per class says.
pub(super) fn without_too_few(shares: &mut BTreeMap<String, FewShotScore>, classes: usize) -> Vec<String> {
    let told = |(share, score): (&String, &FewShotScore)| {
        let labels = score.labels;
        (labels <= classes).then(|| {
            format!(
                "{share} of the labels: {labels} labels of {classes} classes are no more than one of each"
            )
        })
    };
    let left_out = shares.iter().filter_map(told).collect();
    shares.retain(|_, score| score.labels > classes);
    left_out
}

fn nothing(what: &str) -> ProbeError {
    ProbeError::Features(FeatureError::Empty { set: format!("what should have been {what}") })
}

/// The same images, all of one class that stands for none.
pub(crate) fn unlabelled(images: &ImageSet) -> Result<ImageSet, ProbeError> {
    let pixels: Vec<u8> = (0..images.len()).flat_map(|image| images.pixels(image)).copied().collect();
    let labels = Some(vec![0; images.len()]);
    Ok(ImageSet::new(images.name.clone(), images.shape, pixels, labels, vec!["outlier".to_owned()])?)
}

/// How settings are decided, one sentence for each protocol asked for.
fn decisions(config: &SuiteConfig) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut say = |measure: Measure, sentence: String| {
        if config.asks_for(measure) {
            sentences.push(sentence);
        }
    };
    let held_out = |share: f64| format!("{} % of the training images", 100.0 * share);
    say(
        Measure::Linear,
        match config.linear.fixed_penalty {
            Some(penalty) => format!("linear: L-BFGS logistic regression, penalty {penalty:e} given"),
            None => format!(
                "linear: L-BFGS logistic regression, penalty picked from {} on {}, refitted on all of them",
                config.linear.penalties.len(),
                held_out(config.linear.validation_share)
            ),
        },
    );
    say(Measure::Knn, "knn: cosine similarity, votes exp(similarity / T), nothing picked".to_owned());
    say(
        Measure::FewShot,
        format!("few-shot: {} of the labelled images", counted(config.few_shot.draws, "draw")),
    );
    say(
        Measure::LabelCurve,
        format!(
            "label-curve: {}, larger ones contain smaller ones",
            counted(config.label_curve.draws, "draw")
        ),
    );
    say(
        Measure::Sgd,
        format!(
            "sgd: augmented images, {} epochs, rate picked from {} on {}",
            config.sgd.epochs,
            config.sgd.learning_rates.len(),
            held_out(config.sgd.validation_share)
        ),
    );
    if config.asks_for(Measure::FineTune) || config.asks_for(Measure::Scratch) {
        sentences.push(format!(
            "fine-tune, scratch: rate and layer decay picked on {} % of the labelled images, same updates",
            100.0 * config.fine_tune.validation_share
        ));
    }
    sentences.push("test images are judged once, at the end".to_owned());
    sentences
}
