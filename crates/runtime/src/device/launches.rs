//! How many kernels the framework launches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cubecl_runtime::config::{TypeNameFormatLevel, type_name_format};
use cubecl_runtime::logging::{LaunchObservation, LaunchObserver};

/// Counts every kernel launch of the process, on every graphics device, for as long as it lives. The CPU
/// launches none.
#[derive(Debug)]
pub struct LaunchCounter {
    counts: Arc<Counts>,
    _observation: LaunchObservation,
}

#[derive(Debug, Default)]
struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<&'static str, u64>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LaunchObserver for Counts {
    fn launched(&self, kernel: &'static str) {
        self.with(|counts| *counts.entry(kernel).or_default() += 1);
    }
}

impl LaunchCounter {
    /// Begins to count.
    #[must_use]
    pub fn start() -> Self {
        let counts = Arc::new(Counts::default());
        Self { counts: counts.clone(), _observation: LaunchObservation::new(counts) }
    }

    /// Launches by kernel since the start or the last call.
    #[must_use]
    pub fn take(&self) -> BTreeMap<String, u64> {
        let counts = self.counts.with(std::mem::take);
        let mut by_name = BTreeMap::new();
        for (kernel, count) in counts {
            *by_name.entry(short_name(kernel)).or_default() += count;
        }
        by_name
    }
}

/// The name of a kernel's type without modules and type parameters.
fn short_name(kernel: &'static str) -> String {
    let name = type_name_format(kernel, TypeNameFormatLevel::Short);
    name.split('<').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::device::{on_test_adapter, read_floats};

    #[test]
    fn modules_and_type_parameters_are_left_out_of_a_name() {
        assert_eq!(short_name("framework::ops::KernelBinop<framework::Add, f32>"), "KernelBinop");
        assert_eq!(short_name("Plain"), "Plain");
    }

    #[test]
    fn counts_what_a_graphics_device_is_given_and_begins_again() {
        on_test_adapter(|chosen| {
            let tensor = Tensor::<1>::ones([16], &chosen.device);
            let counter = LaunchCounter::start();
            let sum = tensor.clone() + tensor.clone();
            let sum = sum + tensor;
            let counts = counter.take();
            assert!(counts.values().sum::<u64>() >= 2, "{counts:?}");
            assert!(counter.take().is_empty(), "nothing has been launched since");
            assert_eq!(read_floats(sum).unwrap(), vec![3.0; 16]);
        });
    }
}
