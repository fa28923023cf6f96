//! Functions of each value alone, a line each; and dropout, which is none when no network is trained.

use burn::tensor::{Int, Tensor, activation};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;

use super::{LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// Which of two formulas of GELU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeluForm {
    /// With the error function.
    #[default]
    None,
    /// With a hyperbolic tangent.
    Tanh,
}

fn number_one() -> f64 {
    1.0
}

fn minus_one() -> f64 {
    -1.0
}

/// `name` and its value, of a number that is to be finite, and above 0 where `above_zero`.
fn number_problem(name: &str, value: f64, above_zero: bool) -> Option<String> {
    if !value.is_finite() {
        Some(format!("expected a finite `{name}`, got {value}"))
    } else {
        (above_zero && value <= 0.0).then(|| format!("expected `{name}` above 0, got {value}"))
    }
}

/// Makes structs with [`LayerSpec`] and [`Step`] from: name and fields; x and self to the value of the function;
/// the problems of the fields; the range of the output.
macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
    } |$self:ident, $x:ident| $value:expr; $problems:expr; $range:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl LayerSpec for $name {
            fn problems(&self, _classes: Option<usize>) -> Vec<String> {
                let $self = self;
                let _ = $self;
                let problems: Vec<Option<String>> = Vec::from($problems);
                problems.into_iter().flatten().collect()
            }

            fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
                Ok(from)
            }

            fn range(&self) -> Option<[f32; 2]> {
                let $self = self;
                let _ = $self;
                $range
            }

            fn load(&self, _: &mut LayerLoader<'_>, _: Features) -> Result<Box<dyn Step>, WeightsError> {
                Ok(Box::new(self.clone()))
            }
        }

        impl Step for $name {
            fn forward(&self, now: Activations, _: Option<&Tensor<1, Int>>) -> Activations {
                let $self = self;
                let _ = $self;
                now.each_value(|$x: Tensor<4>| $value)
            }
        }
    )+};
}

activations! {
    /// max(x, slope x).
    LeakyRelu {
        /// Factor for negative values.
        slope: f64,
    } |of, x| activation::leaky_relu(x, of.slope); [number_problem("slope", of.slope, false)]; None;

    /// max(x, 0).
    Relu {} |of, x| activation::relu(x); []; None;

    /// min(max(x, 0), 6).
    Relu6 {} |of, x| x.clamp(0.0, 6.0); []; None;

    /// x for x > 0, else alpha (e^x - 1) (Clevert et al. 2016, <https://arxiv.org/abs/1511.07289>).
    Elu {
        /// Minus the least value; default 1.
        #[serde(default = "number_one")]
        alpha: f64,
    } |of, x| exponential(x, 1.0, of.alpha); [number_problem("alpha", of.alpha, false)]; None;

    /// x for x > 0, else alpha (e^(x / alpha) - 1) (Barron 2017, <https://arxiv.org/abs/1704.07483>).
    Celu {
        /// Minus the least value; default 1.
        #[serde(default = "number_one")]
        alpha: f64,
    } |of, x| exponential(x, of.alpha.recip(), of.alpha); [number_problem("alpha", of.alpha, true)]; None;

    /// ELU times a constant (Klambauer et al. 2017, <https://arxiv.org/abs/1706.02515>).
    Selu {} |of, x| exponential(x, 1.0, SELU_ALPHA) * SELU_SCALE; []; None;

    /// x sigmoid(x), also called swish (Ramachandran et al. 2017, <https://arxiv.org/abs/1710.05941>).
    Silu {} |of, x| x.clone() * activation::sigmoid(x); []; None;

    /// x times the normal distribution function of x (Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>).
    Gelu {
        /// PyTorch's `approximate`: "none", the default, or "tanh".
        #[serde(default)]
        approximate: GeluForm,
    } |of, x| match of.approximate {
        GeluForm::None => activation::gelu(x),
        GeluForm::Tanh => {
            let inner = (x.clone() + x.clone() * x.clone() * x.clone() * 0.044_715) * GELU_FACTOR;
            (inner.tanh() + 1.0) * x * 0.5
        }
    }; []; None;

    /// x tanh(softplus(x)) (Misra 2019, <https://arxiv.org/abs/1908.08681>).
    Mish {} |of, x| softplus(x.clone(), 1.0).tanh() * x; []; None;

    /// log(1 + e^(beta x)) / beta.
    Softplus {
        /// Default 1.
        #[serde(default = "number_one")]
        beta: f64,
    } |of, x| softplus(x, of.beta); [number_problem("beta", of.beta, true)]; None;

    /// x / (1 + |x|).
    Softsign {} |of, x| x.clone() / (x.abs() + 1.0); []; Some([-1.0, 1.0]);

    /// x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, <https://arxiv.org/abs/1905.02244>).
    HardSwish {} |of, x| (x.clone() + 3.0).clamp(0.0, 6.0) * x / 6.0; []; None;

    /// Hyperbolic tangent: output in -1 to 1.
    Tanh {} |of, x| x.tanh(); []; Some([-1.0, 1.0]);

    /// Output cut off at `low` and `high`.
    HardTanh {
        /// PyTorch's `min_val`; default -1.
        #[serde(default = "minus_one")]
        low: f64,
        /// PyTorch's `max_val`; default 1.
        #[serde(default = "number_one")]
        high: f64,
    } |of, x| x.clamp(of.low, of.high); [
        number_problem("low", of.low, false),
        number_problem("high", of.high, false),
        (of.low >= of.high).then(|| format!("expected `low` below `high`, got {} and {}", of.low, of.high)),
    ]; Some([of.low as f32, of.high as f32]);

    /// Logistic function: output in 0 to 1.
    Sigmoid {} |of, x| activation::sigmoid(x); []; Some([0.0, 1.0]);

    /// min(max(x + 3, 0), 6) / 6: output in 0 to 1.
    HardSigmoid {} |of, x| (x + 3.0).clamp(0.0, 6.0) / 6.0; []; Some([0.0, 1.0]);
}

const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// sqrt(2 / pi).
const GELU_FACTOR: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;

/// x for x > 0, else alpha (e^(rate x) - 1).
fn exponential(x: Tensor<4>, rate: f64, alpha: f64) -> Tensor<4> {
    let negative = (x.clone().clamp_max(0.0) * rate).exp() - 1.0;
    activation::relu(x) + negative * alpha
}

/// log(1 + e^(beta x)) / beta, in the form that does not overflow.
fn softplus(x: Tensor<4>, beta: f64) -> Tensor<4> {
    let small = ((x.clone().abs() * -beta).exp()).log1p() / beta;
    activation::relu(x) + small
}

/// Nothing: dropout is for training.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {}

impl LayerSpec for Dropout {
    fn through(&self, from: Features, _classes: Option<usize>) -> Result<Features, String> {
        Ok(from)
    }

    fn keeps_values(&self) -> bool {
        true
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _: Features) -> Result<Box<dyn Step>, WeightsError> {
        loader.file("dropout")?;
        Ok(Box::new(self.clone()))
    }
}

impl Step for Dropout {
    fn forward(&self, now: Activations, _: Option<&Tensor<1, Int>>) -> Activations {
        now
    }

    fn first_layer(&self, z: std::ops::Range<usize>, _from: Features) -> super::FirstLayer {
        super::FirstLayer::Passed(z)
    }
}
