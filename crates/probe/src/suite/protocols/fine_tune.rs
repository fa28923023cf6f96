//! The whole network trained on labels, from the encoder's weights.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zview_features::FeatureError;
use zview_report::numbers::{precise_percent, with_interval};
use zview_runtime::words::counted;

use super::Outcomes;
use crate::ProbeError;
use crate::fine_tune::{FineTuneScore, FineTuned, Start, fine_tune_keeping};
use crate::suite::SuiteConfig;
use crate::suite::intervals::too_few;
use crate::suite::metric::{Metric, Score};
use crate::suite::protocol::{Bench, Protocol};
use crate::suite::set_evaluation::SetEvaluation;

/// Fine-tuning.
pub struct FineTune;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Accuracy.
    pub fine_tune: FineTuneScore,
    /// The networks that were kept, a file for each seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fine_tuned_networks: Vec<PathBuf>,
}

/// The score of either start.
pub(super) fn score(metric: Metric, score: &FineTuneScore, set: &SetEvaluation) -> Score {
    let (interval, over) = match score.seeds.as_slice() {
        [only] => (Some((only.low, only.high)), "test images, one seed".to_owned()),
        seeds => (score.low.zip(score.high), counted(seeds.len(), "seed")),
    };
    Score {
        interval,
        over,
        n_train: score.n_train,
        note: format!("{} updates, rate picked on held-out training images", score.steps),
        ..set.score(metric, score.mean)
    }
}

/// What a terminal shows of either start.
pub(super) fn in_words(score: &FineTuneScore) -> String {
    // Of one seed there is an interval over test images alone.
    let (interval, over) = match score.seeds.as_slice() {
        [only] => (Some((only.low, only.high)), "one seed (interval over test images)".to_owned()),
        seeds => (score.low.zip(score.high), counted(seeds.len(), "seed")),
    };
    let none = too_few(score.seeds.len()).map_or_else(String::new, |why| format!(" ({why})"));
    let updates = counted(usize::try_from(score.steps).unwrap_or(usize::MAX), "update");
    format!(
        "{}{none} over {over}, {}, {updates}",
        with_interval(score.mean, interval, precise_percent),
        counted(score.n_train, "labelled image"),
    )
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

impl Protocol for FineTune {
    type Outcome = Outcome;
    const KEY: &'static str = "fine_tune";
    const READS: &'static [&'static str] = &["fine_tune"];

    fn decided(config: &SuiteConfig) -> Option<String> {
        Some(format!(
            "fine-tune, scratch: rate and layer decay picked on {} % of the labelled images, same updates",
            100.0 * config.fine_tune.validation_share
        ))
    }

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let (encoder, config) = (bench.judged.encoder, &bench.config.fine_tune);
        let start = Start::Encoder(encoder);
        let (fine_tune, networks) =
            fine_tune_keeping(start, bench.labelled(), bench.images.test, config, encoder.device())?;
        let fine_tuned_networks = match bench.judged.keep {
            Some((folder, name)) => keep_all(&networks, folder, name)?,
            None => Vec::new(),
        };
        Ok(Some(Outcome { fine_tune, fine_tuned_networks }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let (key, title, column) = ("fine_tune".to_owned(), "Fine-tuned".to_owned(), "fine-tune".to_owned());
        vec![score(Metric::accuracy(key, title, column, (6, 0.0)), &found.fine_tune, set)]
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let kept = found.fine_tuned_networks.iter();
        let kept = kept.map(|file| ("  kept".to_owned(), file.display().to_string()));
        std::iter::once(("fine-tuned".to_owned(), in_words(&found.fine_tune))).chain(kept).collect()
    }
}
