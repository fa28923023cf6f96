//! What a run's log says at its start.

use std::path::Path;

use serde::de::DeserializeOwned;
use zview_runtime::run_folder::started_event;

/// The images that the encoder sees, in the event `started`.
pub(super) const VIEW: &str = "view";

/// The images that the encoder of the run folder `run` sees; `None` where its log does not say it.
pub(crate) fn view_of_run<T: DeserializeOwned>(run: &Path) -> Option<T> {
    serde_json::from_value(started_event(run)?[VIEW].clone()).ok()
}
