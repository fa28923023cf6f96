//! The loss of each arm over its steps.

use maud::{Markup, html};
use zview_report::ReportError;
use zview_report::figures::plot_beside;
use zview_report::plots::{LossCurve, loss_plot};

use super::ComparisonPage;

/// The losses of an arm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmLosses {
    /// The arm's name.
    pub arm: String,
    /// Of each step, from the first.
    pub losses: Vec<f32>,
}

/// Curves of all arms.
pub(super) fn losses(page: &ComparisonPage) -> Result<Markup, ReportError> {
    let position = |name: &str| page.arms.iter().position(|arm| arm.name == name).unwrap_or(0);
    let curves: Vec<LossCurve<'_>> = page
        .losses
        .iter()
        .map(|of| LossCurve { name: &of.arm, position: position(&of.arm), losses: &of.losses })
        .collect();
    let longest = curves.iter().map(|curve| curve.losses.len()).max().unwrap_or(0);
    let window = (longest / 20).max(1);
    let ends = page.losses.iter().filter_map(|of| {
        Some(format!("{} from {:.2} to {:.2}", of.arm, of.losses.first()?, of.losses.last()?))
    });
    let description = format!("Loss by step: {}", ends.collect::<Vec<_>>().join(", "));
    let caption = html! {
        "Loss of each step of a seed"
        @if window > 1 { " (mean over the last " (window) " steps)" }
        ". A lower loss is not a better encoder: views that differ more are harder to match, and can teach more."
    };
    Ok(plot_beside(&loss_plot(&description, &curves, window)?, &caption))
}
