//! Handing out a state dict's tensors.

use zview_torch_file::Element;

use super::WeightsError;
use super::convert;
use super::reparametrised::{Parts, spectral_sigma, weight_norm};
use super::state_dict::{Place, StateDict};
use super::stored::StoredTensor;

impl StateDict {
    /// The tensor `key` as f32 in row-major order; half and double precision are converted.
    ///
    /// # Errors
    /// [`WeightsError::MissingKey`], [`WeightsError::Shape`], [`WeightsError::ElementType`] for
    /// integers, [`WeightsError::Values`] for values that are not finite, and
    /// [`WeightsError::Malformed`] when the file does not hold the bytes it promises.
    pub fn take(&mut self, key: &str, expected_shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        self.take_weight(key, expected_shape, false)
    }

    /// As [`Self::take`], of a transposed convolution's weight: its outputs are the second axis, which matters where the
    /// file has it in the parts of a spectral norm.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_transposed(&mut self, key: &str, expected_shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        self.take_weight(key, expected_shape, true)
    }

    fn take_weight(
        &mut self,
        key: &str,
        shape: &[usize],
        transposed: bool,
    ) -> Result<Vec<f32>, WeightsError> {
        let (prefix, place) = self.find(key).map_err(|_| self.missing_key(key))?;
        let values = match &place {
            Place::Tensor(name) => {
                let values = self.floats(name, shape)?;
                self.taken.insert(name.clone());
                values
            }
            Place::Parts(parts) => {
                let values = self.whole(parts, shape, transposed)?;
                let others = parts.others().into_iter();
                let names: Vec<String> = others
                    .chain([parts.shaped()])
                    .filter_map(|name| self.in_file(name).map(str::to_owned))
                    .collect();
                self.taken.extend(names);
                values
            }
        };
        self.prefix.get_or_insert(prefix);
        Ok(values)
    }

    /// A vector of `length` that lies in the file beside the dictionary that was read, or among its tensors where
    /// the whole file was read; `None` if there is none.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_beside(&mut self, key: &str, length: usize) -> Result<Option<Vec<f32>>, WeightsError> {
        if self.find(key).is_ok() {
            return self.take(key, &[length]).map(Some);
        }
        let Some(tensor) = self.tensors.get(key).or_else(|| self.beside.get(key)) else { return Ok(None) };
        let values = self.floats_of(key, tensor, &[length])?;
        self.taken.insert(key.to_owned());
        Ok(Some(values))
    }

    /// The extents of the tensor `key`, which has to have those that are `Some`.
    ///
    /// # Errors
    /// [`WeightsError::MissingKey`], [`WeightsError::Extents`].
    pub fn extents<const R: usize>(
        &self,
        key: &str,
        expected: [Option<usize>; R],
    ) -> Result<[usize; R], WeightsError> {
        let got = self.shape(key).ok_or_else(|| self.missing_key(key))?;
        let fits = |got: &[usize; R]| {
            got.iter().zip(expected).all(|(got, want)| want.is_none_or(|want| *got == want))
        };
        <[usize; R]>::try_from(got).ok().filter(|got| !got.contains(&0) && fits(got)).ok_or_else(|| {
            let extents = expected.map(|extent| extent.map_or("any".to_owned(), |extent| extent.to_string()));
            let expected = format!("[{}]", extents.join(", "));
            WeightsError::Extents {
                path: self.path.clone(),
                key: key.to_owned(),
                expected,
                got: got.to_vec(),
            }
        })
    }

    /// The integer tensor `key` in row-major order.
    ///
    /// # Errors
    /// As [`Self::take`], with [`WeightsError::ElementType`] for anything but integers.
    pub fn take_integers(&mut self, key: &str, expected_shape: &[usize]) -> Result<Vec<i64>, WeightsError> {
        let (prefix, place) = self.find(key).map_err(|_| self.missing_key(key))?;
        let Place::Tensor(name) = place else { return Err(self.missing_key(key)) };
        let Some(tensor) = self.tensors.get(&name) else { return Err(self.missing_key(key)) };
        let bytes = self.bytes(&name, tensor, expected_shape, "integers", convert::is_integer)?;
        let values = convert::integers(&tensor.element, &bytes).unwrap_or_default();
        self.taken.insert(name);
        self.prefix.get_or_insert(prefix);
        Ok(values)
    }

    /// A weight from its parts.
    fn whole(&self, parts: &Parts, shape: &[usize], transposed: bool) -> Result<Vec<f32>, WeightsError> {
        let doubles = |values: Vec<f32>| -> Vec<f64> { values.into_iter().map(f64::from).collect() };
        let part = |name: &str| -> Result<(Vec<f64>, Vec<usize>), WeightsError> {
            let stored = self.in_file(name).and_then(|name| self.tensors.get(name));
            let shape = stored.map_or_else(Vec::new, |tensor| tensor.shape.clone());
            Ok((doubles(self.floats(name, &shape)?), shape))
        };
        let name = parts.shaped();
        let weight = doubles(self.floats(name, shape)?);
        let unusable = |problem| {
            let (path, key, count) = (self.path.clone(), name.to_owned(), weight.len());
            WeightsError::Values { path, key, count, problem }
        };
        let whole: Vec<f64> = match parts {
            Parts::SpectralNorm { u, v, .. } => {
                let (u, _) = part(u)?;
                let v = v.as_deref().map(&part).transpose()?.map(|(v, _)| v);
                let sigma = spectral_sigma(&weight, shape, &u, v.as_deref(), transposed);
                let sigma = sigma.filter(|sigma| sigma.is_finite() && *sigma != 0.0);
                let sigma =
                    sigma.ok_or_else(|| unusable("have no spectral norm with the vectors beside them"))?;
                weight.iter().map(|value| value / sigma).collect()
            }
            Parts::WeightNorm { g, .. } => {
                let (g, g_shape) = part(g)?;
                weight_norm(&weight, shape, &g, &g_shape)
                    .ok_or_else(|| unusable("have lengths beside them of another shape"))?
            }
            Parts::Mask { mask, .. } => {
                let (mask, _) = part(mask)?;
                if mask.len() != weight.len() {
                    return Err(unusable("have a mask of another shape"));
                }
                weight.iter().zip(mask).map(|(value, mask)| value * mask).collect()
            }
        };
        if whole.iter().any(|value| !value.is_finite()) {
            return Err(unusable("are not finite once their parts are joined"));
        }
        Ok(whole.into_iter().map(|value| value as f32).collect())
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let tensor = self.in_file(name).and_then(|name| self.tensors.get(name));
        let tensor = tensor.ok_or_else(|| self.missing_key(name))?;
        self.floats_of(name, tensor, shape)
    }

    fn floats_of(&self, key: &str, tensor: &StoredTensor, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let bytes = self.bytes(key, tensor, shape, "floating-point numbers", convert::is_float)?;
        let values = convert::floats(&tensor.element, &bytes).unwrap_or_default();
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            let (path, key) = (self.path.clone(), key.to_owned());
            return Err(WeightsError::Values { path, key, count, problem: "are not finite" });
        }
        Ok(values)
    }

    fn bytes(
        &self,
        key: &str,
        tensor: &StoredTensor,
        expected_shape: &[usize],
        expected_type: &'static str,
        accepts: fn(&Element) -> bool,
    ) -> Result<Vec<u8>, WeightsError> {
        let (path, key) = (self.path.clone(), key.to_owned());
        // A storage that is not there leaves the shape; another kind of tensor does not.
        if let Some(kind) = tensor.unreadable.clone().filter(|_| tensor.shape.is_empty()) {
            return Err(WeightsError::Kind { path, key, kind });
        }
        if tensor.shape != expected_shape {
            let (expected, got) = (expected_shape.to_vec(), tensor.shape.clone());
            return Err(WeightsError::Shape { path, key, expected, got });
        }
        if let Some(kind) = tensor.unreadable.clone() {
            return Err(WeightsError::Kind { path, key, kind });
        }
        if !accepts(&tensor.element) {
            let (got, expected) = (tensor.element.name().to_owned(), expected_type);
            return Err(WeightsError::ElementType { path, key, expected, got });
        }
        (tensor.read)()
            .map_err(|reason| WeightsError::Malformed { path, reason: format!("tensor `{key}`: {reason}") })
    }
}
