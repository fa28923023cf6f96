//! A colour and a shape for each arm, so that colour is never the only difference.
//!
//! Colours are those of Okabe and Ito, told apart with every common colour vision.

use plotters::prelude::RGBColor;

/// How an arm is drawn in every plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marker {
    /// Of lines and shapes.
    pub colour: RGBColor,
    /// At each point.
    pub shape: Shape,
    /// Length of dashes and gaps of its line in pixels; a solid line where there is none.
    pub dashes: Option<(i32, i32)>,
}

/// Shapes of the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An x.
    Cross,
    /// A disc.
    Circle,
    /// Point upwards.
    Triangle,
    /// On a side.
    Square,
    /// On a corner.
    Diamond,
    /// Point downwards.
    TriangleDown,
    /// An upright cross.
    Plus,
}

const MARKERS: [Marker; 7] = [
    Marker { colour: RGBColor(0x55, 0x55, 0x55), shape: Shape::Cross, dashes: Some((2, 4)) },
    Marker { colour: RGBColor(0x00, 0x72, 0xB2), shape: Shape::Circle, dashes: None },
    Marker { colour: RGBColor(0xD5, 0x5E, 0x00), shape: Shape::Triangle, dashes: Some((3, 3)) },
    Marker { colour: RGBColor(0x00, 0x9E, 0x73), shape: Shape::Square, dashes: Some((9, 4)) },
    Marker { colour: RGBColor(0xCC, 0x79, 0xA7), shape: Shape::Diamond, dashes: Some((6, 3)) },
    Marker { colour: RGBColor(0xE6, 0x9F, 0x00), shape: Shape::TriangleDown, dashes: Some((2, 3)) },
    Marker { colour: RGBColor(0x56, 0xB4, 0xE9), shape: Shape::Plus, dashes: Some((12, 3)) },
];

/// The marker of the arm at `position`.
#[must_use]
pub fn marker(position: usize) -> Marker {
    MARKERS[position % MARKERS.len()]
}

/// The marker of the series at `position`, none of which is grey: solid lines first, dashed ones where colours
/// and shapes come round again.
#[must_use]
pub fn series_marker(position: usize) -> Marker {
    let coloured = MARKERS.len() - 1;
    let dashes = [None, Some((8, 4)), Some((2, 3))];
    Marker { dashes: dashes[position / coloured % dashes.len()], ..MARKERS[1 + position % coloured] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighteen_series_are_told_apart_by_more_than_colour() {
        let markers: Vec<Marker> = (0..18).map(series_marker).collect();
        for (position, one) in markers.iter().enumerate() {
            let twin = markers[..position]
                .iter()
                .find(|other| (other.shape, other.dashes) == (one.shape, one.dashes));
            assert!(twin.is_none(), "{position}");
            assert!(one.colour != marker(0).colour);
        }
        assert_eq!(series_marker(18), series_marker(0));
    }
}
