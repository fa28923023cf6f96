//! Comparing a generator with images that its original code has made.

use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

use crate::{Generator, GeneratorError};
use zview_network::weights::StateDict;

/// How many images are rendered at a time.
const BATCH: usize = 16;
/// How many tensors of a file are named that has not those that are looked for.
const NAMED_MAX: usize = 8;

/// The largest difference with which images count as equal: single precision, twice summed in another order.
pub const REFERENCE_TOLERANCE: f32 = 1e-4;

/// How far a generator's images are from the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReferenceComparison {
    /// The largest absolute difference of two raw values.
    pub max_abs_error: f32,
    /// How many images were compared.
    pub images: usize,
}

/// Renders the latents of a reference file and compares the raw images.
///
/// The file is safetensors with `z` (B, D) or (B, D, 1, 1), `x` or `image` (B, C, H, W) and, for
/// a conditional generator, `y` (B, integers). Where it also holds `z_near` and `x_near`, those are
/// compared as well, with the same classes. For `[options] truncation = 0.4` of the manifest it is
/// `image_t0.4`, of `z_t0.4` and `y_t0.4` where they are there: latents that are scaled by the truncation.
///
/// # Errors
/// [`GeneratorError::Weights`] for a file that cannot be read, [`GeneratorError::Reference`] for
/// one of another generator, [`GeneratorError::Device`] if the images cannot be read back or are
/// not finite.
pub fn compare_with_reference(
    generator: &Generator,
    path: &Path,
) -> Result<ReferenceComparison, GeneratorError> {
    let mut file = StateDict::read(path, None)?;
    let truncation = generator.truncation().unwrap_or(1.0);
    let suffix = format!("_t{truncation:?}");
    let truncated = format!("image{suffix}");
    if file.shape(&truncated).is_some() {
        let scaled = file.shape(&format!("z{suffix}")).is_some();
        let [z, y] = ["z", "y"].map(|key| if scaled { format!("{key}{suffix}") } else { key.to_owned() });
        let scale = if scaled { truncation as f32 } else { 1.0 };
        return compare_pair(generator, &mut file, [&z, &truncated, &y], scale);
    }
    if truncation != 1.0 {
        let problem = format!("it has no `{truncated}`, images at the truncation of the manifest");
        return Err(mismatch(generator, &file, problem));
    }
    let x_key = if file.shape("x").is_none() && file.shape("image").is_some() { "image" } else { "x" };
    let mut comparison = compare_pair(generator, &mut file, ["z", x_key, "y"], 1.0)?;
    if file.shape("z_near").is_some() && file.shape("x_near").is_some() {
        let near = compare_pair(generator, &mut file, ["z_near", "x_near", "y"], 1.0)?;
        comparison.max_abs_error = comparison.max_abs_error.max(near.max_abs_error);
        comparison.images += near.images;
    }
    Ok(comparison)
}

/// Compares the images `x_key` of the latents `z_key`, which are scaled by `scale`, and the classes `y_key`.
fn compare_pair(
    generator: &Generator,
    file: &mut StateDict,
    [z_key, x_key, y_key]: [&str; 3],
    scale: f32,
) -> Result<ReferenceComparison, GeneratorError> {
    let dimension = generator.latent_dimension();
    let images = match file.shape(z_key) {
        Some(&[images, d] | &[images, d, 1, 1]) if d == dimension && images > 0 => images,
        got => {
            let expected = format!("shape [B, {dimension}] or [B, {dimension}, 1, 1]");
            return Err(wrong_tensor(generator, file, z_key, &expected, got));
        }
    };
    let z_shape = file.shape(z_key).map(<[usize]>::to_vec).unwrap_or_default();
    let z = file.take(z_key, &z_shape)?;
    let output = *generator.output();
    let x_shape = [images, output.channels, output.height, output.width];
    if file.shape(x_key) != Some(&x_shape) {
        let expected = format!("shape {x_shape:?}");
        return Err(wrong_tensor(generator, file, x_key, &expected, file.shape(x_key)));
    }
    let x = file.take(x_key, &x_shape)?;
    let condition = match generator.classes() {
        None if file.shape(y_key).is_some() => {
            let problem = format!("it has classes (`{y_key}`) and the generator is unconditional");
            return Err(mismatch(generator, file, problem));
        }
        None => None,
        Some(_) if file.shape(y_key) != Some(&[images]) => {
            let expected = format!("integers of shape [{images}]");
            return Err(wrong_tensor(generator, file, y_key, &expected, file.shape(y_key)));
        }
        Some(classes) => {
            let y = file
                .take_integers(y_key, &[images])
                .map_err(|error| mismatch(generator, file, error.to_string()))?;
            generator.check_classes(y.iter().copied(), classes)?;
            Some(y)
        }
    };

    let mut max_abs_error = 0.0f32;
    let image_values = x.len() / images;
    for start in (0..images).step_by(BATCH) {
        let end = images.min(start + BATCH);
        let z: Vec<f32> = z[start * dimension..end * dimension].iter().map(|value| value / scale).collect();
        let z = Tensor::from_data(TensorData::new(z, [end - start, dimension]), generator.device());
        let classes = condition.as_ref().map(|y| {
            Tensor::from_data(TensorData::new(y[start..end].to_vec(), [end - start]), generator.device())
        });
        let made = read_back(generator, generator.raw_image_from_latent(z, classes)?)?;
        let expected = &x[start * image_values..end * image_values];
        for (made, expected) in made.iter().zip(expected) {
            max_abs_error = max_abs_error.max((made - expected).abs());
        }
    }
    Ok(ReferenceComparison { max_abs_error, images })
}

/// The values of `images` on the host, all of them finite.
fn read_back(generator: &Generator, images: Tensor<4>) -> Result<Vec<f32>, GeneratorError> {
    let failed = |reason: String| GeneratorError::Device { name: generator.name().to_owned(), reason };
    let data = images.try_into_data_as::<f32>().map_err(|error| failed(error.to_string()))?;
    let values = data.try_into_vec::<f32>().map_err(|error| failed(error.to_string()))?;
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(failed(format!("an image holds {value}"))),
        None => Ok(values),
    }
}

/// The error for a tensor that is not there, or of another shape than `expected` says.
fn wrong_tensor(
    generator: &Generator,
    file: &StateDict,
    key: &str,
    expected: &str,
    got: Option<&[usize]>,
) -> GeneratorError {
    let got = got.map_or_else(
        || {
            let all = file.keys();
            let some: Vec<String> =
                all.iter().take(NAMED_MAX).map(|info| format!("`{}` {:?}", info.key, info.shape)).collect();
            let more = if all.len() > some.len() { ", .." } else { "" };
            format!("no such tensor among {}{more}", some.join(", "))
        },
        |shape| format!("shape {shape:?}"),
    );
    mismatch(generator, file, format!("`{key}`: expected {expected}, got {got}"))
}

fn mismatch(generator: &Generator, file: &StateDict, problem: String) -> GeneratorError {
    let (path, name) = (file.path().to_owned(), generator.name().to_owned());
    GeneratorError::Reference { path, name, problem }
}
