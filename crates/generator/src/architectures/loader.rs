//! Taking the tensors of an architecture out of a state dict.

use burn::tensor::{Device, Tensor, TensorData};
use zview_network::weights::{StateDict, WeightsError};

/// A state dict, the device for its tensors, and a count of what was learned.
pub(crate) struct Loader<'a> {
    pub(crate) state_dict: &'a mut StateDict,
    pub(crate) device: &'a Device,
    /// The number of learned values taken so far.
    pub(crate) parameters: usize,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(state_dict: &'a mut StateDict, device: &'a Device) -> Self {
        Self { state_dict, device, parameters: 0 }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.state_dict.shape(key).is_some()
    }

    /// The extents of `key`, where some are known and the others are the checkpoint's own.
    pub(crate) fn extents<const R: usize>(
        &self,
        key: &str,
        expected: [Option<usize>; R],
    ) -> Result<[usize; R], WeightsError> {
        self.state_dict.extents(key, expected)
    }

    /// Values that training does not learn: statistics, noise, the vectors of a spectral norm.
    pub(crate) fn buffer(&mut self, key: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        self.state_dict.take(key, shape)
    }

    /// Learned values.
    pub(crate) fn learned(&mut self, key: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let values = self.state_dict.take(key, shape)?;
        self.parameters += values.len();
        Ok(values)
    }

    /// Learned values on the device.
    pub(crate) fn parameter<const R: usize>(
        &mut self,
        key: &str,
        shape: [usize; R],
    ) -> Result<Tensor<R>, WeightsError> {
        let values = self.learned(key, &shape)?;
        Ok(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    /// Learned values, each times `factor`.
    pub(crate) fn scaled<const R: usize>(
        &mut self,
        key: &str,
        shape: [usize; R],
        factor: f64,
    ) -> Result<Tensor<R>, WeightsError> {
        let values = self.learned(key, &shape)?;
        Ok(self.tensor(values.into_iter().map(|value| factor * f64::from(value)), shape))
    }

    /// Values worked out in double precision, rounded once and put on the device.
    pub(crate) fn tensor<const R: usize>(
        &self,
        values: impl IntoIterator<Item = f64>,
        shape: [usize; R],
    ) -> Tensor<R> {
        let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }

    /// 1 / sqrt(variance + eps).
    pub(crate) fn inverse_std(
        &self,
        key: &str,
        variance: &[f64],
        eps: f64,
    ) -> Result<Vec<f64>, WeightsError> {
        let count = variance.iter().filter(|variance| **variance + eps <= 0.0).count();
        if count > 0 {
            return Err(self.unusable(key, count, "give no standard deviation"));
        }
        Ok(variance.iter().map(|variance| 1.0 / (variance + eps).sqrt()).collect())
    }

    /// Refuses a checkpoint for larger images, which goes on with `key` where one of `side` x `side` ends.
    pub(crate) fn ends_before(&self, key: &str, side: usize) -> Result<(), WeightsError> {
        match self.state_dict.shape(key) {
            None => Ok(()),
            Some(got) => {
                let expected = format!("no such tensor for images of {side} x {side}");
                let (path, key) = (self.state_dict.path().to_owned(), key.to_owned());
                Err(WeightsError::Extents { path, key, expected, got: got.to_vec() })
            }
        }
    }

    /// The error for `count` values of `key` that no network works with.
    pub(crate) fn unusable(&self, key: &str, count: usize, problem: &'static str) -> WeightsError {
        let (path, key) = (self.state_dict.path().to_owned(), key.to_owned());
        WeightsError::Values { path, key, count, problem }
    }
}

/// Single precision values as double precision ones.
pub(crate) fn doubles(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}
