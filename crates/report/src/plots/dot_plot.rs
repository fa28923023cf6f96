//! Values with intervals, a row each.

use plotters::element::{PathElement, Text};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Area, Drawn, draw, draw_marker, text};
use super::value_axes::{ValueAxis, value_rows};
use crate::ReportError;
use crate::markers::marker;

/// One value with its interval, in %.
#[derive(Debug, Clone, PartialEq)]
pub struct DotRow {
    /// What stands beside it.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Ends of its interval.
    pub interval: Option<(f64, f64)>,
}

/// A row per arm: a marker at the value, a line over the interval.
pub fn dot_plot(plot: &'static str, description: &str, rows: &[DotRow]) -> Result<String, ReportError> {
    draw(plot, description, 70 + 36 * rows.len() as u32, |root| dots(root, rows))
}

fn dots(root: &Area<'_>, rows: &[DotRow]) -> Drawn {
    let ends = rows.iter().flat_map(|row| {
        let (low, high) = row.interval.unwrap_or((row.value, row.value));
        [low, high, row.value]
    });
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), end| (a.min(end), b.max(end)));
    let margin = (0.08 * (high - low)).max(0.5);
    // Room at the right for the value.
    let (low, high) = ((low - margin).max(0.0), (high + 3.0 * margin).min(108.0));
    let mut chart = value_rows(root, rows.len(), 128, &ValueAxis::Accuracy, low..high)?;
    for (position, row) in rows.iter().enumerate() {
        let y = (rows.len() - 1 - position) as f64;
        let (x_pixel, y_pixel) = chart.backend_coord(&(row.value, y));
        let left = chart.backend_coord(&(low, y)).0;
        let marker = marker(position);
        if let Some((from, to)) = row.interval {
            chart.draw_series([PathElement::new(vec![(from, y), (to, y)], marker.colour.stroke_width(2))])?;
            for end in [from, to] {
                let x = chart.backend_coord(&(end, y)).0;
                root.draw(&PathElement::new(
                    vec![(x, y_pixel - 4), (x, y_pixel + 4)],
                    marker.colour.stroke_width(2),
                ))?;
            }
        }
        draw_marker(root, (x_pixel, y_pixel), marker)?;
        let name = text().pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(row.name.clone(), (left - 8, y_pixel), name))?;
        let end = chart.backend_coord(&(row.interval.map_or(row.value, |(_, high)| high), y)).0;
        let value = text().pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(format!("{:.1}", row.value), (end + 7, y_pixel), value))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::canvas::WIDTH;
    use super::*;

    fn rows() -> Vec<DotRow> {
        let row = |name: &str, value: f64| DotRow {
            name: name.to_owned(),
            value,
            interval: Some((value - 2.0, value + 2.0)),
        };
        vec![row("random", 40.0), row("real", 80.0), row("a <b>", 82.5)]
    }

    #[test]
    fn a_dot_plot_shows_every_row_and_needs_nothing_from_outside() {
        let svg = dot_plot("accuracies", "a \"quoted\" <plot>", &rows()).unwrap();
        assert!(svg.starts_with("<svg viewBox=") && svg.ends_with("</svg>"), "{svg}");
        assert!(svg.contains("&quot;quoted&quot; &lt;plot&gt;") && !svg.contains("http"), "{svg}");
        assert!(svg.contains("82.5") && svg.contains("80.0") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("<circle") && svg.contains("accuracy in %"), "{svg}");
    }

    #[test]
    fn dots_lie_in_the_order_of_their_values() {
        let svg = dot_plot("accuracies", "x", &rows()).unwrap();
        let circle = &svg[svg.find("<circle").unwrap()..];
        let x: f64 = circle.split("cx=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        assert!((254.0..f64::from(WIDTH)).contains(&x), "80 of 34 to 97 lies right of the middle: {x}");
        // A single value without interval still has an axis.
        let one = [DotRow { name: "one".to_owned(), value: 50.0, interval: None }];
        assert!(dot_plot("accuracies", "x", &one).unwrap().contains("50.0"));
    }
}
