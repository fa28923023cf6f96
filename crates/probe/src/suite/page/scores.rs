//! The table of accuracies of one data set.

use maud::{Markup, html};
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::table::{Row, Table, or_dash, table};

use crate::suite::metric::Score;
use crate::suite::set_evaluation::Beside;

/// A row per protocol, with the encoder untrained where any row has it, under what `chance` gives.
pub(super) fn score_table(rows: &[Score], data: &str, stands: Option<&Beside>) -> Markup {
    let chance = stands.map(|stands| stands.chance);
    let untrained = stands.and_then(|stands| stands.untrained.as_ref());
    let of_untrained = |row: &Score| untrained.and_then(|of| of.get(&row.metric.key)).copied();
    let beside = rows.iter().any(|row| of_untrained(row).is_some());
    let headers =
        ["Protocol", "Top-1 in %", "Untrained in %", "Interval over", "Labels", "Test images", "How"];
    let scores = Table {
        caption: Some(html! { "Accuracy in % on test images of " (data) "; in brackets 95 % intervals." }),
        headers: headers.into_iter().filter(|header| beside || *header != "Untrained in %").collect(),
        rows: rows
            .iter()
            .map(|row| Row::new(&row.metric.title, cells(row, beside.then(|| of_untrained(row)))))
            .collect(),
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

/// The cells of a row, with that of the untrained encoder where any row has one.
fn cells(row: &Score, untrained: Option<Option<f64>>) -> Vec<Markup> {
    let mut cells = vec![shown_with_interval(row.value, row.interval, percent)];
    if let Some(untrained) = untrained {
        cells.push(or_dash(untrained.map(percent)));
    }
    cells.extend([
        or_dash(row.interval.map(|_| &row.over)),
        html! { (thousands(row.n_train)) },
        html! { (thousands(row.n_test)) },
        or_dash((!row.note.is_empty()).then_some(&row.note)),
    ]);
    cells
}
