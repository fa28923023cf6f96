//! Saying what was decided about a data set, once for however often it is loaded.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Warns of `note` on the data set `name`, unless that has been said.
pub(crate) fn say_once(name: &str, note: &str) {
    let line = format!("{name}: {note}");
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        tracing::warn!("{line}");
    }
}
