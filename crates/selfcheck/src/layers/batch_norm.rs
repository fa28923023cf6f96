//! Batch normalisation in training mode.

use burn::tensor::{Device, Tensor, TensorData};
use zview_kernels::batch_norm;
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::seed::{Purpose, Stream};

use super::{Part, images_error, noise, product, relative_error, repeat};

/// Batch norm's originals have at least this many values per channel.
const VALUES_PER_CHANNEL: usize = 64;
const EPSILON: f64 = 1e-5;

/// The parts of batch norm over maps (B, C, H, W).
pub(super) fn check(dims: [usize; 4], cpu: &Device, device: &Device) -> Result<Vec<Part>, ReadError> {
    let [batch, channels, height, width] = dims;
    let enough =
        |images: &usize| batch.is_multiple_of(*images) && images * height * width >= VALUES_PER_CHANNEL;
    let originals = (1..=batch).find(enough).unwrap_or(batch);
    let few = [originals, channels, height, width];
    let random = &mut Stream::new(0, Purpose::Check, 3, 0);
    // A mean and a deviation that are neither 0 nor 1.
    let images: Vec<f32> = noise(product(&few) as usize, 0.5, random).iter().map(|x| x + 0.25).collect();
    let upstream = noise(product(&few) as usize, 1.0, random);
    let [weight, bias] = [1.0, 0.0]
        .map(|around| noise(channels, 0.2, random).iter().map(|value| value + around).collect::<Vec<f32>>());
    let run = |device: &Device, repeats: usize| {
        let map = |values: &[f32]| {
            repeat(Tensor::from_data(TensorData::new(values.to_vec(), few), device), originals * repeats)
        };
        let leaf = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [channels]);
            Tensor::<1>::from_data(data, device).autodiff().require_grad()
        };
        let (images, upstream) = (map(&images).autodiff().require_grad(), map(&upstream).autodiff());
        let (weight, bias) = (leaf(&weight), leaf(&bias));
        // Without its rectifier, whose kink would move what lies within rounding of it.
        let normed = batch_norm(images.clone(), None, weight.clone(), bias.clone(), EPSILON, false);
        let slopes = (normed.output.clone() * upstream).sum().backward();
        // Parameter gradients per repetition, so that both runs give the same.
        let per_repeat = |tensor: &Tensor<1>| tensor.grad(&slopes).map(|gradient| gradient / repeats as f32);
        let small = [
            Some(normed.mean.inner()),
            Some(normed.variance.inner()),
            per_repeat(&weight),
            per_repeat(&bias),
        ];
        (normed.output.inner(), images.grad(&slopes), small)
    };
    let (expected, expected_gradient, expected_small) = run(cpu, 1);
    let (got, got_gradient, got_small) = run(device, batch / originals);
    let terms = product(&[batch, height, width]);
    let mut parts = vec![Part::new("result", images_error(expected, got, device)?, terms)];
    let error = match (expected_gradient, got_gradient) {
        (Some(expected), Some(got)) => images_error(expected, got, device)?,
        _ => f64::INFINITY,
    };
    parts.push(Part::new("gradient of input", error, terms));
    let names = ["mean", "variance", "gradient of weight", "gradient of bias"];
    for (what, (expected, got)) in names.into_iter().zip(expected_small.into_iter().zip(got_small)) {
        let error = match (expected, got) {
            (Some(expected), Some(got)) => relative_error(&read_floats(expected)?, &read_floats(got)?),
            _ => f64::INFINITY,
        };
        parts.push(Part::new(what, error, terms));
    }
    Ok(parts)
}
