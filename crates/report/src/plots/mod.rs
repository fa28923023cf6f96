//! Plots as inline SVG.

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
mod value_axes;

pub use arm_plot::{ArmRow, arm_plot};
pub use dot_plot::{DotRow, dot_plot};
pub use line_plot::{Level, Line, LinePlot, line_plot};
pub use log_plot::{LogCurve, LogPlot, LogPoint, log_plot};
pub use loss_plot::{LossCurve, loss_plot};
pub use reliability_plot::{ReliabilityPoint, reliability_plot};
pub use scale::Scale;
pub use scatter_plot::{ScatterGroup, ScatterPlot, ScatterPoint, scatter_plot};
pub use value_axes::ValueAxis;
