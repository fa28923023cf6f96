//! The arms at equal training time instead of equal updates.

use maud::{Markup, html};

use super::arm::distinct;
use super::results::{cell, seconds_text};
use super::{ArmScore, ComparisonPage};
use crate::answer::thousands;

/// Scores of schedules as long as the reference's in time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EqualTimeTable {
    /// That time.
    pub seconds: f64,
    /// Name of each arm, the updates of its schedule, and its scores.
    pub arms: Vec<(String, u64, Vec<ArmScore>)>,
}

/// A table for each data set.
pub(super) fn equal_time_tables(table: &EqualTimeTable, page: &ComparisonPage) -> Markup {
    let scores = || table.arms.iter().flat_map(|(_, _, scores)| scores);
    html! {
        p.fine {
            "Every other arm was trained once more, with as many updates as fit into the " (seconds_text(table.seconds))
            " seconds that " (page.reference) " takes, and a schedule of that length. What an update takes was measured in "
            "turns with one of " (page.reference) "."
        }
        @for data in distinct(scores().map(|score| score.data.as_str())) {
            @let measures = distinct(scores().filter(|score| score.data == data).map(|score| score.measure.as_str()));
            table.results.arms role="table" {
                caption { "On test images of " b { (data) } "." }
                thead role="rowgroup" {
                    tr role="row" {
                        th scope="col" role="columnheader" { "Arm" }
                        th scope="col" role="columnheader" { "Updates" }
                        @for measure in &measures { th scope="col" role="columnheader" { (measure) } }
                    }
                }
                tbody role="rowgroup" {
                    @for (name, steps, scores) in &table.arms {
                        tr.reference[*name == page.reference] role="row" {
                            th scope="row" role="rowheader" { (name) }
                            td role="cell" data-label="Updates" { span { (thousands(*steps as usize)) } }
                            @for measure in &measures {
                                td role="cell" data-label=(measure) {
                                    span {
                                        @match scores.iter().find(|of| of.data == data && of.measure == *measure) {
                                            Some(score) => { (cell(score, *name == page.reference)) }
                                            None => "–",
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
