//! What a run's log says at its start.

use std::path::Path;

use serde::de::DeserializeOwned;
use zview_runtime::run_folder::EventReader;

/// The images that the encoder sees, in the event `started`.
pub(super) const VIEW: &str = "view";

/// The images that the encoder of the run folder `run` sees; `None` where its log does not say it.
pub(crate) fn view_of_run<T: DeserializeOwned>(run: &Path) -> Option<T> {
    let events = EventReader::new(&run.join("events.jsonl")).new_events().ok()?;
    let started = events.into_iter().find(|event| event["event"] == "started")?;
    serde_json::from_value(started[VIEW].clone()).ok()
}
