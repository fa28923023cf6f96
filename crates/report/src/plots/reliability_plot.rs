//! How often a classifier is right where it says how sure it is.

use plotters::element::{Circle, PathElement, Rectangle};
use plotters::prelude::*;

use super::canvas::{Area, Drawn, GREY, INK, draw, text};
use crate::ReportError;

const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const ORANGE: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// Images of similar confidence; all values 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityPoint {
    /// The range of confidences.
    pub range: (f64, f64),
    /// Mean confidence.
    pub confidence: f64,
    /// Share that is right.
    pub accuracy: f64,
    /// Share of all images.
    pub share: f64,
    /// Whether there are too few images to say much: drawn hollow, and off the line.
    pub few: bool,
}

/// Above accuracy over confidence with the diagonal of honest confidence, below how many images.
pub fn reliability_plot(description: &str, points: &[ReliabilityPoint]) -> Result<String, ReportError> {
    draw("reliability", description, 400, |root| reliability(root, points))
}

fn reliability(root: &Area<'_>, points: &[ReliabilityPoint]) -> Drawn {
    let (upper, lower) = root.split_vertically(290);
    let mut chart = ChartBuilder::on(&upper)
        .margin(8)
        .margin_right(16)
        .set_label_area_size(LabelAreaPosition::Left, 60)
        .set_label_area_size(LabelAreaPosition::Bottom, 20)
        .build_cartesian_2d(0.0..100.0, 0.0..100.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .y_desc("accuracy in %")
        .label_style(text())
        .draw()?;
    chart.draw_series([PathElement::new(vec![(0.0, 0.0), (100.0, 100.0)], INK.stroke_width(1))])?;
    let drawn: Vec<&ReliabilityPoint> = points.iter().filter(|point| point.share > 0.0).collect();
    for point in &drawn {
        let (x, y) = (100.0 * point.confidence, 100.0 * point.accuracy);
        chart.draw_series([PathElement::new(vec![(x, x), (x, y)], ORANGE.stroke_width(3))])?;
    }
    let at = |point: &ReliabilityPoint| (100.0 * point.confidence, 100.0 * point.accuracy);
    let line: Vec<(f64, f64)> = drawn.iter().filter(|point| !point.few).map(|&point| at(point)).collect();
    chart.draw_series([PathElement::new(line, BLUE.stroke_width(1))])?;
    chart.draw_series(drawn.iter().map(|&point| {
        let style = if point.few { BLUE.stroke_width(1) } else { BLUE.filled() };
        Circle::new(at(point), 4, style)
    }))?;
    let most = drawn.iter().map(|point| 100.0 * point.share).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&lower)
        .margin(8)
        .margin_top(2)
        .margin_right(16)
        .set_label_area_size(LabelAreaPosition::Left, 60)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(0.0..100.0, 0.0..1.05 * most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY)
        .axis_style(INK)
        .x_labels(6)
        .y_labels(3)
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .x_desc("confidence in %")
        .y_desc("% of images")
        .label_style(text())
        .draw()?;
    chart.draw_series(drawn.iter().map(|point| {
        let (from, to) = (100.0 * point.range.0, 100.0 * point.range.1);
        Rectangle::new([(from, 0.0), (to, 100.0 * point.share)], BLUE.mix(0.6).filled())
    }))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_per_bin_that_has_images() {
        let point = |confidence, share| ReliabilityPoint {
            range: (confidence - 0.05, confidence + 0.05),
            confidence,
            accuracy: confidence - 0.1,
            share,
            few: share < 0.3,
        };
        let svg = reliability_plot("x", &[point(0.5, 0.25), point(0.7, 0.0), point(0.9, 0.75)]).unwrap();
        let hollow = svg
            .split("<circle")
            .filter(|circle| circle.split('>').next().is_some_and(|head| head.contains("fill=\"none\"")));
        assert_eq!(hollow.count(), 1, "the range with few images: {svg}");
        assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
        assert!(svg.contains("confidence in %") && svg.contains("accuracy in %"));
        assert!(reliability_plot("x", &[]).unwrap().ends_with("</svg>"));
    }
}
