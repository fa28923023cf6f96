//! The linear probe by stochastic gradient descent: the protocol of SimCLR, MoCo and GenRep.
//!
//! The encoder is frozen and evaluates; a linear classifier is trained on its features of randomly
//! cropped training images and judged on whole test images. Features are standardised with the mean and
//! standard deviation of the whole training images' features (a batch norm without affine part, as in
//! He et al., Masked Autoencoders, CVPR 2022, appendix A.1, with fixed statistics), so that one range of
//! learning rates serves every encoder. All learning rates are trained on the same batches, so that
//! images are encoded once for all of them (as DINOv2's linear evaluation does). The rate is chosen on
//! held-out training images; the last epoch counts, never the best one; test images are judged once, at
//! the end.
//! Sources: Chen et al., SimCLR, ICML 2020, section 2.3; He et al., MoCo, CVPR 2020, section 4.1; Oquab et
//! al., DINOv2, TMLR 2024, section 7.

use std::time::Instant;

use burn::tensor::Device;
use zview_data::ImageSet;
use zview_numerics::statistics::{Interval, accuracy_interval};
use zview_runtime::device::ReadError;
use zview_runtime::progress::Progress;

use super::batches::{AugmentedImages, Batches, Plan, uploaded};
use super::config::SgdProbeConfig;
use super::heads::{Heads, cosine};
use super::resized::Resized;
use super::score::{RateScore, SgdScore};
use crate::ProbeError;
use crate::linear::per_class_accuracy;
use crate::linear::{Predictions, Standardiser};
use zview_features::{
    FeatureError, FeatureExtractor, Features, Settings, extract, extract_some, stratified_split,
    training_pool,
};

/// Trains linear classifiers on augmented images of a pool of at most `train_pool` of `train`, and judges
/// the one with the best learning rate on all of `test`. Computes on the encoder's device.
///
/// Encodes each training image `epochs` times, and as often again to train the chosen rate on all of
/// them; without augmentation (`crop_scale` `[1, 1]`, no `flip`) once. A class without test images has no
/// part in the accuracy.
///
/// # Errors
/// Settings that cannot work; sets that are empty, unlabelled or of different classes; a single class;
/// a class without training images; images that the encoder does not take; an encoder that changed;
/// learning rates that all diverge; a device that fails.
pub fn sgd_probe(
    extractor: &dyn FeatureExtractor,
    train: &ImageSet,
    test: &ImageSet,
    train_pool: Option<usize>,
    config: &SgdProbeConfig,
) -> Result<SgdScore, ProbeError> {
    let started = Instant::now();
    config.check()?;
    let state =
        || extractor.state_sha256().map_err(|message| ProbeError::Features(FeatureError::State { message }));
    let before = state()?;
    let pool = training_pool(train, train_pool);
    let whole = |images: &ImageSet| Resized::new(extractor, images.shape, config.size);
    let train_features = extract_some(&whole(train), train, &pool, config.batch)?;
    let test_features = extract(&whole(test), test, config.batch)?;
    let augment = config.augment();
    let augmented = (!config.is_without_augmentation()).then_some(AugmentedImages {
        extractor,
        images: train,
        pool: &pool,
        config: &augment,
    });
    let mut score = probe(&train_features, &test_features, augmented, extractor.device(), config)?;
    let after = state()?;
    if before != after {
        return Err(ProbeError::StateChanged { before, after });
    }
    score.extractor_sha256 = Some(after);
    score.seconds = started.elapsed().as_secs_f64();
    Ok(score)
}

/// As [`sgd_probe`] on features that are already there, which are never augmented: crops and flips of
/// `config` are not used.
///
/// # Errors
/// As there.
pub fn sgd_probe_on_features(
    device: &Device,
    train: &Features,
    test: &Features,
    config: &SgdProbeConfig,
) -> Result<SgdScore, ProbeError> {
    let started = Instant::now();
    config.check()?;
    let mut score = probe(train, test, None, device, config)?;
    score.seconds = started.elapsed().as_secs_f64();
    Ok(score)
}

fn probe(
    train: &Features,
    test: &Features,
    augmented: Option<AugmentedImages<'_>>,
    device: &Device,
    config: &SgdProbeConfig,
) -> Result<SgdScore, ProbeError> {
    Features::check_classified(train, test)?;
    if let Some(class) = train.images_by_class().iter().position(Vec::is_empty) {
        let class = train.class_names()[class].clone();
        return Err(ProbeError::ClassMissing { class, images: train.len() });
    }
    let mut ascending = config.learning_rates.clone();
    ascending.sort_by(f64::total_cmp);
    ascending.dedup();
    let training = Training { train, augmented, device, config };

    let mut chosen = (ascending[0], None);
    let (mut rates, mut n_validation) = (Vec::new(), 0);
    if ascending.len() > 1 || !config.refit {
        let split = stratified_split(train, config.validation_share, config.seed);
        if split.validation.is_empty() {
            return Err(ProbeError::NothingHeldOut { images: train.len() });
        }
        n_validation = split.validation.len();
        let held_out = train.select(&split.validation);
        let trained = training.run(&split.training, &ascending, 0, Some(&held_out))?;
        rates = trained.rates(&ascending)?;
        let best = best_rate(&rates).ok_or_else(|| every_rate_diverged(&ascending))?;
        chosen = (ascending[best], Some((trained, best)));
    }
    let (learning_rate, trained) = chosen;
    let (trained, head) = match trained {
        Some(trained) if !config.refit => trained,
        _ => {
            let everything: Vec<usize> = (0..train.len()).collect();
            (training.run(&everything, &[learning_rate], 1, None)?, 0)
        }
    };
    if !trained.heads.finite().map_err(failed)?[head] {
        return Err(every_rate_diverged(&[learning_rate]));
    }
    let predictions = trained.predictions(head, test, device, config.batch)?;
    let correct = predictions.correct();
    let share = |count: usize| count as f64 / test.len() as f64;
    let top1_count = predictions.top_k_correct(1);
    let Interval { low, high } = accuracy_interval(top1_count, test.len());
    Ok(SgdScore {
        top1: share(top1_count),
        top5: predictions.top5(test.class_names().len()),
        low,
        high,
        learning_rate,
        rates,
        per_class: per_class_accuracy(test, &correct),
        epochs: config.epochs,
        batch: config.batch.min(train.len()),
        augmented: augmented.is_some(),
        refitted: config.refit,
        n_train: train.len(),
        n_validation,
        n_test: test.len(),
        feature_dimension: train.dimension(),
        extractor_sha256: None,
        seconds: 0.0,
        correct,
        predictions,
    })
}

/// What both trainings have in common.
struct Training<'a> {
    train: &'a Features,
    augmented: Option<AugmentedImages<'a>>,
    device: &'a Device,
    config: &'a SgdProbeConfig,
}

/// Classifiers at the end of training.
struct Trained {
    heads: Heads,
    standardiser: Standardiser,
    /// Held-out (right, mean loss) of every classifier after each epoch.
    epochs: Vec<Vec<(f64, f64)>>,
}

impl Training<'_> {
    /// Trains one classifier per learning rate on the given rows; judges `held_out` after each epoch.
    fn run(
        &self,
        rows: &[usize],
        rates: &[f64],
        phase: u64,
        held_out: Option<&Features>,
    ) -> Result<Trained, ProbeError> {
        let Self { train, augmented, device, config } = *self;
        let standardiser = Standardiser::fit(&train.select(rows));
        let held_out = held_out.map(|features| standardiser.apply(features));
        let labels: Vec<u32> = rows.iter().map(|&row| train.labels()[row]).collect();
        let plan = Plan { batch: config.batch, epochs: config.epochs, seed: config.seed, phase };
        let mut batches = Batches::new(train, rows, &standardiser, augmented, plan, device);
        let mut heads = Heads::new(
            train.dimension(),
            train.classes(),
            rates,
            config.momentum,
            config.weight_decay,
            device,
        );
        let mut epochs = Vec::new();
        let mut progress = Progress::new("training linear classifiers", batches.steps);
        for step in 0..batches.steps {
            let (visited, features) = batches.at(step)?;
            let labels: Vec<u32> = visited.iter().map(|&row| labels[row]).collect();
            heads.step(features, &labels, cosine(step, batches.steps));
            if batches.completes_an_epoch(step) {
                if let Some(held_out) = &held_out {
                    epochs.push(judge(&heads, held_out, device, config.batch)?);
                }
                tracing::debug!(step, of = batches.steps, held_out = ?epochs.last(), "linear classifiers");
            }
            progress.update(step + 1, "");
        }
        progress.finish();
        Ok(Trained { heads, standardiser, epochs })
    }
}

impl Trained {
    /// The held-out scores of each of `learning_rates`.
    fn rates(&self, learning_rates: &[f64]) -> Result<Vec<RateScore>, ProbeError> {
        let finite = self.heads.finite().map_err(failed)?;
        let score = |(head, &learning_rate): (usize, &f64)| {
            let (top1, loss) = self.epochs.last().map_or((0.0, f64::NAN), |epoch| epoch[head]);
            let diverged = !finite[head] || !loss.is_finite();
            RateScore {
                learning_rate,
                validation_top1: (!diverged).then_some(top1),
                validation_loss: (!diverged).then_some(loss),
                diverged,
                validation_by_epoch: self.epochs.iter().map(|epoch| epoch[head].0).collect(),
            }
        };
        let rates: Vec<RateScore> = learning_rates.iter().enumerate().map(score).collect();
        for rate in rates.iter().filter(|rate| rate.diverged) {
            tracing::warn!(rate.learning_rate, "the linear classifier diverged at this learning rate");
        }
        Ok(rates)
    }

    /// What classifier `head` says of each of `features`, which are not standardised.
    fn predictions(
        &self,
        head: usize,
        features: &Features,
        device: &Device,
        batch: usize,
    ) -> Result<Predictions, ProbeError> {
        let features = self.standardiser.apply(features);
        let mut logits = Vec::with_capacity(features.len() * features.classes());
        for rows in chunks(features.len(), batch) {
            let tile = uploaded(&features.select(&rows), device);
            logits.extend(self.heads.logits_of(head, tile).map_err(failed)?);
        }
        Ok(Predictions::from_logits(&logits, features.labels(), features.classes()))
    }
}

/// Accuracy and mean cross-entropy of every classifier on standardised `features`.
fn judge(
    heads: &Heads,
    features: &Features,
    device: &Device,
    batch: usize,
) -> Result<Vec<(f64, f64)>, ProbeError> {
    let mut sums: Vec<(usize, f64)> = Vec::new();
    for rows in chunks(features.len(), batch) {
        let tile = features.select(&rows);
        let judged = heads.judge(uploaded(&tile, device), tile.labels()).map_err(failed)?;
        sums.resize(judged.len(), (0, 0.0));
        sums.iter_mut().zip(judged).for_each(|(sum, (right, loss))| *sum = (sum.0 + right, sum.1 + loss));
    }
    let count = features.len() as f64;
    Ok(sums.into_iter().map(|(right, loss)| (right as f64 / count, loss / count)).collect())
}

/// 0 to `count` in pieces of `size`.
fn chunks(count: usize, size: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..count).step_by(size).map(move |first| (first..count.min(first + size)).collect())
}

/// Highest accuracy, then lowest loss, then the smaller rate; `None` if all diverged.
fn best_rate(rates: &[RateScore]) -> Option<usize> {
    let key = |index: usize| Some((rates[index].validation_top1?, -rates[index].validation_loss?));
    let mut best: Option<usize> = None;
    for index in (0..rates.len()).filter(|&index| !rates[index].diverged) {
        if best.is_none_or(|best| key(index) > key(best)) {
            best = Some(index);
        }
    }
    best
}

fn every_rate_diverged(rates: &[f64]) -> ProbeError {
    let rates: Vec<String> = rates.iter().map(f64::to_string).collect();
    ProbeError::EveryRateDiverged { rates: rates.join(", ") }
}

fn failed(error: ReadError) -> ProbeError {
    ProbeError::Features(FeatureError::OnDevice {
        task: "train linear classifiers",
        message: error.to_string(),
    })
}
