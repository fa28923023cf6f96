//! Scores along the series of arms that differ in one number.

use maud::{Markup, PreEscaped, html};
use zview_probe::suite::metric::Metric;
use zview_report::ReportError;
use zview_report::legend::{LegendEntry, legend};
use zview_report::markers::{Marker, marker, series_marker};
use zview_report::numbers::short_number;
use zview_report::plots::{Level, Line, LinePlot, Scale, line_plot};

use super::arm::{data_sets, distinct, finite, metrics, spoken};
use super::{ComparedArm, ComparisonPage};

/// A series, what changes along it, and its arms, smallest value first.
struct Series<'a> {
    name: &'a str,
    key: &'a str,
    arms: Vec<(f64, &'a ComparedArm)>,
}

/// A part for each series of at least two arms; nothing without one.
pub(super) fn axis_parts(page: &ComparisonPage) -> Result<Option<Markup>, ReportError> {
    let series = series_of(&page.arms);
    if series.is_empty() {
        return Ok(None);
    }
    let parts: Vec<Markup> = series.iter().map(|series| part(page, series)).collect::<Result<_, _>>()?;
    Ok(Some(html! { @for part in &parts { (part) } }))
}

fn series_of(arms: &[ComparedArm]) -> Vec<Series<'_>> {
    let mut found = Vec::new();
    for name in distinct(arms.iter().map(|arm| arm.series.as_str())) {
        let of_series = || arms.iter().filter(|arm| arm.series == name);
        for key in distinct(of_series().filter_map(|arm| arm.axis.as_ref().map(|axis| axis.key.as_str()))) {
            let value =
                |arm: &ComparedArm| arm.axis.as_ref().filter(|axis| axis.key == key).map(|axis| axis.value);
            let mut arms: Vec<(f64, &ComparedArm)> = of_series()
                .filter(|arm| !arm.scores.is_empty())
                .filter_map(|arm| Some((value(arm)?, arm)))
                .collect();
            arms.sort_by(|one, other| one.0.total_cmp(&other.0));
            if arms.len() > 1 {
                found.push(Series { name, key, arms });
            }
        }
    }
    found
}

fn part(page: &ComparisonPage, series: &Series<'_>) -> Result<Markup, ReportError> {
    let values: Vec<f64> = series.arms.iter().map(|&(value, _)| value).collect();
    let scale = Scale::of(&values);
    let of_series: Vec<ComparedArm> = series.arms.iter().map(|&(_, arm)| arm.clone()).collect();
    let sets = data_sets(&of_series);
    let mut figures = Vec::new();
    for metric in metrics(&of_series, None) {
        let plot = plot(page, series, metric, &sets, scale, &values);
        figures.push((&metric.title, line_plot(&plot)?));
    }
    let several = sets.len() > 1;
    let entries: Vec<LegendEntry> = sets
        .iter()
        .enumerate()
        .flat_map(|(position, data)| {
            let colour = if several { series_marker(position).colour } else { marker(0).colour };
            let (line, level) = if several {
                ((*data).to_owned(), format!("{} on {data}", page.reference))
            } else {
                (series.name.to_owned(), page.reference.clone())
            };
            let level = has_level(page, data).then_some(LegendEntry::Level(level, colour));
            [LegendEntry::Line(line, solid(position))].into_iter().chain(level)
        })
        .collect();
    Ok(html! {
        section {
            h3 { (series.name) " over " code { (series.key) } }
            (legend(&entries))
            div.figures {
                @for (title, svg) in &figures { figure { h4 { (title) } (PreEscaped(svg)) } }
            }
            p.fine {
                "Mean over the seeds of the arms " (series.name) " at each value of " code { (series.key) }
                @if scale == Scale::Logarithmic { " (logarithmic axis)" }
                "; bands: " (page.intervals_text()) "."
            }
        }
    })
}

/// The marker of a data set, with a solid line: dashes are for the reference.
fn solid(position: usize) -> Marker {
    Marker { dashes: None, ..series_marker(position) }
}

fn reference_of(page: &ComparisonPage) -> Option<&ComparedArm> {
    page.arms.iter().find(|arm| arm.name == page.reference)
}

fn has_level(page: &ComparisonPage, data: &str) -> bool {
    reference_of(page).is_some_and(|arm| arm.scores.iter().any(|score| score.data == data))
}

fn plot<'a>(
    page: &ComparisonPage,
    series: &Series<'a>,
    metric: &Metric,
    sets: &[&str],
    scale: Scale,
    values: &[f64],
) -> LinePlot<'a> {
    let (mut lines, mut levels, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (position, data) in sets.iter().enumerate() {
        let points: Vec<_> = series
            .arms
            .iter()
            .filter_map(|&(value, arm)| {
                let score = arm.score(data, &metric.key)?;
                Some((value, score.mean, finite(score.interval())))
            })
            .collect();
        let of_points: Vec<String> = points
            .iter()
            .map(|&(x, value, _)| format!("{} at {}", spoken(metric, value), short_number(x)))
            .collect();
        let level = reference_of(page).and_then(|arm| arm.score(data, &metric.key));
        let of_level = level.map(|score| format!("; {} {}", page.reference, spoken(metric, score.mean)));
        told.push(format!("{data}: {}{}", of_points.join(", "), of_level.unwrap_or_default()));
        lines.push(Line { points, marker: solid(position) });
        levels.extend(level.map(|score| Level {
            value: score.mean,
            interval: finite(score.interval()),
            colour: if sets.len() > 1 { solid(position).colour } else { marker(0).colour },
        }));
    }
    LinePlot {
        name: "scores along a series",
        description: format!("{} of {} over {}. {}", metric.title, series.name, series.key, told.join(". ")),
        x_label: series.key,
        values: metric.axis(),
        scale,
        x_ticks: values.to_vec(),
        lines,
        levels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::comparison_page::ArmAxis;
    use crate::pages::comparison_page::page::tests::score;

    #[test]
    fn a_series_is_sorted_and_one_arm_is_none() {
        let arm = |series: &str, key: &str, value: f64| ComparedArm {
            name: format!("{series}-{value}"),
            series: series.to_owned(),
            axis: Some(ArmAxis { key: key.to_owned(), value }),
            scores: vec![score("d", 0.9, None)],
            ..ComparedArm::default()
        };
        let open = ComparedArm { scores: Vec::new(), ..arm("gaussian", "views.std", 2.0) };
        let arms = [
            open,
            arm("gaussian", "views.std", 0.5),
            arm("hybrid", "source.real_share", 0.5),
            ComparedArm { series: "gaussian".to_owned(), ..ComparedArm::default() },
            arm("gaussian", "views.std", 0.1),
        ];
        let series = series_of(&arms);
        assert_eq!(series.len(), 1);
        let values: Vec<f64> = series[0].arms.iter().map(|&(value, _)| value).collect();
        assert_eq!((series[0].key, values), ("views.std", vec![0.1, 0.5]));
    }
}
