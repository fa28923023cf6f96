//! The `[optimizer]` section of a recipe.

use serde::{Deserialize, Serialize};

use super::rule::OptimizerKind;

/// Optimizer, its learning rate, and what is done to gradients before it.
///
/// A key that the optimizer does not use is `None`, and an error where it is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Section")]
pub struct OptimizerConfig {
    /// Which optimizer.
    pub kind: OptimizerKind,
    /// Learning rate after warm-up; any positive value, above 1 too.
    pub lr: f64,
    /// What the rate falls to at the last step, as a share of `lr`; 1 keeps it constant after warm-up.
    pub final_lr_share: f64,
    /// Of `sgd` and `lars`: share of the last update that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// Of `adamw`: share of the first moment that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta1: Option<f64>,
    /// Of `adamw`: share of the second moment that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta2: Option<f64>,
    /// Of `adamw`: added to the root of the second moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// Of `lars`: the trust coefficient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<f64>,
    /// Of `sgd` and `lars`: L2 penalty added to gradients. Of `adamw`: share of a weight, per unit of learning rate,
    /// that a step takes away.
    pub weight_decay: f64,
    /// Leaves parameters of one dimension (norms and biases), class tokens and position embeddings without weight
    /// decay, and `lars` without a rate of their own.
    pub exclude_norm_and_bias: bool,
    /// Gradients of all networks together are shortened to this norm where theirs is larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Parameters with settings of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupConfig>,
}

/// Settings of the parameters whose names begin with a prefix; where several fit, the longest prefix decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// How the names begin, such as `encoder.`.
    pub prefix: String,
    /// The group's learning rate as a multiple of the schedule's; 0 keeps the parameters as they are.
    #[serde(default = "as_scheduled")]
    pub lr_scale: f64,
    /// The group's weight decay; the optimizer's where it is not given. Norms and biases stay excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
}

fn as_scheduled() -> f64 {
    1.0
}

/// What a recipe may say of it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "OptimizerConfig")]
struct Section {
    kind: Option<OptimizerKind>,
    lr: Option<f64>,
    final_lr_share: f64,
    momentum: Option<f64>,
    beta1: Option<f64>,
    beta2: Option<f64>,
    epsilon: Option<f64>,
    trust: Option<f64>,
    weight_decay: Option<f64>,
    exclude_norm_and_bias: Option<bool>,
    clip_norm: Option<f64>,
    groups: Vec<GroupConfig>,
}

impl From<Section> for OptimizerConfig {
    fn from(section: Section) -> Self {
        let kind = section.kind.unwrap_or(OptimizerKind::Sgd);
        let defaults = kind.defaults();
        Self {
            kind,
            lr: section.lr.unwrap_or(defaults.lr),
            final_lr_share: section.final_lr_share,
            momentum: section.momentum.or(defaults.momentum),
            beta1: section.beta1.or(defaults.beta1),
            beta2: section.beta2.or(defaults.beta2),
            epsilon: section.epsilon.or(defaults.epsilon),
            trust: section.trust.or(defaults.trust),
            weight_decay: section.weight_decay.unwrap_or(defaults.weight_decay),
            exclude_norm_and_bias: section.exclude_norm_and_bias.unwrap_or(defaults.exclude_norm_and_bias),
            clip_norm: section.clip_norm,
            groups: section.groups,
        }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::of(OptimizerKind::Sgd)
    }
}

impl OptimizerConfig {
    /// The defaults of an optimizer.
    #[must_use]
    pub fn of(kind: OptimizerKind) -> Self {
        Section { kind: Some(kind), ..Section::default() }.into()
    }

    /// Adam: `adamw` without weight decay.
    #[must_use]
    pub fn adam(beta1: f64, beta2: f64) -> Self {
        Self { beta1: Some(beta1), beta2: Some(beta2), weight_decay: 0.0, ..Self::of(OptimizerKind::AdamW) }
    }

    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        let share = |value: f64| (0.0..1.0).contains(&value);
        let mut problems = Vec::new();
        let mut check = |key: &str, value: f64, holds: bool, expected: &str| {
            if !holds {
                problems.push(format!("optimizer.{key}: expected {expected}, got {value}"));
            }
        };
        check("lr", self.lr, positive(self.lr), "a positive number");
        let final_share = self.final_lr_share;
        check("final_lr_share", final_share, (0.0..=1.0).contains(&final_share), "0 to 1");
        check("weight_decay", self.weight_decay, not_negative(self.weight_decay), "0 or more");
        if let Some(clip_norm) = self.clip_norm {
            check("clip_norm", clip_norm, positive(clip_norm), "a positive number");
        }
        for group in &self.groups {
            let key = |key: &str| format!("groups (prefix \"{}\").{key}", group.prefix);
            check(&key("lr_scale"), group.lr_scale, not_negative(group.lr_scale), "0 or more");
            let decay = group.weight_decay.unwrap_or_default();
            check(&key("weight_decay"), decay, not_negative(decay), "0 or more");
        }
        let defaults = self.kind.defaults();
        let (shares, scales) = (["momentum", "beta1", "beta2"], ["epsilon", "trust"]);
        let given = [self.momentum, self.beta1, self.beta2, self.epsilon, self.trust];
        let used = [defaults.momentum, defaults.beta1, defaults.beta2, defaults.epsilon, defaults.trust];
        for ((key, value), used) in shares.iter().chain(&scales).zip(given).zip(used) {
            match value {
                Some(_) if used.is_none() => {
                    problems.push(format!("optimizer.{key}: not used by kind = \"{}\"", self.kind.name()));
                }
                Some(value) if shares.contains(key) && !share(value) => {
                    problems.push(format!("optimizer.{key}: expected 0 to below 1, got {value}"));
                }
                Some(value) if scales.contains(key) && !positive(value) => {
                    problems.push(format!("optimizer.{key}: expected a positive number, got {value}"));
                }
                _ => {}
            }
        }
        for (place, group) in self.groups.iter().enumerate() {
            if self.groups[..place].iter().any(|before| before.prefix == group.prefix) {
                problems.push(format!("optimizer.groups: prefix \"{}\" is there twice", group.prefix));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zview_runtime::config::parse_toml;

    use super::*;

    fn parse(text: &str) -> Result<OptimizerConfig, String> {
        parse_toml(Path::new("recipe.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_the_default_of_the_kind() {
        let sgd = parse("lr = 3.0").unwrap();
        assert_eq!(sgd, OptimizerConfig { lr: 3.0, ..OptimizerConfig::default() });
        assert_eq!((sgd.momentum, sgd.weight_decay, sgd.exclude_norm_and_bias), (Some(0.9), 5e-4, false));
        let adamw = parse("kind = \"adamw\"").unwrap();
        assert_eq!((adamw.momentum, adamw.beta2, adamw.exclude_norm_and_bias), (None, Some(0.999), true));
        assert_eq!(parse("kind = \"lars\"").unwrap().trust, Some(0.001));
        for kind in OptimizerKind::ALL {
            assert_eq!(OptimizerConfig::of(*kind).problems(), [""; 0]);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for kind in OptimizerKind::ALL {
            let group = GroupConfig { prefix: "encoder.".to_owned(), lr_scale: 0.1, weight_decay: None };
            let config = OptimizerConfig {
                clip_norm: Some(1.0),
                groups: vec![group.clone(), GroupConfig { prefix: "p".to_owned(), ..group }],
                ..OptimizerConfig::of(*kind)
            };
            assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
        }
    }

    #[test]
    fn unknown_and_unused_keys_are_refused_by_name() {
        assert!(parse("momentun = 0.9").unwrap_err().contains("did you mean `momentum`?"));
        assert!(parse("kind = \"adam\"").unwrap_err().contains("did you mean `adamw`?"));
        assert!(parse("[[groups]]\nprefix = \"a\"\nlr_scales = 1").unwrap_err().contains("`lr_scale`?"));
        assert!(parse("[[groups]]\nlr_scale = 1").unwrap_err().contains("prefix"));
        let problems = parse("kind = \"adamw\"\nmomentum = 0.9\ntrust = 1").unwrap().problems();
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0], "optimizer.momentum: not used by kind = \"adamw\"");
    }

    #[test]
    fn every_impossible_value_is_listed() {
        let text = "lr = 0\nfinal_lr_share = 2\nmomentum = 1\nweight_decay = -1\nclip_norm = 0\n\
                    [[groups]]\nprefix = \"a\"\nlr_scale = -1\nweight_decay = inf\n[[groups]]\nprefix = \"a\"\n";
        let problems = parse(text).unwrap().problems();
        assert_eq!(problems.len(), 8, "{problems:?}");
        assert!(problems.iter().any(|problem| problem.contains("groups (prefix \"a\").lr_scale")));
        let problems = parse("kind = \"lars\"\ntrust = 0").unwrap().problems();
        assert_eq!(problems, ["optimizer.trust: expected a positive number, got 0"]);
    }
}
