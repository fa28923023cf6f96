//! Accuracy by how many labels there are.

use maud::{Markup, PreEscaped, html};
use zview_report::ReportError;
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::plots::{LogCurve, LogPlot, log_plot};
use zview_runtime::words::counted;

use crate::few_labels::{IntervalOver, LabelCurve, LabelCurvePoint};

const UNIT: &str = "labels per class";

/// The plot and its numbers.
pub fn label_curve(curve: &LabelCurve) -> Result<Markup, ReportError> {
    // Where all images are labelled, classes may have different numbers of them.
    let classes = curve.points.iter().find_map(|of| Some(of.labels as f64 / of.labels_per_class? as f64));
    let labels = |point: &LabelCurvePoint| {
        let mean = point.labels as f64 / classes.unwrap_or(1.0);
        point.labels_per_class.map_or(mean, |labels| labels as f64)
    };
    let interval = |point: &LabelCurvePoint| point.low.zip(point.high);
    let points = curve.points.iter().map(|point| (labels(point), point.mean, interval(point)));
    let ticks: Vec<f64> = curve.points.iter().map(labels).filter(|&labels| labels > 0.0).collect();
    let ends = curve.points.first().zip(curve.points.last()).map(|(first, last)| {
        let end =
            |point: &LabelCurvePoint| format!("{} % with {}", percent(point.mean), number(labels(point)));
        format!("from {} to {}", end(first), end(last))
    });
    let svg = log_plot(&LogPlot {
        name: "label efficiency",
        description: format!("Accuracy by {UNIT}: Linear {}", ends.unwrap_or_default()),
        x_label: UNIT,
        y_label: "accuracy in %",
        y_log: false,
        x_ticks: apart(&ticks),
        curves: vec![LogCurve { name: "Linear".to_owned(), points: points.collect() }],
    })?;
    let draws = curve.points.iter().map(|point| point.draws.len()).max().unwrap_or(0);
    let all = curve.points.iter().any(|point| point.interval_over == IntervalOver::TestImages);
    let band = format!("95 % t intervals over {} of the labels", counted(draws, "draw"));
    Ok(html! {
        div.beside {
            figure {
                (PreEscaped(svg))
                figcaption {
                    "Accuracy over " (UNIT) " (logarithmic); band: " (band)
                    @if all { "; with all labels, over test images" } "."
                }
            }
            table.plain {
                thead { tr { th scope="col" { (UNIT) } th scope="col" { "Linear in %" } } }
                tbody {
                    @for point in &curve.points {
                        tr {
                            th scope="row" { (number(labels(point))) }
                            td { (shown_with_interval(point.mean, interval(point), percent)) }
                        }
                    }
                }
            }
        }
    })
}

/// Of ascending numbers those that are far enough apart to be written side by side.
fn apart(ticks: &[f64]) -> Vec<f64> {
    let room = match (ticks.first(), ticks.last()) {
        (Some(first), Some(last)) if last > first => 0.1 * (last / first).log10(),
        _ => 0.0,
    };
    let mut kept: Vec<f64> = Vec::new();
    for &tick in ticks {
        if kept.last().is_none_or(|last: &f64| (tick / last).log10() >= room) {
            kept.push(tick);
        }
    }
    kept
}

fn number(labels: f64) -> String {
    if labels.fract() == 0.0 { thousands(labels as usize) } else { format!("{labels:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_in_the_table_and_crowded_ticks_are_left_out() {
        let point = |labels_per_class: Option<usize>, mean| LabelCurvePoint {
            labels_per_class,
            labels: labels_per_class.map_or(305, |labels| 3 * labels),
            mean,
            low: Some(mean),
            high: Some(mean),
            interval_over: IntervalOver::TestImages,
            draws: vec![mean; 2],
            converged: true,
        };
        let points = vec![point(Some(1), 0.2), point(Some(10), 0.5), point(None, 0.8)];
        let curve = LabelCurve { points, n_train: 305, n_test: 10, seconds: 1.0 };
        let text = label_curve(&curve).unwrap().into_string();
        assert!(
            text.contains("<b>50.0</b>") && text.contains("101.7") && text.contains("over 2 draws"),
            "{text}"
        );
        assert_eq!(apart(&[1.0, 99.0, 100.0]), [1.0, 99.0]);
        assert_eq!(apart(&[5.0]), [5.0]);
    }
}
