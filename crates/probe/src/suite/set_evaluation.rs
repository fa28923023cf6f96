//! What one encoder is worth on one data set.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zview_data::{ImageSet, Reject};
use zview_features::nearest_neighbours;
use zview_runtime::words::counted;

use super::examples::draw_queries;
use super::intervals::Resampling;
use super::judged_at::JudgedAt;
use super::metric::{Metric, Score};
use super::protocol::Bench;
use super::protocols::Outcomes;
use crate::ProbeError;

const QUERIES: usize = 8;
const NEIGHBOURS: usize = 6;

/// Everything measured; what was not asked for is absent. Accuracies are fractions, times seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetEvaluation {
    /// The data set.
    pub data: String,
    /// What was decided about its images, and what was not looked at, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_notes: Vec<String>,
    /// Image files that cannot be read and are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Reject>,
    /// Test images of classes without a training image, by class: they are not among those judged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes_only_in_test: BTreeMap<String, usize>,
    /// At which size and in which colours its images were judged; evaluations of earlier versions do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<JudgedAt>,
    /// How settings were decided, one sentence for each protocol.
    #[serde(default)]
    pub protocol: Vec<String>,
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
    /// What the intervals of linear probe and neighbours are over.
    #[serde(default)]
    pub intervals: Resampling,
    /// What the result is to be held against; absent in a comparison, which has arms for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// A few test images, drawn before any result is known, and their nearest training images.
    #[serde(default)]
    pub neighbours: Vec<QueryNeighbours>,
    /// Seconds of each part.
    #[serde(default)]
    pub seconds: BTreeMap<String, f64>,
    /// What each protocol found.
    #[serde(flatten, skip_deserializing)]
    pub found: Outcomes,
}

/// What anything is better than that learnt something; accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Of naming the class of most training images, always.
    pub chance: f64,
    /// Of the same encoder with random weights, by the keys of [`Metric`]s; absent where its file has parts that no
    /// recipe makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untrained: Option<BTreeMap<String, f64>>,
}

/// A test image and the training images nearest to it by cosine similarity of the features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryNeighbours {
    /// Which test image.
    pub test: usize,
    /// Which training images, nearest first.
    pub train: Vec<usize>,
}

impl SetEvaluation {
    /// Judges by every protocol that the configuration asks for, in the order of the table.
    pub(super) fn measure(bench: &Bench<'_>, encode_seconds: f64) -> Result<Self, ProbeError> {
        let (images, encoded, config) = (bench.images, bench.encoded, bench.config);
        let mut protocols = config.protocols.clone();
        protocols.sort_unstable();
        protocols.dedup();
        let mut seconds = BTreeMap::from([("encode".to_owned(), encode_seconds)]);
        let (mut found, mut decided) = (Outcomes::default(), Vec::new());
        for protocol in protocols {
            let name = protocol.name();
            tracing::info!(protocol = name, "measuring");
            let started = Instant::now();
            found.judge(protocol, bench)?;
            seconds.insert(name.replace('-', "_"), started.elapsed().as_secs_f64());
            decided.extend(protocol.decided(config).filter(|sentence| !decided.contains(sentence)));
        }
        decided.push("test images are judged once, at the end".to_owned());
        let queries = draw_queries(config.knn.seed, encoded.test.len(), QUERIES);
        let nearest = nearest_neighbours(&encoded.train, &encoded.test.select(&queries), NEIGHBOURS)?;
        let neighbours = queries.iter().zip(&nearest).map(|(&test, near)| QueryNeighbours {
            test,
            train: near.iter().map(|near| encoded.pool[near.image]).collect(),
        });
        Ok(Self {
            data: images.data.to_owned(),
            data_notes: images.notes.to_vec(),
            rejects: left_out_files(images.train, images.test),
            classes_only_in_test: images.only_in_test.clone(),
            judged_at: Some(JudgedAt::new(images.train.shape, bench.judged.encoder)),
            protocol: decided,
            n_train: encoded.train.len(),
            n_test: encoded.test.len(),
            train_pool: Some(config.train_pool),
            feature_dimension: encoded.train.dimension(),
            extractor_sha256: encoded.extractor_sha256.clone(),
            intervals: bench.resampling().clone(),
            beside: None,
            neighbours: neighbours.collect(),
            seconds,
            found,
        })
    }

    /// What a file says.
    ///
    /// # Errors
    /// A key that is missing or of another type, a score that cannot be.
    pub fn read(value: &Value) -> Result<Self, serde_json::Error> {
        let mut set = Self::deserialize(value)?;
        set.found = Outcomes::read(value)?;
        match set.scores().iter().find_map(Score::problem) {
            None => Ok(set),
            Some(problem) => Err(serde::de::Error::custom(problem)),
        }
    }

    /// Every value that can be compared between encoders, in the order of tables.
    #[must_use]
    pub fn scores(&self) -> Vec<Score> {
        self.found.scores(self)
    }

    /// A value by all training and test images, without an interval.
    pub(super) fn score(&self, metric: Metric, value: f64) -> Score {
        Score {
            metric,
            value,
            interval: None,
            over: String::new(),
            n_train: self.n_train,
            n_test: self.n_test,
            note: String::new(),
            right: None,
            draws: Vec::new(),
        }
    }

    /// Training and test images.
    #[must_use]
    pub fn images(&self) -> [usize; 2] {
        [self.n_train, self.n_test]
    }

    /// The size and colours of its images, in words.
    #[must_use]
    pub fn judged_in_words(&self) -> String {
        self.judged_at.as_ref().map_or_else(String::new, JudgedAt::in_words)
    }
}

/// The unreadable files of both splits, each once: of a folder without splits both name the same.
fn left_out_files(train: &ImageSet, test: &ImageSet) -> Vec<Reject> {
    let mut rejects: Vec<Reject> = train.rejects.iter().chain(&test.rejects).cloned().collect();
    let mut seen = BTreeSet::new();
    rejects.retain(|reject| seen.insert(reject.path.clone()));
    rejects
}

/// How many files are left out, and the first of them.
pub(super) fn unreadable(rejects: &[Reject]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = rejects.iter().take(SHOWN).map(|reject| reject.path.as_str()).collect();
    let more = match rejects.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} that cannot be read: {}{more}", counted(rejects.len(), "image file"), names.join(", "))
}
