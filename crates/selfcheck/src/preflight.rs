//! The check before a command computes on a graphics adapter.

use std::path::Path;

use zview_runtime::device::ChosenDevice;

use super::agreement::Agreement;
use super::cache::Remembered;
use super::{Operation, SelfCheck, SelfCheckError, Workload, with_planted_fault};

/// What a short check found.
#[derive(Debug)]
pub enum PreflightVerdict {
    /// The same check was passed before.
    PassedEarlier,
    /// The comparison that was made.
    Checked(SelfCheck),
}

/// Compares `device`, a graphics adapter, with the CPU for what `workload` computes, or remembers from the cache
/// folder `cache` that it agreed; a pass is remembered there. `planted` names an operation that is to err, to see
/// that found; nothing is remembered then. `starting` is called where a comparison begins.
///
/// # Errors
/// [`SelfCheckError`] where what is to be computed cannot be had, or the device fails.
pub fn preflight(
    workload: &Workload<'_>,
    device: &ChosenDevice,
    cache: Option<&Path>,
    planted: Option<&str>,
    starting: impl FnOnce(),
) -> Result<PreflightVerdict, SelfCheckError> {
    if !device.is_gpu() {
        return Err(SelfCheckError::OnlyCpu { reason: device.reason.clone() });
    }
    let table = with_planted_fault(planted)?;
    let key = workload.key()?;
    let cache = cache.filter(|_| planted.is_none());
    let remembered = cache.and_then(|folder| Remembered::new(folder, device, &key));
    if remembered.as_ref().is_some_and(Remembered::passed) {
        return Ok(PreflightVerdict::PassedEarlier);
    }
    starting();
    let result = compare(workload, Agreement::new(device), &table)?;
    if let Some(remembered) = remembered.filter(|_| result.holds)
        && let Err(error) = remembered.remember(result.checks.len())
    {
        tracing::warn!("the passed check is not remembered: {error}");
    }
    Ok(PreflightVerdict::Checked(result))
}

/// The operations, of which `on_device` are the device's, and, where they agree, what `workload` computes.
pub(super) fn compare(
    workload: &Workload<'_>,
    mut agreement: Agreement<'_>,
    on_device: &[Operation],
) -> Result<SelfCheck, SelfCheckError> {
    agreement.operations(on_device)?;
    // What is made of operations that err errs too.
    if agreement.holds() {
        workload.check(&mut agreement)?;
    }
    Ok(agreement.finish())
}
