//! Telling images of other data sets from those of this one.

use maud::{Markup, html};
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::table::{Row, Table, or_dash, table};

/// Other data sets, told from this one by distance in feature space.
#[derive(Debug, Clone, PartialEq)]
pub struct OutlierFigure {
    /// A row per other data set and score.
    pub rows: Vec<OutlierRow>,
    /// Test images of this data set.
    pub n_inside: usize,
}

/// One other data set.
#[derive(Debug, Clone, PartialEq)]
pub struct OutlierRow {
    /// The other data set.
    pub other: String,
    /// What tells the two apart: `distance to the 10th neighbour`.
    pub score: String,
    /// Area under the receiver operating characteristic, 0 to 1; 0.5 is guessing.
    pub auroc: f64,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// The share of outliers taken for this data set where 95 % of its own images are.
    pub false_positives_at_95: Option<f64>,
    /// Images of the other data set.
    pub n_outside: usize,
}

/// A row per other data set.
pub(super) fn outliers(figure: &OutlierFigure, data: &str) -> Markup {
    let row = |row: &OutlierRow| {
        let taken = row.false_positives_at_95.map(|share| format!("{} % at 95 % recall", percent(share)));
        let cells = [
            shown_with_interval(row.auroc, row.interval, percent),
            html! { (row.score) },
            or_dash(taken),
            html! { (thousands(row.n_outside)) },
        ];
        Row::new(&row.other, cells)
    };
    table(&Table {
        caption: Some(html! {
            "How well " (thousands(figure.n_inside)) " test images of " (data) " are told from images of another "
            "data set: AUROC in %, 50 is guessing, 100 never wrong. No outlier was seen before."
        }),
        headers: vec!["Against", "AUROC", "By", "False positives", "Their images"],
        rows: figure.rows.iter().map(row).collect(),
        ..Table::default()
    })
}
