//! Scores against training time: what equal updates cost.

use maud::{Markup, html};
use zview_probe::suite::metric::Metric;
use zview_report::ReportError;
use zview_report::figures::titled_plots;
use zview_report::legend::{LegendEntry, legend};
use zview_report::markers::Marker;
use zview_report::numbers::short_number;
use zview_report::plots::{Scale, ScatterGroup, ScatterPlot, ScatterPoint, scatter_plot};

use super::arm::{arm_markers, data_sets, distinct, finite, metrics, spoken};
use super::{ComparedArm, ComparisonPage};

/// A plot for each data set, by its first metric; nothing unless two arms have a training time.
pub(super) fn training_time(page: &ComparisonPage) -> Result<Option<Markup>, ReportError> {
    let seconds = |arm: &ComparedArm| arm.seconds.filter(|seconds| *seconds > 0.0);
    let times: Vec<f64> = page.arms.iter().filter_map(seconds).collect();
    if times.len() < 2 {
        return Ok(None);
    }
    let scale = Scale::of(&times);
    let timed: Vec<(&ComparedArm, Marker)> = page
        .arms
        .iter()
        .zip(arm_markers(&page.arms, &page.reference))
        .filter(|(arm, _)| seconds(arm).is_some())
        .collect();
    let mut figures = Vec::new();
    for data in data_sets(&page.arms) {
        let Some(&metric) = metrics(&page.arms, Some(data)).first() else { continue };
        let title = format!("{} on {data}", metric.title);
        let svg = scatter_plot(&ScatterPlot {
            name: "scores against training time",
            description: format!("{title}: {}", all_spoken(&timed, data, metric)),
            x_label: "training seconds",
            values: metric.axis(),
            scale,
            groups: groups(&timed, page, data, &metric.key),
        })?;
        figures.push((title, svg));
    }
    let left_out: Vec<&str> =
        page.arms.iter().filter(|arm| seconds(arm).is_none()).map(|arm| arm.name.as_str()).collect();
    Ok(Some(html! {
        (legend(&entries(&timed, page)))
        (titled_plots("figures pairwise", &figures))
        p.fine {
            "Training seconds of one seed, median over the seeds"
            @if scale == Scale::Logarithmic { " (logarithmic axis)" }
            "; vertical lines: " (page.intervals_text()) ". Arms of one series are joined and have their value as name."
            @if page.machines.len() > 1 { " Cells ran on different machines, so seconds are not fully comparable." }
            @if !left_out.is_empty() { " Without a training time: " (left_out.join(", ")) "." }
        }
    }))
}

/// Arms that are joined: those on an axis, unless they are the reference.
fn joined(arm: &ComparedArm, page: &ComparisonPage) -> bool {
    arm.axis.is_some() && arm.name != page.reference
}

fn groups(
    timed: &[(&ComparedArm, Marker)],
    page: &ComparisonPage,
    data: &str,
    key: &str,
) -> Vec<ScatterGroup> {
    let point = |arm: &ComparedArm| {
        let score = arm.score(data, key)?;
        let name = match &arm.axis {
            Some(axis) if joined(arm, page) => short_number(axis.value),
            _ => arm.name.clone(),
        };
        Some(ScatterPoint { x: arm.seconds?, value: score.mean, interval: finite(score.interval()), name })
    };
    let on_axis = || timed.iter().filter(|(arm, _)| joined(arm, page));
    let mut groups: Vec<ScatterGroup> = timed
        .iter()
        .filter(|(arm, _)| !joined(arm, page))
        .filter_map(|&(arm, marker)| Some(ScatterGroup { marker, points: vec![point(arm)?] }))
        .collect();
    for series in distinct(on_axis().map(|(arm, _)| arm.series.as_str())) {
        let mut of_series: Vec<&(&ComparedArm, Marker)> =
            on_axis().filter(|(arm, _)| arm.series == series).collect();
        let value = |arm: &ComparedArm| arm.axis.as_ref().map_or(0.0, |axis| axis.value);
        of_series.sort_by(|one, other| value(one.0).total_cmp(&value(other.0)));
        if let Some(&&(_, marker)) = of_series.first() {
            groups.push(ScatterGroup {
                marker,
                points: of_series.iter().filter_map(|(arm, _)| point(arm)).collect(),
            });
        }
    }
    groups
}

/// The series whose points carry values instead of names.
fn entries(timed: &[(&ComparedArm, Marker)], page: &ComparisonPage) -> Vec<LegendEntry> {
    let on_axis = || timed.iter().filter(|(arm, _)| joined(arm, page));
    let series = distinct(on_axis().map(|(arm, _)| arm.series.as_str()));
    let entry = |series: &str| {
        let &(arm, marker) = on_axis().find(|(arm, _)| arm.series == series)?;
        let key = arm.axis.as_ref().map_or("", |axis| axis.key.as_str());
        Some(LegendEntry::Point(format!("{series}, by {key}"), marker))
    };
    series.into_iter().filter_map(entry).collect()
}

fn all_spoken(timed: &[(&ComparedArm, Marker)], data: &str, metric: &Metric) -> String {
    let point = |(arm, _): &(&ComparedArm, Marker)| {
        let score = arm.score(data, &metric.key)?;
        Some(format!("{} {} after {:.0} s", arm.name, spoken(metric, score.mean), arm.seconds?))
    };
    timed.iter().filter_map(point).collect::<Vec<_>>().join(", ")
}
