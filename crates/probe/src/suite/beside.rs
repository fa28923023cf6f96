//! What stands beside a first result: chance, and the same encoder untrained.

use std::collections::BTreeMap;

use crate::few_labels::{few_shot as few_labels, few_shot_shares};
use crate::linear::LinearProbe;
use crate::neighbours::knn_on;
use crate::{ProbeError, encode_with};
use zview_encoder::{Encoder, FrozenEncoder};
use zview_features::FeatureCache;
use zview_runtime::seed::{Purpose, Stream};

use super::protocol::{Images, Judged};
use super::protocols::few_shot::{self, without_too_few};
use super::protocols::{ProtocolKind, SuiteConfig, knn};
use super::set_evaluation::Beside;

/// The seed of the untrained encoder's weights.
const SEED: u64 = 0;

/// What stands beside each result of an evaluation. Encoders of one architecture have the same on the same images.
#[derive(Default)]
pub(super) struct StandsBeside {
    known: Vec<(String, Beside)>,
}

impl StandsBeside {
    /// Chance, and what an encoder of the same architecture gives with random weights, judged in the same way.
    ///
    /// # Errors
    /// As measuring the encoder itself.
    pub fn of(
        &mut self,
        judged: &Judged<'_>,
        images: &Images<'_>,
        config: &SuiteConfig,
        cache: Option<&FeatureCache>,
    ) -> Result<Beside, ProbeError> {
        let encoder = judged.encoder;
        let comparable = encoder.encoder().beyond_recipes().is_empty();
        let held = [ProtocolKind::Linear, ProtocolKind::Knn, ProtocolKind::FewShot];
        let asked = held.into_iter().any(|protocol| config.asks_for(protocol));
        let architecture = (comparable && asked).then(|| encoder.config());
        let key = format!("{} {:?} {architecture:?}", images.data, images.train.shape);
        if let Some((_, known)) = self.known.iter().find(|(of, _)| *of == key) {
            return Ok(known.clone());
        }
        let untrained =
            architecture.map(|_| untrained(encoder, images, config, cache)).transpose()?.flatten();
        let beside = Beside { chance: chance(images), untrained };
        self.known.push((key, beside.clone()));
        Ok(beside)
    }
}

/// The share of test images that have the class of most training images.
fn chance(images: &Images<'_>) -> f64 {
    let mut counts = BTreeMap::<u32, usize>::new();
    images.train.labels.iter().flatten().for_each(|&label| *counts.entry(label).or_default() += 1);
    // Of equally many the lower.
    let most = counts.iter().rev().max_by_key(|(_, count)| **count).map(|(label, _)| *label);
    let labels = images.test.labels.as_deref().unwrap_or_default();
    let right = labels.iter().filter(|&&label| Some(label) == most).count();
    right as f64 / labels.len().max(1) as f64
}

fn untrained(
    encoder: &FrozenEncoder,
    images: &Images<'_>,
    config: &SuiteConfig,
    cache: Option<&FeatureCache>,
) -> Result<Option<BTreeMap<String, f64>>, ProbeError> {
    let random = &mut Stream::new(SEED, Purpose::Weights, 0, 0);
    let Ok(fresh) = Encoder::new(encoder.config(), images.train.shape, random, encoder.device()) else {
        return Ok(None); // it takes images of another size
    };
    let fresh = FrozenEncoder::new(&fresh, encoder.device());
    let (pool, batch) = (Some(config.train_pool), config.batch);
    let encoded = encode_with(&fresh, images.train, images.test, pool, batch, cache)?;
    let (train, test) = (&encoded.train, &encoded.test);
    let mut untrained = BTreeMap::new();
    if config.asks_for(ProtocolKind::Linear) {
        let top1 = LinearProbe::fit(train, &config.linear)?.score(test).top1;
        untrained.insert("linear".to_owned(), top1);
    }
    if config.asks_for(ProtocolKind::Knn) {
        let scores = knn_on(encoder.device(), train, test, &config.knn)?;
        untrained.extend(scores.into_iter().map(|(k, score)| (knn::metric(k).key, score.top1)));
    }
    if config.asks_for(ProtocolKind::FewShot) {
        let few = few_labels(train, test, &config.few_shot)?;
        untrained.extend(few.into_iter().map(|(labels, score)| (few_shot::metric(labels).key, score.mean)));
        let mut shares = few_shot_shares(train, test, &config.few_shot)?;
        let _ = without_too_few(&mut shares, train.class_names().len()); // said of the encoder itself
        let key = |share: &str| few_shot::share_metric(share).key;
        untrained.extend(shares.into_iter().map(|(share, score)| (key(&share), score.mean)));
    }
    Ok(Some(untrained))
}
