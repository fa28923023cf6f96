//! A whole training step of a recipe: views, loss, gradients, optimizer.
//!
//! A single input of a ReLU that lies within rounding of zero flips, and moves the gradients of a whole network
//! by about 1 / sqrt(inputs), 1 % and more. So gradients are judged here by their derivative along one random
//! direction, and element by element only for single operations.

use burn::tensor::{Gradients, Tensor, TensorData};
use zview_network::{Network, StateVisitor};
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::{Purpose, Stream};

use super::SelfCheckError;
use super::check::{Check, relative_error};
use crate::train::Trainer;

/// How many checks a step is.
pub(super) const CHECKS: u64 = 5;

/// Rendering and augmentation: some tens of operations in a row, without kinks that move a pixel.
const VIEWS: f64 = 1e-4;
/// The loss at equal weights and views.
const LOSS: f64 = 1e-4;
/// The derivative along a direction, which the kinks move.
const DERIVATIVE: f64 = 1e-2;
/// The loss after a step along gradients that the kinks have moved.
const LOSS_AFTER: f64 = 1e-3;

/// Compares one step of `checked` with the same step of `reference`; both at the same step, of one recipe.
pub(super) fn check_step(
    reference: &mut Trainer,
    checked: &mut Trainer,
    mut done: impl FnMut(&Check),
) -> Result<Vec<Check>, SelfCheckError> {
    let mut checks = Vec::new();
    let mut add = |check: Check| {
        done(&check);
        checks.push(check);
    };
    let views = reference.augmented_views(reference.step)?;
    let device_views = checked.augmented_views(checked.step)?;
    let (dims, device) = (views.dims(), device_views.device());
    let pixels = read_floats(views.clone())?;
    let error = relative_error(&pixels, &read_floats(device_views)?);
    add(Check::new("step: views", "rendered and augmented pixels", error, VIEWS));
    // From here on both see the CPU's views.
    let device_views = Tensor::<4>::from_data(TensorData::new(pixels, dims), &device);
    let (loss, gradients) = reference.loss_and_gradients(views.clone());
    let (device_loss, device_gradients) = checked.loss_and_gradients(device_views.clone());
    let error = relative_error(&read_floats(loss)?, &read_floats(device_loss)?);
    add(Check::new("step: loss", "value", error, LOSS));
    for (name, error) in [
        ("encoder", derivative_error(&reference.encoder, &gradients, &checked.encoder, &device_gradients)?),
        (
            "projector",
            derivative_error(&reference.projector, &gradients, &checked.projector, &device_gradients)?,
        ),
    ] {
        add(Check::new(&format!("step: {name}"), "derivative along a random direction", error, DERIVATIVE));
    }
    reference.update(&gradients);
    checked.update(&device_gradients);
    let (loss, _) = reference.loss_and_gradients(views);
    let (device_loss, _) = checked.loss_and_gradients(device_views);
    let error = relative_error(&read_floats(loss)?, &read_floats(device_loss)?);
    add(Check::new("step: loss after it", "value", error, LOSS_AFTER));
    Ok(checks)
}

/// The difference of two derivatives along one direction, relative to the reference gradient's length, which is
/// the derivative's standard deviation over such directions (so that a direction that happens to be nearly
/// perpendicular to the gradient does not inflate it).
fn derivative_error<N: Network>(
    reference: &N,
    gradients: &Gradients,
    checked: &N,
    checked_gradients: &Gradients,
) -> Result<f64, ReadError> {
    let (expected, length) = directional_derivative(reference, gradients)?;
    let (got, _) = directional_derivative(checked, checked_gradients)?;
    let error = (expected - got).abs() / length.max(f64::MIN_POSITIVE);
    Ok(if error.is_finite() { error } else { f64::INFINITY })
}

/// The derivative along a standard normal direction, the same for every network of one shape, and the
/// gradient's length; summed on the host in double precision.
fn directional_derivative(network: &impl Network, gradients: &Gradients) -> Result<(f64, f64), ReadError> {
    struct Derivative<'a> {
        gradients: &'a Gradients,
        parameters: u64,
        derivative: f64,
        squares: f64,
        result: Result<(), ReadError>,
    }
    impl StateVisitor for Derivative<'_> {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            let random = &mut Stream::new(0, Purpose::Check, 1, self.parameters);
            self.parameters += 1;
            let Some(gradient) = tensor.grad(self.gradients) else { return };
            match read_floats(gradient) {
                Ok(values) => {
                    for value in values.into_iter().map(f64::from) {
                        self.derivative += value * f64::from(random.normal());
                        self.squares += value * value;
                    }
                }
                Err(error) => self.result = Err(error),
            }
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut visitor = Derivative { gradients, parameters: 0, derivative: 0.0, squares: 0.0, result: Ok(()) };
    network.clone().visit("", &mut visitor);
    visitor.result?;
    Ok((visitor.derivative, visitor.squares.sqrt()))
}
