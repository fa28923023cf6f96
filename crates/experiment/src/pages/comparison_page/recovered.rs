//! How much of the gap between real and synthetic images the views recover.

use maud::{Markup, html};
use zview_probe::suite::metric::Metric;
use zview_report::numbers::{percent, shown_interval};
use zview_report::table::{Row, Table, table};
use zview_report::words::minus;

use super::ComparisonPage;

/// Of what synthetic images lack to real ones, the share that comes back with views: 0 none, 1 all.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredShare {
    /// The data set.
    pub data: String,
    /// How it was judged.
    pub metric: Metric,
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
    html! {
        p.fine {
            "(with views − synthetic) / (real − synthetic) of the mean accuracies: 0 % where views change nothing, 100 % where "
            "they reach real images, above 100 % where they pass them. In brackets " (page.intervals_text()) "."
        }
        (table(&Table {
            headers: vec!["Data", "Measure", "Recovered", "Real", "Synthetic", "With views"],
            rows: page.recovered.iter().map(|row| Row::new(&row.data, cells(page, row))).collect(),
            ..Table::default()
        }))
    }
}

fn cells(page: &ComparisonPage, row: &RecoveredShare) -> [Markup; 5] {
    let accuracy = |name: &str| {
        let arm = page.arms.iter().find(|arm| arm.name == name);
        let score = arm.and_then(|arm| arm.score(&row.data, &row.metric.key));
        html! {
            (name)
            @if let Some(score) = score { " " span.interval { (percent(score.mean)) " %" } }
        }
    };
    let share = html! {
        b { (share_text(row.share)) }
        @if let Some(ends) = row.interval { " " (shown_interval(ends, share_text)) }
    };
    [html! { (row.metric.title) }, share, accuracy(&row.real), accuracy(&row.synthetic), accuracy(&row.views)]
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
