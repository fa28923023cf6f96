//! The table of accuracies of one data set.

use maud::{Markup, html};

use crate::answer::{percent, thousands};

/// One way of judging and what came out.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    /// What was done, in short: `Linear`, `20-NN`, `10 labels per class`, `Fine-tuned`.
    pub protocol: String,
    /// Top-1 accuracy on the test images.
    pub accuracy: f64,
    /// The same of the encoder with random weights, where it was measured.
    pub untrained: Option<f64>,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// What the interval is over: `test images`, `10 draws of the labels`.
    pub interval_over: String,
    /// Labelled training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// How the rest was decided: `penalty 0.01, picked on held-out training images`.
    pub note: String,
}

/// A row per protocol, with the encoder untrained where any row has it, under what `chance` gives. On a narrow page a
/// row becomes a block, its cells named by `data-label`.
pub(super) fn score_table(rows: &[ScoreRow], data: &str, chance: Option<f64>) -> Markup {
    let beside = rows.iter().any(|row| row.untrained.is_some());
    let headers: Vec<&str> =
        ["Top-1 in %", "Untrained in %", "Interval over", "Labels", "Test images", "How"]
            .into_iter()
            .filter(|header| beside || *header != "Untrained in %")
            .collect();
    html! {
        @if let Some(chance) = chance {
            p.chance {
                "Chance, which is naming the class of most training images always, gives " b { (percent(chance)) } " %"
                @if beside { "; untrained is the same encoder with random weights, judged in the same way" }
                "."
            }
        }
        table.results role="table" {
            caption { "Accuracy in % on test images of " (data) "; in brackets 95 % intervals." }
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Protocol" }
                    @for header in &headers { th scope="col" role="columnheader" { (header) } }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        th scope="row" role="rowheader" { (row.protocol) }
                        @for (label, cell) in headers.iter().copied().zip(cells(row, beside)) {
                            td role="cell" data-label=(label) { span { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

fn cells(row: &ScoreRow, beside: bool) -> Vec<Markup> {
    let mut cells = vec![with_interval(row.accuracy, row.interval)];
    if beside {
        cells.push(html! { @if let Some(untrained) = row.untrained { (percent(untrained)) } @else { "–" } });
    }
    cells.extend([
        html! { @if row.interval.is_some() { (row.interval_over) } @else { "–" } },
        html! { (thousands(row.n_train)) },
        html! { (thousands(row.n_test)) },
        html! { @if row.note.is_empty() { "–" } @else { (row.note) } },
    ]);
    cells
}

/// An accuracy in % and the ends of its interval, which do not come apart at a line end.
pub(in crate::report) fn with_interval(value: f64, interval: Option<(f64, f64)>) -> Markup {
    html! {
        b { (percent(value)) }
        @if let Some((low, high)) = interval {
            " " span.interval { "[" (percent(low)) ", " (percent(high)) "]" }
        }
    }
}
