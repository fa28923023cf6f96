//! Residual connections (He et al. 2016, <https://arxiv.org/abs/1512.03385>).

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::AnyVisitor;
use zview_network::weights::WeightsError;

use super::chain::{Chain, within};
use super::{Layer, LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// scale layers(x) + shortcut(x).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// What the features go through.
    pub layers: Vec<Layer>,
    /// What they go through beside it; default nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortcut: Vec<Layer>,
    /// Factor of what `layers` give; default 1.
    #[serde(default = "no_scale", skip_serializing_if = "is_no_scale")]
    pub scale: f64,
}

fn no_scale() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
fn is_no_scale(scale: &f64) -> bool {
    *scale == 1.0
}

impl LayerSpec for Residual {
    fn nested(&self) -> Vec<(&'static str, &[Layer])> {
        vec![("layers", &self.layers), ("shortcut", &self.shortcut)]
    }

    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        let scale = self.scale;
        let empty =
            self.layers.is_empty().then(|| "expected one layer or more in `layers`, got none".to_owned());
        let number = (!scale.is_finite()).then(|| format!("expected a finite `scale`, got {scale}"));
        empty.into_iter().chain(number).collect()
    }

    fn through(&self, from: Features, classes: Option<usize>) -> Result<Features, String> {
        let through = within(&self.layers, "layers", from, classes)?;
        let beside = within(&self.shortcut, "shortcut", from, classes)?;
        if through == beside {
            return Ok(through);
        }
        Err(format!("expected the same from `layers` and from `shortcut`, got {through} and {beside}"))
    }

    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError> {
        Ok(Box::new(Sum {
            layers: Chain::load(&self.layers, loader, from)?,
            shortcut: Chain::load(&self.shortcut, loader, from)?,
            scale: self.scale,
        }))
    }
}

#[derive(Debug, Clone)]
struct Sum {
    layers: Chain,
    shortcut: Chain,
    scale: f64,
}

impl Sum {
    fn sum(&self, through: Activations, beside: Activations) -> Activations {
        let scaled = |x: Tensor<4>| if self.scale == 1.0 { x } else { x * self.scale };
        through.joined(beside, |through, beside| scaled(through) + beside)
    }
}

impl Step for Sum {
    fn forward(&self, now: Activations, classes: Option<&Tensor<1, Int>>) -> Activations {
        let beside = self.shortcut.forward(now.clone(), classes);
        let through = self.layers.forward(now, classes);
        self.sum(through, beside)
    }

    fn train(&mut self, now: Activations, classes: Option<&Tensor<2>>) -> Activations {
        let beside = self.shortcut.train(now.clone(), classes);
        let through = self.layers.train(now, classes);
        self.sum(through, beside)
    }

    fn visit(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        self.layers.visit(prefix, visitor);
        self.shortcut.visit(prefix, visitor);
    }
}
