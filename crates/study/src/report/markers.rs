//! A colour and a shape for each arm, so that colour is never the only difference.
//!
//! Colours are those of Okabe and Ito, told apart with every common colour vision.

use plotters::prelude::RGBColor;

/// How an arm is drawn in every plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Marker {
    pub(super) colour: RGBColor,
    pub(super) shape: Shape,
    /// Length of dashes and gaps of its line in pixels; a solid line where there is none.
    pub(super) dashes: Option<(i32, i32)>,
}

/// Shapes of the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Cross,
    Circle,
    Triangle,
    Square,
}

const MARKERS: [Marker; 4] = [
    Marker { colour: RGBColor(0x55, 0x55, 0x55), shape: Shape::Cross, dashes: Some((2, 4)) },
    Marker { colour: RGBColor(0x00, 0x72, 0xB2), shape: Shape::Circle, dashes: None },
    Marker { colour: RGBColor(0xD5, 0x5E, 0x00), shape: Shape::Triangle, dashes: Some((3, 3)) },
    Marker { colour: RGBColor(0x00, 0x9E, 0x73), shape: Shape::Square, dashes: Some((9, 4)) },
];

/// The marker of the arm at `position`.
pub(super) fn marker(position: usize) -> Marker {
    MARKERS[position % MARKERS.len()]
}
