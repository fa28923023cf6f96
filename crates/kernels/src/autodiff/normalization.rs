//! Backward passes of the normalisations.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::{ActivationOps, FloatTensorOps};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, TensorMetadata};
use burn::tensor::Shape;

use super::Tracked;
use crate::backend::NormalizationOptions;
use crate::primitives::{Kernels, NormForward, NormGradients};

/// What the backward pass needs besides the input, which the graph may compute again.
#[derive(Clone, Debug)]
struct State<B: Kernels> {
    input: NodeId,
    output: Option<FloatTensor<B>>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    statistics: B::Statistics,
    options: NormalizationOptions,
}

impl<B: Kernels> State<B> {
    fn gradients(
        self,
        gradient: FloatTensor<B>,
        residual: bool,
        checkpointer: &mut Checkpointer,
    ) -> NormGradients<B> {
        let forward = NormForward::<B> {
            input: checkpointer.retrieve_node_output::<FloatTensor<B>>(self.input),
            output: self.output,
            weight: self.weight,
            bias: self.bias,
            statistics: self.statistics,
        };
        B::normalize_gradients(&forward, gradient, residual, self.options)
    }
}

#[derive(Debug)]
struct Plain;

impl<B: Kernels> Backward<B, 3> for Plain {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 3>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let result = ops.state.gradients(gradient, false, checkpointer);
        for (node, gradient) in ops.parents.into_iter().zip([result.input, result.weight, result.bias]) {
            if let Some(node) = node {
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct Residual;

impl<B: Kernels> Backward<B, 4> for Residual {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 4>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let [input_node, weight_node, bias_node, residual_node] = ops.parents;
        let result = ops.state.gradients(gradient, residual_node.is_some(), checkpointer);
        let parts = [(input_node, result.input), (weight_node, result.weight), (bias_node, result.bias)];
        for (node, gradient) in parts {
            if let Some(node) = node {
                gradients.register::<B>(node.id, gradient);
            }
        }
        if let (Some(node), Some(gradient)) = (residual_node, result.residual) {
            gradients.register::<B>(node.id, gradient);
        }
    }
}

/// Batch normalisation without a residual.
pub(super) fn plain<B: Kernels, C: CheckpointStrategy>(
    input: Tracked<B, C>,
    weight: Tracked<B, C>,
    bias: Tracked<B, C>,
    options: NormalizationOptions,
) -> (Tracked<B, C>, B::Statistics) {
    let (output, statistics) =
        B::normalize(input.primitive(), None, weight.primitive(), bias.primitive(), options);
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
pub(super) fn residual<B: Kernels, C: CheckpointStrategy>(
    input: Tracked<B, C>,
    residual: Tracked<B, C>,
    weight: Tracked<B, C>,
    bias: Tracked<B, C>,
    options: NormalizationOptions,
) -> (Tracked<B, C>, B::Statistics) {
    let (output, statistics) = B::normalize(
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
pub(super) fn scale_shift<B: Kernels, C: CheckpointStrategy>(
    input: Tracked<B, C>,
    residual: Option<Tracked<B, C>>,
    scale: Tracked<B, C>,
    shift: Tracked<B, C>,
    relu: bool,
) -> Tracked<B, C> {
    type Recorded<B, C> = Autodiff<B, C>;
    let tracked = input.is_tracked()
        || scale.is_tracked()
        || shift.is_tracked()
        || residual.as_ref().is_some_and(|residual| residual.is_tracked());
    if !tracked {
        let (input, scale, shift) = (input.into_primitive(), scale.into_primitive(), shift.into_primitive());
        let residual = residual.map(|residual| residual.into_primitive());
        let output = B::scale_shift(&input, residual.as_ref(), &scale, &shift, relu);
        return Recorded::<B, C>::from_inner(output);
    }
    let shape = Shape::from([1, scale.shape()[0], 1, 1]);
    let scale = Recorded::<B, C>::float_reshape(scale, shape.clone());
    let shift = Recorded::<B, C>::float_reshape(shift, shape);
    let mut output = Recorded::<B, C>::float_add(Recorded::<B, C>::float_mul(input, scale), shift);
    if let Some(residual) = residual {
        output = Recorded::<B, C>::float_add(output, residual);
    }
    if relu { Recorded::<B, C>::relu(output) } else { output }
}
