//! Eigenvalues of the features: how their variance is spread over directions.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use zview_features::spectrum::{FeatureSpectrum, PowerLaw, feature_spectrum};
use zview_report::ReportError;
use zview_report::figures::plot_beside;
use zview_report::numbers::thousands;
use zview_report::plots::{LogCurve, LogPlot, log_plot};

use super::Outcomes;
use crate::ProbeError;
use crate::suite::SuiteError;
use crate::suite::metric::{Better, Metric, Score, Unit};
use crate::suite::protocol::{Bench, Protocol, Section};
use crate::suite::set_evaluation::SetEvaluation;

/// Of the test features.
pub struct Spectrum;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Eigenvalues and what follows from them.
    pub spectrum: FeatureSpectrum,
}

impl Protocol for Spectrum {
    type Outcome = Outcome;
    const KEY: &'static str = "spectrum";
    const READS: &'static [&'static str] = &["spectrum"];

    fn run(bench: &Bench<'_>, _: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let spectrum = feature_spectrum(&bench.encoded.test, &bench.config.spectrum)?;
        Ok(Some(Outcome { spectrum }))
    }

    fn scores(Outcome { spectrum }: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let score = |key, title, number, value| {
            set.score(Metric::other(key, title, Unit::Number, Better::Neither, (10, number)), value)
        };
        let exponent = spectrum.power_law.as_ref();
        [
            score("effective_rank", "Effective rank", 0.0, spectrum.effective_rank),
            score("rank_me", "RankMe", 1.0, spectrum.rank_me),
        ]
        .into_iter()
        .chain(exponent.map(|law| score("power_law", "Decay of the spectrum", 2.0, law.alpha)))
        .collect()
    }

    fn lines(Outcome { spectrum }: &Outcome) -> Vec<(String, String)> {
        let (rank, rank_me) = (spectrum.effective_rank, spectrum.rank_me);
        let text = format!("effective rank {rank:.1} of {}, RankMe {rank_me:.1}", spectrum.dimension);
        vec![("spectrum".to_owned(), text)]
    }

    fn sections(found: &Outcome, _: &Bench<'_>, _: &SetEvaluation) -> Result<Vec<Section>, SuiteError> {
        let content = figure(&found.spectrum)?;
        Ok(vec![Section { place: 60, heading: "Feature spectrum", content }])
    }
}

/// The plot.
fn figure(spectrum: &FeatureSpectrum) -> Result<Markup, ReportError> {
    let total: f64 = spectrum.eigenvalues.iter().filter(|variance| **variance > 0.0).sum();
    let points = spectrum
        .eigenvalues
        .iter()
        .enumerate()
        .filter(|(_, variance)| **variance > 0.0)
        .map(|(position, variance)| ((position + 1) as f64, variance / total, None))
        .collect();
    let half = directions_of(&spectrum.eigenvalues, 0.5);
    let most = directions_of(&spectrum.eigenvalues, 0.95);
    let svg = log_plot(&LogPlot {
        name: "feature spectrum",
        description: format!(
            "Share of variance by direction, largest first: half of it in {half} directions, 95 % in {most} of {}",
            spectrum.eigenvalues.len()
        ),
        x_label: "direction, by variance",
        y_label: "share of variance",
        y_log: true,
        x_ticks: Vec::new(),
        curves: vec![LogCurve { name: String::new(), points }],
    })?;
    let caption = html! {
        p {
            "Variance of the " (spectrum.eigenvalues.len()) " features of " (thousands(spectrum.images))
            " images along its principal directions, both axes logarithmic. A steep fall means that few "
            "directions carry all there is."
        }
        p { "Half of the variance lies in " b { (half) } " directions, 95 % in " b { (most) } "." }
        p { "Effective rank " b { (format!("{:.1}", spectrum.effective_rank)) } "." }
        @if let Some(PowerLaw { alpha: exponent, .. }) = spectrum.power_law {
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
    }
}
