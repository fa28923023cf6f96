//! Backward passes of the normalisations.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::{ActivationOps, FloatTensorOps};
use burn::backend::{Autodiff, AutodiffBackend, Flex, TensorMetadata};
use burn::tensor::Shape;

use super::Tracked;
use crate::backend::{KernelBackend, NormalizationOptions};
use crate::flex::{NormForward, NormGradients, normalize, normalize_gradients};
use crate::normalization::Statistics;

/// What the backward pass needs besides the input, which the graph may compute again.
#[derive(Clone, Debug)]
struct State {
    input: NodeId,
    output: Option<FlexTensor>,
    weight: FlexTensor,
    bias: FlexTensor,
    statistics: Statistics,
    options: NormalizationOptions,
}

impl State {
    fn gradients(
        self,
        gradient: FlexTensor,
        residual: bool,
        checkpointer: &mut Checkpointer,
    ) -> NormGradients {
        let forward = NormForward {
            input: checkpointer.retrieve_node_output::<FlexTensor>(self.input),
            output: self.output,
            weight: self.weight,
            bias: self.bias,
            statistics: self.statistics,
        };
        normalize_gradients(&forward, gradient, residual, self.options)
    }
}

#[derive(Debug)]
struct Plain;

impl Backward<Flex, 3> for Plain {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let result = ops.state.gradients(gradient, false, checkpointer);
        for (node, gradient) in ops.parents.into_iter().zip([result.input, result.weight, result.bias]) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct Residual;

impl Backward<Flex, 4> for Residual {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let [input_node, weight_node, bias_node, residual_node] = ops.parents;
        let result = ops.state.gradients(gradient, residual_node.is_some(), checkpointer);
        let parts = [(input_node, result.input), (weight_node, result.weight), (bias_node, result.bias)];
        for (node, gradient) in parts {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
        if let (Some(node), Some(gradient)) = (residual_node, result.residual) {
            gradients.register::<Flex>(node.id, gradient);
        }
    }
}

/// Batch normalisation without a residual.
pub(super) fn plain<C: CheckpointStrategy>(
    input: Tracked<C>,
    weight: Tracked<C>,
    bias: Tracked<C>,
    options: NormalizationOptions,
) -> (Tracked<C>, Statistics) {
    let (output, statistics) =
        normalize(input.primitive(), None, weight.primitive(), bias.primitive(), options);
    let nodes = [input.node(), weight.node(), bias.node()];
    let output = match Plain.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(mut prepared) => {
            let state = State {
                input: prepared.checkpoint(&input),
                output: None,
                weight: weight.primitive().clone(),
                bias: bias.primitive().clone(),
                statistics: statistics.clone(),
                options,
            };
            prepared.finish(state, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    (output, statistics)
}

/// Batch normalisation with a residual.
pub(super) fn residual<C: CheckpointStrategy>(
    input: Tracked<C>,
    residual: Tracked<C>,
    weight: Tracked<C>,
    bias: Tracked<C>,
    options: NormalizationOptions,
) -> (Tracked<C>, Statistics) {
    let (output, statistics) = normalize(
        input.primitive(),
        Some(residual.primitive()),
        weight.primitive(),
        bias.primitive(),
        options,
    );
    let nodes = [input.node(), weight.node(), bias.node(), residual.node()];
    let output = match Residual.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(mut prepared) => {
            let state = State {
                input: prepared.checkpoint(&input),
                output: options.relu.then(|| output.clone()),
                weight: weight.primitive().clone(),
                bias: bias.primitive().clone(),
                statistics: statistics.clone(),
                options,
            };
            prepared.finish(state, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    (output, statistics)
}

/// The affine map of each channel. Evaluation seldom records gradients; where it does, the framework's own
/// operations do the work.
pub(super) fn scale_shift<C: CheckpointStrategy>(
    input: Tracked<C>,
    residual: Option<Tracked<C>>,
    scale: Tracked<C>,
    shift: Tracked<C>,
    relu: bool,
) -> Tracked<C> {
    type Recorded<C> = Autodiff<Flex, C>;
    let tracked = input.is_tracked()
        || scale.is_tracked()
        || shift.is_tracked()
        || residual.as_ref().is_some_and(|residual| residual.is_tracked());
    if !tracked {
        let (input, scale, shift) = (input.into_primitive(), scale.into_primitive(), shift.into_primitive());
        return Recorded::<C>::from_inner(match residual {
            Some(residual) => {
                Flex::kernel_scale_shift_residual(input, residual.into_primitive(), scale, shift, relu)
            }
            None => Flex::kernel_scale_shift(input, scale, shift, relu),
        });
    }
    let shape = Shape::from([1, scale.shape()[0], 1, 1]);
    let scale = Recorded::<C>::float_reshape(scale, shape.clone());
    let shift = Recorded::<C>::float_reshape(shift, shape);
    let mut output = Recorded::<C>::float_add(Recorded::<C>::float_mul(input, scale), shift);
    if let Some(residual) = residual {
        output = Recorded::<C>::float_add(output, residual);
    }
    if relu { Recorded::<C>::relu(output) } else { output }
}
