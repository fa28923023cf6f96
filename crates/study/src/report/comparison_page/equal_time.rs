//! The arms at equal training time instead of equal updates.

use maud::{Markup, html};

use super::arm::distinct;
use super::results::{cell, seconds_text};
use super::{ArmScore, ComparisonPage};
use crate::answer::thousands;

/// Scores after the training time of the fastest arm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EqualTimeTable {
    /// That time.
    pub seconds: f64,
    /// Name of each arm, the updates that it has taken by then, and its scores.
    pub arms: Vec<(String, f64, Vec<ArmScore>)>,
}

/// A table for each data set.
pub(super) fn equal_time_tables(table: &EqualTimeTable, page: &ComparisonPage) -> Markup {
    let scores = || table.arms.iter().flat_map(|(_, _, scores)| scores);
    html! {
        p.fine {
            "After " (seconds_text(table.seconds)) " seconds of training, what the fastest arm takes for all its updates. "
            "Arms are judged on the way, with the learning rate where it then is; between two "
            "judgements their accuracy lies on the line between them. Intervals are over seeds."
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
                            td role="cell" data-label="Updates" { span { (thousands(steps.round() as usize)) } }
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
