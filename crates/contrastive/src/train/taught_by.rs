//! Which weights of its generators a run learns from: a generator can be trained anew under the name that it has.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use zview_generator::Manifest;
use zview_runtime::run_folder::EventReader;

use super::paths::with_absolute_paths;
use crate::source::SourceConfig;

/// The key in a run's `started` event.
pub(super) const GENERATOR_WEIGHTS: &str = "generator_weights";

/// SHA-256 of the weights of each generator that `source` names, by that name. One that cannot be found is left out:
/// opening the source says so.
pub(super) fn generator_weights(source: &SourceConfig) -> BTreeMap<String, String> {
    let several = source.generators.iter().map(|share| &share.generator);
    let names = source.generator.iter().chain(several);
    names
        .filter_map(|name| Some((name.clone(), Manifest::find(name, &[]).ok()?.weights_sha256().ok()?)))
        .collect()
}

/// A generator of `source` that has other weights now than those that the run in the folder `run` learnt from. `None`
/// where they are the same, or one of the two is not known: runs of earlier versions do not say, and a run can be read
/// where its generators are not.
#[must_use]
pub fn generator_with_other_weights(run: &Path, source: &SourceConfig) -> Option<String> {
    let events = EventReader::new(&run.join("events.jsonl")).new_events().ok()?;
    let started: &Value = events.iter().find(|event| event["event"] == "started")?;
    let of_run = started[GENERATOR_WEIGHTS].as_object()?;
    let place = |name: &str| with_absolute_paths("source.generator", name);
    let other = |(name, weights): &(String, String)| {
        let learnt_from = of_run.iter().find(|(of_run, _)| *of_run == name || place(of_run) == place(name));
        learnt_from.and_then(|(_, sha256)| sha256.as_str()).is_some_and(|learnt_from| learnt_from != weights)
    };
    generator_weights(source).into_iter().find(other).map(|(name, _)| name)
}
