//! Files that are left alone, counted by why.

use std::collections::BTreeMap;

/// How many files are left alone for each reason.
pub type Ignored = BTreeMap<String, usize>;

/// Counts one more.
pub(crate) fn ignore(ignored: &mut Ignored, why: impl Into<String>) {
    *ignored.entry(why.into()).or_default() += 1;
}

/// In one line; `None` where nothing was left alone.
#[must_use]
pub fn ignored_in_words(ignored: &Ignored, what: &str) -> Option<String> {
    let total: usize = ignored.values().sum();
    let each: Vec<String> = ignored.iter().map(|(why, count)| format!("{count} {why}")).collect();
    (total > 0).then(|| format!("{total} {what} not looked at: {}", each.join(", ")))
}
