//! The whole network trained on labels, from random weights.

use serde::{Deserialize, Serialize};
use zview_report::numbers::{precise_percent, with_interval};

use super::Outcomes;
use super::fine_tune::{FineTune, in_words, score};
use crate::ProbeError;
use crate::fine_tune::{FineTuneGain, FineTuneScore, Start, fine_tune, fine_tune_gain};
use crate::suite::SuiteConfig;
use crate::suite::intervals::too_few;
use crate::suite::metric::{Metric, Score};
use crate::suite::protocol::{Bench, Protocol};
use crate::suite::set_evaluation::SetEvaluation;

/// What fine-tuning is held against.
pub struct Scratch;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Accuracy.
    pub scratch: FineTuneScore,
    /// What the pretrained weights gain over random ones, where both were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fine_tune_gain: Option<FineTuneGain>,
}

impl Protocol for Scratch {
    type Outcome = Outcome;
    const KEY: &'static str = "scratch";
    const READS: &'static [&'static str] = &["fine_tune"];

    fn decided(config: &SuiteConfig) -> Option<String> {
        FineTune::decided(config)
    }

    fn run(bench: &Bench<'_>, before: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let (encoder, config) = (bench.judged.encoder, &bench.config.fine_tune);
        let start = Start::Scratch(encoder.config());
        let scratch = fine_tune(start, bench.labelled(), bench.images.test, config, encoder.device())?;
        let tuned = before.fine_tune.as_ref();
        let fine_tune_gain = tuned.map(|tuned| fine_tune_gain(&tuned.fine_tune, &scratch)).transpose()?;
        Ok(Some(Outcome { scratch, fine_tune_gain }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let (key, title, column) = ("scratch".to_owned(), "From scratch".to_owned(), "scratch".to_owned());
        vec![score(Metric::accuracy(key, title, column, (6, 1.0)), &found.scratch, set)]
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let mut lines = vec![("from scratch".to_owned(), in_words(&found.scratch))];
        if let Some(gain) = &found.fine_tune_gain {
            let (interval, note) = match gain.seeds.as_slice() {
                [only] => (Some((only.low, only.high)), Some("one seed: interval over test images")),
                seeds => (gain.low.zip(gain.high), too_few(seeds.len())),
            };
            let note = note.map_or_else(String::new, |why| format!(" ({why})"));
            let difference = with_interval(gain.mean, interval, precise_percent) + &note;
            lines.push(("  difference".to_owned(), difference));
        }
        lines
    }
}
