//! The check before a command computes on a graphics adapter.

use std::path::Path;

use zview_runtime::device::ChosenDevice;

use super::cache::Remembered;
use super::comparison::Comparison;
use super::{Operation, SelfCheck, SelfCheckError, Subject, with_planted_fault};

/// What a short check found.
#[derive(Debug)]
pub enum ShortVerdict {
    /// The same check was passed before.
    PassedEarlier,
    /// The comparison that was made.
    Compared(SelfCheck),
}

/// Compares `device`, a graphics adapter, with the CPU for what `subject` computes, or remembers from the cache
/// folder `cache` that it agreed; a pass is remembered there. `planted` names an operation that is to err, to see
/// that found; nothing is remembered then. `starting` is called where a comparison begins.
///
/// # Errors
/// [`SelfCheckError`] where what is to be computed cannot be had, or the device fails.
pub fn short_selfcheck(
    subject: &Subject<'_>,
    device: &ChosenDevice,
    cache: Option<&Path>,
    planted: Option<&str>,
    starting: impl FnOnce(),
) -> Result<ShortVerdict, SelfCheckError> {
    if !device.is_gpu() {
        return Err(SelfCheckError::OnlyCpu { reason: device.reason.clone() });
    }
    let table = with_planted_fault(planted)?;
    let key = subject.key()?;
    let cache = cache.filter(|_| planted.is_none());
    let remembered = cache.and_then(|folder| Remembered::new(folder, device, &key));
    if remembered.as_ref().is_some_and(Remembered::passed) {
        return Ok(ShortVerdict::PassedEarlier);
    }
    starting();
    let result = compare(subject, Comparison::new(device), &table)?;
    if let Some(remembered) = remembered.filter(|_| result.holds)
        && let Err(error) = remembered.remember(result.checks.len())
    {
        tracing::warn!("the passed check is not remembered: {error}");
    }
    Ok(ShortVerdict::Compared(result))
}

/// The operations, of which `on_device` are the device's, and, where they agree, what `subject` computes.
pub(super) fn compare(
    subject: &Subject<'_>,
    mut comparison: Comparison<'_>,
    on_device: &[Operation],
) -> Result<SelfCheck, SelfCheckError> {
    comparison.operations(on_device)?;
    // What is made of operations that err errs too.
    if comparison.holds() {
        subject.check(&mut comparison)?;
    }
    Ok(comparison.finish())
}
