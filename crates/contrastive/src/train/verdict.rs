//! What the end of a run says of its learning, by what was logged: a loss that never fell, and features that stayed
//! where they began.

use serde_json::Value;
use zview_runtime::run_folder::{LOSS, losses_of};

use super::recipe::Recipe;

/// Losses at either end that are compared: this share of all, but no fewer than this many.
const ENDS: (usize, usize) = (10, 10);
/// Standard errors by which the loss has to have fallen.
const ERRORS: f64 = 2.0;
/// Shares by which each measure of the features has to have changed.
const CHANGE: f64 = 0.05;
/// The event that tells of the features before the first update.
pub(super) const FIRST_FEATURES: &str = "first-features";
/// What is measured of the features.
const MEASURES: [&str; 3] = ["effective_rank", "feature_std_relative", "uniformity"];
/// Methods whose loss is relative to a network that moves: it may rise while features become better.
const MOVING_TARGETS: [&str; 5] = ["byol", "simsiam", "i-jepa", "moco-v3", "latent-step"];

/// What the events of a finished run say against it, one sentence each.
pub(super) fn verdict(events: &[Value], recipe: &Recipe) -> Vec<String> {
    let mut said = Vec::new();
    let lr = recipe.optimizer.lr;
    let moving = MOVING_TARGETS.contains(&recipe.objective.kind.name());
    let losses: Vec<f64> = events
        .iter()
        .filter(|event| event["event"] == "train")
        .flat_map(|event| losses_of(event, LOSS))
        .collect();
    let Some(Ends { first, last, count }) = not_fallen(&losses) else { return said };
    if unmoved(events) {
        said.push(format!(
            "the features are where they began, and the loss did not fall: the learning rate {lr} taught the encoder \
             nothing; raise optimizer.lr, or take more steps"
        ));
    } else if !moving {
        said.push(format!(
            "the loss never fell: {first:.4} over the first {count} steps, {last:.4} over the last {count}; try \
             another optimizer.lr (it was {lr}) or more steps, and look at views.png: views of one anchor should have \
             something in common"
        ));
    }
    said
}

/// Means of the first and of the last losses, and how many these are.
struct Ends {
    first: f64,
    last: f64,
    count: usize,
}

/// The ends of the losses, where the last are not lower.
fn not_fallen(losses: &[f64]) -> Option<Ends> {
    let count = (losses.len() / ENDS.0).max(ENDS.1);
    if losses.len() < 2 * count {
        return None; // too few to tell
    }
    let (first, last) = (moments(&losses[..count]), moments(&losses[losses.len() - count..]));
    let error = ((first.1 + last.1) / count as f64).sqrt();
    (last.0 > first.0 - ERRORS * error).then_some(Ends { first: first.0, last: last.0, count })
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0))
}

/// Whether no measure of the features changed from the first step to the last measurement.
fn unmoved(events: &[Value]) -> bool {
    let first = events.iter().find(|event| event["event"] == FIRST_FEATURES);
    let last = events.iter().rfind(|event| event["event"] == "train" && event["watch"].is_object());
    let (Some(first), Some(last)) = (first, last) else { return false };
    let same = |name: &&str| {
        let (Some(a), Some(b)) = (first["features"][name].as_f64(), last["watch"][name].as_f64()) else {
            return false;
        };
        (a - b).abs() <= CHANGE * a.abs().max(b.abs())
    };
    MEASURES.iter().all(same)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use zview_runtime::config::parse_toml;

    use super::*;

    fn recipe(kind: &str) -> Recipe {
        let text = format!("[source]\nkind = \"real\"\ndata = \"x\"\n[objective]\nkind = \"{kind}\"\n");
        parse_toml(Path::new("recipe"), &text).unwrap()
    }

    /// Losses that fall by `slope` a step, and features whose rank went from 20 to `rank`.
    fn events(slope: f64, rank: f64) -> Vec<Value> {
        let watch =
            |rank: f64| json!({ "effective_rank": rank, "feature_std_relative": 0.4, "uniformity": -1.0 });
        let losses: Vec<f64> =
            (0..400).map(|i| 5.0 - slope * f64::from(i) + 0.1 * f64::from(i % 7)).collect();
        vec![
            json!({ "event": FIRST_FEATURES, "step": 1, "features": watch(20.0) }),
            json!({ "event": "train", "step": 400, "losses": { "loss": losses }, "watch": watch(rank) }),
        ]
    }

    #[test]
    fn a_learning_rate_that_left_features_at_their_start_is_said() {
        let said = verdict(&events(0.0, 20.3), &recipe("byol"));
        assert!(
            said[0].contains("features are where they began") && said[0].contains("raise optimizer.lr"),
            "{said:?}"
        );
    }

    #[test]
    fn a_loss_that_never_fell_is_said() {
        let said = verdict(&events(0.0, 9.0), &recipe("simclr"));
        assert!(
            said[0].starts_with("the loss never fell: 5.") && said[0].contains("over the last 40"),
            "{said:?}"
        );
        assert!(
            verdict(&events(0.0, 9.0), &recipe("byol")).is_empty(),
            "its loss is relative to a moving target"
        );
    }

    #[test]
    fn nothing_is_said_of_a_run_that_learnt_or_is_too_short_to_tell() {
        assert!(verdict(&events(1e-3, 20.0), &recipe("simclr")).is_empty());
        let short = json!({ "event": "train", "step": 4, "losses": { "loss": [5.0, 5.1, 5.2, 5.3] } });
        assert!(verdict(&[short], &recipe("simclr")).is_empty());
    }
}
