//! Whether a classifier's confidence can be believed.

use maud::{Markup, html};
use zview_report::ReportError;
use zview_report::figures::plot_beside;
use zview_report::numbers::{percent, thousands};
use zview_report::plots::{ReliabilityPoint, reliability_plot};

use crate::calibration::Calibration;

/// Fewer images than this say little of a range.
const FEW: usize = 10;

/// Confidence against accuracy of what `classifier` says.
pub fn reliability(calibration: &Calibration, classifier: &str) -> Result<Markup, ReportError> {
    let bins = &calibration.bins;
    let images: usize = bins.iter().map(|bin| bin.images).sum();
    let points: Vec<ReliabilityPoint> = bins
        .iter()
        .map(|bin| ReliabilityPoint {
            range: (bin.low, bin.high),
            confidence: bin.confidence.unwrap_or(0.0),
            accuracy: bin.accuracy.unwrap_or(0.0),
            share: bin.images as f64 / images.max(1) as f64,
            few: bin.images < FEW,
        })
        .collect();
    let spoken: Vec<String> = bins
        .iter()
        .filter_map(|bin| Some((bin.confidence?, bin.accuracy?)))
        .map(|(sure, right)| format!("{:.0} % sure: {:.0} % right", 100.0 * sure, 100.0 * right))
        .collect();
    let over = calibration.overconfidence;
    let svg = reliability_plot(&format!("Reliability diagram: {}", spoken.join("; ")), &points)?;
    let caption = html! {
        p {
            "Confidence of the " (classifier) " against accuracy, in " (bins.len())
            " ranges; " (thousands(images)) " test images. On the diagonal confidence is honest; an orange "
            "line is a range's distance from it, a hollow point has fewer than " (FEW) " images. Below: how many images each range holds."
        }
        p {
            "Expected calibration error " b { (percent(calibration.ece)) " %" }
            " over these ranges, which are equally wide, and " b { (percent(calibration.adaptive_ece)) " %" }
            " over as many that hold equally many images; on average it is "
            @if over >= 0.0 { "too sure by " } @else { "too unsure by " }
            (percent(over.abs())) " %."
        }
        p { "Negative log likelihood " b { (format!("{:.4}", calibration.negative_log_likelihood)) } }
        p { "Brier score of the most probable class " b { (format!("{:.4}", calibration.top_label_brier)) } }
    };
    Ok(plot_beside(&svg, &caption))
}

#[cfg(test)]
mod tests {
    use zview_numerics::statistics::Interval;

    use super::*;
    use crate::calibration::ReliabilityBin;

    fn of(accuracy: f64, ece: f64, adaptive_ece: f64) -> Calibration {
        let bin = |low, high, images, sure, right| ReliabilityBin {
            low,
            high,
            images,
            confidence: sure,
            accuracy: right,
        };
        Calibration {
            n_test: 100,
            ece,
            ece_interval: Interval { low: 0.0, high: 0.2 },
            adaptive_ece,
            max_calibration_error: ece,
            overconfidence: 0.85 - accuracy,
            negative_log_likelihood: 0.3,
            top_label_brier: 0.2,
            bins: vec![bin(0.0, 0.8, 0, None, None), bin(0.8, 0.9, 100, Some(0.85), Some(accuracy))],
        }
    }

    #[test]
    fn the_page_says_on_which_side_the_confidence_errs() {
        let text = reliability(&of(0.75, 0.1, 0.1), "<probe>").unwrap().into_string();
        assert!(text.contains("too sure by 10.0 %") && text.contains("&lt;probe&gt;"), "{text}");
        let text = reliability(&of(0.95, 0.1, 0.1), "probe").unwrap().into_string();
        assert!(text.contains("too unsure by 10.0 %"), "{text}");
    }

    /// It was "15.5 %" and, two lines further, "0.1637", which are of different ranges.
    #[test]
    fn both_calibration_errors_are_in_per_cent_and_say_over_which_ranges_they_are() {
        let text = reliability(&of(0.7, 0.155, 0.1637), "probe").unwrap().into_string();
        assert!(text.contains("<b>15.5 %</b> over these ranges, which are equally wide"), "{text}");
        assert!(text.contains("<b>16.4 %</b> over as many that hold equally many images"), "{text}");
        assert!(!text.contains("0.16"), "{text}");
    }
}
