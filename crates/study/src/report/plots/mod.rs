//! Plots as inline SVG.

mod accuracy_axes;
mod arm_plot;
mod canvas;
mod dot_plot;
mod line_plot;
mod log_plot;
mod loss_plot;
mod reliability_plot;
mod scale;
mod scatter_plot;
mod ticked_axis;

pub(super) use arm_plot::{ArmRow, arm_plot};
pub(super) use dot_plot::{DotRow, dot_plot};
pub(super) use line_plot::{Level, Line, LinePlot, line_plot};
pub(super) use log_plot::{LogCurve, LogPlot, log_plot};
pub(super) use loss_plot::{LossCurve, loss_plot};
pub(super) use reliability_plot::{ReliabilityPoint, reliability_plot};
pub(super) use scale::{Scale, number};
pub(super) use scatter_plot::{ScatterGroup, ScatterPlot, ScatterPoint, scatter_plot};
