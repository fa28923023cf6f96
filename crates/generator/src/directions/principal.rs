//! Principal components of samples (GANSpace: Härkönen et al. 2020, <https://arxiv.org/abs/2004.02546>).
//!
//! In w, the principal components of mapped latents (their section 2.1). z is isotropic and has no principal components
//! of its own: there, components of what the generator makes of samples are carried back to z by linear regression
//! (their equation 2): U = argmin Σ ‖U x_j - z_j‖², x_j the coordinates of sample j along the components. They take
//! activations of the first layer; where that layer is linear, this gives the directions of the factorisation again.
//! So here it is the images, averaged over blocks to at most 32 pixels a side. The images of a conditional generator are
//! centred class by class, or the components would tell classes apart, which z does not.

use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor, TensorData};
use zview_numerics::linalg::symmetric_eigen;
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

use super::error::DirectionsError;
use super::set::{DirectionMethod, Directions, Origin, check_count, normalise};
use super::space::Space;
use crate::{Generator, LatentSpace};

/// Images are averaged to at most this many pixels a side.
const SIDE_MAX: usize = 32;
/// Latents per forward pass.
const BATCH: usize = 128;
/// Columns beside those asked for, which make the iteration converge sooner.
const EXTRA: usize = 10;
/// Iterations at most, and the relative change of the eigenvalues at which they end.
const ITERATIONS_MAX: usize = 100;
const TOLERANCE: f64 = 1e-6;
/// Key of the draws: neither a step of a walk's training nor one of its evaluation.
const SAMPLES: u64 = 1 << 41;

/// How components are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrincipalConfig {
    /// K, the number of directions.
    pub count: usize,
    /// Sampled latents.
    pub samples: usize,
    /// Latents are truncated at plus and minus this.
    pub truncation: f32,
    /// Seed of all draws.
    pub seed: u64,
}

impl Default for PrincipalConfig {
    fn default() -> Self {
        Self { count: 10, samples: 4_096, truncation: 2.0, seed: 0 }
    }
}

/// The directions of the largest principal components of samples of `generator` in `space`; `eigenvalues` are the
/// components' variances, of w or of pixels.
///
/// # Errors
/// [`DirectionsError::Generator`]; [`DirectionsError::Setting`] for more directions than dimensions, or too few samples.
pub fn principal_directions(
    generator: &Generator,
    space: LatentSpace,
    config: &PrincipalConfig,
) -> Result<Directions, DirectionsError> {
    let space = Space::new(generator, space)?;
    let (dimension, count) = (space.dimension(), config.count);
    check_count(count, dimension)?;
    if config.samples < 2 * dimension {
        let (expected, got) = (format!("{} or more (twice the dimensions)", 2 * dimension), config.samples);
        return Err(DirectionsError::Setting { what: "samples", expected, got: got.to_string() });
    }
    let device = generator.device().clone().without_autodiff();
    let (eigenvalues, mut values) = match space.name() {
        LatentSpace::W => components_of_w(&space, config, &device)?,
        LatentSpace::Z => components_of_images(generator, &space, config, &device)?,
    };
    for row in values.chunks_exact_mut(dimension) {
        normalise(row).ok_or_else(|| DirectionsError::Setting {
            what: "number of directions",
            expected: "as many as the images vary in".to_owned(),
            got: count.to_string(),
        })?;
    }
    Ok(Directions {
        names: (0..count).map(|k| format!("principal-{k}")).collect(),
        space: space.name(),
        values,
        dimension,
        eigenvalues: Some(eigenvalues),
        scale: None,
        origin: Origin::of(generator, DirectionMethod::Principal),
    })
}

/// Variances (K) and components (K, W) of w.
fn components_of_w(
    space: &Space<'_>,
    config: &PrincipalConfig,
    device: &Device,
) -> Result<(Vec<f32>, Vec<f32>), DirectionsError> {
    let (dimension, count) = (space.dimension(), config.count);
    let mut w = Vec::with_capacity(config.samples * dimension);
    for first in (0..config.samples).step_by(BATCH) {
        let rows = BATCH.min(config.samples - first);
        let drawn = space.draw(config.seed, SAMPLES, first as u64, rows, config.truncation);
        w.extend(read_floats(space.upload(&drawn).0.without_autodiff())?);
    }
    centre(&mut w, dimension, None);
    let w = Tensor::<2>::from_data(TensorData::new(w, [config.samples, dimension]), device);
    let covariance = read_floats(w.clone().transpose().matmul(w))?;
    let covariance: Vec<f64> = covariance.iter().map(|&sum| f64::from(sum) / config.samples as f64).collect();
    let eigen = symmetric_eigen(&covariance, dimension)?;
    let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
    Ok((single(&eigen.values[..count]), single(&eigen.vectors[..count * dimension])))
}

/// Variances (K) of the images' components and, for each, the direction (K, D) of z that goes with it, not normalised.
fn components_of_images(
    generator: &Generator,
    space: &Space<'_>,
    config: &PrincipalConfig,
    device: &Device,
) -> Result<(Vec<f32>, Vec<f32>), DirectionsError> {
    let (samples, dimension, count) = (config.samples, space.dimension(), config.count);
    let output = generator.output();
    let pooled = |side: usize| side / side.div_ceil(SIDE_MAX);
    let size = [pooled(output.height), pooled(output.width)];
    let pixels = output.channels * size[0] * size[1];
    let (mut images, mut z, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    for first in (0..samples).step_by(BATCH) {
        let rows = BATCH.min(samples - first);
        let drawn = space.draw(config.seed, SAMPLES, first as u64, rows, config.truncation);
        let (latents, condition) = space.upload(&drawn);
        let image = space.image(latents, condition)?.without_autodiff().clamp(0.0, 1.0);
        images.extend(read_floats(adaptive_avg_pool2d(image, size))?);
        z.extend(drawn.z);
        classes.extend(drawn.classes.unwrap_or_default());
    }
    centre(&mut images, pixels, generator.classes().map(|count| (classes.as_slice(), count)));
    let images = Tensor::<2>::from_data(TensorData::new(images, [samples, pixels]), device);
    let (variances, coordinates) = leading_components(images, count, config.seed)?;
    // The coordinates are uncorrelated, so the regression is one product per component, up to a factor.
    let z = Tensor::<2>::from_data(TensorData::new(z, [samples, dimension]), device);
    let values = read_floats(coordinates.transpose().matmul(z))?;
    Ok((variances, values))
}

/// Subtracts the mean row, or that of each class.
fn centre(values: &mut [f32], columns: usize, classes: Option<(&[i32], usize)>) {
    let class_of = |row: usize| classes.map_or(0, |(classes, _)| classes[row] as usize);
    let class_count = classes.map_or(1, |(_, count)| count);
    let mut sums = vec![0.0f64; class_count * columns];
    let mut counts = vec![0.0f64; class_count];
    for (row, values) in values.chunks_exact(columns).enumerate() {
        let class = class_of(row);
        counts[class] += 1.0;
        let sums = &mut sums[class * columns..(class + 1) * columns];
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    for (row, values) in values.chunks_exact_mut(columns).enumerate() {
        let class = class_of(row);
        let sums = &sums[class * columns..(class + 1) * columns];
        values.iter_mut().zip(sums).for_each(|(value, sum)| *value -= (sum / counts[class]) as f32);
    }
}

/// The `count` largest variances of the centred rows (N, P), and the rows' coordinates (N, `count`) along their
/// components, by subspace iteration (Golub and Van Loan, Matrix Computations, 8.2).
fn leading_components(
    rows: Tensor<2>,
    count: usize,
    seed: u64,
) -> Result<(Vec<f32>, Tensor<2>), DirectionsError> {
    let ([samples, features], device) = (rows.dims(), rows.device());
    let columns = (count + EXTRA).min(features).min(samples);
    if columns < count {
        let (expected, got) = (format!("at most {columns} (values of an image)"), count.to_string());
        return Err(DirectionsError::Setting { what: "number of directions", expected, got });
    }
    let upload = |basis: &[f32]| {
        Tensor::<2>::from_data(TensorData::new(basis.to_vec(), [columns, features]), &device).transpose()
    };
    let mut random = Stream::new(seed, Purpose::Walk, SAMPLES, u64::MAX);
    let mut basis: Vec<f32> = (0..columns * features).map(|_| random.normal()).collect();
    orthonormalise(&mut basis, features);
    let mut before = vec![0.0; count];
    let mut iterations = 0;
    loop {
        let coordinates = rows.clone().matmul(upload(&basis)); // (N, L)
        let products = read_floats(coordinates.clone().transpose().matmul(coordinates.clone()))?;
        let products: Vec<f64> = products.iter().map(|&sum| f64::from(sum) / samples as f64).collect();
        let eigen = symmetric_eigen(&products, columns)?;
        let change = |(now, before): (&f64, &f64)| (now - before).abs() <= TOLERANCE * eigen.values[0].abs();
        if eigen.values.iter().zip(&before).all(change) || iterations == ITERATIONS_MAX {
            let turn: Vec<f32> = eigen.vectors[..count * columns].iter().map(|&value| value as f32).collect();
            let turn = Tensor::<2>::from_data(TensorData::new(turn, [count, columns]), &device);
            let variances = eigen.values[..count].iter().map(|&value| value as f32).collect();
            return Ok((variances, coordinates.matmul(turn.transpose())));
        }
        before = eigen.values[..count].to_vec();
        basis = read_floats(coordinates.transpose().matmul(rows.clone()))?; // (L, P)
        orthonormalise(&mut basis, features);
        iterations += 1;
    }
}

/// Makes the rows of `basis` (L, P) orthonormal: Gram and Schmidt, twice, because once is not enough in single
/// precision. A row that depends on those before it becomes 0.
fn orthonormalise(basis: &mut [f32], features: usize) {
    for _ in 0..2 {
        for row in 0..basis.len() / features {
            let (before, now) = basis.split_at_mut(row * features);
            let now = &mut now[..features];
            for other in before.chunks_exact(features) {
                let along: f64 = other.iter().zip(&*now).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                now.iter_mut().zip(other).for_each(|(value, other)| *value -= along as f32 * other);
            }
            if normalise(now).is_none() {
                now.fill(0.0);
            }
        }
    }
}
