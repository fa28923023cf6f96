//! Plots as inline SVG.

use plotters::coord::Shift;
use plotters::element::{Cross, PathElement, Rectangle, Text, TriangleMarker};
use plotters::prelude::*;
use plotters::series::DashedLineSeries;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::markers::{Marker, Shape, marker};
use crate::StudyError;

const WIDTH: u32 = 380;
/// Text of about 13 pixels: the library divides by 1.24.
const TEXT: (&str, f64) = ("sans-serif", 16.0);
const GREY: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const MARKER_SIZE: i32 = 5;
const LEGEND_HEIGHT: i32 = 30;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One value with its interval, in %.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DotRow {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) interval: Option<(f64, f64)>,
}

/// A loss for each step of an arm; `position` is the arm's place in the comparison.
#[derive(Debug, Clone)]
pub(super) struct LossCurve<'a> {
    pub(super) name: &'a str,
    pub(super) position: usize,
    pub(super) losses: &'a [f32],
}

/// A row per arm: a marker at the value, a line over the interval.
pub(super) fn dot_plot(plot: &'static str, description: &str, rows: &[DotRow]) -> Result<String, StudyError> {
    draw(plot, description, 70 + 36 * rows.len() as u32, |root| dots(root, rows))
}

fn dots(root: &Area<'_>, rows: &[DotRow]) -> Drawn {
    let ends = rows.iter().flat_map(|row| {
        let (low, high) = row.interval.unwrap_or((row.value, row.value));
        [low, high, row.value]
    });
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), end| (a.min(end), b.max(end)));
    let margin = (0.08 * (high - low)).max(0.5);
    // Room at the right for the value.
    let (low, high) = ((low - margin).max(0.0), (high + 3.0 * margin).min(108.0));
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .set_label_area_size(LabelAreaPosition::Left, 128)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(low..high, -0.5..rows.len() as f64 - 0.5)?;
    let decimals = usize::from(high - low < 6.0);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .y_labels(0)
        .x_labels(5)
        .x_label_formatter(&|value| format!("{value:.decimals$}"))
        .x_desc("accuracy in %")
        .label_style(text())
        .draw()?;
    for (position, row) in rows.iter().enumerate() {
        let y = (rows.len() - 1 - position) as f64;
        let (x_pixel, y_pixel) = chart.backend_coord(&(row.value, y));
        let left = chart.backend_coord(&(low, y)).0;
        let marker = marker(position);
        if let Some((from, to)) = row.interval {
            chart.draw_series([PathElement::new(vec![(from, y), (to, y)], marker.colour.stroke_width(2))])?;
            for end in [from, to] {
                let x = chart.backend_coord(&(end, y)).0;
                root.draw(&PathElement::new(
                    vec![(x, y_pixel - 4), (x, y_pixel + 4)],
                    marker.colour.stroke_width(2),
                ))?;
            }
        }
        draw_marker(root, (x_pixel, y_pixel), marker)?;
        let name = text().pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(row.name.clone(), (left - 8, y_pixel), name))?;
        let end = chart.backend_coord(&(row.interval.map_or(row.value, |(_, high)| high), y)).0;
        let value = text().pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(format!("{:.1}", row.value), (end + 7, y_pixel), value))?;
    }
    Ok(())
}

/// The losses of every arm over its steps, as means over `window` steps.
pub(super) fn loss_plot(
    description: &str,
    curves: &[LossCurve<'_>],
    window: usize,
) -> Result<String, StudyError> {
    draw("the losses", description, 300, |root| lines(root, curves, window))
}

fn lines(root: &Area<'_>, curves: &[LossCurve<'_>], window: usize) -> Drawn {
    let smoothed: Vec<Vec<(f64, f64)>> =
        curves.iter().map(|curve| moving_mean(curve.losses, window)).collect();
    let points = || smoothed.iter().flatten();
    let steps = points().map(|&(step, _)| step).fold(1.0, f64::max);
    let low = points().map(|&(_, loss)| loss).fold(f64::INFINITY, f64::min);
    let high = points().map(|&(_, loss)| loss).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let margin = (0.05 * (high - low)).max(0.01);
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_top(LEGEND_HEIGHT)
        .set_label_area_size(LabelAreaPosition::Left, 56)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(0.0..steps * 1.02, low - margin..high + margin)?;
    let decimals = if high - low < 1.0 { 2 } else { 1 };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|loss| format!("{loss:.decimals$}"))
        .x_desc("step")
        .y_desc("loss")
        .label_style(text())
        .draw()?;
    let mut legend_x = 8;
    for (curve, points) in curves.iter().zip(smoothed) {
        let marker = marker(curve.position);
        let style = marker.colour.stroke_width(2);
        if let Some(&last) = points.last() {
            draw_marker(root, chart.backend_coord(&last), marker)?;
        }
        match marker.dashes {
            Some((dash, gap)) => chart.draw_series(DashedLineSeries::new(points, dash, gap, style))?,
            None => chart.draw_series(LineSeries::new(points, style))?,
        };
        legend_x = legend_entry(root, legend_x, curve.name, marker)?;
    }
    Ok(())
}

/// A piece of line and a name above the plot; gives the place of the next entry.
fn legend_entry(
    root: &Area<'_>,
    from: i32,
    name: &str,
    marker: Marker,
) -> Result<i32, Box<dyn std::error::Error>> {
    let (to, y) = (from + 22, LEGEND_HEIGHT / 2);
    let (dash, gap) = marker.dashes.unwrap_or((to - from, 1));
    for start in (from..to).step_by((dash + gap) as usize) {
        let line = vec![(start, y), ((start + dash).min(to), y)];
        root.draw(&PathElement::new(line, marker.colour.stroke_width(2)))?;
    }
    root.draw(&Text::new(name.to_owned(), (to + 4, y), text().pos(Pos::new(HPos::Left, VPos::Center))))?;
    Ok(to + 18 + 13 * name.chars().count() as i32 / 2)
}

/// Means of `window` successive losses (fewer at the start), at the step of the last of them.
fn moving_mean(losses: &[f32], window: usize) -> Vec<(f64, f64)> {
    let window = window.max(1);
    let mean = |end: usize| {
        let part = &losses[(end + 1).saturating_sub(window)..=end];
        part.iter().map(|&loss| f64::from(loss)).sum::<f64>() / part.len() as f64
    };
    (0..losses.len()).map(|index| ((index + 1) as f64, mean(index))).collect()
}

fn draw_marker(root: &Area<'_>, (x, y): (i32, i32), marker: Marker) -> Drawn {
    let (size, filled) = (MARKER_SIZE, marker.colour.filled());
    match marker.shape {
        Shape::Cross => root.draw(&Cross::new((x, y), size, marker.colour.stroke_width(3)))?,
        Shape::Circle => root.draw(&Circle::new((x, y), size, filled))?,
        Shape::Triangle => root.draw(&TriangleMarker::new((x, y), size + 2, filled))?,
        Shape::Square => {
            root.draw(&Rectangle::new([(x - size, y - size), (x + size, y + size)], filled))?;
        }
    }
    Ok(())
}

fn text() -> TextStyle<'static> {
    TEXT.into_font().color(&INK)
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws on a canvas of `height` and gives an `svg` element for within HTML.
fn draw(
    plot: &'static str,
    description: &str,
    height: u32,
    fill: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<String, StudyError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        fill(&root)
            .and_then(|()| root.present().map_err(Into::into))
            .map_err(|error| StudyError::Plot { plot, problem: error.to_string() })?;
    }
    let start = svg.find("<svg").and_then(|start| Some((start, start + svg[start..].find('>')?)));
    let Some((_, end)) = start else {
        return Err(StudyError::Plot { plot, problem: "no svg element came out".to_owned() });
    };
    // Within HTML the namespace is known, and the page gives the width.
    let description = maud::html! { (description) }.into_string().replace('"', "&quot;");
    Ok(format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{description}\">{}",
        svg[end + 1..].trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<DotRow> {
        let row = |name: &str, value: f64| DotRow {
            name: name.to_owned(),
            value,
            interval: Some((value - 2.0, value + 2.0)),
        };
        vec![row("random", 40.0), row("real", 80.0), row("a <b>", 82.5)]
    }

    #[test]
    fn a_dot_plot_shows_every_row_and_needs_nothing_from_outside() {
        let svg = dot_plot("accuracies", "a \"quoted\" <plot>", &rows()).unwrap();
        assert!(svg.starts_with("<svg viewBox=") && svg.ends_with("</svg>"), "{svg}");
        assert!(svg.contains("&quot;quoted&quot; &lt;plot&gt;") && !svg.contains("http"), "{svg}");
        assert!(svg.contains("82.5") && svg.contains("80.0") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("<circle") && svg.contains("accuracy in %"), "{svg}");
    }

    #[test]
    fn dots_lie_in_the_order_of_their_values() {
        let svg = dot_plot("accuracies", "x", &rows()).unwrap();
        let circle = &svg[svg.find("<circle").unwrap()..];
        let x: f64 = circle.split("cx=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        assert!((254.0..f64::from(WIDTH)).contains(&x), "80 of 34 to 97 lies right of the middle: {x}");
        // A single value without interval still has an axis.
        let one = [DotRow { name: "one".to_owned(), value: 50.0, interval: None }];
        assert!(dot_plot("accuracies", "x", &one).unwrap().contains("50.0"));
    }

    #[test]
    fn a_loss_plot_has_a_curve_per_arm_and_bears_none() {
        let losses: Vec<f32> = (0..60).map(|step| 5.0 - step as f32 / 30.0).collect();
        let curves = [
            LossCurve { name: "real", position: 1, losses: &losses },
            LossCurve { name: "synthetic-tx", position: 2, losses: &losses[..30] },
        ];
        let svg = loss_plot("losses", &curves, 5).unwrap();
        assert!(svg.contains("synthetic-tx") && svg.contains("#0072B2") && svg.contains("#D55E00"), "{svg}");
        assert!(loss_plot("losses", &[], 5).unwrap().contains("</svg>"));
    }

    #[test]
    fn a_moving_mean_looks_back_only() {
        assert_eq!(moving_mean(&[4.0, 2.0, 0.0], 2), [(1.0, 4.0), (2.0, 3.0), (3.0, 1.0)]);
        assert_eq!(moving_mean(&[4.0], 0), [(1.0, 4.0)]);
    }
}
