//! The `[watch]` section of a recipe.

use serde::{Deserialize, Serialize};

/// What is watched while training, and when it ends the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// The features are measured every so many steps, and after the last one; 0 never does.
    pub every: u64,
    /// Effective rank of the features below which they count as collapsed.
    pub min_effective_rank: f64,
    /// Standard deviation of the normalised features times sqrt(D) below which they count as collapsed.
    pub min_feature_std: f64,
    /// Ends the run when the features collapse, instead of only warning.
    pub stop_on_collapse: bool,
    /// Trains a linear classifier beside the encoder, on detached features and the views' labels.
    pub online_probe: bool,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            every: 100,
            min_effective_rank: 1.5,
            min_feature_std: 0.01,
            stop_on_collapse: false,
            online_probe: false,
        }
    }
}

impl WatchConfig {
    /// Everything wrong with it, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.min_effective_rank >= 0.0 && self.min_effective_rank.is_finite()) {
            problems.push(format!(
                "watch.min_effective_rank: expected 0 or more, got {}",
                self.min_effective_rank
            ));
        }
        if !(0.0..1.0).contains(&self.min_feature_std) {
            problems.push(format!(
                "watch.min_feature_std: expected 0 to below 1 (1 is spread evenly), got {}",
                self.min_feature_std
            ));
        }
        if self.stop_on_collapse && self.every == 0 {
            problems.push(
                "watch.stop_on_collapse: needs watch.every above 0 (without it nothing is measured)"
                    .to_owned(),
            );
        }
        problems
    }

    /// Whether the features are measured after `step` of `steps`.
    #[must_use]
    pub fn due(&self, step: u64, steps: u64) -> bool {
        self.every > 0 && step > 0 && (step.is_multiple_of(self.every) || step == steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_at_its_interval_and_at_the_end_and_never_where_off() {
        let due = |every: u64| -> Vec<u64> {
            let watch = WatchConfig { every, ..WatchConfig::default() };
            (0..=10).filter(|&step| watch.due(step, 10)).collect()
        };
        assert_eq!(due(4), [4, 8, 10]);
        assert!(due(0).is_empty());
    }

    #[test]
    fn what_cannot_work_is_told_by_its_key() {
        assert!(WatchConfig::default().problems().is_empty());
        let config = WatchConfig {
            every: 0,
            min_effective_rank: f64::NAN,
            min_feature_std: 1.0,
            stop_on_collapse: true,
            ..WatchConfig::default()
        };
        let problems = config.problems().join("\n");
        for key in ["watch.min_effective_rank", "watch.min_feature_std", "watch.stop_on_collapse"] {
            assert!(problems.contains(key), "{problems}");
        }
    }
}
