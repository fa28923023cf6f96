//! Telling images of other data sets from those of this one.

use maud::{Markup, html};

use super::scores::with_interval;
use crate::answer::{percent, thousands};

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
    html! {
        table.results role="table" {
            caption {
                "How well " (thousands(figure.n_inside)) " test images of " (data) " are told from images of another "
                "data set: AUROC in %, 50 is guessing, 100 never wrong. No outlier was seen before."
            }
            thead role="rowgroup" {
                tr role="row" {
                    @for header in ["Against", "AUROC", "By", "False positives", "Their images"] {
                        th scope="col" role="columnheader" { (header) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in &figure.rows {
                    tr role="row" {
                        th scope="row" role="rowheader" { (row.other) }
                        td role="cell" data-label="AUROC" { span { (with_interval(row.auroc, row.interval)) } }
                        td role="cell" data-label="By" { span { (row.score) } }
                        td role="cell" data-label="False positives" {
                            span {
                                @if let Some(share) = row.false_positives_at_95 { (percent(share)) " % at 95 % recall" }
                                @else { "–" }
                            }
                        }
                        td role="cell" data-label="Their images" { span { (thousands(row.n_outside)) } }
                    }
                }
            }
        }
    }
}
