//! Losses and gradients of the objectives in double precision, from PyTorch (`scripts/objective_golden.py`).

use std::cell::RefCell;

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use zview_runtime::device::on_test_devices;

const FILE: &[u8] = include_bytes!("../../tests/golden/objectives.safetensors");
/// Largest relative error of the loss, and of the gradient against its largest value.
const TOLERANCE: f64 = 1e-5;

/// One case of one method.
pub struct Golden {
    prefix: String,
}

/// The case's inputs on one device.
pub struct Inputs<'a> {
    file: &'a SafeTensors<'static>,
    prefix: &'a str,
    device: &'a Device,
    leaves: RefCell<Vec<(String, Tensor<2>)>>,
}

impl Inputs<'_> {
    /// An input whose gradient is compared.
    pub fn tensor(&self, name: &str) -> Tensor<2> {
        let leaf = self.constant(name).require_grad();
        self.leaves.borrow_mut().push((name.to_owned(), leaf.clone()));
        leaf
    }

    /// An input without a gradient.
    pub fn constant(&self, name: &str) -> Tensor<2> {
        let view = self.file.tensor(&format!("{}/{name}", self.prefix)).unwrap();
        let values: Vec<f32> = doubles(&view).into_iter().map(|value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, [view.shape()[0], view.shape()[1]]), self.device)
    }

    /// Integers (N, 1).
    pub fn integers(&self, name: &str) -> Tensor<2, Int> {
        let view = self.file.tensor(&format!("{}/{name}", self.prefix)).unwrap();
        let values: Vec<i32> = doubles(&view).into_iter().map(|value| value as i32).collect();
        Tensor::from_data(TensorData::new(values, [view.shape()[0], 1]), self.device)
    }
}

impl Golden {
    pub fn new(method: &str, case: &str) -> Self {
        Self { prefix: format!("{method}/{case}") }
    }

    /// Compares `loss` and its gradients with the reference, on every test device.
    pub fn check(&self, loss: impl Fn(&Inputs<'_>) -> Tensor<1>) {
        let file = SafeTensors::deserialize(FILE).unwrap();
        on_test_devices(|name, device| {
            let device = device.clone().autodiff();
            let leaves = RefCell::new(Vec::new());
            let inputs = Inputs { file: &file, prefix: &self.prefix, device: &device, leaves };
            let loss = loss(&inputs);
            let gradients = loss.backward();
            let case = format!("{name}, {}", self.prefix);
            let compare = |what: &str, got: Vec<f32>| {
                let expected = doubles(&file.tensor(&format!("{}/{what}", self.prefix)).unwrap());
                assert_eq!(got.len(), expected.len(), "{case} {what}");
                let largest = expected.iter().fold(0.0f64, |a, b| a.max(b.abs()));
                for (got, expected) in got.into_iter().zip(expected) {
                    let error = (f64::from(got) - expected).abs() / largest;
                    assert!(error <= TOLERANCE, "{case} {what}: {got} against {expected}, error {error:.1e}");
                }
            };
            compare("loss", loss.inner().into_data().try_into_vec().unwrap());
            let leaves = inputs.leaves.borrow();
            assert!(!leaves.is_empty(), "{case}");
            for (input, leaf) in leaves.iter() {
                let gradient = leaf.grad(&gradients).unwrap().into_data().try_into_vec().unwrap();
                compare(&format!("gradient/{input}"), gradient);
            }
        });
    }
}

fn doubles(view: &TensorView<'_>) -> Vec<f64> {
    view.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}
