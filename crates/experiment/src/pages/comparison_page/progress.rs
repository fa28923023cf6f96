//! Scores during training, over updates and over time.

use maud::{Markup, html};
use zview_probe::suite::metric::Metric;
use zview_report::ReportError;
use zview_report::figures::titled_plots;
use zview_report::legend::{LegendEntry, legend};
use zview_report::markers::{Marker, marker, series_marker};
use zview_report::plots::{Line, LinePlot, Scale, line_plot};

use super::ComparisonPage;
use super::arm::{distinct, finite, spoken};

/// How a score of some arms grew on one data set.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressFigure {
    /// The data set.
    pub data: String,
    /// How it was judged.
    pub metric: Metric,
    /// The arms.
    pub arms: Vec<ArmProgress>,
}

/// One arm's curve.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmProgress {
    /// The arm's name.
    pub arm: String,
    /// First steps first.
    pub points: Vec<ProgressPoint>,
}

/// The score after some training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProgressPoint {
    /// Updates so far.
    pub steps: u64,
    /// Training time so far, if it is known.
    pub seconds: Option<f64>,
    /// Mean over the seeds.
    pub value: f64,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

/// Two plots for each data set and measure; nothing without a curve.
pub(super) fn progress(page: &ComparisonPage) -> Result<Option<Markup>, ReportError> {
    let shown: Vec<&ProgressFigure> =
        page.progress.iter().filter(|figure| figure.arms.iter().any(|arm| !arm.points.is_empty())).collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let names = distinct(shown.iter().flat_map(|figure| figure.arms.iter().map(|arm| arm.arm.as_str())));
    let others: Vec<&str> = names.iter().copied().filter(|name| *name != page.reference).collect();
    let marker_of = |name: &str| match others.iter().position(|other| *other == name) {
        Some(position) => series_marker(position),
        None => marker(0),
    };
    let entries: Vec<LegendEntry> =
        names.iter().map(|name| LegendEntry::Line((*name).to_owned(), marker_of(name))).collect();
    let mut figures = Vec::new();
    for figure in shown {
        let title = format!("{} on {}", figure.metric.title, figure.data);
        figures.push((format!("{title}, over updates"), plot(figure, &title, "updates", &marker_of)?));
        if figure.arms.iter().flat_map(|arm| &arm.points).any(|point| point.seconds.is_some()) {
            figures
                .push((format!("{title}, over time"), plot(figure, &title, "training seconds", &marker_of)?));
        }
    }
    Ok(Some(html! {
        (legend(&entries))
        (titled_plots("figures pairwise", &figures))
    }))
}

fn plot(
    figure: &ProgressFigure,
    title: &str,
    x_label: &str,
    marker_of: &dyn Fn(&str) -> Marker,
) -> Result<String, ReportError> {
    let by_updates = x_label == "updates";
    let x = |point: &ProgressPoint| if by_updates { Some(point.steps as f64) } else { point.seconds };
    let line = |arm: &ArmProgress| {
        let points =
            arm.points.iter().filter_map(|point| Some((x(point)?, point.value, finite(point.interval))));
        Line { points: points.collect(), marker: marker_of(&arm.arm) }
    };
    let last = |arm: &ArmProgress| {
        let point = arm.points.last()?;
        Some(format!("{} {} at {:.0}", arm.arm, spoken(&figure.metric, point.value), x(point)?))
    };
    let ends: Vec<String> = figure.arms.iter().filter_map(last).collect();
    line_plot(&LinePlot {
        name: "scores during training",
        description: format!("{title} over {x_label}, at the end: {}", ends.join(", ")),
        x_label,
        values: figure.metric.axis(),
        scale: Scale::Linear,
        x_ticks: Vec::new(),
        lines: figure.arms.iter().map(line).collect(),
        levels: Vec::new(),
    })
}
