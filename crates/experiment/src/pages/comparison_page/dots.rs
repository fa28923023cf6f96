//! A plot of the arms for each data set and metric.

use maud::{Markup, html};
use zview_probe::suite::metric::Metric;
use zview_report::ReportError;
use zview_report::figures::titled_plots;
use zview_report::plots::{ArmRow, arm_plot};

use super::ComparisonPage;
use super::arm::{arm_markers, data_sets, finite, metrics, spoken};

/// Scores by arm.
pub(super) fn dot_plots(page: &ComparisonPage) -> Result<Markup, ReportError> {
    let markers = arm_markers(&page.arms, &page.reference);
    let mut figures = Vec::new();
    for data in data_sets(&page.arms) {
        for metric in metrics(&page.arms, Some(data)) {
            let row = |(arm, &marker): (&super::ComparedArm, _)| {
                let score = arm.score(data, &metric.key).filter(|score| score.mean.is_finite())?;
                Some(ArmRow {
                    name: arm.name.clone(),
                    value: score.mean,
                    interval: finite(score.interval()),
                    seeds: score.seeds.iter().copied().filter(|seed| seed.is_finite()).collect(),
                    marker,
                    reference: arm.name == page.reference,
                })
            };
            let rows: Vec<ArmRow> = page.arms.iter().zip(&markers).filter_map(row).collect();
            let title = format!("{} on {data}", metric.title);
            let svg = arm_plot(&format!("{title}: {}", rows_spoken(metric, &rows)), &metric.axis(), &rows)?;
            figures.push((title, svg));
        }
    }
    Ok(html! {
        p.fine {
            "Marker: mean over the seeds; line: " (page.intervals_text()) "; small dots: single seeds. The dashed line and the "
            "grey band are " b { (page.reference) } ". Each plot has its own axis."
        }
        (titled_plots("figures", &figures))
    })
}

/// The rows of a plot, for people who do not see it.
fn rows_spoken(metric: &Metric, rows: &[ArmRow]) -> String {
    let row = |row: &ArmRow| format!("{} {}", row.name, spoken(metric, row.value));
    rows.iter().map(row).collect::<Vec<_>>().join(", ")
}
