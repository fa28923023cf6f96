//! Plots as inline SVG.

mod canvas;
mod dot_plot;
mod log_plot;
mod loss_plot;
mod reliability_plot;
mod ticked_axis;

pub(super) use dot_plot::{DotRow, dot_plot};
pub(super) use log_plot::{LogCurve, LogPlot, log_plot};
pub(super) use loss_plot::{LossCurve, loss_plot};
pub(super) use reliability_plot::{ReliabilityPoint, reliability_plot};
