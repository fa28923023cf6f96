//! Kernel launches in a build without graphics: there are none.

use std::collections::BTreeMap;

/// Counts nothing: the CPU launches no kernels.
#[derive(Debug)]
pub struct LaunchCounter;

impl LaunchCounter {
    /// Begins to count.
    #[must_use]
    pub fn start() -> Self {
        Self
    }

    /// None.
    #[must_use]
    pub fn take(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}
