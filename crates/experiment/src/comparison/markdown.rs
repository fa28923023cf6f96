//! A comparison as Markdown, to put beside the code or into an issue.

use std::collections::BTreeMap;
use std::fmt::Write;

use zview_probe::suite::arms::{ArmScore, ByMetric, Difference};
use zview_probe::suite::intervals::too_few;
use zview_probe::suite::metric::{Metric, Unit, how_to_read, units_in_words};
use zview_report::numbers::{p_value, with_interval};

use super::collect::{ArmComparison, Comparison};
use super::contrasts::Contrast;
use super::measures::{headlines, held_out_measures, is_compared, shown_measures, without_p};
use super::table::families;

/// Question, answer and tables; `command` makes it again.
#[must_use]
pub fn in_markdown(comparison: &Comparison, command: &str) -> String {
    let mut text =
        format!("# {}\n\n{}\n\n{}\n", comparison.question, comparison.answer, conditions(comparison));
    if comparison.is_planned() {
        let _ = write!(text, "\n{}", contrasts_table(comparison));
    }
    for data in &comparison.data {
        let _ = write!(text, "\n{}", scores_table(comparison, data));
    }
    for line in comparison.could_find() {
        let _ = write!(text, "\n- {line}");
    }
    if !comparison.spreads.is_empty() {
        text.push('\n');
    }
    if let Some(at) = &comparison.equal_time {
        let _ = write!(
            text,
            "\n**At equal training time**: every other arm once more, with as many updates as fit into the {:.0} seconds that \
             {} takes, and a schedule of that length. What an update takes was measured in turns with one of {}.\n",
            at.seconds, comparison.reference, comparison.reference
        );
        for data in &comparison.data {
            let _ = write!(text, "\n{}", equal_time_table(comparison, data));
        }
    }
    for failed in &comparison.failed {
        let _ = write!(
            text,
            "\nFailed: cell {} ({}, seed {}): {}\n",
            failed.cell, failed.arm, failed.seed, failed.error
        );
    }
    let _ = write!(text, "\nMade by `{command}`.\n");
    text
}

/// What the file asks, each line with its verdict.
fn contrasts_table(comparison: &Comparison) -> String {
    let mut text = format!("{}\n", families(comparison));
    if comparison.contrasts.is_empty() {
        return text;
    }
    text.push_str("\n| contrast | of | data | measure | value | p | says |\n|---|---|---|---|---|---|---|\n");
    for contrast in &comparison.contrasts {
        let Contrast { name, of, data, sum, .. } = contrast;
        let value = with_interval(sum.difference, sum.interval(), sum.signed());
        let p = sum.p_holm.map_or_else(|| "–".to_owned(), p_value);
        let title = sum.metric.title.to_lowercase();
        let _ =
            writeln!(text, "| {name} | {of} | {data} | {title} | {value} | {p} | {} |", contrast.verdict());
    }
    text
}

fn conditions(comparison: &Comparison) -> String {
    let seeds: Vec<String> = comparison.seeds.iter().map(u64::to_string).collect();
    let mut updates: Vec<u64> =
        comparison.arms.iter().map(|arm| arm.steps).filter(|&steps| steps > 0).collect();
    updates.sort_unstable();
    updates.dedup();
    let updates: Vec<String> = updates.iter().map(u64::to_string).collect();
    let compared: Vec<Metric> = comparison.data.iter().flat_map(|data| headlines(comparison, data)).collect();
    let shown: Vec<Metric> =
        comparison.data.iter().flat_map(|data| shown_measures(comparison, data)).collect();
    let no_p = Some(without_p(comparison, &compared)).filter(|no_p| !no_p.is_empty());
    let how = Some(how_to_read(&shown)).filter(|how| !how.is_empty());
    let (averaged, paired) = match seeds.as_slice() {
        [seed] => (
            format!("seed {seed}, with {}", comparison.intervals_in_words()),
            "of the same test images, with 95 % intervals over those",
        ),
        _ => (
            format!("mean over seeds ({}) ± half the 95 % interval", seeds.join(", ")),
            match !comparison.is_planned() {
                true => {
                    "paired by seed; their 95 % intervals are over seeds and test images, p is after Holm's correction over \
                     all arms and data sets of both headline measures"
                }
                false => "paired by seed; their 95 % intervals are over seeds and test images",
            },
        ),
    };
    format!(
        "{}, {averaged}; {} updates in every trained arm. Differences to {} (or to the arm that is named){} are {paired}. \
         Seconds: training of one seed, median; machines that did other things too.{}{}{}",
        units_in_words(&shown),
        updates.join(" or "),
        comparison.reference,
        if compared.iter().all(|metric| metric.unit == Unit::Number) { "" } else { ", in points," },
        too_few(comparison.seeds.len()).map_or_else(String::new, |why| format!(" With {why}.")),
        no_p.map_or_else(String::new, |no_p| format!(" {no_p}")),
        how.map_or_else(String::new, |how| format!(" {how}"))
    )
}

type Scores = BTreeMap<String, ByMetric<ArmScore>>;
type Differences = BTreeMap<String, ByMetric<Difference>>;

/// Arms in rows; every measure, after the headlines their differences, and what was judged without test images.
fn scores_table(comparison: &Comparison, data: &str) -> String {
    let mut columns: Vec<Column> = comparison.held_out(data).map(Column::Score).into_iter().collect();
    columns.extend(self::columns(comparison, &comparison.arms, data, &shown_measures(comparison, data)));
    columns.extend(held_out_measures(comparison, data).into_iter().map(Column::Score));
    let mut text = format!("**{data}**{}\n\n", images(comparison, data));
    let _ = writeln!(text, "| arm | taught by | {} | seconds |", headers(&columns, &comparison.reference));
    let _ = writeln!(text, "|---|---|{}---|", "---|".repeat(columns.len()));
    for arm in &comparison.arms {
        let cells = cells(&columns, data, &arm.scores, &arm.minus_reference, named_against(comparison, arm));
        let seconds = if arm.steps > 0 { format!("{:.0}", arm.seconds) } else { "–".to_owned() };
        let _ = writeln!(text, "| {}{} | {} | {cells} | {seconds} |", arm.name, missing(arm), arm.taught_by);
    }
    for pick in comparison.picks_in_words(data) {
        let _ = writeln!(text, "\n{pick}");
    }
    text
}

fn missing(arm: &ArmComparison) -> String {
    if arm.missing_seeds.is_empty() {
        String::new()
    } else {
        format!(" (without seeds {:?})", arm.missing_seeds)
    }
}

fn equal_time_table(comparison: &Comparison, data: &str) -> String {
    let Some(at) = &comparison.equal_time else { return String::new() };
    let columns = columns(comparison, &at.arms, data, &headlines(comparison, data));
    let mut text = String::new();
    let _ = writeln!(text, "| arm on {data} | updates | {} |", headers(&columns, &comparison.reference));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(columns.len()));
    for arm in &at.arms {
        let cells = cells(&columns, data, &arm.scores, &arm.minus_reference, named_against(comparison, arm));
        let _ = writeln!(text, "| {}{} | {} | {cells} |", arm.name, missing(arm), arm.steps);
    }
    text
}

/// A metric's score, or its difference.
enum Column {
    Score(Metric),
    Difference(Metric),
}

fn columns(comparison: &Comparison, arms: &[ArmComparison], data: &str, measures: &[Metric]) -> Vec<Column> {
    let headlines = headlines(comparison, data);
    let mut columns = Vec::new();
    for metric in measures {
        columns.push(Column::Score(metric.clone()));
        let headline = headlines.iter().any(|headline| headline.key == metric.key);
        if headline && is_compared(arms, data, &metric.key) {
            columns.push(Column::Difference(metric.clone()));
        }
    }
    columns
}

fn headers(columns: &[Column], reference: &str) -> String {
    let header = |column: &Column| match column {
        Column::Score(metric) => metric.title.to_lowercase(),
        Column::Difference(_) => format!("minus {reference}"),
    };
    columns.iter().map(header).collect::<Vec<_>>().join(" | ")
}

fn cells(
    columns: &[Column],
    data: &str,
    scores: &Scores,
    differences: &Differences,
    against: Option<&str>,
) -> String {
    let cell = |column: &Column| match column {
        Column::Score(metric) => scores.get(data)?.get(&metric.key).map(score),
        Column::Difference(metric) => {
            differences.get(data)?.get(&metric.key).map(|of| difference(of, against))
        }
    };
    columns
        .iter()
        .map(|column| cell(column).unwrap_or_else(|| "–".to_owned()))
        .collect::<Vec<_>>()
        .join(" | ")
}

fn named_against<'a>(comparison: &Comparison, arm: &'a ArmComparison) -> Option<&'a str> {
    arm.against.as_deref().filter(|against| *against != comparison.reference)
}

fn images(comparison: &Comparison, data: &str) -> String {
    let scores = comparison.arms.iter().find_map(|arm| arm.scores.get(data)?.values().next());
    scores.map_or_else(String::new, |score| {
        format!(
            ", {} labelled training images, {} test images{}",
            score.n_train,
            score.n_test,
            comparison.judged_in_words(data)
        )
    })
}

fn score(score: &ArmScore) -> String {
    let number = score.number();
    match score.interval() {
        Some((low, high)) if score.seeds.len() > 1 => {
            format!("{} ± {}", number(score.mean), number(0.5 * (high - low)))
        }
        ends => with_interval(score.mean, ends, number),
    }
}

fn difference(difference: &Difference, against: Option<&str>) -> String {
    let mut text = with_interval(difference.difference, difference.interval(), difference.signed());
    if let Some(p) = difference.p_holm {
        let _ = write!(text, ", p {}", p_value(p));
    }
    if let Some(against) = against {
        let _ = write!(text, " to {against}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{arm, comparison};
    use super::*;
    use zview_probe::suite::arms::IMAGES_UNKNOWN;

    #[test]
    fn a_column_of_differences_without_any_is_left_out_and_missing_p_values_are_explained() {
        let arms = [arm("near", 9, &[("knn_20", [0.5, 0.6, 0.7])]), arm("far", 9, &[("knn_20", [0.6; 3])])];
        let alone = in_markdown(&comparison(arms[..1].to_vec()), "zview compare");
        assert!(!alone.contains("| minus near |"), "{alone}");
        let mut both = comparison(arms.to_vec());
        let text = in_markdown(&both, "zview compare");
        assert!(text.contains("| minus near |") && !text.contains("Without p"), "{text}");
        let differences = both.arms[1].minus_reference.get_mut("d").unwrap();
        differences.get_mut("knn_20").unwrap().no_p = Some(IMAGES_UNKNOWN);
        let text = in_markdown(&both, "zview compare");
        assert!(text.contains("Without p: 20-NN; which test images were right is not kept"), "{text}");
    }
}
