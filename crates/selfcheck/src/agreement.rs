//! How far a device agrees with the CPU: what is compared, and what came of it.

use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::LayerCall;
use zview_runtime::device::{ChosenDevice, ReadError, cpu, read_floats};
use zview_runtime::progress::Progress;
use zview_runtime::seed::{Purpose, Stream};

use super::check::{Check, relative_error};
use super::layers::{Convolve, check_layer, convolve, distinct};
use super::operation::Operation;
use super::operations::operations;
use super::{SelfCheck, check_operations};
use zview_contrastive::source::ViewBatch;
use zview_contrastive::train::Trainer;

/// A forward pass through a whole encoder at equal weights.
const FEATURES: f64 = 1e-4;
/// Different images in the batch of an encoder.
const ORIGINALS: usize = 3;
/// The objective: sums over all views, divided by a temperature.
const OBJECTIVE: f64 = 1e-5;

/// One device against the CPU.
pub(super) struct Agreement<'a> {
    pub(super) cpu: Device,
    pub(super) chosen: &'a ChosenDevice,
    convolve: Convolve<'a>,
    progress: Progress,
    checks: Vec<Check>,
}

impl<'a> Agreement<'a> {
    /// Nothing compared yet.
    pub(super) fn new(chosen: &'a ChosenDevice) -> Self {
        Self::with_convolution(chosen, &convolve)
    }

    /// As [`Self::new`], with another convolution on the device: a planted fault.
    pub(super) fn with_convolution(chosen: &'a ChosenDevice, convolve: Convolve<'a>) -> Self {
        let progress = Progress::new("checking", 0);
        Self { cpu: cpu("the reference").device, chosen, convolve, progress, checks: Vec::new() }
    }

    /// The device (without autodiff).
    pub(super) fn device(&self) -> &Device {
        &self.chosen.device
    }

    /// Announces more checks.
    pub(super) fn announce(&mut self, checks: usize) {
        self.progress.lengthen(checks as u64);
    }

    /// Takes note of a check.
    pub(super) fn add(&mut self, check: Check) {
        self.progress.update(self.checks.len() as u64 + 1, &check.name);
        self.checks.push(check);
    }

    /// Whether every check so far holds.
    pub(super) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    /// Compares every operation; `on_device` may have a planted fault.
    pub(super) fn operations(&mut self, on_device: &[Operation]) -> Result<(), ReadError> {
        let reference = operations();
        self.announce(reference.len());
        let (cpu, device) = (self.cpu.clone(), self.device().clone());
        check_operations(&reference, on_device, &cpu, &device, |check| self.add(check.clone())).map(|_| ())
    }

    /// Compares each layer of `calls` once.
    pub(super) fn layers(&mut self, calls: &[LayerCall], gradients: bool) -> Result<(), ReadError> {
        let calls = distinct(calls);
        self.announce(calls.len());
        for call in &calls {
            let check = check_layer(call, gradients, self.convolve, &self.cpu, self.device())?;
            tracing::debug!("{}: {:.1e} of {:.0e}", check.name, check.error, check.tolerance);
            self.add(check);
        }
        Ok(())
    }

    /// Compares an encoder's features of `rows` images of this (C, H, W): a few images again and again, so that
    /// the CPU computes only those.
    pub(super) fn features(
        &mut self,
        rows: usize,
        [channels, height, width]: [usize; 3],
        on_cpu: impl FnOnce(Tensor<4>) -> Tensor<2>,
        on_device: impl FnOnce(Tensor<4>) -> Tensor<2>,
    ) -> Result<(), ReadError> {
        self.announce(1);
        let originals = ORIGINALS.min(rows);
        let random = &mut Stream::new(0, Purpose::Check, 5, 0);
        let pixels: Vec<f32> = (0..originals * channels * height * width).map(|_| random.uniform()).collect();
        let images = |device: &Device| {
            let data = TensorData::new(pixels.clone(), [originals, channels, height, width]);
            Tensor::<4>::from_data(data, device)
        };
        let few = read_floats(on_cpu(images(&self.cpu)))?;
        let repeated = images(self.device()).repeat_dim(0, rows.div_ceil(originals)).narrow(0, 0, rows);
        let got = read_floats(on_device(repeated))?;
        let expected: Vec<f32> = few.iter().copied().cycle().take(few.len() / originals * rows).collect();
        let error = relative_error(&expected, &got);
        self.add(Check::new(&format!("encoder: features of {rows} images"), "value", error, FEATURES));
        Ok(())
    }

    /// Compares the loss of an objective and its gradient at the real batch of `views`: of one recipe's trainers, on
    /// the CPU and on the device.
    pub(super) fn objective(
        &mut self,
        reference: &mut Trainer,
        checked: &mut Trainer,
        views: &ViewBatch,
    ) -> Result<(), ReadError> {
        self.announce(1);
        let shape = [views.images.dims()[0], checked.learner.encoder.feature_dimension()];
        let random = &mut Stream::new(0, Purpose::Check, 6, 0);
        let mut draw = || -> Vec<f32> { (0..shape[0] * shape[1]).map(|_| random.normal()).collect() };
        let (features, targets) = (draw(), draw());
        let run = |trainer: &mut Trainer, device: &Device| -> Result<[Vec<f32>; 2], ReadError> {
            let on = |values: &[f32], device: &Device| {
                Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), device)
            };
            let mut objective = trainer.learner.objective.clone(); // a queue moves
            let features = on(&features, &device.clone().autodiff()).require_grad();
            let targets = objective.target().map(|_| on(&targets, device));
            let loss = objective.loss(features.clone(), targets, views);
            let gradient = features.grad(&loss.backward()).map_or(Ok(Vec::new()), read_floats)?;
            Ok([read_floats(loss.inner())?, gradient])
        };
        let expected = run(reference, &self.cpu)?;
        let got = run(checked, self.device())?;
        let [loss, gradient] = [0, 1].map(|part| relative_error(&expected[part], &got[part]));
        let (what, error) =
            if loss > gradient { ("value", loss) } else { ("gradient of features", gradient) };
        self.add(Check::new(&format!("objective of {} views", shape[0]), what, error, OBJECTIVE));
        Ok(())
    }

    /// What came of it.
    pub(super) fn finish(self) -> SelfCheck {
        self.progress.finish();
        SelfCheck::new(self.chosen, self.checks)
    }
}
