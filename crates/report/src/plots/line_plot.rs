//! Lines over an even or logarithmic axis, with levels that they are compared with.

use plotters::element::{PathElement, Polygon, Rectangle};
use plotters::prelude::*;
use plotters::series::DashedLineSeries;

use super::canvas::{Area, Drawn, draw, draw_marker};
use super::log_plot::{LogPoint, ends, even_ticks};
use super::scale::Scale;
use super::value_axes::{HorizontalAxis, ValueAxis, values_over};
use crate::ReportError;
use crate::markers::Marker;

/// Points up to which each has a marker; of more, only the last.
const MARKED_MAX: usize = 20;

/// Lines and what their axes say.
#[derive(Debug, Clone)]
pub struct LinePlot<'a> {
    /// What it shows, for an error.
    pub name: &'static str,
    /// What it shows, for people who do not see it.
    pub description: String,
    /// Beside the horizontal axis.
    pub x_label: &'a str,
    /// What goes upwards.
    pub values: ValueAxis,
    /// How the horizontal axis is laid out.
    pub scale: Scale,
    /// Values named on the horizontal axis where there is room; round numbers where there are none.
    pub x_ticks: Vec<f64>,
    /// The lines.
    pub lines: Vec<Line>,
    /// The levels.
    pub levels: Vec<Level>,
}

/// One line; accuracies are 0 to 1.
#[derive(Debug, Clone)]
pub struct Line {
    /// x, value and its interval, smallest x first.
    pub points: Vec<LogPoint>,
    /// How it is drawn.
    pub marker: Marker,
}

/// A value that does not depend on x: a dashed line over the whole width.
#[derive(Debug, Clone)]
pub struct Level {
    /// The value.
    pub value: f64,
    /// Ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// Of the line and its band.
    pub colour: RGBColor,
}

/// Draws lines and levels, each with a band over its interval. Points without a place on the axis are left out.
pub fn line_plot(plot: &LinePlot<'_>) -> Result<String, ReportError> {
    draw(plot.name, &plot.description, 300, |root| lines(root, plot))
}

fn lines(root: &Area<'_>, plot: &LinePlot<'_>) -> Drawn {
    let placed: Vec<Vec<LogPoint>> = plot
        .lines
        .iter()
        .map(|line| {
            let places =
                line.points.iter().map(|&(x, value, interval)| (plot.scale.place(x), value, interval));
            places.filter(|(x, value, _)| x.is_finite() && value.is_finite()).collect()
        })
        .collect();
    let with_interval = |value: f64, interval: Option<(f64, f64)>| {
        let (low, high) = interval.unwrap_or((value, value));
        [value, low, high]
    };
    let of_lines = placed.iter().flatten().flat_map(|&(_, value, interval)| with_interval(value, interval));
    let of_levels = plot.levels.iter().flat_map(|level| with_interval(level.value, level.interval));
    let (low, high) = ends(of_lines.chain(of_levels), 0.05);
    let (left, right) = ends(placed.iter().flatten().map(|&(x, ..)| x), 0.05);
    let values =
        if plot.x_ticks.is_empty() { round_values(plot.scale, left, right) } else { plot.x_ticks.clone() };
    let x = HorizontalAxis { label: plot.x_label, scale: plot.scale, range: left..right, values: &values };
    let mut chart = values_over(root, &x, &plot.values, low..high)?;
    for level in &plot.levels {
        if let Some((from, to)) = level.interval {
            let band = level.colour.mix(0.13).filled();
            chart.draw_series([Rectangle::new([(left, from), (right, to)], band)])?;
        }
        let line = [(left, level.value), (right, level.value)];
        chart.draw_series(DashedLineSeries::new(line, 6, 4, level.colour.stroke_width(2)))?;
    }
    for (line, points) in plot.lines.iter().zip(&placed) {
        let marker = line.marker;
        let band: Vec<(f64, (f64, f64))> =
            points.iter().filter_map(|&(x, _, interval)| Some((x, interval?))).collect();
        if band.len() > 1 {
            let upper = band.iter().map(|&(x, (_, high))| (x, high));
            let lower = band.iter().rev().map(|&(x, (low, _))| (x, low));
            let corners: Vec<(f64, f64)> = upper.chain(lower).collect();
            chart.draw_series([Polygon::new(corners, marker.colour.mix(0.2).filled())])?;
        }
        let means: Vec<(f64, f64)> = points.iter().map(|&(x, value, _)| (x, value)).collect();
        let style = marker.colour.stroke_width(2);
        match marker.dashes {
            Some((dash, gap)) => {
                chart.draw_series(DashedLineSeries::new(means.clone(), dash, gap, style))?;
            }
            None => {
                chart.draw_series([PathElement::new(means.clone(), style)])?;
            }
        }
        let unmarked = if means.len() > MARKED_MAX { means.len() - 1 } else { 0 };
        for point in &means[unmarked..] {
            draw_marker(root, chart.backend_coord(point), marker)?;
        }
    }
    Ok(())
}

/// Round values between two places.
pub(super) fn round_values(scale: Scale, left: f64, right: f64) -> Vec<f64> {
    match scale {
        Scale::Linear => even_ticks(left, right),
        Scale::Logarithmic => {
            let powers = left.floor() as i32..=right.ceil() as i32;
            // Of a short axis also twice and five times the powers of ten.
            let factors: &[f64] = if right - left < 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let values =
                powers.flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)));
            values.filter(|value| (left..=right).contains(&value.log10())).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::INK;
    use super::*;
    use crate::markers::series_marker;

    fn plot(scale: Scale, xs: &[f64]) -> LinePlot<'static> {
        LinePlot {
            name: "x",
            description: "a <plot>".to_owned(),
            x_label: "views.std",
            values: ValueAxis::Accuracy,
            scale,
            x_ticks: xs.to_vec(),
            lines: vec![Line {
                points: xs.iter().map(|&x| (x, 0.5, Some((0.4, 0.6)))).collect(),
                marker: series_marker(0),
            }],
            levels: vec![Level { value: 0.55, interval: Some((0.5, 0.6)), colour: INK }],
        }
    }

    #[test]
    fn a_line_has_a_band_and_markers_and_the_level_is_dashed() {
        let svg = line_plot(&plot(Scale::Linear, &[0.0, 0.5, 1.0])).unwrap();
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        assert!(svg.contains("<polygon") && svg.contains("\n0.5\n") && !svg.contains("<plot>"), "{svg}");
        let x = |svg: &str, point: usize| -> f64 {
            let circle = svg.split("<circle cx=\"").nth(point + 1).unwrap();
            circle.split('"').next().unwrap().parse().unwrap()
        };
        assert!((x(&svg, 1) - 0.5 * (x(&svg, 0) + x(&svg, 2))).abs() <= 1.0);
        let log = line_plot(&plot(Scale::Logarithmic, &[10.0, 100.0, 1_000.0])).unwrap();
        assert!(
            (x(&log, 1) - 0.5 * (x(&log, 0) + x(&log, 2))).abs() <= 1.0 && log.contains("\n1,000\n"),
            "{log}"
        );
    }

    #[test]
    fn what_has_no_place_is_left_out() {
        let svg = line_plot(&plot(Scale::Logarithmic, &[0.0, 5.0])).unwrap();
        assert!(svg.matches("<circle").count() == 1 && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(line_plot(&LinePlot { lines: vec![], levels: vec![], ..plot(Scale::Linear, &[]) }).is_ok());
        assert_eq!(round_values(Scale::Logarithmic, 0.9, 2.1), [10.0, 20.0, 50.0, 100.0]);
    }
}
