//! Whether a classifier's confidence can be believed.

use maud::{Markup, html};
use zview_report::ReportError;
use zview_report::figures::plot_beside;
use zview_report::numbers::{percent, thousands};
use zview_report::plots::{ReliabilityPoint, reliability_plot};

/// Fewer images than this say little of a range.
const FEW: usize = 10;

/// Confidence against accuracy.
#[derive(Debug, Clone, PartialEq)]
pub struct ReliabilityFigure {
    /// Ranges of confidence, lowest first.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: the mean distance of confidence and accuracy over images, 0 to 1.
    pub expected_calibration_error: f64,
    /// The same over ranges that hold equally many images, which is another number.
    pub over_equal_counts: f64,
    /// What is sure: `linear probe`.
    pub classifier: String,
    /// Further figures and their names, `Brier score` and so on, as text.
    pub more: Vec<(String, String)>,
}

/// Images whose confidence lies in one range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// The range, 0 to 1.
    pub range: (f64, f64),
    /// Mean confidence of the images.
    pub confidence: f64,
    /// Share of them that is right.
    pub accuracy: f64,
    /// Images.
    pub count: usize,
}

/// The diagram.
pub(super) fn reliability(figure: &ReliabilityFigure) -> Result<Markup, ReportError> {
    let images: usize = figure.bins.iter().map(|bin| bin.count).sum();
    let points: Vec<ReliabilityPoint> = figure
        .bins
        .iter()
        .map(|bin| ReliabilityPoint {
            range: bin.range,
            confidence: bin.confidence,
            accuracy: bin.accuracy,
            share: bin.count as f64 / images.max(1) as f64,
            few: bin.count < FEW,
        })
        .collect();
    let spoken: Vec<String> = figure
        .bins
        .iter()
        .filter(|bin| bin.count > 0)
        .map(|bin| format!("{:.0} % sure: {:.0} % right", 100.0 * bin.confidence, 100.0 * bin.accuracy))
        .collect();
    let over: f64 =
        figure.bins.iter().map(|bin| bin.count as f64 * (bin.confidence - bin.accuracy)).sum::<f64>()
            / images.max(1) as f64;
    let svg = reliability_plot(&format!("Reliability diagram: {}", spoken.join("; ")), &points)?;
    let caption = html! {
        p {
            "Confidence of the " (figure.classifier) " against accuracy, in " (figure.bins.len())
            " ranges; " (thousands(images)) " test images. On the diagonal confidence is honest; an orange "
            "line is a range's distance from it, a hollow point has fewer than " (FEW) " images. Below: how many images each range holds."
        }
        p {
            "Expected calibration error " b { (percent(figure.expected_calibration_error)) " %" }
            " over these ranges, which are equally wide, and " b { (percent(figure.over_equal_counts)) " %" }
            " over as many that hold equally many images; on average it is "
            @if over >= 0.0 { "too sure by " } @else { "too unsure by " }
            (percent(over.abs())) " %."
        }
        @for (name, value) in &figure.more { p { (name) " " b { (value) } } }
    };
    Ok(plot_beside(&svg, &caption))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_on_which_side_the_confidence_errs() {
        let bin =
            |confidence, accuracy, count| ReliabilityBin { range: (0.8, 0.9), confidence, accuracy, count };
        let figure = |accuracy| ReliabilityFigure {
            bins: vec![bin(0.85, accuracy, 100), bin(0.0, 0.0, 0)],
            expected_calibration_error: 0.1,
            over_equal_counts: 0.1637,
            classifier: "linear probe".to_owned(),
            more: vec![("<Brier>".to_owned(), "0.2".to_owned())],
        };
        let text = reliability(&figure(0.75)).unwrap().into_string();
        assert!(text.contains("too sure by 10.0 %") && text.contains("&lt;Brier&gt;"), "{text}");
        assert!(reliability(&figure(0.95)).unwrap().into_string().contains("too unsure by 10.0 %"));
    }

    /// It was "15.5 %" and, two lines further, "0.1637", which are of different ranges.
    #[test]
    fn both_calibration_errors_are_in_per_cent_and_say_over_which_ranges_they_are() {
        let figure = ReliabilityFigure {
            bins: vec![ReliabilityBin { range: (0.0, 1.0), confidence: 0.9, accuracy: 0.7, count: 50 }],
            expected_calibration_error: 0.155,
            over_equal_counts: 0.1637,
            classifier: "linear probe".to_owned(),
            more: Vec::new(),
        };
        let text = reliability(&figure).unwrap().into_string();
        assert!(text.contains("<b>15.5 %</b> over these ranges, which are equally wide"), "{text}");
        assert!(text.contains("<b>16.4 %</b> over as many that hold equally many images"), "{text}");
        assert!(!text.contains("0.16"), "{text}");
    }
}
