//! Losses over steps.

use plotters::prelude::*;
use plotters::series::DashedLineSeries;

use super::canvas::{Area, Drawn, GREY, INK, LEGEND_HEIGHT, draw, draw_marker, legend_entry, text};
use crate::ReportError;
use crate::markers::marker;

/// A loss for each step of an arm; `position` is the arm's place in the comparison.
#[derive(Debug, Clone)]
pub struct LossCurve<'a> {
    /// The arm.
    pub name: &'a str,
    /// Which marker it has.
    pub position: usize,
    /// First step first.
    pub losses: &'a [f32],
}

/// The losses of every arm over its steps, as means over `window` steps.
pub fn loss_plot(description: &str, curves: &[LossCurve<'_>], window: usize) -> Result<String, ReportError> {
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

/// Means of `window` successive losses (fewer at the start), at the step of the last of them.
fn moving_mean(losses: &[f32], window: usize) -> Vec<(f64, f64)> {
    let window = window.max(1);
    let mean = |end: usize| {
        let part = &losses[(end + 1).saturating_sub(window)..=end];
        part.iter().map(|&loss| f64::from(loss)).sum::<f64>() / part.len() as f64
    };
    (0..losses.len()).map(|index| ((index + 1) as f64, mean(index))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
