//! The axes of plots of accuracy: upwards over some x, or to the right in rows.

use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::canvas::{Area, GREY, INK, text};
use super::log_plot::even_ticks;
use super::scale::Scale;
use super::ticked_axis::TickedAxis;
use crate::numbers::short_number;

type Chart<'a, X, Y> =
    Result<ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>, Box<dyn std::error::Error>>;

/// The horizontal axis of a plot of accuracy.
pub(super) struct HorizontalAxis<'a> {
    pub(super) label: &'a str,
    pub(super) scale: Scale,
    /// Places on the scale.
    pub(super) range: Range<f64>,
    /// Values that are named.
    pub(super) values: &'a [f64],
}

/// Accuracies, 0 to 1 and shown in %, upwards over `x`.
pub(super) fn accuracy_over<'a>(
    root: &Area<'a>,
    x: &HorizontalAxis<'_>,
    accuracies: Range<f64>,
) -> Chart<'a, TickedAxis, TickedAxis> {
    let x_ticks = x.scale.ticks(x.values, (x.range.start, x.range.end));
    let y_ticks = even_ticks(accuracies.start, accuracies.end);
    let decimals = usize::from(accuracies.end - accuracies.start < 0.06);
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_right(16)
        .set_label_area_size(LabelAreaPosition::Left, 60)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(
            TickedAxis::new(x.range.clone(), x_ticks),
            TickedAxis::new(accuracies, y_ticks),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .x_label_formatter(&|&place| short_number(x.scale.value(place)))
        .y_label_formatter(&|value| format!("{:.decimals$}", 100.0 * value))
        .x_desc(x.label)
        .y_desc("accuracy in %")
        .label_style(text())
        .draw()?;
    Ok(chart)
}

/// Accuracies in % to the right in `rows` rows, the first at the top, with `name_width` pixels for their names.
pub(super) fn accuracy_rows<'a>(
    root: &Area<'a>,
    rows: usize,
    name_width: u32,
    percent: Range<f64>,
) -> Chart<'a, RangedCoordf64, RangedCoordf64> {
    let decimals = usize::from(percent.end - percent.start < 6.0);
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .set_label_area_size(LabelAreaPosition::Left, name_width)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(percent, -0.5..rows as f64 - 0.5)?;
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
    Ok(chart)
}
