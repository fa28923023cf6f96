//! Every arm's numbers, and the differences between arms.

use maud::{Markup, html};
use zview_report::numbers::{percent, shown_signed_percent, shown_with_interval, thousands};
use zview_report::table::{Row, Table, or_dash, table};

use crate::arms::{RANDOM, REAL, SYNTHETIC_GAUSSIAN, SYNTHETIC_TX};
use crate::probing::LABELS_PER_CLASS;
use crate::results::{ArmResult, Comparison, Difference, Standing};
use crate::table::K;

/// A row per arm.
pub(super) fn results_table(comparison: &Comparison) -> Markup {
    let knn = format!("{K}-NN");
    let few = format!("{LABELS_PER_CLASS} labels per class");
    let results = Table {
        caption: Some(html! {
            "Accuracy in % on " (thousands(comparison.n_test)) " held-out images of " (comparison.data) " ("
            (comparison.classes) " classes, " (comparison.judged_at.in_words()) "); in brackets 95 % intervals "
            (comparison.intervals.in_words()) ", for few labels over the draws of the labels."
        }),
        headers: vec!["Arm", "Taught by", "Linear top-1", "Minus real", &knn, &few, "Views/s", "Seconds"],
        rows: comparison.arms.iter().map(|arm| Row::new(&arm.name, cells(arm))).collect(),
        ..Table::default()
    };
    html! {
        (table(&results))
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
        shown_with_interval(arm.linear.mean, Some((linear.low, linear.high)), percent),
        or_dash(arm.minus.get(REAL).map(difference)),
        or_dash(arm.knn.get(&K).map(|of| shown_with_interval(of.top1, Some((of.low, of.high)), percent))),
        or_dash(
            arm.few_shot
                .get(&LABELS_PER_CLASS)
                .map(|of| shown_with_interval(of.mean, of.low.zip(of.high), percent)),
        ),
        or_dash(trained.then(|| format!("{:.0}", arm.training.views_per_second))),
        or_dash(trained.then(|| format!("{:.1}{mark}", arm.training.seconds))),
    ]
}

fn difference(of: &Difference) -> Markup {
    shown_with_interval(of.difference, Some((of.low, of.high)), shown_signed_percent)
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
    fn each_arm_has_each_number() {
        let text = results_table(&comparison(500, 800, 800, 860)).into_string();
        assert_eq!(text.matches("data-label=\"Linear top-1\"").count(), 4);
        assert!(!text.contains('*') && !text.contains("kept"), "{text}");
    }
}
