//! Which layers a computation is made of: the shapes of its convolutions, batch normalisations and fully
//! connected layers, so that a device can be checked at exactly those; and what it costs.

use std::cell::RefCell;

use crate::cost::{Cost, Costs};

thread_local! {
    static RECORDED: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

#[derive(Debug, Default)]
struct Recording {
    layers: Vec<LayerCall>,
    costs: Costs,
}

/// One call of a layer, by its shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayerCall {
    /// [`conv2d`](crate::conv2d).
    Convolution {
        /// (B, I, H, W).
        input: [usize; 4],
        /// (O, I, KH, KW).
        weight: [usize; 4],
        /// Step.
        stride: [usize; 2],
        /// Zeros on each side.
        padding: [usize; 2],
    },
    /// [`conv_transpose2d`](crate::conv_transpose2d).
    TransposedConvolution {
        /// (B, I, H, W).
        input: [usize; 4],
        /// (I, O, KH, KW).
        weight: [usize; 4],
        /// Step.
        stride: [usize; 2],
        /// Zeros taken from each side.
        padding: [usize; 2],
        /// Rows and columns added to the result.
        output_padding: [usize; 2],
    },
    /// [`batch_norm`](crate::batch_norm).
    BatchNorm {
        /// (B, C, H, W).
        input: [usize; 4],
    },
    /// A fully connected layer.
    Linear {
        /// B.
        rows: usize,
        /// Features of the input.
        inputs: usize,
        /// Features of the result.
        outputs: usize,
    },
}

/// Does `work` and gives the layers that it called on this thread, in their order, repetitions too. A recording
/// within a recording takes its calls for itself.
pub fn record_layers<T>(work: impl FnOnce() -> T) -> (T, Vec<LayerCall>) {
    let (result, recording) = record(work);
    (result, recording.layers)
}

/// Does `work` and gives what it took on this thread and what its gradients will, less what [`take_costs`] has taken.
pub fn record_costs<T>(work: impl FnOnce() -> T) -> (T, Costs) {
    let (result, recording) = record(work);
    (result, recording.costs)
}

/// Within [`record_costs`]: the costs since its beginning or the last call.
#[must_use]
pub fn take_costs() -> Costs {
    RECORDED.with_borrow_mut(|recorded| {
        recorded.as_mut().map_or_else(Costs::default, |recording| std::mem::take(&mut recording.costs))
    })
}

fn record<T>(work: impl FnOnce() -> T) -> (T, Recording) {
    let outer = RECORDED.replace(Some(Recording::default()));
    let result = work();
    let recording = RECORDED.replace(outer);
    (result, recording.unwrap_or_default())
}

/// Notes a call where somebody records.
pub(crate) fn record_layer(call: impl FnOnce() -> LayerCall) {
    RECORDED.with_borrow_mut(|recorded| {
        if let Some(recording) = recorded {
            recording.layers.push(call());
        }
    });
}

/// Notes a pass without gradients over memory, by the bytes that it moves, where somebody records.
pub fn record_pass(read: usize, written: usize) {
    record_cost(|| {
        let forward = Cost { operations: 0, read: read as u64, written: written as u64 };
        Costs { forward, ..Costs::default() }
    });
}

/// Notes costs where somebody records.
pub(crate) fn record_cost(costs: impl FnOnce() -> Costs) {
    RECORDED.with_borrow_mut(|recorded| {
        if let Some(recording) = recorded {
            recording.costs += costs();
        }
    });
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::{batch_norm, conv2d};

    #[test]
    fn calls_are_recorded_by_their_shapes_and_only_where_asked_for() {
        let device = Device::flex();
        let work = || {
            let output = conv2d(
                Tensor::ones([2, 3, 6, 5], &device),
                Tensor::ones([4, 3, 3, 3], &device),
                [2, 2],
                [1, 1],
            );
            batch_norm(output, None, Tensor::ones([4], &device), Tensor::zeros([4], &device), 1e-5, true);
        };
        work();
        let expected = [
            LayerCall::Convolution {
                input: [2, 3, 6, 5],
                weight: [4, 3, 3, 3],
                stride: [2, 2],
                padding: [1, 1],
            },
            LayerCall::BatchNorm { input: [2, 4, 3, 3] },
        ];
        assert_eq!(record_layers(work).1, expected);
        assert!(record_layers(|| ()).1.is_empty());
    }
}
