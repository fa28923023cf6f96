//! What is said once, however often a generator is loaded.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Warns of `remark` if this process has not yet done so.
pub(crate) fn warn_once(remark: String) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.contains(&remark) {
        tracing::warn!("{remark}");
        said.insert(remark);
    }
}
