//! What a way of judging is: a file in `protocols/` and a line in its table.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use maud::Markup;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zview_data::ImageSet;
use zview_encoder::FrozenEncoder;
use zview_features::{FeatureExtractor, Features};
use zview_numerics::statistics::Interval;

use super::SuiteConfig;
use super::error::SuiteError;
use super::intervals::TestIntervals;
use super::metric::Score;
use super::protocols::Outcomes;
use super::set_evaluation::SetEvaluation;
use crate::linear::LinearProbe;
use crate::{EncodedSets, ProbeError};

/// A way of judging a frozen encoder on a labelled data set. Settings are decided on training images; test images are
/// judged once.
pub trait Protocol {
    /// What it finds. Its fields are keys of the result; that of [`Self::KEY`] is among them.
    type Outcome: Serialize + DeserializeOwned;
    /// The key of the result by which an outcome is known.
    const KEY: &'static str;
    /// Keys of the configuration that it reads.
    const READS: &'static [&'static str];

    /// How its settings are decided, in a sentence.
    fn decided(config: &SuiteConfig) -> Option<String> {
        let _ = config;
        None
    }

    /// Judges. `before` has what the protocols before it in the table found; `None` where there is nothing to judge.
    ///
    /// # Errors
    /// What cannot be judged.
    fn run(bench: &Bench<'_>, before: &Outcomes) -> Result<Option<Self::Outcome>, ProbeError>;

    /// Every value that can be compared between encoders.
    fn scores(outcome: &Self::Outcome, set: &SetEvaluation) -> Vec<Score>;

    /// What a terminal shows: names and values.
    fn lines(outcome: &Self::Outcome) -> Vec<(String, String)>;

    /// What a page shows.
    ///
    /// # Errors
    /// A picture or a plot that cannot be drawn.
    fn sections(
        outcome: &Self::Outcome,
        bench: &Bench<'_>,
        set: &SetEvaluation,
    ) -> Result<Vec<Section>, SuiteError> {
        let _ = (outcome, bench, set);
        Ok(Vec::new())
    }
}

/// A part of a page.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its place among the others.
    pub place: u8,
    /// The heading.
    pub heading: &'static str,
    /// What stands under it.
    pub content: Markup,
}

/// Labelled images of one data set as an encoder takes them, and the outliers.
#[derive(Debug, Clone, Copy)]
pub struct Images<'a> {
    /// The data set.
    pub data: &'a str,
    /// Its training images.
    pub train: &'a ImageSet,
    /// Its test images.
    pub test: &'a ImageSet,
    /// Test images that are not among them, by their class, of which there is no training image.
    pub only_in_test: &'a BTreeMap<String, usize>,
    /// What was decided about the images.
    pub notes: &'a [String],
    /// The other data set's name and test images.
    pub outliers: Option<(&'a str, &'a ImageSet)>,
}

/// An encoder and how it sees pixels.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The encoder itself, from which fine-tuning starts.
    pub encoder: &'a FrozenEncoder,
    /// The encoder behind whatever scales its pixels.
    pub extractor: &'a dyn FeatureExtractor,
    /// Where fine-tuned networks are kept, and what their names begin with.
    pub keep: Option<(&'a Path, &'a str)>,
}

/// What a protocol judges with; what several need is computed when the first one asks.
pub struct Bench<'a> {
    /// The encoder.
    pub judged: &'a Judged<'a>,
    /// The images.
    pub images: &'a Images<'a>,
    /// Their features.
    pub encoded: &'a EncodedSets,
    /// What is measured and how.
    pub config: &'a SuiteConfig,
    intervals: &'a TestIntervals<'a>,
    labelled: OnceCell<ImageSet>,
    probe: OnceCell<LinearProbe>,
}

impl<'a> Bench<'a> {
    /// Nothing judged yet.
    #[must_use]
    pub fn new(
        judged: &'a Judged<'a>,
        images: &'a Images<'a>,
        encoded: &'a EncodedSets,
        config: &'a SuiteConfig,
        intervals: &'a TestIntervals<'a>,
    ) -> Self {
        let (labelled, probe) = (OnceCell::new(), OnceCell::new());
        Self { judged, images, encoded, config, intervals, labelled, probe }
    }

    /// The training images that may be used.
    pub fn labelled(&self) -> &ImageSet {
        self.labelled.get_or_init(|| self.images.train.select(&self.encoded.pool))
    }

    /// The linear probe on all of them.
    ///
    /// # Errors
    /// Features that no classifier can be fitted on.
    pub fn linear_probe(&self) -> Result<&LinearProbe, ProbeError> {
        if let Some(probe) = self.probe.get() {
            return Ok(probe);
        }
        Features::check_classified(&self.encoded.train, &self.encoded.test)?;
        let probe = LinearProbe::fit(&self.encoded.train, &self.config.linear)?;
        Ok(self.probe.get_or_init(|| probe))
    }

    /// The 95 % interval of an accuracy on the test images.
    #[must_use]
    pub fn interval(&self, correct: &[bool]) -> Interval {
        self.intervals.accuracy(correct)
    }

    /// That of an accuracy with few labels, over `draws` of these and test images, each right in so many of them.
    #[must_use]
    pub fn drawn_interval(&self, draws: &[f64], right: &[u32]) -> Option<Interval> {
        self.intervals.drawn(draws, right)
    }

    /// What such intervals are over.
    #[must_use]
    pub fn resampling(&self) -> &super::intervals::Resampling {
        self.intervals.resampling()
    }
}

/// A share of the training images, in words.
pub(super) fn held_out(share: f64) -> String {
    format!("{} % of the training images", 100.0 * share)
}
