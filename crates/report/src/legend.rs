//! What the markers and lines of a plot stand for.

use maud::{Markup, html};
use plotters::prelude::RGBColor;

use crate::markers::{Marker, Shape};

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub enum LegendEntry {
    /// A marker and its line.
    Line(String, Marker),
    /// A marker alone.
    Point(String, Marker),
    /// A dashed level with a band.
    Level(String, RGBColor),
}

/// A list of entries that wraps where the page is narrow; nothing without entries.
#[must_use]
pub fn legend(entries: &[LegendEntry]) -> Markup {
    html! {
        @if !entries.is_empty() {
            ul.legend {
                @for entry in entries {
                    li {
                        svg viewBox="0 0 28 14" aria-hidden="true" { (drawing(entry)) }
                        @match entry {
                            LegendEntry::Line(name, _) | LegendEntry::Point(name, _) | LegendEntry::Level(name, _) => {
                                span { (name) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn drawing(entry: &LegendEntry) -> Markup {
    html! {
        @match entry {
            LegendEntry::Line(_, marker) => {
                @let dashes = marker.dashes.map(|(dash, gap)| format!("{dash} {gap}"));
                path d="M0 7H28" stroke=(colour(marker.colour)) stroke-width="2" stroke-dasharray=[dashes] {}
                (shape(*marker))
            }
            LegendEntry::Point(_, marker) => { (shape(*marker)) }
            LegendEntry::Level(_, level) => {
                rect x="0" y="1" width="28" height="12" fill=(colour(*level)) fill-opacity="0.13" {}
                path d="M0 7H28" stroke=(colour(*level)) stroke-width="2" stroke-dasharray="6 4" {}
            }
        }
    }
}

fn shape(marker: Marker) -> Markup {
    let (path, filled) = match marker.shape {
        Shape::Cross => ("M10 3L18 11M18 3L10 11", false),
        Shape::Plus => ("M9 7H19M14 2V12", false),
        Shape::Circle => ("M9 7a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", true),
        Shape::Triangle => ("M14 1L20 12H8Z", true),
        Shape::TriangleDown => ("M14 13L20 2H8Z", true),
        Shape::Square => ("M9 2H19V12H9Z", true),
        Shape::Diamond => ("M14 0L21 7L14 14L7 7Z", true),
    };
    let colour = colour(marker.colour);
    html! {
        @if filled { path d=(path) fill=(colour) {} }
        @else { path d=(path) stroke=(colour) stroke-width="3" fill="none" {} }
    }
}

fn colour(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
