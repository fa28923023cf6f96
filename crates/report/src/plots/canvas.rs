//! What every plot stands on: size, text, markers, and the `svg` element that comes out.

use plotters::coord::Shift;
use plotters::element::{Cross, PathElement, Polygon, Rectangle, Text, TriangleMarker};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::ReportError;
use crate::markers::{Marker, Shape};
use crate::words::shortened_between;

pub(super) const WIDTH: u32 = 380;
/// Text of about 13 pixels: the library divides by 1.24.
const TEXT: (&str, f64) = ("sans-serif", 16.0);
pub(super) const GREY: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
pub(super) const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const MARKER_SIZE: i32 = 5;
pub(super) const LEGEND_HEIGHT: i32 = 30;

/// Letters of a name that are shown.
pub(super) const NAME_MAX: usize = 24;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A piece of line and a name above the plot; gives the place of the next entry.
pub(super) fn legend_entry(
    root: &Area<'_>,
    from: i32,
    name: &str,
    marker: Marker,
) -> Result<i32, Box<dyn std::error::Error>> {
    let (to, y) = (from + 22, LEGEND_HEIGHT / 2);
    let (dash, gap) = marker.dashes.unwrap_or((to - from, 1));
    for start in (from..to).step_by((dash + gap) as usize) {
        let line = vec![(start, y), ((start + dash).min(to), y)];
        root.draw(&PathElement::new(line, marker.colour.stroke_width(2)))?;
    }
    root.draw(&Text::new(name.to_owned(), (to + 4, y), text().pos(Pos::new(HPos::Left, VPos::Center))))?;
    Ok(to + 18 + 13 * name.chars().count() as i32 / 2)
}

pub(super) fn draw_marker(root: &Area<'_>, (x, y): (i32, i32), marker: Marker) -> Drawn {
    let (size, filled) = (MARKER_SIZE, marker.colour.filled());
    match marker.shape {
        Shape::Cross => root.draw(&Cross::new((x, y), size, marker.colour.stroke_width(3)))?,
        Shape::Circle => root.draw(&Circle::new((x, y), size, filled))?,
        Shape::Triangle => root.draw(&TriangleMarker::new((x, y), size + 2, filled))?,
        Shape::Square => {
            root.draw(&Rectangle::new([(x - size, y - size), (x + size, y + size)], filled))?;
        }
        Shape::Diamond => {
            let size = size + 2;
            root.draw(&Polygon::new(
                vec![(x, y - size), (x + size, y), (x, y + size), (x - size, y)],
                filled,
            ))?;
        }
        Shape::TriangleDown => {
            let corners = vec![(x - size - 1, y - size + 1), (x + size + 1, y - size + 1), (x, y + size + 2)];
            root.draw(&Polygon::new(corners, filled))?;
        }
        Shape::Plus => {
            let style = marker.colour.stroke_width(3);
            root.draw(&PathElement::new(vec![(x - size, y), (x + size, y)], style))?;
            root.draw(&PathElement::new(vec![(x, y - size), (x, y + size)], style))?;
        }
    }
    Ok(())
}

/// The name, or its ends where it is too long.
pub(super) fn shortened(name: &str) -> String {
    shortened_between(name, NAME_MAX)
}

pub(super) fn text() -> TextStyle<'static> {
    TEXT.into_font().color(&INK)
}

/// Draws on a canvas of `height` and gives an `svg` element for within HTML.
pub(super) fn draw(
    plot: &'static str,
    description: &str,
    height: u32,
    fill: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<String, ReportError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        fill(&root)
            .and_then(|()| root.present().map_err(Into::into))
            .map_err(|error| ReportError::Plot { plot, problem: error.to_string() })?;
    }
    let start = svg.find("<svg").and_then(|start| Some((start, start + svg[start..].find('>')?)));
    let Some((_, end)) = start else {
        return Err(ReportError::Plot { plot, problem: "no svg element came out".to_owned() });
    };
    // Within HTML the namespace is known, and the page gives the width.
    let description = maud::html! { (description) }.into_string().replace('"', "&quot;");
    Ok(format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{description}\">{}",
        svg[end + 1..].trim_end()
    ))
}
