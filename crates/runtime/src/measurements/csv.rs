//! CSV: a row per step, a column per series of numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{MeasuredValue, Measurement};

/// The numbers of `measurements` as CSV with a header line: `step`, `time` (seconds since 1970), then a column per
/// series in the order of their names. A cell is empty where a series has no number at that step; of two numbers
/// the later counts. Histograms and pictures are left out.
#[must_use]
pub fn scalars_as_csv(measurements: &[Measurement]) -> String {
    let mut columns = BTreeSet::new();
    let mut rows: BTreeMap<u64, (f64, BTreeMap<&str, f64>)> = BTreeMap::new();
    for measurement in measurements {
        if let MeasuredValue::Scalar(value) = measurement.value {
            columns.insert(measurement.tag.as_str());
            let (time, row) = rows.entry(measurement.step).or_default();
            *time = measurement.time;
            row.insert(&measurement.tag, value);
        }
    }
    let mut text = String::from("step,time");
    for column in &columns {
        text.push(',');
        text.push_str(&csv_field(column));
    }
    text.push('\n');
    for (step, (time, row)) in &rows {
        let _ = write!(text, "{step},{time}"); // writing to a string cannot fail
        for column in &columns {
            text.push(',');
            if let Some(value) = row.get(column) {
                let _ = write!(text, "{value}");
            }
        }
        text.push('\n');
    }
    text
}

/// As RFC 4180 wants a field that may hold separators.
#[must_use]
pub fn csv_field(name: &str) -> String {
    if name.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(tag: &str, step: u64, value: f64) -> Measurement {
        Measurement { tag: tag.to_owned(), step, time: 1.5, value: MeasuredValue::Scalar(value) }
    }

    #[test]
    fn a_row_per_step_and_an_empty_cell_where_nothing_was_measured() {
        let mut measurements =
            vec![scalar("loss", 2, 0.25), scalar("loss", 1, 5e-7), scalar("a,\"b\"", 2, -3.0)];
        measurements
            .push(Measurement { value: MeasuredValue::Picture("x.png".into()), ..scalar("views", 9, 0.0) });
        let expected = "step,time,\"a,\"\"b\"\"\",loss\n1,1.5,,0.0000005\n2,1.5,-3,0.25\n";
        assert_eq!(scalars_as_csv(&measurements), expected);
    }
}
