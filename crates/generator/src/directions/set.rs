//! A set of directions and its file.

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zview_network::weights::StateDict;
use zview_network::{NamedTensors, write_tensors};

use super::error::DirectionsError;
use super::space::Space;
use crate::{Generator, LatentSpace, UnitCoordinates};

/// By how much the length of a row of length 1 may differ from it.
const ROUNDING: f32 = 1e-6;

/// What the file says of its form.
const FORMAT: &str = "zview-directions-1";
/// Key of the whole description, as JSON, in the file's header.
const DESCRIPTION: &str = "directions";
/// Shorter than this, a row is no direction.
const LENGTH_MIN: f32 = 1e-12;

/// How directions were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectionMethod {
    /// Eigenvectors of the first layer's weights.
    Factorised,
    /// Principal components of samples.
    Principal,
    /// Walks trained for known edits.
    Learned,
}

/// Where directions come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// How they were found.
    pub method: DirectionMethod,
    /// The generator's name.
    pub generator: String,
    /// SHA-256 of the generator's weights.
    pub weights_sha256: String,
}

impl Origin {
    pub(super) fn of(generator: &Generator, method: DirectionMethod) -> Self {
        let (generator, weights_sha256) = (generator.name().to_owned(), generator.sha256().to_owned());
        Self { method, generator, weights_sha256 }
    }
}

/// K directions in a latent space of D dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    /// (K) names, such as the edit that a walk was trained for.
    pub names: Vec<String>,
    /// The space that they lie in.
    pub space: LatentSpace,
    /// (K, D) row-major, every row of length 1.
    pub values: Vec<f32>,
    /// D.
    pub dimension: usize,
    /// (K), largest first: of A Aᵀ if factorised, variances if principal; in the unit of the method's values, squared.
    pub eigenvalues: Option<Vec<f32>>,
    /// (K), of learned walks: how many units of the edit one unit of the latent along the direction makes.
    pub scale: Option<Vec<f32>>,
    /// Where they come from.
    pub origin: Origin,
}

/// What the file's header holds beside the tensors.
#[derive(Serialize, Deserialize)]
struct Description {
    format: String,
    names: Vec<String>,
    space: LatentSpace,
    #[serde(flatten)]
    origin: Origin,
}

impl Directions {
    /// K.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Direction k (D), counted from 0. Panics, as a slice does, where there is no such direction.
    #[must_use]
    pub fn row(&self, k: usize) -> &[f32] {
        &self.values[k * self.dimension..(k + 1) * self.dimension]
    }

    /// The first `count` directions (`count`, D) in coordinates of standard deviation 1, where a step of length 1 along
    /// a row is one standard deviation of the space (in w the root of the mean variance of its dimensions).
    pub(crate) fn in_unit_coordinates(&self, coordinates: &UnitCoordinates, count: usize) -> Vec<f32> {
        let unit = mean_std(coordinates, self.dimension);
        let rescaled = |(at, value): (usize, &f32)| match coordinates.std(at % self.dimension) {
            std if std > 0.0 => value * unit / std,
            _ => 0.0,
        };
        let count = count.min(self.count());
        self.values[..count * self.dimension].iter().enumerate().map(rescaled).collect()
    }

    /// Writes the directions as safetensors with a description in the header; the file appears whole or not at all.
    ///
    /// # Errors
    /// [`DirectionsError::State`].
    pub fn save(&self, path: &Path) -> Result<(), DirectionsError> {
        let (device, count) = (Device::flex(), self.count());
        let mut tensors = NamedTensors::default();
        let values = TensorData::new(self.values.clone(), [count, self.dimension]);
        tensors.add("values", Tensor::<2>::from_data(values, &device))?;
        for (name, numbers) in [("eigenvalues", &self.eigenvalues), ("scale", &self.scale)] {
            if let Some(numbers) = numbers {
                tensors.add(name, Tensor::<1>::from_data(numbers.as_slice(), &device))?;
            }
        }
        let description = Description {
            format: FORMAT.to_owned(),
            names: self.names.clone(),
            space: self.space,
            origin: self.origin.clone(),
        };
        let problem = |error: serde_json::Error| DirectionsError::Format {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let description = serde_json::to_string(&description).map_err(problem)?;
        Ok(write_tensors(path, &tensors, HashMap::from([(DESCRIPTION.to_owned(), description)]))?)
    }

    /// Reads the directions that [`Self::save`] wrote. Rows are brought to length 1.
    ///
    /// # Errors
    /// [`DirectionsError::Weights`] for a file that cannot be read, [`DirectionsError::Format`] for one that holds
    /// something else.
    pub fn read(path: &Path) -> Result<Self, DirectionsError> {
        let format = |problem: String| DirectionsError::Format { path: path.to_owned(), problem };
        let mut file = StateDict::read(path, None)?;
        let text = file.metadata(DESCRIPTION).ok_or_else(|| format("no description in its header".into()))?;
        let Description { format: found, names, space, origin } =
            serde_json::from_str(text).map_err(|error| format(error.to_string()))?;
        if found != FORMAT {
            return Err(format(format!("expected format {FORMAT}, got {found}")));
        }
        let count = names.len();
        let shape = file.shape("values").map(<[usize]>::to_vec).unwrap_or_default();
        let &[rows, dimension] = shape.as_slice() else {
            return Err(format(format!("expected `values` of two dimensions, got {shape:?}")));
        };
        if rows != count || count == 0 || dimension == 0 {
            return Err(format(format!("expected a row of `values` per name ({count}), got {shape:?}")));
        }
        let mut values = file.take("values", &shape)?;
        for (row, name) in values.chunks_exact_mut(dimension).zip(&names) {
            normalise(row).ok_or_else(|| format(format!("the direction `{name}` has no length")))?;
        }
        let mut numbers = |key: &str| file.shape(key).is_some().then(|| file.take(key, &[count])).transpose();
        let (eigenvalues, scale) = (numbers("eigenvalues")?, numbers("scale")?);
        Ok(Self { names, space, values, dimension, eigenvalues, scale, origin })
    }

    /// Reads directions for `generator`. A warning is logged where they were found for other weights.
    ///
    /// # Errors
    /// As [`Self::read`]; [`DirectionsError::Dimension`] and [`DirectionsError::Generator`] where they do not fit.
    pub fn read_for(path: &Path, generator: &Generator) -> Result<Self, DirectionsError> {
        let directions = Self::read(path)?;
        let expected = Space::new(generator, directions.space)?.dimension();
        if directions.dimension != expected {
            return Err(DirectionsError::Dimension {
                path: path.to_owned(),
                generator: generator.name().to_owned(),
                space: directions.space.name(),
                expected,
                got: directions.dimension,
                origin: directions.origin.generator,
            });
        }
        if !directions.origin.weights_sha256.eq_ignore_ascii_case(generator.sha256()) {
            tracing::warn!(
                "{}: these directions were found for `{}` with other weights (sha256 {}) than those of `{}` ({})",
                path.display(),
                directions.origin.generator,
                directions.origin.weights_sha256,
                generator.name(),
                generator.sha256()
            );
        }
        Ok(directions)
    }
}

/// The root of the mean variance of `dimension` dimensions: one standard deviation of the space.
pub(super) fn mean_std(coordinates: &UnitCoordinates, dimension: usize) -> f32 {
    let variance: f64 = (0..dimension).map(|d| f64::from(coordinates.std(d)).powi(2)).sum();
    (variance / dimension.max(1) as f64).sqrt() as f32
}

/// Brings `row` to length 1 and gives the length it had; `None` where it has none.
pub(super) fn normalise(row: &mut [f32]) -> Option<f32> {
    let length = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt() as f32;
    if !(length.is_finite() && length > LENGTH_MIN) {
        return None;
    }
    // A row that was written with length 1 is read back as it was.
    if (length - 1.0).abs() > ROUNDING {
        row.iter_mut().for_each(|value| *value /= length);
    }
    Some(length)
}

/// At most one direction per dimension can be asked for.
pub(super) fn check_count(count: usize, dimension: usize) -> Result<(), DirectionsError> {
    if (1..=dimension).contains(&count) {
        return Ok(());
    }
    let (expected, got) = (format!("1 to {dimension} (the latent's dimensions)"), count.to_string());
    Err(DirectionsError::Setting { what: "number of directions", expected, got })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;
    use crate::directions::factorised_directions;

    fn some(dimension: usize) -> Directions {
        let mut values = vec![0.0; 2 * dimension];
        (values[0], values[dimension + 1]) = (1.0, 1.0);
        Directions {
            names: vec!["zoom".to_owned(), "shift-x".to_owned()],
            space: LatentSpace::Z,
            values,
            dimension,
            eigenvalues: None,
            scale: Some(vec![0.5, 2.0]),
            origin: Origin {
                method: DirectionMethod::Learned,
                generator: "some".to_owned(),
                weights_sha256: "0".repeat(64),
            },
        }
    }

    #[test]
    fn what_is_saved_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directions.safetensors");
        let directions = some(5);
        directions.save(&path).unwrap();
        assert_eq!(Directions::read(&path).unwrap(), directions);
        assert_eq!(directions.row(1), [0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn directions_of_another_dimension_are_refused_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directions.safetensors");
        let manifest = Manifest::find("glyphs-gan", &[]).unwrap();
        let generator = Generator::load(&manifest, None, &Device::flex()).unwrap();
        some(5).save(&path).unwrap();
        let error = Directions::read_for(&path, &generator).unwrap_err().to_string();
        for words in ["dimension 5", "expected 64", "glyphs-gan", "`some`"] {
            assert!(error.contains(words), "{error}");
        }
        // Of other weights, but it fits: a warning only.
        some(64).save(&path).unwrap();
        assert_eq!(Directions::read_for(&path, &generator).unwrap().count(), 2);
        let in_w = Directions { space: LatentSpace::W, ..some(64) };
        in_w.save(&path).unwrap();
        assert!(matches!(
            Directions::read_for(&path, &generator),
            Err(DirectionsError::Generator(crate::GeneratorError::NoIntermediateSpace { .. }))
        ));
        let found = factorised_directions(&generator, LatentSpace::Z, 3).unwrap();
        found.save(&path).unwrap();
        assert_eq!(Directions::read_for(&path, &generator).unwrap().origin, found.origin);
    }

    #[test]
    fn a_file_of_something_else_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.safetensors");
        let mut tensors = NamedTensors::default();
        tensors.add("values", Tensor::<2>::zeros([2, 3], &Device::flex())).unwrap();
        let header = |text: &str| HashMap::from([(DESCRIPTION.to_owned(), text.to_owned())]);
        let refused = |metadata: HashMap<String, String>| {
            write_tensors(&path, &tensors, metadata).unwrap();
            let error = Directions::read(&path).unwrap_err().to_string();
            assert!(
                error.contains("other.safetensors") && error.contains("zview generator directions"),
                "{error}"
            );
            error
        };
        assert!(refused(HashMap::new()).contains("no description"));
        let description = |names: &str| {
            format!(
                "{{\"format\":\"{FORMAT}\",\"names\":[{names}],\"space\":\"z\",\"method\":\"learned\",\
                 \"generator\":\"g\",\"weights_sha256\":\"0\"}}"
            )
        };
        assert!(refused(header("{}")).contains("format"));
        assert!(refused(header(&description("\"a\""))).contains("[2, 3]"));
        assert!(refused(header(&description("\"a\",\"b\""))).contains("`a` has no length"));
        assert!(Directions::read(&folder.path().join("absent")).is_err());
    }
}
