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
    /// Why they are not those of all steps.
    pub problem: Option<String>,
}

/// Curves of all arms.
pub(super) fn losses(page: &ComparisonPage) -> Result<Markup, ReportError> {
    let position = |name: &str| page.arms.iter().position(|arm| arm.name == name).unwrap_or(0);
    let curves: Vec<LossCurve<'_>> = page
        .losses
        .iter()
        .filter(|of| !of.losses.is_empty())
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
    let problems = page.losses.iter().filter_map(|of| Some((&of.arm, of.problem.as_ref()?)));
    let problems = html! { @for (arm, problem) in problems { p { "⚠ " (arm) ": " (problem) "." } } };
    if curves.is_empty() {
        return Ok(problems);
    }
    let caption = html! { (caption) (problems) };
    Ok(plot_beside(&loss_plot(&description, &curves, window)?, &caption))
}
