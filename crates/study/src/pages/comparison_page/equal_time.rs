//! The arms at equal training time instead of equal updates.

use maud::{Markup, html};
use zview_report::numbers::thousands;
use zview_report::table::{Row, Table, or_dash, table};

use super::arm::distinct;
use super::results::{cell, seconds_text};
use super::{ArmScore, ComparisonPage};

/// Scores of schedules as long as the reference's in time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EqualTimeTable {
    /// That time.
    pub seconds: f64,
    /// Name of each arm, the updates of its schedule, and its scores.
    pub arms: Vec<EqualTimeArm>,
}

/// Name of an arm, the updates of its schedule, and its scores.
type EqualTimeArm = (String, u64, Vec<ArmScore>);

/// A table for each data set.
pub(super) fn equal_time_tables(of: &EqualTimeTable, page: &ComparisonPage) -> Markup {
    let scores = || of.arms.iter().flat_map(|(_, _, scores)| scores);
    html! {
        p.fine {
            "Every other arm was trained once more, with as many updates as fit into the " (seconds_text(of.seconds))
            " seconds that " (page.reference) " takes, and a schedule of that length. What an update takes was measured in "
            "turns with one of " (page.reference) "."
        }
        @for data in distinct(scores().map(|score| score.data.as_str())) {
            @let measures = distinct(scores().filter(|score| score.data == data).map(|score| score.measure.as_str()));
            (table(&Table {
                class: "arms",
                caption: Some(html! { "On test images of " b { (data) } "." }),
                headers: ["Arm", "Updates"].into_iter().chain(measures.iter().copied()).collect(),
                rows: of.arms.iter().map(|arm| row(arm, data, &measures, &page.reference)).collect(),
            }))
        }
    }
}

fn row((name, steps, scores): &EqualTimeArm, data: &str, measures: &[&str], reference: &str) -> Row {
    let reference = name == reference;
    let score = |measure: &&str| {
        let score = scores.iter().find(|score| score.data == data && score.measure == *measure);
        or_dash(score.map(|score| cell(score, reference)))
    };
    let updates = html! { (thousands(*steps as usize)) };
    Row { reference, ..Row::new(name, std::iter::once(updates).chain(measures.iter().map(score))) }
}
