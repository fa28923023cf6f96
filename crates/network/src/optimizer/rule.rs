//! What an optimizer is, and the table of them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use burn::tensor::Tensor;

use super::config::OptimizerConfig;
use super::{adamw, lars, sgd};

/// One parameter of N numbers at a step.
pub(crate) struct Parameter {
    /// w (N).
    pub(crate) weight: Tensor<1>,
    /// g (N), without weight decay.
    pub(crate) gradient: Tensor<1>,
    /// Learning rate of this parameter at this step.
    pub(crate) lr: f64,
    /// Weight decay of this parameter.
    pub(crate) weight_decay: f64,
    /// Belongs to a norm, is a bias, or is treated like one.
    pub(crate) norm_or_bias: bool,
}

/// What an optimizer keeps of one parameter from step to step: tensors (N) by name, zero at first.
#[derive(Debug, Clone, Default)]
pub(crate) struct State(pub(crate) BTreeMap<&'static str, Tensor<1>>);

impl State {
    /// Takes a tensor out, so that it can be computed with in place; `like` gives its size.
    pub(crate) fn take(&mut self, name: &'static str, like: &Tensor<1>) -> Tensor<1> {
        self.0.remove(name).unwrap_or_else(|| like.zeros_like())
    }

    /// Keeps a tensor.
    pub(crate) fn put(&mut self, name: &'static str, tensor: Tensor<1>) {
        self.0.insert(name, tensor);
    }
}

/// How often the optimizer has stepped.
pub(crate) struct Steps {
    /// This step's number, counted from 1.
    pub(crate) number: u64,
    /// How many of them a gate held back, this one included, `[1]`; `None` where none did.
    pub(crate) held_back: Option<Tensor<1>>,
}

/// Gives a parameter's weights (N) after a step.
pub(crate) type Equation<'a> = Box<dyn Fn(Parameter, &mut State) -> Tensor<1> + 'a>;

/// Values of `[optimizer]` where a recipe does not say them.
pub(crate) struct Defaults {
    pub(crate) lr: f64,
    pub(crate) weight_decay: f64,
    pub(crate) exclude_norm_and_bias: bool,
}

/// An optimizer's equation, and beside it the keys that only it has.
pub(crate) trait UpdateRule: Debug {
    /// Of the keys that every optimizer has.
    fn defaults(&self) -> Defaults;

    /// What is wrong with its own keys.
    fn problems(&self) -> Vec<Option<String>>;

    /// Names of the tensors that it keeps of every parameter.
    fn kept(&self) -> &'static [&'static str];

    /// The equation at one step.
    fn at(&self, steps: &Steps) -> Equation<'_>;
}

zview_runtime::kinds! {
    OptimizerConfig.kind = "kind": AnyRule, rule: UpdateRule, names OptimizerKind;
    /// Stochastic gradient descent with momentum.
    Sgd = "sgd" => sgd::Sgd;
    /// Adam with decoupled weight decay.
    AdamW = "adamw" => adamw::AdamW;
    /// Layer-wise adaptive rate scaling, for large batches.
    Lars = "lars" => lars::Lars;
}
