//! What the study asks, each contrast with its verdict.

use maud::{Markup, html};
use zview_probe::suite::arms::Difference;
use zview_report::numbers::{p_value, shown_interval};
use zview_report::table::{Row, Table, or_dash, table};
use zview_report::words::minus;

use super::ComparisonPage;

/// A contrast by a measure on a data set.
#[derive(Debug, Clone)]
pub struct PlannedContrast {
    /// What it is called.
    pub name: String,
    /// What is asked, in words.
    pub of: String,
    /// The data set.
    pub data: String,
    /// The weighted sum of arms.
    pub sum: Difference,
    /// What its test says.
    pub says: String,
    /// Whether it says better or worse.
    pub better: Option<bool>,
}

/// A row for each, in the order of the file.
pub(super) fn contrast_table(page: &ComparisonPage) -> Markup {
    let row = |contrast: &PlannedContrast| {
        let sum = &contrast.sum;
        let shown = sum.shown();
        let name = html! { (contrast.name) span.taught-by { (minus(&contrast.of)) } };
        let value = html! {
            (shown(sum.difference))
            @if let Some(ends) = sum.interval() { " " (shown_interval(ends, shown)) }
        };
        let says = html! {
            @if let Some(better) = contrast.better { @if better { "▲ " } @else { "▼ " } }
            (minus(&contrast.says))
        };
        let p = or_dash(sum.p_holm.map(p_value));
        Row::new(name, [html! { (contrast.data) }, html! { (sum.metric.title) }, value, p, says])
    };
    html! {
        p.fine { (minus(&page.families)) " ▲ and ▼: better and worse with " (page.significant) "." }
        @if !page.contrasts.is_empty() {
        (table(&Table {
            headers: vec!["Contrast", "Data", "Measure", "Points", "p", "Says"],
            rows: page.contrasts.iter().map(row).collect(),
            ..Table::default()
        }))
        }
    }
}

/// What the seeds find, and how many others take.
pub(super) fn could_find(page: &ComparisonPage) -> Markup {
    html! {
        p.fine {
            "By the spread of the arms' differences over seeds and test images, for a single true difference among all that "
            "are tested."
        }
        ul { @for line in &page.could_find { li { (minus(line)) } } }
    }
}
