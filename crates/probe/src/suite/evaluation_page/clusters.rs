//! Clusters found without labels, judged by themselves and by the labels.

use maud::{Markup, html};
use zview_report::numbers::thousands;

/// How good clusters are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFigure {
    /// Clusters.
    pub clusters: usize,
    /// Training images that they were found among.
    pub n_train: usize,
    /// Test images that were given to the nearest cluster.
    pub n_test: usize,
    /// What was measured, of the training images, and of the test images.
    pub rows: Vec<(String, String, String)>,
}

/// A row per measure.
pub(super) fn clusters(figure: &ClusterFigure) -> Markup {
    html! {
        p {
            (figure.clusters) " clusters, found among the " (thousands(figure.n_train)) " training images without their "
            "labels; " (thousands(figure.n_test)) " test images belong to the nearest."
        }
        table {
            thead { tr { th scope="col" { "Measure" } th scope="col" { "Training" } th scope="col" { "Test" } } }
            tbody {
                @for (name, train, test) in &figure.rows { tr { th scope="row" { (name) } td { (train) } td { (test) } } }
            }
        }
    }
}
