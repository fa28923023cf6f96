//! Encoders against each other on the same test images.

use maud::{Markup, html};

use super::super::words::minus;
use crate::answer::{signed_percent, thousands};

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
    html! {
        table.results role="table" {
            caption {
                "Differences of accuracy in points on the same test images; in brackets 95 % intervals. An interval "
                "that holds 0 does not tell the two apart."
            }
            thead role="rowgroup" {
                tr role="row" {
                    @for header in ["Encoders", "Data", "Protocol", "Difference", "p", "Test images"] {
                        th scope="col" role="columnheader" { (header) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for test in tests {
                    tr role="row" {
                        th scope="row" role="rowheader" { (test.encoder) " minus " (test.other) }
                        td role="cell" data-label="Data" { span { (test.data) } }
                        td role="cell" data-label="Protocol" { span { (test.protocol) } }
                        td role="cell" data-label="Difference" {
                            span {
                                b { (signed(test.difference)) } " "
                                @if let Some((low, high)) = test.interval {
                                    span.interval { "[" (signed(low)) ", " (signed(high)) "]" }
                                } @else if let Some(why) = test.no_interval {
                                    span.interval { "(" (why) ")" }
                                }
                            }
                        }
                        td role="cell" data-label="p" { span { (test.p_value.map_or("–".to_owned(), p_value)) } }
                        td role="cell" data-label="Test images" { span { (thousands(test.n_test)) } }
                    }
                }
            }
        }
    }
}

fn signed(value: f64) -> String {
    minus(&signed_percent(value))
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}
