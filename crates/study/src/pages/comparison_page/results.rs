//! The table: arms in rows, measures in columns.

use maud::{Markup, html};
use zview_report::numbers::{
    p_value, percent, shown_interval, shown_signed_percent, shown_with_interval, thousands,
};
use zview_report::table::{Row, Table, or_dash, table};
use zview_report::words::breakable;

use super::arm::{data_sets, measures};
use super::{ArmScore, ComparedArm, ComparisonPage, MinusReference};

/// Columns of measures beside each other; more go into further tables.
const MEASURES_MAX: usize = 4;

/// A table for each data set.
pub(super) fn result_tables(page: &ComparisonPage) -> Markup {
    let sets = data_sets(&page.arms);
    html! {
        p.fine {
            "Accuracy in %, mean over the seeds, and under it the difference to " b { (page.reference) }
            " (or to the arm that is named) in percentage points. In brackets " (page.intervals_text())
            @if !page.differences.is_empty() { ", those of differences " (page.differences) }
            @if !page.p_values.is_empty() { "; p " (page.p_values) }
            ". ▲ and ▼: better and worse than " (page.reference) " with " (page.significant) "."
            @if !page.without_p.is_empty() { " " (page.without_p) }
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
            @for (part, measures) in measures(&page.arms, Some(data)).chunks(MEASURES_MAX).enumerate() {
                (data_table(page, data, measures, part == 0))
            }
        }
    }
}

fn data_table(page: &ComparisonPage, data: &str, measures: &[&str], first: bool) -> Markup {
    let mut headers = vec!["Arm"];
    headers.extend(measures);
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
        let score = |measure: &&str| or_dash(arm.score(data, measure).map(|score| cell(score, reference)));
        let mut cells: Vec<Markup> = measures.iter().map(score).collect();
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

pub(super) fn cell(score: &ArmScore, reference: bool) -> Markup {
    html! {
        span.score { (shown_with_interval(score.accuracy, score.interval, percent)) }
        span.difference {
            @if reference { "reference" }
            @else if let Some(difference) = &score.minus_reference { (difference_text(difference)) }
        }
    }
}

fn difference_text(of: &MinusReference) -> Markup {
    html! {
        @if of.significant { @if of.difference > 0.0 { "▲ " } @else { "▼ " } }
        (shown_signed_percent(of.difference))
        @if let Some(ends) = of.interval { " " (shown_interval(ends, shown_signed_percent)) }
        @if let Some(p) = of.p_holm { " " span.interval { "p\u{a0}" (p_text(p)) } }
        @if let Some(against) = &of.against { " " span.interval { "to " (against) } }
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

    #[test]
    fn the_sign_of_a_significant_difference_is_more_than_a_colour() {
        let text = |difference, p_holm: Option<f64>| {
            let significant = p_holm.is_some_and(|p| p < 0.05);
            let interval = Some((-0.02, 0.01));
            let of = MinusReference { difference, interval, p_holm, significant, against: None };
            difference_text(&of).into_string()
        };
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
