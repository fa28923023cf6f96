//! Every arm's numbers, and the differences between arms.

use maud::{Markup, html};

use super::super::words::minus;
use crate::answer::{percent, signed_percent, thousands};
use crate::arms::{RANDOM, REAL, SYNTHETIC_GAUSSIAN, SYNTHETIC_TX};
use crate::probing::LABELS_PER_CLASS;
use crate::results::{ArmResult, Comparison, Difference, Standing};
use crate::table::K;

/// A row per arm. On a narrow page a row becomes a block, its cells named by `data-label`.
pub(super) fn results_table(comparison: &Comparison) -> Markup {
    let knn = format!("{K}-NN");
    let few = format!("{LABELS_PER_CLASS} labels per class");
    let headers = ["Taught by", "Linear top-1", "Minus real", &knn, &few, "Views/s", "Seconds"];
    html! {
        table.results role="table" {
            caption {
                "Accuracy in % on " (thousands(comparison.n_test)) " held-out images of " (comparison.data) " ("
                (comparison.classes) " classes, " (comparison.judged_at.in_words()) "); in brackets 95 % intervals " (comparison.intervals.in_words())
                ", for few labels over the draws of the labels."
            }
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Arm" }
                    @for header in headers { th scope="col" role="columnheader" { (header) } }
                }
            }
            tbody role="rowgroup" {
                @for arm in &comparison.arms {
                    tr role="row" {
                        th scope="row" role="rowheader" { (arm.name) }
                        @for (label, cell) in headers.into_iter().zip(cells(arm)) {
                            td role="cell" data-label=(label) { (cell) }
                        }
                    }
                }
            }
        }
        @if comparison.arms.iter().any(|arm| arm.training.interrupted) {
            p.fine { "* Training was interrupted and continued: seconds of its last part." }
        }
        @if comparison.arms.iter().any(|arm| arm.training.kept) {
            p.fine {
                "Already there from an earlier run of the same configuration, and kept: "
                @for (number, arm) in comparison.arms.iter().filter(|arm| arm.training.kept).enumerate() {
                    @if number > 0 { ", " }
                    (arm.name)
                }
                ". Their rates and seconds are of that run."
            }
        }
    }
}

fn cells(arm: &ArmResult) -> [Markup; 7] {
    let linear = &arm.linear.probe;
    let trained = arm.training.steps > 0;
    let mark = if arm.training.interrupted { " *" } else { "" };
    [
        html! { (arm.taught_by) },
        with_interval(percent(arm.linear.mean), Some((percent(linear.low), percent(linear.high)))),
        arm.minus.get(REAL).map_or_else(|| html! { "–" }, difference),
        arm.knn.get(&K).map_or_else(
            || html! { "–" },
            |score| with_interval(percent(score.top1), Some((percent(score.low), percent(score.high)))),
        ),
        arm.few_shot.get(&LABELS_PER_CLASS).map_or_else(
            || html! { "–" },
            |score| {
                let interval = score.low.zip(score.high);
                with_interval(percent(score.mean), interval.map(|(low, high)| (percent(low), percent(high))))
            },
        ),
        html! { @if trained { (format!("{:.0}", arm.training.views_per_second)) } @else { "–" } },
        html! { @if trained { (format!("{:.1}{mark}", arm.training.seconds)) } @else { "–" } },
    ]
}

fn difference(of: &Difference) -> Markup {
    let signed = |value| minus(&signed_percent(value));
    with_interval(signed(of.difference), Some((signed(of.low), signed(of.high))))
}

/// Value and interval do not come apart at a line end.
fn with_interval(value: String, interval: Option<(String, String)>) -> Markup {
    html! {
        b { (value) }
        @if let Some((low, high)) = interval { " " span.interval { "[" (low) ", " (high) "]" } }
    }
}

/// The differences that the question is about, in numbers and words.
pub(super) fn differences(comparison: &Comparison) -> Markup {
    let pairs = [
        (SYNTHETIC_GAUSSIAN, REAL),
        (SYNTHETIC_GAUSSIAN, SYNTHETIC_TX),
        (SYNTHETIC_TX, REAL),
        (REAL, RANDOM),
        (SYNTHETIC_GAUSSIAN, RANDOM),
    ];
    html! {
        h3 { "Differences on the same images" }
        ul.differences {
            @for (arm, other) in pairs {
                @if let Some(gain) = comparison.difference(arm, other) {
                    li {
                        b { (arm) } " minus " b { (other) } ": " (difference(&gain)) " points, "
                        (in_words(gain.standing()))
                    }
                }
            }
        }
    }
}

fn in_words(standing: Standing) -> &'static str {
    match standing {
        Standing::Better => "better",
        Standing::Worse => "worse",
        Standing::NotToldApart => "not told apart",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probing::tests::comparison;

    #[test]
    fn differences_are_told_in_the_words_of_their_intervals() {
        let text = differences(&comparison(500, 800, 800, 860)).into_string();
        assert!(text.contains("<b>+6.0</b>") && text.contains("points, better"), "{text}");
        assert!(text.contains("<b>0.0</b>") && text.contains("points, not told apart"), "{text}");
        let text = differences(&comparison(500, 860, 800, 800)).into_string();
        assert!(text.contains("<b>−6.0</b>") && text.contains("points, worse"), "{text}");
    }

    #[test]
    fn a_cell_is_named_where_the_page_is_narrow() {
        let text = results_table(&comparison(500, 800, 800, 860)).into_string();
        assert_eq!(text.matches("data-label=\"Linear top-1\"").count(), 4);
        assert!(!text.contains('*') && !text.contains("kept"), "{text}");
    }
}
