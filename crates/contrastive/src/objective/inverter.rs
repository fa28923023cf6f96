//! The inverter: regress the latent from its image.
//!
//! Jahanian et al. 2022, "Generative Models as a Data Source for Multiview Representation Learning" (GenRep),
//! <https://arxiv.org/abs/2106.05258>, section 4.3: a baseline that uses the generator without views,
//!
//! L = mean over views and dimensions of (h(f(x)) - z)^2

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::{Network, StateVisitor};
use zview_runtime::seed::Stream;

use super::config::Problems;
use super::{Method, MethodConfig, Setting};
use crate::mlp::{Mlp, MlpNorm};
use crate::source::{SourceError, ViewBatch};
use zview_encoder::Encoder;

/// Keys of `kind = "inverter"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Widths of the regression's hidden layers; its last layer has the latent's dimension.
    pub hidden: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { hidden: vec![256] }
    }
}

impl MethodConfig for Config {
    fn problems(&self) -> Vec<String> {
        Problems::default().widths("hidden", &self.hidden).list()
    }
}

/// The regression on features.
#[derive(Debug, Clone)]
pub struct Inverter {
    regression: Mlp,
    device: Device,
}

impl Method for Inverter {
    type Config = Config;
    const COMPARES_VIEWS: bool = false;

    fn new(
        config: &Config,
        setting: &Setting<'_>,
        encoder: &Encoder,
        random: &mut Stream,
    ) -> Result<Self, SourceError> {
        let widths = [config.hidden.as_slice(), &[setting.need_latents("inverter")?]].concat();
        let features = encoder.feature_dimension();
        let regression = Mlp::new(features, &widths, MlpNorm::None, random, setting.device);
        Ok(Self { regression, device: setting.autodiff_device() })
    }

    fn loss(&mut self, features: Tensor<2>, _: Option<Tensor<2>>, batch: &ViewBatch) -> Tensor<1> {
        squared_error(self.regression.forward(features), batch.latents_on(&self.device))
    }
}

/// The mean squared difference `[1]` of latents (N, Z).
fn squared_error(regressed: Tensor<2>, latents: Tensor<2>) -> Tensor<1> {
    (regressed - latents).square().reshape([1, -1]).mean_dim(1).squeeze_dim(1)
}

impl Network for Inverter {
    fn visit<V: StateVisitor>(&mut self, prefix: &str, visitor: &mut V) {
        self.regression.visit(&format!("{prefix}regression"), visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::*;

    #[test]
    fn is_the_reference() {
        Golden::new("inverter", "two")
            .check(|inputs| squared_error(inputs.tensor("regressed"), inputs.constant("latents")));
    }
}
