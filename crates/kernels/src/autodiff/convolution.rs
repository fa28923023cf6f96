//! Backward passes of the convolutions.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::Tracked;
use crate::backend::ConvolutionOptions;
use crate::convolution::Geometry;
use crate::primitives::Kernels;
use crate::sizes::{geometry, transposed_geometry};

/// Sizes, and the operands whose values the backward pass needs: the input for the gradient of the weight, the
/// weight for that of the input.
#[derive(Clone, Debug)]
struct State {
    geometry: Geometry,
    input: Option<NodeId>,
    weight: Option<NodeId>,
}

#[derive(Debug)]
struct Convolution;

impl<B: Kernels> Backward<B, 2> for Convolution {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let [input_node, weight_node] = ops.parents;
        let State { geometry, input, weight } = ops.state;
        let mut value = |node: NodeId| checkpointer.retrieve_node_output::<FloatTensor<B>>(node);
        let (input, weight) = (input.map(&mut value), weight.map(&mut value));
        if let (Some(node), Some(input)) = (weight_node, input) {
            gradients.register::<B>(node.id, B::weight_gradient(&geometry, &input, &gradient));
        }
        if let (Some(node), Some(weight)) = (input_node, weight) {
            gradients.register::<B>(node.id, B::input_gradient(&geometry, &gradient, &weight));
        }
    }
}

/// The transposed convolution is the input gradient of the convolution of `State::geometry`; its own backward
/// pass is that convolution and its weight gradient with the images exchanged.
#[derive(Debug)]
struct Transposed;

impl<B: Kernels> Backward<B, 2> for Transposed {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let [input_node, weight_node] = ops.parents;
        let State { geometry, input, weight } = ops.state;
        let mut value = |node: NodeId| checkpointer.retrieve_node_output::<FloatTensor<B>>(node);
        let (input, weight) = (input.map(&mut value), weight.map(&mut value));
        if let (Some(node), Some(input)) = (weight_node, input) {
            gradients.register::<B>(node.id, B::weight_gradient(&geometry, &gradient, &input));
        }
        if let (Some(node), Some(weight)) = (input_node, weight) {
            gradients.register::<B>(node.id, B::convolve(&geometry, &gradient, &weight));
        }
    }
}

/// Records `backward` for an operation that computes `output` of an input and a weight.
fn record<B: Kernels, C: CheckpointStrategy>(
    backward: impl Backward<B, 2, State = State>,
    input: Tracked<B, C>,
    weight: Tracked<B, C>,
    geometry: Geometry,
    output: impl Fn(&Geometry, &FloatTensor<B>, &FloatTensor<B>) -> FloatTensor<B>,
) -> Tracked<B, C> {
    let values = output(&geometry, input.primitive(), weight.primitive());
    match backward.prepare::<C>([input.node(), weight.node()]).compute_bound().stateful() {
        OpsKind::Tracked(mut prepared) => {
            let state = State {
                geometry,
                input: weight.is_tracked().then(|| prepared.checkpoint(&input)),
                weight: input.is_tracked().then(|| prepared.checkpoint(&weight)),
            };
            prepared.finish(state, values)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(values),
    }
}

/// The convolution.
pub(super) fn forward<B: Kernels, C: CheckpointStrategy>(
    input: Tracked<B, C>,
    weight: Tracked<B, C>,
    options: ConvolutionOptions,
) -> Tracked<B, C> {
    let geometry = geometry(input.primitive(), weight.primitive(), options);
    record::<B, C>(Convolution, input, weight, geometry, B::convolve)
}

/// The transposed convolution.
pub(super) fn transposed<B: Kernels, C: CheckpointStrategy>(
    input: Tracked<B, C>,
    weight: Tracked<B, C>,
    options: ConvolutionOptions,
) -> Tracked<B, C> {
    let geometry = transposed_geometry(input.primitive(), weight.primitive(), options);
    record::<B, C>(Transposed, input, weight, geometry, B::input_gradient)
}
