//! A comparison as a table of text.

use std::fmt::Write;

use zview_probe::suite::arms::{ArmScore, Difference};
use zview_probe::suite::metric::{Metric, Unit, how_to_read};
use zview_report::numbers::{p_value, with_interval};
use zview_report::text_table::text_table;
use zview_runtime::words::counted;

use super::collect::Comparison;
use super::measures::{headlines, is_compared, shown_measures};

/// Arms by data sets, in percent.
#[must_use]
pub fn in_words(comparison: &Comparison) -> String {
    let mut text = format!("{}\n", comparison.question);
    if comparison.is_planned() {
        let mut rows =
            vec![["contrast", "data", "measure", "value", "p", "says"].map(str::to_owned).to_vec()];
        rows.extend(comparison.contrasts.iter().map(|of| {
            let sum = &of.sum;
            let value = with_interval(sum.difference, sum.interval(), sum.signed());
            let p = sum.p_holm.map_or_else(|| "-".to_owned(), p_value);
            vec![of.name.clone(), of.data.clone(), sum.metric.title.to_lowercase(), value, p, of.verdict()]
        }));
        let _ = writeln!(text, "\n{}", families(comparison));
        if !comparison.contrasts.is_empty() {
            text.push_str(&text_table(&rows, None));
        }
    }
    for data in &comparison.data {
        let mut measured: Vec<Metric> = comparison.held_out(data).into_iter().collect();
        measured.extend(shown_measures(comparison, data));
        // A column of differences, where there are any.
        let is_compared = |metric: &Metric| is_compared(&comparison.arms, data, &metric.key);
        let compared = headlines(comparison, data).into_iter().find(is_compared);
        let mut table = vec![vec!["arm".to_owned(), "seeds".to_owned()]];
        table[0].extend(measured.iter().map(|metric| metric.title.to_lowercase()));
        table[0].extend(
            compared
                .iter()
                .map(|metric| format!("{} - {}", metric.title.to_lowercase(), comparison.reference)),
        );
        table[0].extend(["views/s", "seconds"].map(str::to_owned));
        for arm in &comparison.arms {
            let scores = arm.scores.get(data);
            let of = |key: &str| scores.and_then(|scores| scores.get(key));
            let mut row =
                vec![arm.name.clone(), (comparison.seeds.len() - arm.missing_seeds.len()).to_string()];
            row.extend(
                measured.iter().map(|Metric { key, .. }| of(key).map_or_else(|| "-".to_owned(), cell)),
            );
            row.extend(compared.iter().map(|Metric { key, .. }| {
                let difference = arm.minus_reference.get(data).and_then(|by_metric| by_metric.get(key));
                difference.map_or_else(|| "-".to_owned(), signed)
            }));
            row.extend(if arm.steps > 0 {
                let mark = if arm.interrupted_seeds.is_empty() { "" } else { "*" };
                [format!("{:.0}", arm.views_per_second), format!("{:.1}{mark}", arm.seconds)]
            } else {
                ["-", "-"].map(str::to_owned)
            });
            table.push(row);
        }
        let n_test = comparison
            .arms
            .iter()
            .find_map(|arm| Some(arm.scores.get(data)?.values().next()?.n_test))
            .unwrap_or(0);
        let judged = comparison.judged_in_words(data);
        let intervals = comparison.intervals_in_words();
        let percent = if measured.iter().all(|metric| metric.unit == Unit::Number) { "" } else { "%; " };
        let _ = writeln!(text, "\n{data} ({n_test} test images{judged}; {percent}{intervals})");
        text.push_str(&text_table(&table, None));
        let how = how_to_read(&measured);
        if !how.is_empty() {
            let _ = writeln!(text, "{how}");
        }
        for pick in comparison.picks_in_words(data) {
            let _ = writeln!(text, "{pick}");
        }
    }
    if comparison.arms.iter().any(|arm| !arm.interrupted_seeds.is_empty()) {
        text.push_str("* interrupted and continued: seconds of the last part\n");
    }
    let _ = write!(text, "\n{}", comparison.answer);
    for line in comparison.could_find() {
        let _ = write!(text, "\n{line}");
    }
    for failed in &comparison.failed {
        let _ = write!(
            text,
            "\nfailed: cell {} ({}, seed {}): {}",
            failed.cell, failed.arm, failed.seed, failed.error
        );
    }
    text
}

/// What is tested, and what is corrected together.
pub(super) fn families(comparison: &Comparison) -> String {
    let mut families: Vec<(&str, usize)> = Vec::new();
    for contrast in &comparison.contrasts {
        let tested = usize::from(contrast.sum.p_holm.is_some());
        match families.iter_mut().find(|(name, _)| *name == contrast.family) {
            Some((_, tests)) => *tests += tested,
            None => families.push((&contrast.family, tested)),
        }
    }
    let of: Vec<String> =
        families.iter().map(|(name, tests)| format!("{name} ({})", counted(*tests, "test"))).collect();
    let tested = match of.is_empty() {
        true => "No planned contrast could be tested".to_owned(),
        false => format!("Planned contrasts, p after Holm's correction within a family: {}", of.join(", ")),
    };
    let first = format!("{tested}. All other differences have intervals alone.");
    std::iter::once(&first).chain(&comparison.not_tested).cloned().collect::<Vec<_>>().join(" ")
}

/// Of several seeds `80.1 +- 0.7`; of one the interval's ends, which are not as far from it.
fn cell(score: &ArmScore) -> String {
    let number = score.number();
    match score.interval() {
        Some((low, high)) if score.seeds.len() > 1 => {
            format!("{} +- {}", number(score.mean), number(0.5 * (high - low)))
        }
        ends => with_interval(score.mean, ends, number),
    }
}

fn signed(difference: &Difference) -> String {
    let mut text = with_interval(difference.difference, difference.interval(), difference.signed());
    if let Some(p) = difference.p_holm {
        let _ = write!(text, " p {p:.2}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{arm, comparison};
    use super::*;

    fn head(text: &str) -> &str {
        text.lines().find(|line| line.starts_with("arm ")).unwrap()
    }

    /// Without a linear probe the table had a column "linear - near" with nothing in it.
    #[test]
    fn nearest_neighbours_alone_leave_no_empty_column_of_the_linear_probe() {
        let of = |key| [arm("near", 9, &[(key, [0.5, 0.6, 0.7])]), arm("far", 9, &[(key, [0.6, 0.8, 0.8])])];
        let neighbours = in_words(&comparison(of("knn_20").to_vec()));
        assert!(!neighbours.contains("linear"), "{neighbours}");
        assert!(head(&neighbours).contains("20-nn - near"), "{neighbours}");
        let far = neighbours.lines().find(|line| line.starts_with("far ")).unwrap();
        assert!(far.contains("+13.3 ["), "{far}");
        assert!(head(&in_words(&comparison(of("linear").to_vec()))).contains("linear - near"));
        // Nothing to compare: no column either.
        let alone = in_words(&comparison(of("knn_20")[..1].to_vec()));
        assert!(!alone.contains(" - near"), "{alone}");
    }
}
