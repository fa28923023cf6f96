//! The optimizer of all networks of a run.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Tensor, TensorData};
use zview_kernels::record_pass;

use super::config::OptimizerConfig;
use super::gate::StepGate;
use super::gradients::NamedGradients;
use super::rule::{Equation, Parameter, State, Steps};
use crate::weights::StateDict;
use crate::{NamedTensors, Network, StateError, StateVisitor};

/// Name of the count of steps that were not taken among the optimizer's tensors.
const HELD_BACK: &str = "held_back_steps";

/// A group of parameters that has no parameters.
#[derive(Debug, thiserror::Error)]
#[error(
    "no trained parameter's name begins with \"{prefix}\"; change the prefix: names begin with \"{}\"",
    beginnings.join("\", \"")
)]
pub struct UnmatchedGroup {
    /// As the recipe says it.
    pub prefix: String,
    /// The first parts of the names that there are.
    pub beginnings: Vec<String>,
}

/// The optimizer, with what it keeps of every parameter.
#[derive(Debug, Clone)]
pub struct Optimizer {
    config: OptimizerConfig,
    kept: BTreeMap<String, State>,
    /// Steps that a gate held back, `[1]`.
    held_back: Option<Tensor<1>>,
}

/// One step of the optimizer, for every network in turn.
pub struct Update<'a> {
    config: &'a OptimizerConfig,
    kept: &'a mut BTreeMap<String, State>,
    equation: Equation<'a>,
    lr: f64,
    gate: Option<&'a StepGate>,
}

impl std::fmt::Debug for Update<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Update").field("lr", &self.lr).finish_non_exhaustive()
    }
}

impl Optimizer {
    /// Before its first step.
    #[must_use]
    pub fn new(config: &OptimizerConfig) -> Self {
        Self { config: config.clone(), kept: BTreeMap::new(), held_back: None }
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// Checks that every group has parameters among those of the `names`.
    ///
    /// # Errors
    /// [`UnmatchedGroup`] for the first that has none.
    pub fn check_groups(&self, names: &[String]) -> Result<(), UnmatchedGroup> {
        for group in &self.config.groups {
            if !names.iter().any(|name| name.starts_with(&group.prefix)) {
                let firsts = names.iter().map(|name| match name.split_once('.') {
                    Some((first, _)) => format!("{first}."),
                    None => name.clone(),
                });
                let beginnings = firsts.collect::<BTreeSet<_>>().into_iter().collect();
                return Err(UnmatchedGroup { prefix: group.prefix.clone(), beginnings });
            }
        }
        Ok(())
    }

    /// Begins step `number`, counted from 1, at the learning rate `lr`; `gate` may clip the gradients, undo their
    /// scale and hold the step back: then weights and everything that the optimizer keeps stay as they are.
    pub fn update<'a>(&'a mut self, number: u64, lr: f64, gate: Option<&'a StepGate>) -> Update<'a> {
        if let Some(open) = gate.and_then(StepGate::open) {
            let now = open.bool_not().float();
            self.held_back = Some(match self.held_back.take() {
                Some(before) => before + now,
                None => now,
            });
        }
        let equation = self.config.kind.rule().at(&Steps { number, held_back: self.held_back.clone() });
        Update { config: &self.config, kept: &mut self.kept, equation, lr, gate }
    }

    /// What it keeps, as named tensors.
    ///
    /// # Errors
    /// [`StateError::Device`] where the device cannot be read.
    pub fn state(&self) -> Result<NamedTensors, StateError> {
        let mut tensors = NamedTensors::default();
        for (name, kept) in &self.kept {
            for (part, tensor) in &kept.0 {
                tensors.add(&stored_name(name, part), tensor.clone())?;
            }
        }
        if let Some(held_back) = &self.held_back {
            tensors.add(HELD_BACK, held_back.clone())?;
        }
        Ok(tensors)
    }

    /// Takes what is kept of `network`'s parameters from `state`; of a parameter that had not moved there is nothing.
    ///
    /// # Errors
    /// [`StateError::Weights`] for a tensor of a wrong size, or where a part of what is kept of a parameter is missing.
    pub fn restore(
        &mut self,
        network: &impl Network,
        prefix: &str,
        state: &mut StateDict,
    ) -> Result<(), StateError> {
        let mut restore = Restore { optimizer: self, state, result: Ok(()) };
        network.clone().visit(prefix, &mut restore);
        restore.result
    }
}

impl Update<'_> {
    /// Moves every parameter of `network` that has a gradient, and takes that out of `gradients`; names begin with
    /// `prefix`.
    pub fn step(&mut self, network: &mut impl Network, prefix: &str, gradients: &mut NamedGradients) {
        network.visit(prefix, &mut Step { update: self, gradients });
    }

    /// The parameter `name`, a bias or treated like one if `bias_like`, with its group's settings.
    fn parameter(&self, name: &str, bias_like: bool, weight: Tensor<1>, gradient: Tensor<1>) -> Parameter {
        let groups = self.config.groups.iter().filter(|group| name.starts_with(&group.prefix));
        let group = groups.max_by_key(|group| group.prefix.len());
        let (lr_scale, weight_decay) =
            group.map_or((1.0, None), |group| (group.lr_scale, group.weight_decay));
        let norm_or_bias = self.config.exclude_norm_and_bias && bias_like;
        let weight_decay = if norm_or_bias { 0.0 } else { weight_decay.unwrap_or(self.config.weight_decay) };
        Parameter { weight, gradient, lr: self.lr * lr_scale, weight_decay, norm_or_bias }
    }
}

struct Step<'a, 'b> {
    update: &'a mut Update<'b>,
    gradients: &'a mut NamedGradients,
}

impl Step<'_, '_> {
    fn take<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>, bias_like: bool) {
        let Some(mut gradient) = self.gradients.remove(name) else { return };
        let (update, shape) = (&mut *self.update, tensor.dims());
        let weight = tensor.clone().inner().reshape([-1]);
        let mut kept = update.kept.remove(name).unwrap_or_default();
        let moved;
        match update.gate {
            None => moved = (update.equation)(update.parameter(name, bias_like, weight, gradient), &mut kept),
            Some(gate) => {
                gradient = gate.passed(gradient);
                let mut before = if gate.open().is_some() { kept.clone() } else { State::default() };
                let parameter = update.parameter(name, bias_like, weight.clone(), gradient);
                moved = gate.choose((update.equation)(parameter, &mut kept), weight);
                for (part, tensor) in &mut kept.0 {
                    let before = before.take(part, tensor);
                    *tensor = gate.choose(tensor.clone(), before);
                }
            }
        }
        // Weight, gradient and what is kept are read, and all but the gradient written.
        let bytes = moved.dims()[0] * moved.dtype().size();
        record_pass((2 + kept.0.len()) * bytes, (1 + kept.0.len()) * bytes);
        update.kept.insert(name.to_owned(), kept);
        *tensor = moved.reshape(shape).autodiff().require_grad();
    }
}

impl StateVisitor for Step<'_, '_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.take(name, tensor, D <= 1);
    }
    fn bias_like<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.take(name, tensor, true);
    }
    fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

struct Restore<'a> {
    optimizer: &'a mut Optimizer,
    state: &'a mut StateDict,
    result: Result<(), StateError>,
}

impl Restore<'_> {
    fn take<const D: usize>(&mut self, name: &str, tensor: &Tensor<D>) -> Result<(), StateError> {
        let parts = self.optimizer.config.kind.rule().kept();
        let device = tensor.clone().inner().device();
        let count = tensor.shape().num_elements();
        let mut kept = State::default();
        if parts.iter().any(|part| self.state.shape(&stored_name(name, part)).is_some()) {
            for part in parts {
                let values = self.state.take(&stored_name(name, part), &[count])?;
                kept.put(part, Tensor::from_data(TensorData::new(values, [count]), &device));
            }
        }
        self.optimizer.kept.insert(name.to_owned(), kept);
        if self.optimizer.held_back.is_none() && self.state.shape(HELD_BACK).is_some() {
            let values = self.state.take(HELD_BACK, &[1])?;
            self.optimizer.held_back = Some(Tensor::from_data(TensorData::new(values, [1]), &device));
        }
        Ok(())
    }
}

impl StateVisitor for Restore<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        if self.result.is_ok() {
            self.result = self.take(name, tensor);
        }
    }
    fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

/// The name in a checkpoint of a `part` of what is kept of a parameter.
fn stored_name(parameter: &str, part: &str) -> String {
    if part.is_empty() { parameter.to_owned() } else { format!("{parameter}.{part}") }
}
