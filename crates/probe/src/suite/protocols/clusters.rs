//! Clusters found without labels, judged by themselves and by the labels.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use zview_features::clusters::{ClusterQuality, cluster_quality};
use zview_report::numbers::thousands;

use super::Outcomes;
use crate::ProbeError;
use crate::suite::SuiteError;
use crate::suite::metric::{Better, Metric, Score, Unit};
use crate::suite::protocol::{Bench, Protocol, Section};
use crate::suite::set_evaluation::SetEvaluation;

/// k-means on the training features.
pub struct Clusters;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// How good the clusters are.
    pub clusters: ClusterQuality,
}

impl Protocol for Clusters {
    type Outcome = Outcome;
    const KEY: &'static str = "clusters";
    const READS: &'static [&'static str] = &["clusters"];

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let clusters = cluster_quality(&bench.encoded.train, &bench.encoded.test, &bench.config.clusters)?;
        Ok(Some(Outcome { clusters }))
    }

    fn scores(Outcome { clusters }: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let of = |key, title, number, value| {
            set.score(Metric::other(key, title, Unit::Number, Better::Higher, (11, number)), value)
        };
        let silhouette = clusters.silhouette;
        let (test, name) = (&clusters.test, "Normalised mutual information of clusters");
        [
            of("clusters_adjusted_rand", "Adjusted Rand index of clusters", 1.0, test.adjusted_rand),
            of("clusters_mutual_information", name, 2.0, test.normalised_mutual_information),
        ]
        .into_iter()
        .chain(silhouette.map(|value| of("silhouette", "Silhouette of clusters", 0.0, value)))
        .collect()
    }

    fn lines(Outcome { clusters }: &Outcome) -> Vec<(String, String)> {
        let silhouette =
            clusters.silhouette.map_or_else(String::new, |value| format!("silhouette {value:.3}, "));
        let found = clusters.clusters;
        let text =
            format!("{found} found without labels: {silhouette}see --json for agreement with the labels");
        vec![("clusters".to_owned(), text)]
    }

    fn sections(found: &Outcome, _: &Bench<'_>, _: &SetEvaluation) -> Result<Vec<Section>, SuiteError> {
        let content = figure(&found.clusters);
        Ok(vec![Section { place: 70, heading: "Clusters", content }])
    }
}

/// A row per measure.
fn figure(clusters: &ClusterQuality) -> Markup {
    let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let (train, test) = (&clusters.train, &clusters.test);
    let both = |train: f64, test: f64| [share(Some(train)), share(Some(test))];
    let rows = [
        ("silhouette", [share(clusters.silhouette), share(None)]),
        ("Davies-Bouldin index (lower is better)", [share(clusters.davies_bouldin), share(None)]),
        ("adjusted Rand index", both(train.adjusted_rand, test.adjusted_rand)),
        (
            "normalised mutual information",
            both(train.normalised_mutual_information, test.normalised_mutual_information),
        ),
        ("accuracy under the best matching", both(train.accuracy, test.accuracy)),
    ];
    html! {
        p {
            (clusters.clusters) " clusters, found among the " (thousands(clusters.n_train))
            " training images without their labels; " (thousands(clusters.n_test))
            " test images belong to the nearest."
        }
        table {
            thead { tr { th scope="col" { "Measure" } th scope="col" { "Training" } th scope="col" { "Test" } } }
            tbody {
                @for (name, [train, test]) in &rows { tr { th scope="row" { (name) } td { (train) } td { (test) } } }
            }
        }
    }
}
