//! The losses of a `train` event.

use serde_json::Value;

/// The name of a loss that is the only one of its run.
pub const LOSS: &str = "loss";

/// The losses called `name` of a `train` event, one for each step since the event before it; not those that are no
/// numbers. Earlier versions wrote a list of the only loss (`loss`), and of several the last one of each.
#[must_use]
pub fn losses_of(event: &Value, name: &str) -> Vec<f64> {
    let losses = &event["losses"];
    let of_name = if losses.is_array() && name == LOSS { losses } else { &losses[name] };
    match of_name {
        Value::Array(values) => values.iter().filter_map(Value::as_f64).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

/// The names of the losses of a `train` event.
#[must_use]
pub fn loss_names(event: &Value) -> Vec<&str> {
    match &event["losses"] {
        Value::Object(losses) => losses.keys().map(String::as_str).collect(),
        Value::Array(_) => vec![LOSS],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn losses_are_found_in_logs_of_every_version() {
        let now = json!({ "losses": { "a": [1.0, null, 2.0], "b": [3.0, 4.0, 5.0] } });
        assert_eq!((loss_names(&now), losses_of(&now, "a")), (vec!["a", "b"], vec![1.0, 2.0]));
        let encoder = json!({ "losses": [1.5, 0.5] });
        assert_eq!((loss_names(&encoder), losses_of(&encoder, LOSS)), (vec![LOSS], vec![1.5, 0.5]));
        let generator = json!({ "losses": { "generator": 1.5 } });
        assert_eq!(
            (loss_names(&generator), losses_of(&generator, "generator")),
            (vec!["generator"], vec![1.5])
        );
        let other = json!({ "event": "views" });
        assert!(loss_names(&other).is_empty() && losses_of(&other, LOSS).is_empty());
    }
}
