//! From a line of the log to measurements.

use std::path::{Component, Path};

use serde_json::{Map, Value};

use super::{Histogram, MeasuredValue, Measurement};
use crate::run_folder::LOSS;

/// Keys that place an event and are not measured.
const PLACE: [&str; 3] = ["event", "step", "time"];

/// Everything that `event` measured.
///
/// A `train` event measures each of its numbers, under the path of its keys joined by `/`. A list of numbers has a
/// value per step, the last one that of the event's step; an object with `low`, `high` and `counts` is a
/// histogram. `losses` are told as `loss`, or as `loss/<name>` where there are several. Any event with a `picture` shows that file under the event's name.
#[must_use]
pub fn measurements_of(event: &Value) -> Vec<Measurement> {
    let (Some(fields), Some(step)) = (event.as_object(), event["step"].as_u64()) else { return Vec::new() };
    let kind = event["event"].as_str().unwrap_or_default();
    let mut found = Found { step, time: event["time"].as_f64().unwrap_or(0.0), measurements: Vec::new() };
    if kind == "train" {
        for (key, value) in fields.iter().filter(|(key, _)| !PLACE.contains(&key.as_str())) {
            match value {
                Value::Object(losses) if key == "losses" => losses.iter().for_each(|(name, values)| {
                    let tag = if name == LOSS { LOSS.to_owned() } else { format!("{LOSS}/{name}") };
                    found.value(&tag, values);
                }),
                _ => found.value(if key == "losses" { LOSS } else { key }, value),
            }
        }
    }
    if let Some(picture) = event["picture"].as_str().map(Path::new) {
        // A log may be somebody else's: it can name files of its own run folder only.
        if picture.components().all(|part| matches!(part, Component::Normal(_))) {
            found.add(kind.to_owned(), step, MeasuredValue::Picture(picture.to_owned()));
        }
    }
    found.measurements
}

struct Found {
    step: u64,
    time: f64,
    measurements: Vec<Measurement>,
}

impl Found {
    fn add(&mut self, tag: String, step: u64, value: MeasuredValue) {
        self.measurements.push(Measurement { tag, step, time: self.time, value });
    }

    fn value(&mut self, tag: &str, value: &Value) {
        match value {
            Value::Number(number) => {
                if let Some(number) = number.as_f64() {
                    self.add(tag.to_owned(), self.step, MeasuredValue::Scalar(number));
                }
            }
            Value::Array(values) => {
                let before = self.step.saturating_sub(values.len() as u64);
                for (number, step) in values.iter().zip(before + 1..) {
                    if let Some(number) = number.as_f64() {
                        self.add(tag.to_owned(), step, MeasuredValue::Scalar(number));
                    }
                }
            }
            Value::Object(fields) => match histogram_of(fields) {
                Some(histogram) => self.add(tag.to_owned(), self.step, MeasuredValue::Histogram(histogram)),
                None => fields.iter().for_each(|(key, value)| self.value(&format!("{tag}/{key}"), value)),
            },
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
}

fn histogram_of(fields: &Map<String, Value>) -> Option<Histogram> {
    fields.contains_key("counts").then(|| serde_json::from_value(Value::Object(fields.clone())).ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scalars(event: &Value) -> Vec<(String, u64, f64)> {
        let scalar = |m: Measurement| match m.value {
            MeasuredValue::Scalar(value) => Some((m.tag, m.step, value)),
            _ => None,
        };
        measurements_of(event).into_iter().filter_map(scalar).collect()
    }

    #[test]
    fn losses_belong_to_the_steps_that_they_were_of() {
        let event = json!({
            "event": "train", "step": 12, "time": 5.5, "losses": [3.0, null, 2.0], "gradient_norm": 0.5,
            "memory": { "resident": 7, "device_in_use": null }, "online_probe": { "accuracy": 0.25, "data": "x" },
        });
        let mut got = scalars(&event);
        got.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let expected = [
            ("gradient_norm", 12, 0.5),
            ("loss", 10, 3.0),
            ("loss", 12, 2.0),
            ("memory/resident", 12, 7.0),
            ("online_probe/accuracy", 12, 0.25),
        ];
        assert_eq!(got, expected.map(|(tag, step, value)| (tag.to_owned(), step, value)));
        assert!(measurements_of(&event).iter().all(|m| m.time == 5.5));
    }

    #[test]
    fn losses_are_called_alike_in_logs_of_every_version() {
        for (losses, tag, count) in [
            (json!({ "loss": [3.0, 1.5] }), "loss", 2),
            (json!([3.0, 1.5]), "loss", 2),
            (json!({ "generator": [3.0, 1.5] }), "loss/generator", 2),
            (json!({ "generator": 1.5 }), "loss/generator", 1),
        ] {
            let got = scalars(&json!({ "event": "train", "step": 4, "losses": losses }));
            assert_eq!((got.len(), got.last()), (count, Some(&(tag.to_owned(), 4, 1.5))), "{losses}");
        }
    }

    #[test]
    fn named_losses_histograms_and_pictures() {
        let event = json!({
            "event": "train", "step": 4, "losses": { "generator": 1.5 },
            "watch": { "similarities": { "negatives": { "low": -1.0, "high": 1.0, "counts": [1, 2] } } },
        });
        let got = measurements_of(&event);
        assert_eq!((got[0].tag.as_str(), &got[0].value), ("loss/generator", &MeasuredValue::Scalar(1.5)));
        let histogram = Histogram { low: -1.0, high: 1.0, counts: vec![1, 2] };
        assert_eq!(got[1].tag, "watch/similarities/negatives");
        assert_eq!(got[1].value, MeasuredValue::Histogram(histogram));
        let views = json!({ "event": "views", "step": 3, "picture": "views/a.png" });
        assert_eq!(measurements_of(&views)[0].value, MeasuredValue::Picture("views/a.png".into()));
    }

    #[test]
    fn what_is_not_a_measurement_is_none() {
        for event in [
            json!({ "event": "started", "step": 0, "seed": 3 }),
            json!({ "event": "train", "losses": [1.0] }),
            json!({ "event": "views", "step": 1, "picture": "../secret.png" }),
            json!({ "event": "views", "step": 1, "picture": "/secret.png" }),
            json!([1]),
        ] {
            assert!(measurements_of(&event).is_empty(), "{event}");
        }
    }
}
