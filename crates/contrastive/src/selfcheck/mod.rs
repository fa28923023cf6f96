//! Does a device compute what the CPU computes? Drivers and shader compilers are known that do not, silently:
//! every operation is compared on its own, with its gradients, and then a whole training step.

mod check;
mod operation;
mod operations;
mod step;

use std::path::PathBuf;

use burn::tensor::Device;
use serde::Serialize;
use zview_runtime::device::{ChosenDevice, ReadError, cpu};
use zview_runtime::progress::Progress;

pub use check::Check;
pub use operation::Operation;
pub use operations::operations;

use crate::source::{OpenSource, SourceError, open_source};
use crate::train::{Recipe, Trainer};

/// The comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SelfCheckError {
    /// There is no device beside the CPU.
    #[error(
        "nothing to compare: the device is the CPU itself ({reason}); name a graphics adapter, such as \
         `--device wgpu` or one that `zview devices` lists"
    )]
    OnlyCpu {
        /// Why the CPU was chosen.
        reason: String,
    },
    /// The recipe's views cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The device does not give its results.
    #[error(transparent)]
    Device(#[from] ReadError),
}

/// How a device compares with the CPU.
#[derive(Debug, Clone, Serialize)]
pub struct SelfCheck {
    /// The device's name.
    pub device: String,
    /// What to write after `--device` for it.
    pub request: String,
    /// Whether every check holds.
    pub holds: bool,
    /// The check with the largest error for its tolerance.
    pub worst: Option<Check>,
    /// Every check, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl SelfCheck {
    /// The verdict on `device` from its checks.
    #[must_use]
    pub fn new(device: &ChosenDevice, checks: Vec<Check>) -> Self {
        Self {
            device: device.name.clone(),
            request: device.request.clone(),
            holds: checks.iter().all(|check| check.holds),
            worst: checks.iter().max_by(|a, b| a.severity().total_cmp(&b.severity())).cloned(),
            checks,
        }
    }
}

/// Compares `device` with the CPU: every operation, and one training step of `recipe`. All checks are made, also
/// after one that does not hold.
///
/// # Errors
/// [`SelfCheckError`] where there is nothing to compare with, the views cannot be had or the device fails.
pub fn selfcheck(
    recipe: &Recipe,
    device: &ChosenDevice,
    data_dir: Option<PathBuf>,
) -> Result<SelfCheck, SelfCheckError> {
    if !device.is_gpu() {
        return Err(SelfCheckError::OnlyCpu { reason: device.reason.clone() });
    }
    let cpu = cpu("the reference").device;
    let trainer = |device: &Device, on_gpu: bool| -> Result<Trainer, SourceError> {
        let how = OpenSource { anchors: recipe.train.batch, data_dir: data_dir.clone(), device };
        let source = open_source(&recipe.source, &recipe.views, &how)?;
        Ok(Trainer::new(recipe, source, device, on_gpu))
    };
    // First, so that a recipe that cannot be used is refused before anything takes time.
    let (mut reference, mut checked) = (trainer(&cpu, false)?, trainer(&device.device, true)?);
    let table = operations();
    let mut progress = Progress::new("checking", table.len() as u64 + step::CHECKS);
    let mut done = 0;
    let mut report = |check: &Check| {
        done += 1;
        progress.update(done, &check.name);
    };
    let mut checks = check_operations(&table, &operations(), &cpu, &device.device, &mut report)?;
    checks.extend(step::check_step(&mut reference, &mut checked, &mut report)?);
    progress.finish();
    Ok(SelfCheck::new(device, checks))
}

/// Compares each operation of `on_device`, run on `device`, with the one of `reference` in the same place, run
/// on `cpu`.
///
/// # Errors
/// [`ReadError`] where the device fails.
pub fn check_operations(
    reference: &[Operation],
    on_device: &[Operation],
    cpu: &Device,
    device: &Device,
    mut done: impl FnMut(&Check),
) -> Result<Vec<Check>, ReadError> {
    let pairs = reference.iter().zip(on_device);
    pairs
        .map(|(reference, on_device)| {
            let check = reference.compare(on_device, cpu, device)?;
            done(&check);
            Ok(check)
        })
        .collect()
}

#[cfg(test)]
mod tests;
