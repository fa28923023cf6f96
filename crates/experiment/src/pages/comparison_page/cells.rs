//! Cells without a result.

use maud::{Markup, html};
use zview_report::table::{Row, Table, or_dash, table};

use super::ComparisonPage;

/// A cell that ended with an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedCell {
    /// Its number.
    pub cell: usize,
    /// Its arm.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// What it said.
    pub error: String,
}

/// A cell that has not been finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingCell {
    /// Its number.
    pub cell: usize,
    /// Its arm.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// `begun` or `absent`.
    pub state: String,
}

/// Failed and missing cells, with what they leave out of the numbers.
pub(super) fn cells_without_result(page: &ComparisonPage) -> Markup {
    let failed = page.failed.iter().map(|cell| (cell.cell, &cell.arm, cell.seed, "failed", &cell.error));
    let none = String::new();
    let missing =
        page.missing.iter().map(|cell| (cell.cell, &cell.arm, cell.seed, cell.state.as_str(), &none));
    let row = |(cell, arm, seed, state, error): (usize, &String, u64, &str, &String)| {
        let error = or_dash((!error.is_empty()).then_some(error));
        Row::new(
            format!("cell {cell}"),
            [html! { (arm) }, html! { (seed) }, html! { (state) }, html! { span.error { (error) } }],
        )
    };
    html! {
        p {
            "⚠ These runs are not in the numbers above, which are of the other seeds. Running the comparison again "
            "continues with them."
        }
        (table(&Table {
            headers: vec!["Cell", "Arm", "Seed", "State", "Error"],
            rows: failed.chain(missing).map(row).collect(),
            ..Table::default()
        }))
    }
}
