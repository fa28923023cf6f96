//! The convolutions against the framework's own, on the CPU and, where there is an adapter, on wgpu.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Device, Tensor};
use common::{assert_close, result_and_gradients, tensor};
use zview_kernels::{conv_transpose2d, conv2d};

#[track_caller]
fn assert_all_close(actual: &[Tensor<4>; 3], expected: &[Tensor<4>; 3], case: &str) {
    for ((actual, expected), part) in
        actual.iter().zip(expected).zip(["output", "input gradient", "weight gradient"])
    {
        assert_close(actual, expected, &format!("{part} of {case}"));
    }
}

#[test]
fn convolution_agrees_with_the_framework() {
    let device = Device::flex();
    for (channels, out_channels) in [(1, 16), (3, 8), (16, 20), (33, 16), (20, 33)] {
        for size in [[28, 28], [14, 14], [7, 7], [4, 4], [5, 13]] {
            for (kernel, stride, padding) in
                [(3, 1, 1), (3, 2, 1), (1, 1, 0), (1, 2, 0), (7, 2, 3), (3, 1, 0), (2, 2, 2)]
            {
                if kernel > size[0] + 2 * padding {
                    continue;
                }
                let input = [2, channels, size[0], size[1]];
                let weight = [out_channels, channels, kernel, kernel];
                let actual = result_and_gradients(input, weight, &device, |x, w| {
                    conv2d(x, w, [stride; 2], [padding; 2])
                });
                let expected = result_and_gradients(input, weight, &device, |x, w| {
                    module::conv2d(x, w, None, ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1))
                });
                let case = format!("{input:?} with {weight:?}, stride {stride}, padding {padding}");
                assert_all_close(&actual, &expected, &case);
            }
        }
    }
}

#[test]
fn transposed_convolution_agrees_with_the_framework() {
    let device = Device::flex();
    for (channels, out_channels) in [(1, 16), (16, 3), (20, 33)] {
        for (kernel, stride, padding, output_padding) in
            [(4, 2, 1, 0), (3, 2, 1, 1), (4, 1, 0, 0), (3, 1, 1, 0), (2, 3, 0, 2), (5, 2, 3, 1), (1, 1, 0, 0)]
        {
            for size in [[4, 4], [7, 5], [13, 14]] {
                let input = [2, channels, size[0], size[1]];
                let weight = [channels, out_channels, kernel, kernel];
                let actual = result_and_gradients(input, weight, &device, |x, w| {
                    conv_transpose2d(x, w, [stride; 2], [padding; 2], [output_padding; 2])
                });
                let expected = result_and_gradients(input, weight, &device, |x, w| {
                    let [stride, padding, output_padding] = [stride, padding, output_padding].map(|n| [n; 2]);
                    let options = ConvTransposeOptions::new(stride, padding, output_padding, [1, 1], 1);
                    module::conv_transpose2d(x, w, None, options)
                });
                let case =
                    format!("{input:?} with {weight:?}, stride {stride}, padding {padding} {output_padding}");
                assert_all_close(&actual, &expected, &case);
            }
        }
    }
}

#[test]
fn views_of_other_tensors_are_read_correctly() {
    let device = Device::flex();
    let whole = tensor([3, 9, 10, 5], 4, &device);
    let weight = tensor([6, 4, 3, 3], 5, &device);
    let view = whole.permute([0, 3, 1, 2]).slice([1..3, 1..5, 0..8, 1..10]);
    let copy = Tensor::<4>::from_data(view.clone().into_data(), &device);
    let expected = conv2d(copy, weight.clone(), [1, 1], [1, 1]).into_data();
    conv2d(view, weight, [1, 1], [1, 1]).into_data().assert_eq(&expected, true);
}

#[test]
fn other_operations_work_on_the_result() {
    let device = Device::flex();
    let output = conv2d(tensor([2, 3, 8, 6], 1, &device), tensor([5, 3, 3, 3], 2, &device), [1, 1], [1, 1]);
    let copy = Tensor::<4>::from_data(output.clone().into_data(), &device);
    assert_close(&output.clone().mean_dims(&[2, 3]), &copy.clone().mean_dims(&[2, 3]), "mean");
    assert_close(&output.clone().slice([0..1, 2..4]), &copy.clone().slice([0..1, 2..4]), "slice");
    assert_close(&output.clone().permute([0, 2, 3, 1]), &copy.clone().permute([0, 2, 3, 1]), "permute");
    assert_close(&(output.clone() + output.clone()), &(copy.clone() * 2.0), "add");
    assert_close(&output.reshape([2, 5, 48]), &copy.reshape([2, 5, 48]), "reshape");
}

#[test]
fn gradients_stop_at_what_is_frozen() {
    let device = Device::flex().autodiff();
    for (input_tracked, weight_tracked) in [(false, true), (true, false)] {
        let input = tensor([2, 3, 6, 6], 1, &device).set_require_grad(input_tracked);
        let weight = tensor([4, 3, 3, 3], 2, &device).set_require_grad(weight_tracked);
        let gradients = conv2d(input.clone(), weight.clone(), [1, 1], [1, 1]).square().sum().backward();
        assert_eq!(input.grad(&gradients).is_some(), input_tracked);
        assert_eq!(weight.grad(&gradients).is_some(), weight_tracked);
    }
    // Neither: the operation still runs, and so does what follows.
    let scale = tensor([1, 4, 1, 1], 3, &device).require_grad();
    let output = conv2d(tensor([2, 3, 6, 6], 1, &device), tensor([4, 3, 3, 3], 2, &device), [1, 1], [1, 1]);
    let gradients = (output * scale.clone()).sum().backward();
    assert!(scale.grad(&gradients).is_some());
}

#[test]
fn an_image_without_gradients_meets_a_weight_with_them() {
    let plain = Device::flex();
    let recorded = Device::flex().autodiff();
    let weight = tensor([4, 3, 3, 3], 2, &recorded).require_grad();
    let output = conv2d(tensor([2, 3, 6, 6], 1, &plain), weight.clone(), [1, 1], [1, 1]);
    assert!(weight.grad(&output.sum().backward()).is_some());
}

#[test]
fn checkpointing_computes_the_same_gradients() {
    let gradients = |device: Device| {
        let input = tensor([2, 3, 6, 6], 1, &device).require_grad();
        let weight = tensor([4, 3, 3, 3], 2, &device).require_grad();
        let output = conv2d((input.clone() * 2.0).exp(), weight.clone().tanh(), [1, 1], [1, 1]);
        let gradients = output.square().sum().backward();
        [input.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()]
    };
    let kept = gradients(Device::flex().autodiff());
    let recomputed = gradients(Device::flex().autodiff().gradient_checkpointing());
    for (kept, recomputed) in kept.iter().zip(&recomputed) {
        recomputed.clone().into_data().assert_eq(&kept.clone().into_data(), true);
    }
}

#[test]
fn double_precision_goes_through_the_framework() {
    let device = Device::flex();
    let input = tensor([2, 3, 6, 6], 1, &device);
    let weight = tensor([4, 3, 3, 3], 2, &device);
    let single = conv2d(input.clone(), weight.clone(), [1, 1], [1, 1]);
    let double =
        conv2d(input.cast(burn::tensor::DType::F64), weight.cast(burn::tensor::DType::F64), [1, 1], [1, 1]);
    assert_eq!(double.dtype(), burn::tensor::DType::F64);
    assert_close(&single, &double.cast(burn::tensor::DType::F32), "convolution");
}

#[test]
#[should_panic(expected = "does not fit")]
fn a_kernel_larger_than_the_image_is_refused() {
    let device = Device::flex();
    let _ = conv2d(tensor([1, 1, 2, 2], 1, &device), tensor([1, 1, 3, 3], 2, &device), [1, 1], [0, 0]);
}
