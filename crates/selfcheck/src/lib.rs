//! Does a device compute what the CPU computes? Drivers and shader compilers are known that do not, silently.
//!
//! [`selfcheck`] compares every operation on its own with its gradients, every layer of a recipe at its batch,
//! the objective, the encoder's features, and a whole training step. [`preflight`] does the same before a
//! command computes on a graphics adapter, for what that command computes ([`Workload`]), within seconds: the
//! layers need a few images on the CPU whatever the batch is (see `layers/mod.rs`), and the training step is taken
//! at fewer anchors where a whole batch would keep the CPU busy. So what is compared at the run's own sizes is
//! rendering, every convolution, batch norm and fully connected layer with all gradients, the objective, and the
//! features of the whole encoder (pooling, shortcuts and rectifiers among its layers, forward only); what is
//! compared at fewer anchors for a large network is backward through those, and the optimizer. A passed check is
//! remembered (`cache.rs`).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod agreement;
mod cache;
mod check;
mod layers;
mod operation;
mod operations;
mod preflight;
mod recipe;
mod step;
mod workload;

use std::path::PathBuf;

use burn::tensor::Device;
use serde::Serialize;
use zview_generator::GeneratorError;
use zview_generator::training::GeneratorTrainingError;
use zview_runtime::device::{ChosenDevice, ReadError};

pub use check::Check;
pub use operation::Operation;
pub use operations::operations;
pub use preflight::{PreflightVerdict, preflight};
pub use workload::Workload;

use agreement::Agreement;
use zview_contrastive::source::SourceError;
use zview_contrastive::train::Recipe;
use zview_encoder::PretrainedError;

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
    /// The generator cannot be loaded or does not render.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The encoder cannot be loaded.
    #[error(transparent)]
    Encoder(#[from] PretrainedError),
    /// The generator cannot be trained.
    #[error(transparent)]
    GeneratorTraining(#[from] GeneratorTrainingError),
    /// There is no such operation to plant a fault in.
    #[error("there is no operation `{name}` to plant a fault in; there are: {}", known.join("; "))]
    UnknownOperation {
        /// What was named.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
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

/// Compares `device` with the CPU: every operation, the layers of `recipe`, and one of its training steps at its
/// own batch. All checks are made, also after one that does not hold. `planted` names an operation that is to
/// err, to see that found.
///
/// # Errors
/// [`SelfCheckError`] where there is nothing to compare with, the views cannot be had or the device fails.
pub fn selfcheck(
    recipe: &Recipe,
    device: &ChosenDevice,
    data_dir: Option<PathBuf>,
    planted: Option<&str>,
) -> Result<SelfCheck, SelfCheckError> {
    if !device.is_gpu() {
        return Err(SelfCheckError::OnlyCpu { reason: device.reason.clone() });
    }
    let mut agreement = Agreement::new(device);
    agreement.operations(&with_planted_fault(planted)?)?;
    recipe::check_recipe(&mut agreement, recipe, data_dir, f64::INFINITY)?;
    Ok(agreement.finish())
}

/// The table of operations, one of which errs by a thousandth where `name` says so.
fn with_planted_fault(name: Option<&str>) -> Result<Vec<Operation>, SelfCheckError> {
    let mut table = operations();
    if let Some(name) = name {
        let Some(place) = table.iter().position(|operation| operation.name == name) else {
            let known = table.iter().map(|operation| operation.name).collect();
            return Err(SelfCheckError::UnknownOperation { name: name.to_owned(), known });
        };
        let operation = table.remove(place).with_fault(|x| x * 1.001);
        table.insert(place, operation);
    }
    Ok(table)
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
