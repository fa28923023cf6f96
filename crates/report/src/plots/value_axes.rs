//! The axes of plots of accuracy and of other values: upwards over some x, or to the right in rows.

use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::canvas::{Area, GREY, INK, text};
use super::log_plot::even_ticks;
use super::scale::Scale;
use super::ticked_axis::TickedAxis;
use crate::numbers::{decimals, percent, short_number};

type Chart<'a, X, Y> =
    Result<ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>, Box<dyn std::error::Error>>;

/// The axis of what is plotted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ValueAxis {
    /// Accuracies, 0 to 1, shown in %.
    #[default]
    Accuracy,
    /// Other shares of 1, shown in %, by their name.
    Share(String),
    /// Numbers, by their name.
    Number(String),
}

impl ValueAxis {
    fn label(&self) -> String {
        match self {
            Self::Accuracy => "accuracy in %".to_owned(),
            Self::Share(name) => format!("{name} in %"),
            Self::Number(name) => name.clone(),
        }
    }

    /// By what a value is multiplied to be shown.
    pub(super) fn factor(&self) -> f64 {
        if matches!(self, Self::Number(_)) { 1.0 } else { 100.0 }
    }

    /// A value beside its marker.
    pub(super) fn written(&self, value: f64) -> String {
        if matches!(self, Self::Number(_)) {
            let decimals = decimals(value);
            format!("{value:.decimals$}")
        } else {
            percent(value)
        }
    }

    /// What stands at a tick of an axis over `width`, both as they are shown.
    fn tick(&self, shown: f64, width: f64) -> String {
        match self {
            Self::Number(_) => short_number(shown),
            _ => format!("{shown:.decimals$}", decimals = usize::from(width < 6.0)),
        }
    }
}

/// The horizontal axis of a plot of accuracy.
pub(super) struct HorizontalAxis<'a> {
    pub(super) label: &'a str,
    pub(super) scale: Scale,
    /// Places on the scale.
    pub(super) range: Range<f64>,
    /// Values that are named.
    pub(super) values: &'a [f64],
}

/// Values upwards over `x`.
pub(super) fn values_over<'a>(
    root: &Area<'a>,
    x: &HorizontalAxis<'_>,
    axis: &ValueAxis,
    values: Range<f64>,
) -> Chart<'a, TickedAxis, TickedAxis> {
    let x_ticks = x.scale.ticks(x.values, (x.range.start, x.range.end));
    let y_ticks = even_ticks(values.start, values.end);
    let (factor, width) = (axis.factor(), axis.factor() * (values.end - values.start));
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_right(16)
        .set_label_area_size(LabelAreaPosition::Left, 60)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(TickedAxis::new(x.range.clone(), x_ticks), TickedAxis::new(values, y_ticks))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .x_label_formatter(&|&place| short_number(x.scale.value(place)))
        .y_label_formatter(&|value| axis.tick(factor * value, width))
        .x_desc(x.label)
        .y_desc(axis.label())
        .label_style(text())
        .draw()?;
    Ok(chart)
}

/// Values, as they are shown, to the right in `rows` rows, the first at the top, with `name_width` pixels for their names.
pub(super) fn value_rows<'a>(
    root: &Area<'a>,
    rows: usize,
    name_width: u32,
    axis: &ValueAxis,
    shown: Range<f64>,
) -> Chart<'a, RangedCoordf64, RangedCoordf64> {
    let width = shown.end - shown.start;
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .set_label_area_size(LabelAreaPosition::Left, name_width)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(shown, -0.5..rows as f64 - 0.5)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .y_labels(0)
        .x_labels(5)
        .x_label_formatter(&|value| axis.tick(*value, width))
        .x_desc(axis.label())
        .label_style(text())
        .draw()?;
    Ok(chart)
}
