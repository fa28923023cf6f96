//! Curves over a logarithmic axis.

use plotters::element::{PathElement, Polygon};
use plotters::prelude::*;
use plotters::series::DashedLineSeries;

use super::canvas::{Area, Drawn, GREY, INK, LEGEND_HEIGHT, draw, draw_marker, legend_entry, text};
use super::ticked_axis::TickedAxis;
use crate::ReportError;
use crate::markers::marker;

/// Points up to which each has a marker.
const MARKED_MAX: usize = 20;

/// Curves and what their axes say.
#[derive(Debug, Clone)]
pub struct LogPlot<'a> {
    /// What it shows, for an error.
    pub name: &'static str,
    /// What it shows, for people who do not see it.
    pub description: String,
    /// Beside the horizontal axis.
    pub x_label: &'a str,
    /// Beside the vertical axis.
    pub y_label: &'a str,
    /// Whether the vertical axis is logarithmic too.
    pub y_log: bool,
    /// Numbers named on the horizontal axis; powers of ten where there are none.
    pub x_ticks: Vec<f64>,
    /// The curves.
    pub curves: Vec<LogCurve>,
}

/// One curve.
#[derive(Debug, Clone)]
pub struct LogCurve {
    /// What the legend calls it.
    pub name: String,
    /// Smallest x first.
    pub points: Vec<LogPoint>,
}

/// x (above 0), y, and the ends of y's interval.
pub type LogPoint = (f64, f64, Option<(f64, f64)>);

/// Draws the curves, each with a band over its intervals. Points that a logarithm does not take are left out.
pub fn log_plot(plot: &LogPlot<'_>) -> Result<String, ReportError> {
    draw(plot.name, &plot.description, 310, |root| curves(root, plot))
}

/// A curve in the plane that is drawn on.
struct Scaled {
    line: Vec<(f64, f64)>,
    /// x, low and high.
    band: Vec<(f64, f64, f64)>,
}

fn curves(root: &Area<'_>, plot: &LogPlot<'_>) -> Drawn {
    let y = |value: f64| if plot.y_log { value.log10() } else { value };
    let scaled: Vec<Scaled> = plot
        .curves
        .iter()
        .map(|curve| {
            let drawn = |&&(x, value, _): &&LogPoint| x > 0.0 && y(value).is_finite();
            let points = || curve.points.iter().filter(drawn);
            Scaled {
                line: points().map(|&(x, value, _)| (x.log10(), y(value))).collect(),
                band: points()
                    .filter_map(|&(x, _, interval)| interval.map(|(low, high)| (x.log10(), y(low), y(high))))
                    .collect(),
            }
        })
        .collect();
    let xs = || scaled.iter().flat_map(|curve| curve.line.iter().map(|&(x, _)| x));
    let ys = || {
        let lines = scaled.iter().flat_map(|curve| curve.line.iter().map(|&(_, y)| y));
        lines.chain(scaled.iter().flat_map(|curve| curve.band.iter().flat_map(|&(_, low, high)| [low, high])))
    };
    let (left, right) = ends(xs(), 0.04);
    let (low, high) = ends(ys(), 0.05);
    let x_ticks: Vec<f64> = if plot.x_ticks.is_empty() {
        powers(left, right)
    } else {
        plot.x_ticks.iter().map(|x| x.log10()).collect()
    };
    let y_ticks = if plot.y_log { powers(low, high) } else { even_ticks(low, high) };
    let decimals = if high - low < 0.06 { 1 } else { 0 };
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_right(16)
        .margin_top(if plot.curves.len() > 1 { LEGEND_HEIGHT } else { 10 })
        .set_label_area_size(LabelAreaPosition::Left, 60)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(TickedAxis::new(left..right, x_ticks), TickedAxis::new(low..high, y_ticks))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .x_label_formatter(&|x| power_text(*x))
        .y_label_formatter(&|value| {
            if plot.y_log { power_text(*value) } else { format!("{:.decimals$}", 100.0 * value) }
        })
        .x_desc(plot.x_label)
        .y_desc(plot.y_label)
        .label_style(text())
        .draw()?;
    let mut legend_x = 8;
    for (position, (curve, scaled)) in plot.curves.iter().zip(&scaled).enumerate() {
        // The first marker, a grey cross, belongs to the untrained encoder.
        let marker = marker(position + 1);
        if scaled.band.len() > 1 {
            let upper = scaled.band.iter().map(|&(x, _, high)| (x, high));
            let lower = scaled.band.iter().rev().map(|&(x, low, _)| (x, low));
            chart.draw_series([Polygon::new(
                upper.chain(lower).collect::<Vec<_>>(),
                marker.colour.mix(0.2).filled(),
            )])?;
        }
        let style = marker.colour.stroke_width(2);
        match marker.dashes {
            Some((dash, gap)) => {
                chart.draw_series(DashedLineSeries::new(scaled.line.clone(), dash, gap, style))?
            }
            None => chart.draw_series([PathElement::new(scaled.line.clone(), style)])?,
        };
        if scaled.line.len() <= MARKED_MAX {
            for point in &scaled.line {
                draw_marker(root, chart.backend_coord(point), marker)?;
            }
        }
        if plot.curves.len() > 1 {
            legend_x = legend_entry(root, legend_x, &curve.name, marker)?;
        }
    }
    Ok(())
}

/// Smallest and largest with a margin; 0 to 1 where there is nothing.
pub(super) fn ends(values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let margin = (margin * (high - low)).max(0.005);
    (low - margin, high + margin)
}

/// Whole exponents of ten from `low` to `high`; the two ends where there is at most one.
fn powers(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.ceil() as i32, high.floor() as i32);
    let step = ((last - first) / 6 + 1).max(1) as usize;
    let whole: Vec<f64> = (first..=last).step_by(step).map(f64::from).collect();
    if whole.len() > 1 { whole } else { vec![low, 0.5 * (low + high), high] }
}

/// About five round numbers from `low` to `high`.
pub(super) fn even_ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&step| step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|tick| tick as f64 * step).collect()
}

/// Ten to the power of `exponent`: `1,000`, `0.01`, `1e-5`.
fn power_text(exponent: f64) -> String {
    let value = 10f64.powf(exponent);
    if !(9.99e-4..99_999.5).contains(&value) {
        let whole = exponent.round();
        return if (exponent - whole).abs() < 1e-9 {
            format!("1e{whole:.0}")
        } else {
            format!("{value:.0e}")
        };
    }
    if value >= 0.995 {
        return crate::numbers::thousands(value.round() as usize);
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(curves: Vec<LogCurve>) -> LogPlot<'static> {
        LogPlot {
            name: "label efficiency",
            description: "a <plot>".to_owned(),
            x_label: "labels per class",
            y_label: "accuracy in %",
            y_log: false,
            x_ticks: vec![1.0, 10.0, 100.0],
            curves,
        }
    }

    #[test]
    fn curves_have_bands_and_the_ticks_asked_for() {
        let points = |from: f64| {
            [1.0, 10.0, 100.0].map(|x| (x, from + x / 500.0, Some((from, from + x / 250.0)))).to_vec()
        };
        let curves = vec![
            LogCurve { name: "linear".to_owned(), points: points(0.3) },
            LogCurve { name: "<5-NN>".to_owned(), points: points(0.2) },
        ];
        let svg = log_plot(&plot(curves)).unwrap();
        assert!(svg.matches("<polygon").count() >= 2 && svg.contains("&lt;5-NN&gt;"), "{svg}");
        assert!(svg.contains("\n100\n") && svg.contains("\n10\n") && !svg.contains("<plot>"), "{svg}");
    }

    #[test]
    fn nothing_zero_and_single_points_are_drawn_without_complaint() {
        assert!(log_plot(&plot(vec![])).unwrap().ends_with("</svg>"));
        let one = LogCurve { name: "x".to_owned(), points: vec![(0.0, 0.5, None), (5.0, 0.5, None)] };
        assert!(log_plot(&plot(vec![one])).unwrap().contains("<circle"));
        let zero = LogCurve { name: "x".to_owned(), points: vec![(1.0, 0.0, None), (2.0, 1e-9, None)] };
        let svg = log_plot(&LogPlot { y_log: true, ..plot(vec![zero]) }).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn powers_are_written_short() {
        assert_eq!(power_text(3.0), "1,000");
        assert_eq!(power_text(-2.0), "0.01");
        assert_eq!(power_text(-7.0), "1e-7");
        assert_eq!(power_text(5f64.log10()), "5");
        assert_eq!(even_ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
    }
}
