//! A whole training step of a recipe: views, loss, gradients, optimizer.
//!
//! A single input of a ReLU that lies within rounding of zero flips, and moves the gradients of a whole network
//! by about 1 / sqrt(inputs), 1 % and more. So gradients are judged here by their derivative along one random
//! direction, and element by element only for single operations; and both optimizers step along the same ones.

use burn::tensor::{Tensor, TensorData};
use zview_network::optimizer::NamedGradients;
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::{Purpose, Stream};

use super::SelfCheckError;
use super::check::{Check, relative_error};
use zview_contrastive::source::ViewBatch;
use zview_contrastive::train::{ENCODER, Trainer};

/// How many checks a step is.
pub(super) const CHECKS: u64 = 5;

/// Rendering and augmentation: some tens of operations in a row, without kinks that move a pixel.
pub(super) const VIEWS: f64 = 1e-4;
/// What only rounding explains.
struct Tolerances {
    /// The loss at equal weights and views.
    loss: f64,
    /// The derivative along a direction, which the kinks move.
    derivative: f64,
    /// The loss after a step along the same gradients.
    loss_after: f64,
}

const IN_32_BITS: Tolerances = Tolerances { loss: 1e-4, derivative: 1e-2, loss_after: 1e-3 };
/// The CPU computes in 32 bits, so this is the rounding of 16 in every layer, which settles many kinks otherwise (on
/// lavapipe 0.1 of the derivative for 32 views). A wrong kernel moves it by its whole length.
const IN_16_BITS: Tolerances = Tolerances { loss: 1e-2, derivative: 0.25, loss_after: 5e-2 };

/// How far the pixels of the second gradients on the CPU are from those of the first, relative: what another order of
/// summation does in a layer.
const NUDGE: f64 = 1e-6;
/// How much further than two such gradients on the CPU the device's may be from them.
const NUDGED: f64 = 4.0;
/// And how much further than the tolerance at most, however much a recipe makes of rounding.
const LOOSENED: f64 = 10.0;

/// Compares one step of `checked` with the same step of `reference`; both at the same step, of one recipe, as is
/// `nudged`, whose gradients are computed on the CPU for pixels that differ by rounding: some recipes (deep and narrow
/// ones, whose last maps have one pixel) multiply that, and are judged by how much.
pub(super) fn check_step(
    reference: &mut Trainer,
    nudged: &mut Trainer,
    checked: &mut Trainer,
    mut done: impl FnMut(&Check),
) -> Result<Vec<Check>, SelfCheckError> {
    let (tolerances, scale) = match &checked.learner.loss_scale {
        Some(scale) => (IN_16_BITS, f64::from(scale.read()?)),
        None => (IN_32_BITS, 1.0),
    };
    let mut checks = Vec::new();
    let mut add = |check: Check| {
        done(&check);
        checks.push(check);
    };
    let views = reference.augmented_views(reference.step)?;
    let device_views = checked.augmented_views(checked.step)?;
    let (dims, device) = (views.images.dims(), device_views.images.device());
    let pixels = read_floats(views.images.clone())?;
    let error = relative_error(&pixels, &read_floats(device_views.images)?);
    add(Check::new("step: views", "rendered and augmented pixels", error, VIEWS));
    // From here on both see the CPU's views.
    let images = Tensor::<4>::from_data(TensorData::new(pixels, dims), &device);
    let device_views = ViewBatch { images, ..views.clone() };
    let nudged_images = images_nudged(&views.images);
    let nudged_views = ViewBatch { images: nudged_images, ..views.clone() };
    let (mut gradients, mut device_gradients) = (NamedGradients::default(), NamedGradients::default());
    let mut nudged_gradients = NamedGradients::default();
    nudged.add_gradients(&nudged_views, &mut nudged_gradients);
    let loss = reference.add_gradients(&views, &mut gradients).loss;
    let device_loss = checked.add_gradients(&device_views, &mut device_gradients).loss;
    let error = relative_error(&read_floats(loss)?, &read_floats(device_loss)?);
    add(Check::new("step: loss", "value", error, tolerances.loss));
    for (name, is_encoder) in [("encoder", true), ("objective", false)] {
        let of_network = |name: &str| name.starts_with(ENCODER) == is_encoder;
        let [expected, nudged, got] = [&gradients, &nudged_gradients, &device_gradients]
            .map(|all| directional_derivatives(all, of_network));
        let (expected, tolerance) = (expected?, tolerances.derivative);
        let by_rounding = derivative_check(name, &expected, &nudged?, (1.0, tolerance)).error;
        add(derivative_check(name, &expected, &got?, (scale, loosened(tolerance, by_rounding))));
    }
    // Along its own ones the loss of a deep network would be another, by what the kinks moved.
    let same = brought_beside(&device_gradients, &gradients, scale)?;
    reference.update(gradients);
    checked.update(same);
    let loss = reference.add_gradients(&views, &mut NamedGradients::default()).loss;
    let device_loss = checked.add_gradients(&device_views, &mut NamedGradients::default()).loss;
    let error = relative_error(&read_floats(loss)?, &read_floats(device_loss)?);
    add(Check::new("step: loss after it", "value", error, tolerances.loss_after));
    Ok(checks)
}

/// `gradients` times `scale`, where those of `beside` are.
fn brought_beside(
    beside: &NamedGradients,
    gradients: &NamedGradients,
    scale: f64,
) -> Result<NamedGradients, ReadError> {
    let pairs = gradients.iter().zip(beside.iter());
    let brought = pairs.map(|((name, gradient), (_, beside))| {
        let values: Vec<f32> =
            read_floats(gradient.clone())?.into_iter().map(|value| value * scale as f32).collect();
        Ok((name.to_owned(), Tensor::from_floats(values.as_slice(), &beside.device())))
    });
    brought.collect()
}

/// `tolerance`, or more where the CPU's own two gradients differ by `by_rounding`.
fn loosened(tolerance: f64, by_rounding: f64) -> f64 {
    if by_rounding.is_finite() {
        tolerance.max(NUDGED * by_rounding).min(LOOSENED * tolerance)
    } else {
        tolerance
    }
}

/// Every pixel times 1 + `NUDGE` or 1 - `NUDGE`, drawn.
fn images_nudged(images: &Tensor<4>) -> Tensor<4> {
    let dims = images.dims();
    let random = &mut Stream::new(0, Purpose::Check, 2, 0);
    let factors =
        (0..dims.iter().product()).map(|_| if random.chance(0.5) { 1.0 + NUDGE } else { 1.0 - NUDGE });
    let factors: Vec<f32> = factors.map(|factor| factor as f32).collect();
    images.clone() * Tensor::<4>::from_data(TensorData::new(factors, dims), &images.device())
}

/// The difference of two derivatives along one direction, relative to the reference gradient's length, which is
/// the derivative's standard deviation over such directions (so that a direction that happens to be nearly
/// perpendicular to the gradient does not inflate it); and the parameter that contributes most to it. The checked
/// gradients are `scale` times as large as they should be.
fn derivative_check(name: &str, expected: &[Part], got: &[Part], (scale, tolerance): (f64, f64)) -> Check {
    let length = expected.iter().map(|part| part.squares).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    let same = expected.iter().map(|part| &part.parameter).eq(got.iter().map(|part| &part.parameter));
    let mut error = if same { 0.0 } else { f64::INFINITY };
    let mut worst = (0.0, "");
    for (expected, got) in expected.iter().zip(got) {
        let difference = expected.derivative - got.derivative / scale;
        let of_its_own = difference.abs() / expected.squares.sqrt();
        tracing::debug!("{name} {}: {difference:.1e}, relative {of_its_own:.1e}", expected.parameter);
        error += difference / length;
        if difference.is_nan() || difference.abs() > worst.0 {
            worst = (difference.abs(), &expected.parameter);
        }
    }
    let error = if error.is_finite() { error.abs() } else { f64::INFINITY };
    let what = format!("derivative along a random direction, most by {}", worst.1);
    Check::new(&format!("step: {name}"), &what, error, tolerance)
}

/// What one parameter contributes to a network's derivative along a direction.
struct Part {
    parameter: String,
    derivative: f64,
    /// Of the gradient, summed.
    squares: f64,
}

/// The derivative along a standard normal direction, the same for every network of one shape, by parameter of those
/// that `of_network` names; summed on the host in double precision.
fn directional_derivatives(
    gradients: &NamedGradients,
    of_network: impl Fn(&str) -> bool,
) -> Result<Vec<Part>, ReadError> {
    let gradients = gradients.iter().filter(|(name, _)| of_network(name));
    let parts = gradients.enumerate().map(|(index, (name, gradient))| {
        let random = &mut Stream::new(0, Purpose::Check, 1, index as u64);
        let mut part = Part { parameter: name.to_owned(), derivative: 0.0, squares: 0.0 };
        for value in read_floats(gradient.clone())?.into_iter().map(f64::from) {
            part.derivative += value * f64::from(random.normal());
            part.squares += value * value;
        }
        Ok(part)
    });
    parts.collect()
}
