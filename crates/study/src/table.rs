//! The result as a table of text.

use crate::arms::REAL;
use crate::probing::LABELS_PER_CLASS;
use crate::results::{ArmResult, Comparison};
use zview_report::numbers::{percent, signed_percent, with_interval};
use zview_report::text_table::text_table;

/// Neighbours of the column that is shown.
pub const K: usize = 20;

/// An aligned table with a line per arm.
#[must_use]
pub fn in_words(comparison: &Comparison) -> String {
    let few = format!("{LABELS_PER_CLASS} labels/class");
    let knn = format!("{K}-NN");
    let header = ["arm", "linear top-1", "minus real", &knn, &few, "views/s", "seconds"].map(str::to_owned);
    let rows: Vec<Vec<String>> =
        std::iter::once(header.to_vec()).chain(comparison.arms.iter().map(row)).collect();
    let mut text = format!(
        "accuracy in % on held-out images of {} ({} classes, {}); [95 % intervals] {}, of few labels over draws\n\n",
        comparison.data,
        comparison.classes,
        comparison.judged_at.in_words(),
        comparison.intervals.in_words()
    );
    // Numbers without an interval are aligned at their last digit.
    text.push_str(&text_table(&rows, Some(5)));
    if comparison.arms.iter().any(|arm| arm.training.interrupted) {
        text.push_str("* interrupted and continued: seconds of the last part\n");
    }
    text
}

fn row(arm: &ArmResult) -> Vec<String> {
    let linear = &arm.linear.probe;
    let minus_real = arm.minus.get(REAL).map_or_else(String::new, |gain| {
        with_interval(gain.difference, Some((gain.low, gain.high)), signed_percent)
    });
    let knn = arm.knn.get(&K).map_or_else(String::new, |score| percent(score.top1));
    let few = arm
        .few_shot
        .get(&LABELS_PER_CLASS)
        .map_or_else(String::new, |score| with_interval(score.mean, score.low.zip(score.high), percent));
    let trained = arm.training.steps > 0;
    let mark = if arm.training.interrupted { "*" } else { "" };
    vec![
        arm.name.clone(),
        with_interval(arm.linear.mean, Some((linear.low, linear.high)), percent),
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
        let text = in_words(&comparison(500, 800, 820, 860));
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
