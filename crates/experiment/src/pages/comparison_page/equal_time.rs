//! The arms at equal training time instead of equal updates.

use maud::{Markup, html};
use zview_probe::suite::metric::Metric;
use zview_report::numbers::thousands;
use zview_report::table::{Row, Table, or_dash, table};

use super::arm::{distinct, metrics_of};
use super::results::{cell, seconds_text};
use super::{ComparisonPage, ShownScore};

/// Scores of schedules as long as the reference's in time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EqualTimeTable {
    /// That time.
    pub seconds: f64,
    /// Name of each arm, the updates of its schedule, and its scores.
    pub arms: Vec<EqualTimeArm>,
}

/// Name of an arm, the updates of its schedule, and its scores.
type EqualTimeArm = (String, u64, Vec<ShownScore>);

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
            @let metrics = metrics_of(scores(), Some(data));
            (table(&Table {
                class: "arms",
                caption: Some(html! { "On test images of " b { (data) } "." }),
                headers: ["Arm", "Updates"].into_iter().chain(metrics.iter().map(|metric| &*metric.title)).collect(),
                rows: of.arms.iter().map(|arm| row(arm, data, &metrics, &page.reference)).collect(),
            }))
        }
    }
}

fn row((name, steps, scores): &EqualTimeArm, data: &str, metrics: &[&Metric], reference: &str) -> Row {
    let reference = name == reference;
    let score = |metric: &&Metric| {
        let score = scores.iter().find(|shown| shown.data == data && shown.score.metric.key == metric.key);
        or_dash(score.map(|score| cell(score, reference)))
    };
    let updates = html! { (thousands(*steps as usize)) };
    Row { reference, ..Row::new(name, std::iter::once(updates).chain(metrics.iter().map(score))) }
}
