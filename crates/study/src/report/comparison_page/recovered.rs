//! How much of the gap between real and synthetic images the views recover.

use maud::{Markup, html};

use super::ComparisonPage;
use crate::answer::percent;
use crate::report::words::minus;

/// Of what synthetic images lack to real ones, the share that comes back with views: 0 none, 1 all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecoveredShare {
    /// The data set.
    pub data: String,
    /// How it was judged.
    pub measure: String,
    /// (views − synthetic) / (real − synthetic) of the accuracies.
    pub share: f64,
    /// Ends of its 95 % interval; not finite where that has no end.
    pub interval: Option<(f64, f64)>,
    /// The arm that learnt from real images.
    pub real: String,
    /// The arm that learnt from synthetic ones.
    pub synthetic: String,
    /// The arm with views.
    pub views: String,
}

/// A row per data set.
pub(super) fn recovered_table(page: &ComparisonPage) -> Markup {
    let headers = ["Measure", "Recovered", "Real", "Synthetic", "With views"];
    html! {
        p.fine {
            "(with views − synthetic) / (real − synthetic) of the mean accuracies: 0 % where views change nothing, 100 % where "
            "they reach real images, above 100 % where they pass them. In brackets " (page.intervals_text()) "."
        }
        table.results role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Data" }
                    @for header in headers { th scope="col" role="columnheader" { (header) } }
                }
            }
            tbody role="rowgroup" {
                @for row in &page.recovered {
                    tr role="row" {
                        th scope="row" role="rowheader" { (row.data) }
                        @for (header, cell) in headers.into_iter().zip(cells(page, row)) {
                            td role="cell" data-label=(header) { span { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

fn cells(page: &ComparisonPage, row: &RecoveredShare) -> [Markup; 5] {
    let accuracy = |name: &str| {
        let arm = page.arms.iter().find(|arm| arm.name == name);
        let score = arm.and_then(|arm| arm.score(&row.data, &row.measure));
        html! {
            (name)
            @if let Some(score) = score { " " span.interval { (percent(score.accuracy)) " %" } }
        }
    };
    let share = html! {
        b { (share_text(row.share)) }
        @if let Some((low, high)) = row.interval {
            " " span.interval { "[" (share_text(low)) ", " (share_text(high)) "]" }
        }
    };
    [html! { (row.measure) }, share, accuracy(&row.real), accuracy(&row.synthetic), accuracy(&row.views)]
}

fn share_text(share: f64) -> String {
    if share.is_finite() {
        minus(&format!("{:.0} %", 100.0 * share))
    } else if share.is_nan() {
        "–".to_owned()
    } else {
        "no end".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_without_an_end_are_words() {
        assert_eq!(share_text(0.784), "78\u{a0}%");
        assert_eq!(share_text(-0.1), "−10\u{a0}%");
        assert_eq!([share_text(f64::INFINITY), share_text(f64::NAN)], ["no end", "–"]);
    }
}
