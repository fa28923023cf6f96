//! The table of accuracies of one data set.

use maud::{Markup, html};
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::table::{Row, Table, or_dash, table};

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

/// A row per protocol, with the encoder untrained where any row has it, under what `chance` gives.
pub(super) fn score_table(rows: &[ScoreRow], data: &str, chance: Option<f64>) -> Markup {
    let beside = rows.iter().any(|row| row.untrained.is_some());
    let headers =
        ["Protocol", "Top-1 in %", "Untrained in %", "Interval over", "Labels", "Test images", "How"];
    let scores = Table {
        caption: Some(html! { "Accuracy in % on test images of " (data) "; in brackets 95 % intervals." }),
        headers: headers.into_iter().filter(|header| beside || *header != "Untrained in %").collect(),
        rows: rows.iter().map(|row| Row::new(&row.protocol, cells(row, beside))).collect(),
        ..Table::default()
    };
    html! {
        @if let Some(chance) = chance {
            p.chance {
                "Chance, which is naming the class of most training images always, gives " b { (percent(chance)) } " %"
                @if beside { "; untrained is the same encoder with random weights, judged in the same way" }
                "."
            }
        }
        (table(&scores))
    }
}

fn cells(row: &ScoreRow, beside: bool) -> Vec<Markup> {
    let mut cells = vec![shown_with_interval(row.accuracy, row.interval, percent)];
    if beside {
        cells.push(or_dash(row.untrained.map(percent)));
    }
    cells.extend([
        or_dash(row.interval.map(|_| &row.interval_over)),
        html! { (thousands(row.n_train)) },
        html! { (thousands(row.n_test)) },
        or_dash((!row.note.is_empty()).then_some(&row.note)),
    ]);
    cells
}
