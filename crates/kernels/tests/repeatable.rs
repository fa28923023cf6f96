//! The same bits for any number of threads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use burn::tensor::{Device, TensorData};
use common::tensor;
use zview_kernels::{batch_norm, conv2d};

fn step(batch: usize) -> Vec<TensorData> {
    let device = Device::flex().autodiff();
    let input = tensor([batch, 3, 13, 14], 1, &device).require_grad();
    let weight = tensor([20, 3, 3, 3], 2, &device).require_grad();
    let scale = (tensor([20], 3, &device) + 1.0).detach().require_grad();
    let bias = tensor([20], 4, &device).require_grad();
    let convolved = conv2d(input.clone(), weight.clone(), [2, 2], [1, 1]);
    let normalized = batch_norm(convolved.clone(), Some(convolved), scale.clone(), bias.clone(), 1e-5, true);
    let gradients = normalized.output.clone().square().sum().backward();
    vec![
        normalized.output.into_data(),
        normalized.mean.into_data(),
        normalized.variance.into_data(),
        input.grad(&gradients).unwrap().into_data(),
        weight.grad(&gradients).unwrap().into_data(),
        scale.grad(&gradients).unwrap().into_data(),
        bias.grad(&gradients).unwrap().into_data(),
    ]
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for batch in [1, 7, 40] {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| step(batch))
        };
        let one = with(1);
        for threads in [2, 3, 8] {
            for (one, many) in one.iter().zip(with(threads)) {
                assert_eq!(one.as_bytes(), many.as_bytes(), "batch {batch}, {threads} threads");
            }
        }
    }
}
