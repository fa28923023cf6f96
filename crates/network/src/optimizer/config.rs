//! The `[optimizer]` section of a recipe.

use serde::{Deserialize, Serialize};
use zview_runtime::config::Section;

use super::adamw::AdamW;
use super::rule::{AnyRule, Defaults};

/// Optimizer, its learning rate, and what is done to gradients before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct OptimizerConfig {
    /// Which optimizer; each has keys of its own.
    #[serde(flatten, skip_deserializing)]
    pub kind: AnyRule,
    /// Learning rate after warm-up; any positive value, above 1 too.
    pub lr: f64,
    /// What the rate falls to at the last step, as a share of `lr`; 1 keeps it constant after warm-up.
    pub final_lr_share: f64,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::of(AnyRule::default())
    }
}

impl OptimizerConfig {
    /// The defaults of an optimizer.
    #[must_use]
    pub fn of(kind: impl Into<AnyRule>) -> Self {
        let kind = kind.into();
        let Defaults { lr, weight_decay, exclude_norm_and_bias } = kind.rule().defaults();
        let (clip_norm, groups) = (None, Vec::new());
        Self { kind, lr, final_lr_share: 0.0, weight_decay, exclude_norm_and_bias, clip_norm, groups }
    }

    /// Adam: `adamw` without weight decay.
    #[must_use]
    pub fn adam(beta1: f64, beta2: f64) -> Self {
        let kind = AnyRule::AdamW(AdamW { beta1, beta2, ..AdamW::default() });
        Self { weight_decay: 0.0, ..Self::of(kind) }
    }

    /// The same with one of the keys that its kind brings, such as `momentum`; `None` where its kind has no such key.
    #[must_use]
    pub fn with_own_key(mut self, key: &str, value: f64) -> Option<Self> {
        let kind = Self::kinds().into_iter().find(|kind| kind.name == self.kind.name())?;
        if !kind.keys.contains(&key) {
            return None;
        }
        let mut own = toml::Table::try_from(&self.kind).ok()?;
        own.remove(Self::CHOOSER);
        own.insert(key.to_owned(), value.into());
        self.kind = (kind.read)(own).ok()?;
        Some(self)
    }

    /// How many numbers it keeps of each one that it trains.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kind.rule().kept().len()
    }

    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let final_share = self.final_lr_share;
        let mut problems = vec![
            positive("lr", self.lr),
            expected("final_lr_share", "0 to 1", final_share, (0.0..=1.0).contains(&final_share)),
            not_negative("weight_decay", self.weight_decay),
            self.clip_norm.and_then(|clip_norm| positive("clip_norm", clip_norm)),
        ];
        problems.extend(self.kind.rule().problems());
        for (place, group) in self.groups.iter().enumerate() {
            let (prefix, decay) = (&group.prefix, group.weight_decay.unwrap_or_default());
            let key = |key: &str| format!("groups (prefix \"{prefix}\").{key}");
            problems.push(not_negative(&key("lr_scale"), group.lr_scale));
            problems.push(not_negative(&key("weight_decay"), decay));
            let twice = self.groups[..place].iter().any(|before| before.prefix == *prefix);
            problems.push(twice.then(|| format!("optimizer.groups: prefix \"{prefix}\" is there twice")));
        }
        problems.into_iter().flatten().collect()
    }
}

/// What is wrong with a key that should be above 0.
pub(super) fn positive(key: &str, value: f64) -> Option<String> {
    expected(key, "a positive number", value, value > 0.0 && value.is_finite())
}

/// What is wrong with a key that should be a share of something, and not all of it.
pub(super) fn share(key: &str, value: f64) -> Option<String> {
    expected(key, "0 to below 1", value, (0.0..1.0).contains(&value))
}

fn not_negative(key: &str, value: f64) -> Option<String> {
    expected(key, "0 or more", value, value >= 0.0 && value.is_finite())
}

fn expected(key: &str, what: &str, got: f64, holds: bool) -> Option<String> {
    (!holds).then(|| format!("optimizer.{key}: expected {what}, got {got}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zview_runtime::config::parse_toml;

    use super::*;
    use crate::optimizer::OptimizerKind;

    fn parse(text: &str) -> Result<OptimizerConfig, String> {
        parse_toml(Path::new("recipe.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_the_default_of_the_kind() {
        let sgd = parse("lr = 3.0").unwrap();
        assert_eq!(sgd, OptimizerConfig { lr: 3.0, ..OptimizerConfig::default() });
        assert_eq!((sgd.weight_decay, sgd.exclude_norm_and_bias), (5e-4, false));
        let adamw = parse("kind = \"adamw\"\nbeta1 = 0.5").unwrap();
        assert_eq!(adamw.kind, AnyRule::AdamW(AdamW { beta1: 0.5, beta2: 0.999, epsilon: 1e-8 }));
        assert_eq!((adamw.lr, adamw.exclude_norm_and_bias), (1e-3, true));
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
        let error = parse("[[groups]]\nprefix = \"a\"\n[[groups]]\nlr_scale = 1\nprefix = 2").unwrap_err();
        assert!(error.contains("line 5: groups[1].prefix: expected text in quotes, got 2"), "{error}");
        assert!(parse("[[groups]]\nlr_scale = 1").unwrap_err().contains("prefix"));
        let error = parse("kind = \"adamw\"\nmomentum = 0.9\ntrust = 1").unwrap_err();
        for line in ["line 2: momentum: not used by kind \"adamw\"", "line 3: trust: not used by kind"] {
            assert!(error.contains(line), "{error}");
        }
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
