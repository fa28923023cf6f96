//! Fine-tuning: candidates are judged on held-out labelled images, the best is trained again on all of them, and the
//! test images are looked at once.

use std::time::Instant;

use burn::tensor::Device;
use zview_data::ImageSet;
use zview_encoder::FrozenEncoder;
use zview_numerics::statistics::{Interval, accuracy_interval, mean_interval};

use super::candidate::{Candidate, CandidateScore, best_first, candidates};
use super::classifier::Classifier;
use super::config::{FineTuneConfig, HeadStart};
use super::fine_tuned::FineTuned;
use super::judge::{Judged, judge};
use super::labels::labelled_subset;
use super::score::{FineTuneRun, FineTuneScore};
use super::start::{Origin, Start};
use super::told::{Told, Work};
use super::training::{Trained, TrainingSet, train};
use crate::ProbeError;
use crate::linear::{LinearProbe, LinearProbeConfig};
use zview_features::{FeatureError, Settings, extract_some, split_by_class};

/// Trains the network that `start` names, with a linear head, on labelled images of `train_set`, and measures its
/// accuracy on `test_set`; once for every seed. Training takes place on `device` (without autodiff).
///
/// # Errors
/// An encoder that cannot be loaded, has weights that are not finite or does not take the images; sets without images
/// or labels, of one class, of different classes or shapes, or with too few labels; settings that cannot work; every
/// candidate diverged; a device that fails.
pub fn fine_tune(
    start: Start<'_>,
    train_set: &ImageSet,
    test_set: &ImageSet,
    config: &FineTuneConfig,
    device: &Device,
) -> Result<FineTuneScore, ProbeError> {
    fine_tune_keeping(start, train_set, test_set, config, device).map(|(score, _)| score)
}

/// [`fine_tune`], with the network that each seed ended with.
///
/// # Errors
/// As [`fine_tune`].
pub fn fine_tune_keeping(
    start: Start<'_>,
    train_set: &ImageSet,
    test_set: &ImageSet,
    config: &FineTuneConfig,
    device: &Device,
) -> Result<(FineTuneScore, Vec<FineTuned>), ProbeError> {
    let started = Instant::now();
    config.check()?;
    check_sets(train_set, test_set)?;
    let origin = Origin::open(start, train_set, device)?;
    let encoder_sha256 = origin.state_sha256()?;
    let n_train = labelled_subset(train_set, config.labels_per_class, 0)?.len();
    let steps = config.steps(n_train);
    let candidates = candidates(config);
    let label = if matches!(origin, Origin::Scratch(_)) { "training from scratch" } else { "fine-tuning" };
    let work = Work { label, candidates: candidates.len(), steps, seeds: config.seeds.len() };
    let shape = train_set.shape;
    let on = origin.device(device);
    let mut arm = Arm {
        told: Told::begin(work, [shape.channels, shape.height, shape.width], &on),
        device: on,
        origin,
        train_set,
        test_set,
        config,
        candidates,
        steps,
        kept: Vec::new(),
    };
    let runs: Result<Vec<FineTuneRun>, ProbeError> = config.seeds.iter().map(|&seed| arm.run(seed)).collect();
    arm.told.finish();
    let runs = runs?;
    if let (Some(before), Some(after)) = (&encoder_sha256, arm.origin.state_sha256()?)
        && *before != after
    {
        return Err(ProbeError::StateChanged { before: before.clone(), after });
    }
    let summary = mean_interval(&runs.iter().map(|run| run.top1).collect::<Vec<_>>());
    // Two seeds say too little of how seeds differ.
    let interval = summary.interval.filter(|_| runs.len() != 2);
    let score = FineTuneScore {
        start: arm.origin.name().into(),
        encoder_sha256,
        mean: summary.mean,
        // An accuracy outside of 0 to 1 is impossible, whatever the t-distribution thinks.
        low: interval.map(|interval| interval.low.max(0.0)),
        high: interval.map(|interval| interval.high.min(1.0)),
        top5: runs.iter().map(|run| run.top5).sum::<Option<f64>>().map(|sum| sum / runs.len() as f64),
        labels_per_class: config.labels_per_class,
        n_train,
        n_test: test_set.len(),
        steps,
        batch: config.batch_of(n_train),
        seconds: started.elapsed().as_secs_f64(),
        seeds: runs,
    };
    Ok((score, arm.kept))
}

/// What the repetitions have in common.
struct Arm<'a> {
    origin: Origin,
    train_set: &'a ImageSet,
    test_set: &'a ImageSet,
    config: &'a FineTuneConfig,
    candidates: Vec<Candidate>,
    steps: u64,
    device: Device,
    told: Told,
    /// The network of each seed so far.
    kept: Vec<FineTuned>,
}

impl Arm<'_> {
    /// The repetition of one seed.
    fn run(&mut self, seed: u64) -> Result<FineTuneRun, ProbeError> {
        let started = Instant::now();
        let chosen = labelled_subset(self.train_set, self.config.labels_per_class, seed)?;
        let (mut curve, n_validation) = self.validate(&chosen, seed)?;
        let all: Vec<usize> = (0..self.test_set.len()).collect();
        for place in best_first(&curve) {
            let candidate = curve[place].candidate();
            let Some(judged) = self.fit(candidate, &chosen, seed, self.test_set, &all)? else {
                // It stayed finite on the fitted part and not on all labelled images: the next best is tried.
                curve[place].diverged = true;
                continue;
            };
            self.kept.push(FineTuned::of(seed, &judged, self.train_set));
            let predictions = judged.head.predictions(&judged.features);
            let (right, images) = (predictions.top_k_correct(1), self.test_set.len());
            let Interval { low, high } = accuracy_interval(right, images);
            return Ok(FineTuneRun {
                seed,
                top1: right as f64 / images as f64,
                top5: predictions.top5(self.test_set.classes.len()),
                low,
                high,
                learning_rate: candidate.learning_rate,
                layer_decay: candidate.layer_decay,
                validation: if self.candidates.len() > 1 { curve } else { Vec::new() },
                n_validation,
                seconds: started.elapsed().as_secs_f64(),
                correct: predictions.correct(),
                predictions,
            });
        }
        Err(ProbeError::Diverged { seed, learning_rates: self.config.learning_rates.clone() })
    }

    /// The score of every candidate on a held-out part of the labelled images, and how many those are; where there is
    /// one candidate only, nothing is held out.
    fn validate(&mut self, chosen: &[usize], seed: u64) -> Result<(Vec<CandidateScore>, usize), ProbeError> {
        let candidates = self.candidates.clone();
        if let [only] = candidates[..] {
            let unjudged = CandidateScore {
                validation_top1: None,
                validation_loss: None,
                diverged: false,
                ..CandidateScore::new(only, None)
            };
            return Ok((vec![unjudged], 0));
        }
        let labels = self.train_set.labels.as_deref().unwrap_or_default();
        let mut by_class = vec![Vec::new(); self.train_set.classes.len()];
        chosen.iter().for_each(|&image| by_class[labels[image] as usize].push(image));
        let split = split_by_class(by_class, self.config.validation_share, seed);
        if split.validation.is_empty() {
            return Err(ProbeError::NothingToChooseOn { images: chosen.len() });
        }
        let mut curve = Vec::new();
        for candidate in candidates {
            let judged = self.fit(candidate, &split.training, seed, self.train_set, &split.validation)?;
            let held_out = judged.map(|Judged { head, features, .. }| {
                let right = head.top_k_correct(&features, 1);
                (right as f64 / features.len() as f64, head.cross_entropy(&features))
            });
            let score = CandidateScore::new(candidate, held_out);
            tracing::debug!(?score, seed, "candidate tried");
            curve.push(score);
        }
        Ok((curve, split.validation.len()))
    }

    /// Trains by `candidate` on the labelled images `chosen`, and judges images of `set`; `None` where it diverged.
    fn fit(
        &mut self,
        candidate: Candidate,
        chosen: &[usize],
        seed: u64,
        set: &ImageSet,
        judged: &[usize],
    ) -> Result<Option<Judged>, ProbeError> {
        let (config, images) = (self.config, self.train_set);
        let classifier = self.first_classifier(chosen, seed)?;
        let lesson = TrainingSet {
            images,
            labels: images.labels.as_deref().unwrap_or_default(),
            chosen,
            batch: config.batch_of(chosen.len()),
            steps: self.steps,
            seed,
        };
        let before = self.told.done();
        let trained = train(classifier, candidate, lesson, config, &self.device, &mut self.told)?;
        self.told.fit_ended(before, self.steps);
        match trained {
            Trained::Finished(classifier) => {
                judge(&classifier, set, judged, config.evaluation_batch, &self.device)
            }
            Trained::Diverged(step) => {
                tracing::debug!(?candidate, seed, step, "diverged");
                Ok(None)
            }
        }
    }

    /// The network before its first update.
    fn first_classifier(&self, chosen: &[usize], seed: u64) -> Result<Classifier, ProbeError> {
        let (images, device) = (self.train_set, &self.device);
        let encoder = self.origin.encoder(&images.name, images.shape, seed, device)?;
        if self.config.head == HeadStart::Zero {
            return Ok(Classifier::new(encoder, images.classes.len(), device));
        }
        let frozen = FrozenEncoder::new(&encoder, device);
        let features = extract_some(&frozen, images, chosen, self.config.evaluation_batch)?;
        let choosing = LinearProbeConfig { seed, ..LinearProbeConfig::default() };
        let probe = LinearProbe::fit(&features, &choosing)?;
        Ok(Classifier::with_head(encoder, &probe.on_raw_features(), device))
    }
}

/// That both sets have images and labels, and that shape and classes are the same.
fn check_sets(train_set: &ImageSet, test_set: &ImageSet) -> Result<(), ProbeError> {
    if test_set.labels.is_none() {
        return Err(ProbeError::Features(FeatureError::Unlabelled { set: test_set.name.clone() }));
    }
    if test_set.is_empty() {
        return Err(ProbeError::Features(FeatureError::Empty { set: test_set.name.clone() }));
    }
    if train_set.shape != test_set.shape {
        let problem = format!(
            "the test images have shape {:?}, the training images {:?}; load both with one size and colour",
            test_set.shape, train_set.shape
        );
        return Err(ProbeError::Features(FeatureError::Images { set: test_set.name.clone(), problem }));
    }
    let name = |set: &ImageSet, index: usize| set.classes.get(index).cloned().unwrap_or("absent".to_owned());
    let classes = train_set.classes.len().max(test_set.classes.len());
    match (0..classes).find(|&index| train_set.classes.get(index) != test_set.classes.get(index)) {
        Some(index) => Err(ProbeError::Features(FeatureError::Classes {
            index,
            train: name(train_set, index),
            test: name(test_set, index),
        })),
        None => Ok(()),
    }
}
