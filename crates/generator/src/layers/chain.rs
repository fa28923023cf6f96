//! Layers one after the other.

use std::ops::Range;

use burn::tensor::{Int, Tensor};
use zview_network::AnyVisitor;
use zview_network::weights::WeightsError;

use super::{FirstLayer, Layer, LayerLoader, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// Layers with their weights.
#[derive(Debug, Clone)]
pub(crate) struct Chain(Vec<Placed>);

#[derive(Debug, Clone)]
struct Placed {
    step: Box<dyn Step>,
    from: Features,
    to: Features,
}

impl Chain {
    /// `layers` with their tensors, for features that [`walk`] found to fit.
    pub(crate) fn load(
        layers: &[Layer],
        loader: &mut LayerLoader<'_>,
        mut from: Features,
    ) -> Result<Self, WeightsError> {
        let classes = Some(loader.classes).filter(|classes| *classes > 0);
        let mut chain = Vec::new();
        let mut layers = layers.iter().peekable();
        while let Some(layer) = layers.next() {
            let mut step = layer.spec().load(loader, from)?;
            if layers.peek().is_some_and(|next| matches!(next, Layer::Relu(_))) && step.take_relu() {
                layers.next();
            }
            // The manifest's check has made sure that every layer fits.
            let to = from.through(layer, classes).unwrap_or(from);
            chain.push(Placed { step, from, to });
            from = to;
        }
        Ok(Self(chain))
    }

    pub(crate) fn forward(&self, now: Activations, classes: Option<&Tensor<1, Int>>) -> Activations {
        self.0.iter().fold(now, |now, placed| placed.step.forward(now, classes))
    }

    /// As [`Self::forward`] in training, with one-hot classes (B, K).
    pub(crate) fn train(&mut self, now: Activations, classes: Option<&Tensor<2>>) -> Activations {
        self.0.iter_mut().fold(now, |now, placed| placed.step.train(now, classes))
    }

    /// As [`Self::train`], without the last layer.
    pub(crate) fn train_but_last(&mut self, now: Activations, classes: Option<&Tensor<2>>) -> Activations {
        let count = self.0.len().saturating_sub(1);
        self.0.iter_mut().take(count).fold(now, |now, placed| placed.step.train(now, classes))
    }

    /// Shows what training changes.
    pub(crate) fn visit(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        self.0.iter_mut().for_each(|placed| placed.step.visit(prefix, visitor));
    }

    /// What comes out, or `from` where there is no layer.
    pub(crate) fn to(&self, from: Features) -> Features {
        self.0.last().map_or(from, |placed| placed.to)
    }

    /// The weights (D, F) that z (D) is first multiplied with.
    pub(crate) fn first_layer(&self, mut z: Range<usize>) -> Option<Tensor<2>> {
        for placed in &self.0 {
            match placed.step.first_layer(z, placed.from) {
                FirstLayer::Passed(now) => z = now,
                FirstLayer::Weights(weights) => return Some(weights),
                FirstLayer::Other => return None,
            }
        }
        None
    }
}

/// Follows features through `layers` and reports all that does not fit, each with the place of its layer (`path[2]`);
/// `None` where they cannot be followed to the end.
pub(crate) fn walk(
    layers: &[Layer],
    path: &str,
    from: Features,
    classes: Option<usize>,
    problems: &mut Vec<String>,
) -> Option<Features> {
    let mut features = from;
    for (index, layer) in layers.iter().enumerate() {
        let mut report = |problem| problems.push(format!("`{path}[{index}]` ({}): {problem}", layer.kind()));
        layer.spec().problems(classes).into_iter().for_each(&mut report);
        features = match features.through(layer, classes) {
            Ok(next) => next,
            Err(problem) => {
                report(problem);
                // Go on as if the layer had got what it expects, to find what else is wrong.
                layer.spec().wanted(features).through(layer, classes).ok()?
            }
        };
    }
    Some(features)
}

/// What `layers`, the list `name` of a layer, make of features.
pub(super) fn within(
    layers: &[Layer],
    name: &str,
    from: Features,
    classes: Option<usize>,
) -> Result<Features, String> {
    let mut problems = Vec::new();
    let to = walk(layers, name, from, classes, &mut problems);
    match (problems.into_iter().next(), to) {
        (None, Some(to)) => Ok(to),
        (problem, _) => Err(problem.unwrap_or_else(|| format!("expected `{name}` that fit {from}"))),
    }
}
