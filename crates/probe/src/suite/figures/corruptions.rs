//! Accuracy on corrupted test images.

use maud::{Markup, html};
use zview_report::numbers::{percent, thousands};
use zview_report::pictures::png_uri;

/// Accuracies by corruption and severity.
#[derive(Debug, Clone, PartialEq)]
pub struct CorruptionFigure {
    /// Accuracy on the images as they are.
    pub clean: f64,
    /// What judged: `linear probe`.
    pub classifier: String,
    /// Test images, the same in each cell.
    pub n_test: usize,
    /// A row per corruption.
    pub rows: Vec<CorruptionRow>,
    /// The example as it is, PNG.
    pub clean_png: Option<Vec<u8>>,
}

/// One corruption.
#[derive(Debug, Clone, PartialEq)]
pub struct CorruptionRow {
    /// Its name.
    pub corruption: String,
    /// Accuracy at each severity, weakest first.
    pub accuracies: Vec<f64>,
    /// The example at each severity, PNG; none where it is not shown.
    pub pngs: Vec<Vec<u8>>,
}

impl CorruptionFigure {
    /// Mean accuracy over all corruptions and severities; `None` without any.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let all: Vec<f64> = self.rows.iter().flat_map(|row| row.accuracies.iter().copied()).collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    }
}

/// A table of accuracies, each under the example that it is for.
pub fn corruptions(figure: &CorruptionFigure) -> Markup {
    let severities = figure.rows.iter().map(|row| row.accuracies.len()).max().unwrap_or(0);
    html! {
        p {
            "Accuracy in % of the " (figure.classifier) " on " (thousands(figure.n_test))
            " corrupted test images, by corruption and severity; learnt on images as they are, where it has "
            b { (percent(figure.clean)) } " %"
            @if let Some(mean) = figure.mean() { ", and " b { (percent(mean)) } " % on average over this table" }
            ". A darker cell has lost more."
        }
        @if let Some(png) = &figure.clean_png {
            figure.clean {
                img.pixels src=(png_uri(png)) alt="The example without corruption";
                figcaption { "The example as it is." }
            }
        }
        table.heat {
            thead {
                tr {
                    th scope="col" { "Corruption" }
                    @for severity in 1..=severities { th scope="col" { (severity) } }
                }
            }
            tbody {
                @for row in &figure.rows {
                    tr {
                        th scope="row" { (row.corruption) }
                        @for severity in 0..severities {
                            @if let Some(&accuracy) = row.accuracies.get(severity) {
                                @let (fill, ink) = shade(accuracy, figure.clean);
                                td style={ "background:" (fill) ";color:" (ink) } {
                                    @if let Some(png) = row.pngs.get(severity) {
                                        img.pixels src=(png_uri(png))
                                            alt={ "The example with " (row.corruption) " of severity " (severity + 1) };
                                    }
                                    span { (percent(accuracy)) }
                                }
                            } @else { td { "–" } }
                        }
                    }
                }
            }
        }
    }
}

/// White where nothing is lost, dark orange where all is; and the colour of text on it.
fn shade(accuracy: f64, clean: f64) -> (String, &'static str) {
    let lost = if clean > 0.0 { (1.0 - accuracy / clean).clamp(0.0, 1.0) } else { 0.0 };
    let mix = |channel: f64| (255.0 + (channel - 255.0) * lost).round() as u8;
    let (red, green, blue) = (mix(166.0), mix(62.0), mix(0.0));
    (format!("#{red:02x}{green:02x}{blue:02x}"), if lost > 0.62 { "#fff" } else { "#1a1a1a" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_darker_and_a_missing_severity_is_a_dash() {
        let row = |name: &str, accuracies: &[f64]| CorruptionRow {
            corruption: name.to_owned(),
            accuracies: accuracies.to_vec(),
            pngs: vec![vec![1]],
        };
        let figure = CorruptionFigure {
            clean: 0.8,
            classifier: "linear probe".to_owned(),
            n_test: 1_000,
            rows: vec![row("blur", &[0.8, 0.0]), row("<noise>", &[0.4])],
            clean_png: None,
        };
        assert!((figure.mean().unwrap() - 0.4).abs() < 1e-12);
        let text = corruptions(&figure).into_string();
        assert!(text.contains("background:#ffffff") && text.contains("background:#a63e00"), "{text}");
        assert!(text.contains("<td>–</td>") && text.contains("&lt;noise&gt;"), "{text}");
        assert_eq!(text.matches("<img").count(), 2);
        assert_eq!(CorruptionFigure { rows: vec![], ..figure }.mean(), None);
    }
}
