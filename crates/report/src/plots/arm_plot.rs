//! Arms of a comparison, a row each, against the reference arm.

use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Area, Drawn, INK, NAME_MAX, draw, draw_marker, shortened, text};
use super::value_axes::{ValueAxis, value_rows};
use crate::ReportError;
use crate::markers::Marker;

/// One arm's value with its interval; accuracies are 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmRow {
    /// The arm.
    pub name: String,
    /// Its mean.
    pub value: f64,
    /// Ends of the interval of the mean.
    pub interval: Option<(f64, f64)>,
    /// The value of each seed.
    pub seeds: Vec<f64>,
    /// How it is drawn.
    pub marker: Marker,
    /// Whether the others are compared with this one: its mean and interval go through all rows.
    pub reference: bool,
}

/// A row per arm: a marker at the mean, a line over the interval, a small grey dot per seed.
pub fn arm_plot(description: &str, axis: &ValueAxis, rows: &[ArmRow]) -> Result<String, ReportError> {
    let row_height = if rows.len() > 8 { 26 } else { 34 };
    draw("accuracy by arm", description, 66 + row_height * rows.len() as u32, |root| arms(root, axis, rows))
}

fn arms(root: &Area<'_>, axis: &ValueAxis, rows: &[ArmRow]) -> Drawn {
    let factor = axis.factor();
    let ends = rows.iter().flat_map(|row| {
        let (low, high) = row.interval.unwrap_or((row.value, row.value));
        [low, high, row.value].into_iter().chain(row.seeds.iter().copied())
    });
    let ends = ends.filter(|end| end.is_finite());
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), end| (a.min(end), b.max(end)));
    let (low, high) = if low <= high { (factor * low, factor * high) } else { (0.0, factor) };
    let margin = (0.06 * (high - low)).max(0.003 * factor);
    // Room at the right for the value.
    let (low, high) = (if low < 0.0 { low - margin } else { (low - margin).max(0.0) }, high + 4.0 * margin);
    let names = rows.iter().map(|row| row.name.chars().count().min(NAME_MAX)).max().unwrap_or(0);
    let name_width = (7 * names as u32 + 14).clamp(60, 176);
    let mut chart = value_rows(root, rows.len(), name_width, axis, low..high)?;
    let (top, bottom) = (rows.len() as f64 - 0.5, -0.5);
    if let Some(row) = rows.iter().find(|row| row.reference) {
        if let Some((from, to)) = row.interval {
            let band = row.marker.colour.mix(0.12).filled();
            chart.draw_series([Rectangle::new([(factor * from, bottom), (factor * to, top)], band)])?;
        }
        let line = [(factor * row.value, bottom), (factor * row.value, top)];
        chart.draw_series(DashedLineSeries::new(line, 5, 4, row.marker.colour.stroke_width(1)))?;
    }
    for (position, row) in rows.iter().enumerate() {
        let y = (rows.len() - 1 - position) as f64;
        let at = |value: f64| chart.backend_coord(&(factor * value, y));
        let (x_pixel, y_pixel) = at(row.value);
        for &seed in &row.seeds {
            root.draw(&Circle::new((at(seed).0, y_pixel + 7), 2, INK.mix(0.55).filled()))?;
        }
        if let Some((from, to)) = row.interval {
            let style = row.marker.colour.stroke_width(2);
            let (from, to) = (at(from).0, at(to).0);
            root.draw(&PathElement::new(vec![(from, y_pixel), (to, y_pixel)], style))?;
            for x in [from, to] {
                root.draw(&PathElement::new(vec![(x, y_pixel - 4), (x, y_pixel + 4)], style))?;
            }
        }
        draw_marker(root, (x_pixel, y_pixel), row.marker)?;
        let left = chart.backend_coord(&(low, y)).0;
        let name = text().pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(shortened(&row.name), (left - 8, y_pixel), name))?;
        let right =
            row.seeds.iter().copied().fold(row.interval.map_or(row.value, |(_, high)| high), f64::max);
        let value = text().pos(Pos::new(HPos::Left, VPos::Center));
        let start = at(right).0 + 7;
        // The number stands out from the reference's line and band.
        let ground = [(start - 2, y_pixel - 8), (start + 30, y_pixel + 8)];
        root.draw(&Rectangle::new(ground, WHITE.mix(0.8).filled()))?;
        root.draw(&Text::new(axis.written(row.value), (start, y_pixel), value))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markers::marker;

    #[test]
    fn rows_have_seeds_and_the_reference_goes_through_all_of_them() {
        let row = |name: &str, value: f64| ArmRow {
            name: name.to_owned(),
            value,
            interval: Some((value - 0.02, value + 0.02)),
            seeds: vec![value - 0.01, value + 0.01],
            marker: marker(1),
            reference: name == "real",
        };
        let svg = arm_plot("a <plot>", &ValueAxis::Accuracy, &[row("real", 0.8), row("<b>", 0.825)]).unwrap();
        assert!(
            svg.contains("82.5") && svg.contains("80.0") && !svg.contains("<b>") && !svg.contains("<plot>")
        );
        // Two means and two seeds each.
        assert_eq!(svg.matches("<circle").count(), 6, "{svg}");
        let of = |axis: &ValueAxis, row: ArmRow| arm_plot("x", axis, &[row]);
        let alone = of(&ValueAxis::Accuracy, ArmRow { reference: false, ..row("real", 0.8) }).unwrap();
        assert!(
            alone.matches("<line").count() < svg.matches("<line").count(),
            "no dashes without a reference"
        );
        let nothing = ArmRow { value: f64::NAN, interval: None, seeds: vec![], ..row("x", 0.0) };
        assert!(of(&ValueAxis::Accuracy, nothing).is_ok());
        let rank = of(&ValueAxis::Number("<RankMe>".to_owned()), row("real", 23.42)).unwrap();
        assert!(rank.contains("\n23.4\n") && rank.contains("&lt;RankMe&gt;"), "{rank}");
        let error = of(&ValueAxis::Share("error".to_owned()), row("real", -0.05)).unwrap();
        assert!(error.contains("\n-5.0\n") && error.contains("error in %"), "{error}");
    }
}
