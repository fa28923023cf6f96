//! What an optimizer is, and the table of them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use burn::tensor::Tensor;

use super::config::OptimizerConfig;
use super::{adamw, lars, sgd};

/// One parameter of N numbers at a step.
pub(super) struct Parameter {
    /// w (N).
    pub(super) weight: Tensor<1>,
    /// g (N), without weight decay.
    pub(super) gradient: Tensor<1>,
    /// Learning rate of this parameter at this step.
    pub(super) lr: f64,
    /// Weight decay of this parameter.
    pub(super) weight_decay: f64,
    /// Belongs to a norm, is a bias, or is treated like one.
    pub(super) norm_or_bias: bool,
}

/// What an optimizer keeps of one parameter from step to step: tensors (N) by name, zero at first.
#[derive(Debug, Clone, Default)]
pub(super) struct State(pub(super) BTreeMap<&'static str, Tensor<1>>);

impl State {
    /// Takes a tensor out, so that it can be computed with in place; `like` gives its size.
    pub(super) fn take(&mut self, name: &'static str, like: &Tensor<1>) -> Tensor<1> {
        self.0.remove(name).unwrap_or_else(|| like.zeros_like())
    }

    /// Keeps a tensor.
    pub(super) fn put(&mut self, name: &'static str, tensor: Tensor<1>) {
        self.0.insert(name, tensor);
    }
}

/// How often the optimizer has stepped.
pub(super) struct Steps {
    /// This step's number, counted from 1.
    pub(super) number: u64,
    /// How many of them a gate held back, this one included, `[1]`; `None` where none did.
    pub(super) held_back: Option<Tensor<1>>,
}

/// Gives a parameter's weights (N) after a step.
pub(super) type Equation<'a> = Box<dyn Fn(Parameter, &mut State) -> Tensor<1> + 'a>;

/// An optimizer's equation.
pub(super) trait UpdateRule: Debug + Send + Sync {
    /// Names of the tensors that it keeps of every parameter.
    fn kept(&self) -> &'static [&'static str];

    /// The equation at one step.
    fn at(&self, steps: &Steps) -> Equation<'_>;
}

/// Values of `[optimizer]` where a recipe does not say them; `None` is a key that the optimizer does not use.
pub(super) struct Defaults {
    pub(super) lr: f64,
    pub(super) weight_decay: f64,
    pub(super) exclude_norm_and_bias: bool,
    pub(super) momentum: Option<f64>,
    pub(super) beta1: Option<f64>,
    pub(super) beta2: Option<f64>,
    pub(super) epsilon: Option<f64>,
    pub(super) trust: Option<f64>,
}

/// Makes the table from lines `Variant = "name" => module;`. A module has a constant `DEFAULTS: Defaults` and a
/// function `rule(&OptimizerConfig) -> impl UpdateRule`.
macro_rules! optimizers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal => $module:ident;)+) => {
        /// Optimizers by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum OptimizerKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl OptimizerKind {
            /// Every optimizer.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in a recipe.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(super) fn defaults(self) -> &'static Defaults {
                match self { $(Self::$variant => &$module::DEFAULTS,)+ }
            }
        }

        /// The equation that a recipe describes.
        pub(super) fn rule(config: &OptimizerConfig) -> Box<dyn UpdateRule> {
            match config.kind { $(OptimizerKind::$variant => Box::new($module::rule(config)),)+ }
        }
    };
}

optimizers! {
    /// Stochastic gradient descent with momentum.
    Sgd = "sgd" => sgd;
    /// Adam with decoupled weight decay.
    AdamW = "adamw" => adamw;
    /// Layer-wise adaptive rate scaling, for large batches.
    Lars = "lars" => lars;
}
