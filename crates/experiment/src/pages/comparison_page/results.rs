//! The table: arms in rows, metrics in columns.

use maud::{Markup, html};
use zview_probe::suite::metric::{Better, Metric, Unit, how_to_read, units_in_words};
use zview_report::numbers::{p_value, shown_interval, shown_with_interval, thousands};
use zview_report::table::{Row, Table, or_dash, table};
use zview_report::words::{breakable, minus};

use super::arm::{data_sets, metrics};
use super::{ComparedArm, ComparisonPage, MinusArm, ShownScore};

/// Columns of metrics beside each other; more go into further tables.
const METRICS_MAX: usize = 4;

/// A table for each data set.
pub(super) fn result_tables(page: &ComparisonPage) -> Markup {
    let sets = data_sets(&page.arms);
    let all = metrics(&page.arms, None);
    let how = how_to_read(all.iter().copied());
    let numbers = all.iter().all(|metric| metric.unit == Unit::Number);
    let directed = all.iter().any(|metric| metric.better != Better::Neither);
    html! {
        p.fine {
            (units_in_words(all.iter().copied())) ", mean over the seeds, and under it the difference to "
            b { (page.reference) } " (or to the arm that is named)" @if !numbers { " in percentage points" }
            ". In brackets " (page.intervals_text())
            @if !page.differences.is_empty() { ", those of differences " (page.differences) }
            @if !page.p_values.is_empty() { "; p " (page.p_values) }
            @if directed && page.families.is_empty() {
                ". ▲ and ▼: better and worse than " (page.reference) " with " (page.significant)
            }
            "."
            @if !page.without_p.is_empty() { " " (page.without_p) }
            @if !how.is_empty() { " " (how) }
        }
        @if !page.picks.is_empty() {
            p.fine {
                "Held out: on training images that the probe did not learn from. A setting that is chosen by test images "
                "looks better than it is."
            }
        }
        @if page.arms.iter().any(|arm| arm.interrupted) {
            p.fine { "* Training was interrupted and continued: seconds of its last part." }
        }
        @for data in sets {
            @for pick in page.picks.iter().filter(|(of, _)| of == data) { p { b { (data) } ": " (pick.1) "." } }
            @for (part, metrics) in metrics(&page.arms, Some(data)).chunks(METRICS_MAX).enumerate() {
                (data_table(page, data, metrics, part == 0))
            }
        }
    }
}

fn data_table(page: &ComparisonPage, data: &str, metrics: &[&Metric], first: bool) -> Markup {
    let mut headers = vec!["Arm"];
    headers.extend(metrics.iter().map(|metric| &*metric.title));
    if first {
        headers.extend(["Steps", "Seconds"]);
    }
    let row = |arm: &ComparedArm| {
        let reference = arm.name == page.reference;
        let name = html! {
            (arm.name)
            @if first && !arm.taught_by.is_empty() { span.taught-by { (breakable(&arm.taught_by)) } }
            @if first && !arm.missing_seeds.is_empty() {
                span.taught-by { "⚠ without " (seeds(&arm.missing_seeds)) }
            }
        };
        let score =
            |metric: &&Metric| or_dash(arm.shown(data, &metric.key).map(|shown| cell(shown, reference)));
        let mut cells: Vec<Markup> = metrics.iter().map(score).collect();
        if first {
            let seconds = arm.seconds.filter(|seconds| *seconds > 0.0);
            cells.push(or_dash((arm.steps > 0).then(|| thousands(arm.steps as usize))));
            let mark = if arm.interrupted { " *" } else { "" };
            cells.push(or_dash(seconds.map(|seconds| seconds_text(seconds) + mark)));
        }
        Row { reference, ..Row::new(name, cells) }
    };
    table(&Table {
        class: "arms",
        caption: Some(html! { "On test images of " b { (data) } "." }),
        headers,
        rows: page.arms.iter().map(row).collect(),
    })
}

/// Whole seconds from a hundred on.
pub(super) fn seconds_text(seconds: f64) -> String {
    if seconds >= 99.95 { thousands(seconds.round() as usize) } else { format!("{seconds:.1}") }
}

pub(super) fn cell(shown: &ShownScore, reference: bool) -> Markup {
    let (score, number) = (&shown.score, shown.score.number());
    html! {
        span.score { (shown_with_interval(score.mean, score.interval(), |value| minus(&number(value)))) }
        span.difference {
            @if reference { "reference" }
            @else if let Some(difference) = &shown.minus { (difference_text(difference)) }
        }
    }
}

fn difference_text(MinusArm { against, difference }: &MinusArm) -> Markup {
    let shown = difference.shown();
    let better = difference.is_better().filter(|_| difference.is_significant());
    html! {
        @if let Some(better) = better { @if better { "▲ " } @else { "▼ " } }
        (shown(difference.difference))
        @if let Some(ends) = difference.interval() { " " (shown_interval(ends, shown)) }
        @if let Some(p) = difference.p_holm { " " span.interval { "p\u{a0}" (p_text(p)) } }
        @if let Some(against) = against { " " span.interval { "to " (against) } }
    }
}

fn p_text(p: f64) -> String {
    let p = p_value(p);
    let p = if p.starts_with('<') { p } else { format!("= {p}") };
    p.replace(' ', "\u{a0}")
}

/// `seed 2`, `seeds 0, 1 and 2`.
pub(super) fn seeds(seeds: &[u64]) -> String {
    let names: Vec<String> = seeds.iter().map(u64::to_string).collect();
    match names.split_last() {
        Some((last, [])) => format!("seed {last}"),
        Some((last, others)) => format!("seeds {} and {last}", others.join(", ")),
        None => "no seed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_probe::suite::arms::Difference;
    use zview_probe::suite::protocols::linear;

    #[test]
    fn the_sign_of_a_significant_difference_is_more_than_a_colour() {
        let of = |difference: f64, p_holm: Option<f64>, metric: Metric| {
            let seeds = Difference::over_seeds(&[difference; 3], &[0.0; 3], metric);
            let difference = Difference { low: Some(-0.02), high: Some(0.01), p_holm, ..seeds };
            difference_text(&MinusArm { against: None, difference }).into_string()
        };
        let text = |difference, p_holm| of(difference, p_holm, linear::metric());
        let error = Metric { better: Better::Lower, ..linear::metric() };
        assert!(of(-0.012, Some(0.0004), error).starts_with("▲ −1.2"), "lower is better");
        let rank = Metric { better: Better::Neither, unit: Unit::Number, ..linear::metric() };
        assert!(of(-1.25, Some(0.0004), rank).starts_with("−1.25"), "neither is");
        assert!(text(-0.012, Some(0.0004)).starts_with("▼ −1.2"), "{}", text(-0.012, Some(0.0004)));
        assert!(text(-0.012, Some(0.0004)).contains("&lt;\u{a0}0.001"));
        assert!(text(0.012, Some(0.04)).starts_with("▲ +1.2"));
        assert!(text(0.012, Some(0.05)).starts_with("+1.2") && text(0.012, None).ends_with("]</span>"));
    }

    #[test]
    fn seeds_and_seconds_in_words() {
        assert_eq!([seeds(&[]), seeds(&[4]), seeds(&[0, 1, 2])], ["no seed", "seed 4", "seeds 0, 1 and 2"]);
        assert_eq!([seconds_text(3.21), seconds_text(1_234.5)], ["3.2", "1,235"]);
    }
}
