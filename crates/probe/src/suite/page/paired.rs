//! Encoders against each other on the same test images.

use maud::{Markup, html};
use zview_report::numbers::{p_value, shown_interval, thousands};
use zview_report::table::{Row, Table, or_dash, table};

use crate::suite::arms::Difference;
use crate::suite::metric::how_to_read;

/// Two encoders, or arms of them, judged on the same test images.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedTest {
    /// The data set.
    pub data: String,
    /// One encoder.
    pub encoder: String,
    /// The other.
    pub other: String,
    /// The one minus the other.
    pub difference: Difference,
    /// Test images.
    pub n_test: usize,
}

/// A row per pair and metric.
pub(super) fn paired_tests(tests: &[PairedTest]) -> Markup {
    let row = |test: &PairedTest| {
        let cells = [
            html! { (test.data) },
            html! { (test.difference.metric.title) },
            difference(&test.difference),
            or_dash(test.difference.p_holm.map(p_value)),
            html! { (thousands(test.n_test)) },
        ];
        Row::new(format!("{} minus {}", test.encoder, test.other), cells)
    };
    let how = how_to_read(tests.iter().map(|test| &test.difference.metric));
    table(&Table {
        caption: Some(html! {
            "Differences on the same test images, those of shares in points; in brackets 95 % intervals. An interval that "
            "holds 0 does not tell the two apart." @if !how.is_empty() { " " (how) }
        }),
        headers: vec!["Encoders", "Data", "Measure", "Difference", "p", "Test images"],
        rows: tests.iter().map(row).collect(),
        ..Table::default()
    })
}

fn difference(of: &Difference) -> Markup {
    let shown = of.shown();
    html! {
        b { (shown(of.difference)) } " "
        @if let Some(ends) = of.interval() { (shown_interval(ends, shown)) }
        @else if let Some(why) = of.no_interval { span.interval { "(" (why) ")" } }
    }
}
