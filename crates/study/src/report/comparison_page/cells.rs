//! Cells without a result.

use maud::{Markup, html};

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
    let headers = ["Arm", "Seed", "State", "Error"];
    html! {
        p {
            "⚠ These runs are not in the numbers above, which are of the other seeds. Running the comparison again "
            "continues with them."
        }
        table.results role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Cell" }
                    @for header in headers { th scope="col" role="columnheader" { (header) } }
                }
            }
            tbody role="rowgroup" {
                @for (cell, arm, seed, state, error) in failed.chain(missing) {
                    tr role="row" {
                        th scope="row" role="rowheader" { "cell " (cell) }
                        td role="cell" data-label="Arm" { span { (arm) } }
                        td role="cell" data-label="Seed" { span { (seed) } }
                        td role="cell" data-label="State" { span { (state) } }
                        td role="cell" data-label="Error" {
                            span.error { @if error.is_empty() { "–" } @else { (error) } }
                        }
                    }
                }
            }
        }
    }
}
