//! Accuracy by how many labels there are.

use maud::{Markup, PreEscaped, html};
use zview_report::ReportError;
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::plots::{LogCurve, LogPlot, log_plot};
use zview_report::table::or_dash;

/// Accuracy of one or more classifiers over the number of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelCurveFigure {
    /// What is counted: `labels per class`, `labels in all`.
    pub unit: String,
    /// A curve per classifier or encoder.
    pub curves: Vec<LabelCurve>,
    /// What the band is: `95 % t intervals over 10 draws of the labels`.
    pub band: String,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelCurve {
    /// Whose it is.
    pub name: String,
    /// Fewest labels first.
    pub points: Vec<CurvePoint>,
}

/// The accuracy at one number of labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Labels.
    pub labels: f64,
    /// Mean accuracy over the draws.
    pub accuracy: f64,
    /// Ends of its interval.
    pub interval: Option<(f64, f64)>,
}

/// The plot and its numbers.
pub(super) fn label_curve(figure: &LabelCurveFigure) -> Result<Markup, ReportError> {
    let mut ticks: Vec<f64> = figure
        .curves
        .iter()
        .flat_map(|curve| curve.points.iter().map(|point| point.labels))
        .filter(|&labels| labels > 0.0)
        .collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    let curves = figure.curves.iter().map(|curve| LogCurve {
        name: curve.name.clone(),
        points: curve.points.iter().map(|point| (point.labels, point.accuracy, point.interval)).collect(),
    });
    let ends = figure.curves.iter().filter_map(|curve| {
        let (first, last) = (curve.points.first()?, curve.points.last()?);
        Some(format!(
            "{} from {} % with {} to {} % with {}",
            curve.name,
            percent(first.accuracy),
            number(first.labels),
            percent(last.accuracy),
            number(last.labels)
        ))
    });
    let svg = log_plot(&LogPlot {
        name: "label efficiency",
        description: format!("Accuracy by {}: {}", figure.unit, ends.collect::<Vec<_>>().join("; ")),
        x_label: &figure.unit,
        y_label: "accuracy in %",
        y_log: false,
        x_ticks: apart(&ticks),
        curves: curves.collect(),
    })?;
    Ok(html! {
        div.beside {
            figure {
                (PreEscaped(svg))
                figcaption { "Accuracy over " (figure.unit) " (logarithmic)"
                    @if !figure.band.is_empty() { "; band: " (figure.band) }
                    "." }
            }
            table.plain {
                thead { tr { th scope="col" { (figure.unit) } @for curve in &figure.curves { th scope="col" { (curve.name) " in %" } } } }
                tbody {
                    @for &labels in &ticks {
                        tr {
                            th scope="row" { (number(labels)) }
                            @for curve in &figure.curves {
                                td { (or_dash(at(curve, labels))) }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The accuracy of a curve at a number of labels.
fn at(curve: &LabelCurve, labels: f64) -> Option<Markup> {
    let point = curve.points.iter().find(|point| point.labels == labels)?;
    Some(shown_with_interval(point.accuracy, point.interval, percent))
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
        let point = |labels, accuracy| CurvePoint { labels, accuracy, interval: Some((accuracy, accuracy)) };
        let curve = |name: &str, points| LabelCurve { name: name.to_owned(), points };
        let figure = LabelCurveFigure {
            unit: "labels per class".to_owned(),
            curves: vec![
                curve("linear", vec![point(1.0, 0.2), point(10.0, 0.5), point(100.0, 0.8)]),
                curve("<5-NN>", vec![point(10.0, 0.4)]),
            ],
            band: String::new(),
        };
        let text = label_curve(&figure).unwrap().into_string();
        assert!(text.contains("<b>50.0</b>") && text.contains("–") && !text.contains("<5-NN>"), "{text}");
        assert_eq!(apart(&[1.0, 99.0, 100.0]), [1.0, 99.0]);
        assert_eq!(apart(&[5.0]), [5.0]);
    }
}
