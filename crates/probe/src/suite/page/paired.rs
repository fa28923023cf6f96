//! Encoders against each other on the same test images.

use maud::{Markup, html};
use zview_report::numbers::{p_value, shown_interval, shown_signed_percent, thousands};
use zview_report::table::{Row, Table, or_dash, table};

/// Two encoders judged on the same test images.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedTest {
    /// The data set.
    pub data: String,
    /// How both were judged: `Linear`.
    pub protocol: String,
    /// One encoder.
    pub encoder: String,
    /// The other.
    pub other: String,
    /// Accuracy of the one minus that of the other, -1 to 1.
    pub difference: f64,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Why it has none.
    pub no_interval: Option<&'static str>,
    /// Probability of a difference at least as large if neither were better, 0 to 1.
    pub p_value: Option<f64>,
    /// Test images.
    pub n_test: usize,
}

/// A row per pair.
pub(super) fn paired_tests(tests: &[PairedTest]) -> Markup {
    let row = |test: &PairedTest| {
        let cells = [
            html! { (test.data) },
            html! { (test.protocol) },
            difference(test),
            or_dash(test.p_value.map(p_value)),
            html! { (thousands(test.n_test)) },
        ];
        Row::new(format!("{} minus {}", test.encoder, test.other), cells)
    };
    table(&Table {
        caption: Some(html! {
            "Differences of accuracy in points on the same test images; in brackets 95 % intervals. An interval "
            "that holds 0 does not tell the two apart."
        }),
        headers: vec!["Encoders", "Data", "Protocol", "Difference", "p", "Test images"],
        rows: tests.iter().map(row).collect(),
        ..Table::default()
    })
}

fn difference(test: &PairedTest) -> Markup {
    html! {
        b { (shown_signed_percent(test.difference)) } " "
        @if let Some(ends) = test.interval { (shown_interval(ends, shown_signed_percent)) }
        @else if let Some(why) = test.no_interval { span.interval { "(" (why) ")" } }
    }
}
