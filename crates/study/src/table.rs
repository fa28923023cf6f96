//! The result as a table of text.

use std::fmt::Write;

use crate::answer::{percent, signed_percent};
use crate::arms::REAL;
use crate::probing::LABELS_PER_CLASS;
use crate::results::{ArmResult, Comparison};

/// Neighbours of the column that is shown.
pub const K: usize = 20;

/// An aligned table with a line per arm.
#[must_use]
pub fn text_table(comparison: &Comparison) -> String {
    let few = format!("{LABELS_PER_CLASS} labels/class");
    let knn = format!("{K}-NN");
    let header = ["arm", "linear top-1", "minus real", &knn, &few, "views/s", "seconds"].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(header).chain(comparison.arms.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = format!(
        "accuracy in % on held-out images of {} ({} classes, {}); [95 % intervals] {}, of few labels over draws\n\n",
        comparison.data,
        comparison.classes,
        comparison.judged_at.in_words(),
        comparison.intervals.in_words()
    );
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // Numbers without an interval are aligned at their last digit.
            let _ =
                if column < 5 { write!(line, "{cell:<width$}  ") } else { write!(line, "{cell:>width$}  ") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if comparison.arms.iter().any(|arm| arm.training.interrupted) {
        text.push_str("* interrupted and continued: seconds of the last part\n");
    }
    text
}

fn row(arm: &ArmResult) -> [String; 7] {
    let linear = &arm.linear.probe;
    let interval = |low: f64, high: f64| format!(" [{}, {}]", percent(low), percent(high));
    let minus_real = arm.minus.get(REAL).map_or_else(String::new, |gain| {
        format!(
            "{} [{}, {}]",
            signed_percent(gain.difference),
            signed_percent(gain.low),
            signed_percent(gain.high)
        )
    });
    let knn = arm.knn.get(&K).map_or_else(String::new, |score| percent(score.top1));
    let few = arm.few_shot.get(&LABELS_PER_CLASS).map_or_else(String::new, |score| {
        let interval = score.low.zip(score.high).map(|(low, high)| interval(low, high));
        format!("{}{}", percent(score.mean), interval.unwrap_or_default())
    });
    let trained = arm.training.steps > 0;
    let mark = if arm.training.interrupted { "*" } else { "" };
    [
        arm.name.clone(),
        format!("{}{}", percent(arm.linear.mean), interval(linear.low, linear.high)),
        minus_real,
        knn,
        few,
        if trained { format!("{:.0}", arm.training.views_per_second) } else { "-".to_owned() },
        if trained { format!("{:.1}{mark}", arm.training.seconds) } else { "-".to_owned() },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probing::tests::comparison;

    #[test]
    fn a_line_per_arm_and_columns_that_begin_at_one_place() {
        let text = text_table(&comparison(500, 800, 820, 860));
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines.len(), 5, "{text}");
        let column = lines[0].find("linear top-1").unwrap();
        assert!(lines[1][column..].starts_with("50.0 [48.0, 52.0]"), "{text}");
        assert!(
            lines[4][column..].starts_with("86.0 [84.0, 88.0]") && lines[4].contains("+6.0 [+4."),
            "{text}"
        );
        assert!(lines[2].contains("800") && !text.contains('*'), "{text}");
    }
}
