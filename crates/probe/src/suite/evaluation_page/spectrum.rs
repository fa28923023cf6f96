//! How the variance of features is spread over directions.

use maud::{Markup, html};
use zview_report::ReportError;
use zview_report::figures::plot_beside;
use zview_report::numbers::thousands;
use zview_report::plots::{LogCurve, LogPlot, log_plot};

/// Eigenvalues of the covariance of the features.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectrumFigure {
    /// Largest first; 0 and below are left out of the plot.
    pub variances: Vec<f64>,
    /// The exponential of the entropy of their shares.
    pub effective_rank: Option<f64>,
    /// The exponent a of a fitted variance ∝ rank^-a.
    pub decay_exponent: Option<f64>,
    /// Images they were computed from.
    pub images: usize,
}

/// The plot.
pub(super) fn spectrum(figure: &SpectrumFigure) -> Result<Markup, ReportError> {
    let total: f64 = figure.variances.iter().filter(|variance| **variance > 0.0).sum();
    let points = figure
        .variances
        .iter()
        .enumerate()
        .filter(|(_, variance)| **variance > 0.0)
        .map(|(position, variance)| ((position + 1) as f64, variance / total, None))
        .collect();
    let half = directions_of(&figure.variances, 0.5);
    let most = directions_of(&figure.variances, 0.95);
    let svg = log_plot(&LogPlot {
        name: "feature spectrum",
        description: format!(
            "Share of variance by direction, largest first: half of it in {half} directions, 95 % in {most} of {}",
            figure.variances.len()
        ),
        x_label: "direction, by variance",
        y_label: "share of variance",
        y_log: true,
        x_ticks: Vec::new(),
        curves: vec![LogCurve { name: String::new(), points }],
    })?;
    let caption = html! {
        p {
            "Variance of the " (figure.variances.len()) " features of " (thousands(figure.images))
            " images along its principal directions, both axes logarithmic. A steep fall means that few "
            "directions carry all there is."
        }
        p { "Half of the variance lies in " b { (half) } " directions, 95 % in " b { (most) } "." }
        @if let Some(rank) = figure.effective_rank { p { "Effective rank " b { (format!("{rank:.1}")) } "." } }
        @if let Some(exponent) = figure.decay_exponent {
            p { "Variance falls about as rank to the power of " b { "−" (format!("{exponent:.2}")) } "." }
        }
    };
    Ok(plot_beside(&svg, &caption))
}

/// How many of the largest variances hold `share` of all.
fn directions_of(variances: &[f64], share: f64) -> usize {
    let total: f64 = variances.iter().sum();
    let mut sum = 0.0;
    let needed = variances.iter().position(|variance| {
        sum += variance;
        sum >= share * total
    });
    needed.map_or(0, |position| position + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_counted_until_the_share_is_reached() {
        assert_eq!(directions_of(&[5.0, 3.0, 1.0, 1.0], 0.5), 1);
        assert_eq!(directions_of(&[5.0, 3.0, 1.0, 1.0], 0.95), 4);
        assert_eq!(directions_of(&[], 0.5), 0);
        let figure = SpectrumFigure {
            variances: vec![2.0, 1.0, 0.0],
            effective_rank: Some(1.9),
            decay_exponent: None,
            images: 1_000,
        };
        let text = spectrum(&figure).unwrap().into_string();
        assert!(text.contains("1,000") && text.contains("Effective rank <b>1.9</b>"), "{text}");
    }
}
