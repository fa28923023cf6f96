//! Named points in the plane, such as accuracy against training time.

use plotters::element::{PathElement, Text};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Area, Drawn, INK, draw, draw_marker, shortened, text};
use super::line_plot::round_values;
use super::log_plot::ends;
use super::scale::Scale;
use super::value_axes::{HorizontalAxis, ValueAxis, values_over};
use crate::ReportError;
use crate::markers::Marker;

/// Distances of a name from its point in pixels, tried in this order; from the second on with a line between.
const DISTANCES: [i32; 4] = [9, 20, 34, 50];

/// Groups of points and what their axes say.
#[derive(Debug, Clone)]
pub struct ScatterPlot<'a> {
    /// What it shows, for an error.
    pub name: &'static str,
    /// What it shows, for people who do not see it.
    pub description: String,
    /// Beside the horizontal axis.
    pub x_label: &'a str,
    /// What goes upwards.
    pub values: ValueAxis,
    /// How the horizontal axis is laid out.
    pub scale: Scale,
    /// The points.
    pub groups: Vec<ScatterGroup>,
}

/// Points of one marker, joined by a thin line in their order.
#[derive(Debug, Clone)]
pub struct ScatterGroup {
    /// How they are drawn.
    pub marker: Marker,
    /// In the order in which they are joined.
    pub points: Vec<ScatterPoint>,
}

/// A named point: x, and a value; accuracies are 0 to 1.
#[derive(Debug, Clone)]
pub struct ScatterPoint {
    /// Where on the horizontal axis.
    pub x: f64,
    /// Where on the vertical axis.
    pub value: f64,
    /// Ends of the value's interval.
    pub interval: Option<(f64, f64)>,
    /// Written beside it.
    pub name: String,
}

/// Draws the points, intervals and names.
pub fn scatter_plot(plot: &ScatterPlot<'_>) -> Result<String, ReportError> {
    draw(plot.name, &plot.description, 320, |root| points(root, plot))
}

fn points(root: &Area<'_>, plot: &ScatterPlot<'_>) -> Drawn {
    let drawn = |group: &ScatterGroup| -> Vec<ScatterPoint> {
        let placed = |point: &&ScatterPoint| plot.scale.place(point.x).is_finite() && point.value.is_finite();
        group.points.iter().filter(placed).cloned().collect()
    };
    let groups: Vec<(Marker, Vec<ScatterPoint>)> =
        plot.groups.iter().map(|group| (group.marker, drawn(group))).collect();
    let all = || groups.iter().flat_map(|(_, points)| points);
    let (left, right) = ends(all().map(|point| plot.scale.place(point.x)), 0.12);
    let (low, high) = ends(
        all().flat_map(|point| {
            let (low, high) = point.interval.unwrap_or((point.value, point.value));
            [point.value, low, high]
        }),
        0.06,
    );
    let values = round_values(plot.scale, left, right);
    let x = HorizontalAxis { label: plot.x_label, scale: plot.scale, range: left..right, values: &values };
    let chart = values_over(root, &x, &plot.values, low..high)?;
    let pixel = |x: f64, value: f64| chart.backend_coord(&(plot.scale.place(x), value));
    let mut named = Vec::new();
    for (marker, points) in &groups {
        let line: Vec<(i32, i32)> = points.iter().map(|point| pixel(point.x, point.value)).collect();
        root.draw(&PathElement::new(line, marker.colour.mix(0.6).stroke_width(1)))?;
        for point in points {
            if let Some((from, to)) = point.interval {
                let line = vec![pixel(point.x, from), pixel(point.x, to)];
                root.draw(&PathElement::new(line, marker.colour.mix(0.55).stroke_width(1)))?;
            }
            named.push((pixel(point.x, point.value), shortened(&point.name), *marker));
        }
    }
    let (x_pixels, y_pixels) = chart.plotting_area().get_pixel_range();
    let bounds =
        Frame { left: x_pixels.start, top: y_pixels.start, right: x_pixels.end + 8, bottom: y_pixels.end };
    let frames =
        places_of_names(&named.iter().map(|(at, name, _)| (*at, name.as_str())).collect::<Vec<_>>(), bounds);
    for ((at, name, marker), (frame, distance)) in named.into_iter().zip(frames) {
        if distance > DISTANCES[0] {
            let near = (at.0.clamp(frame.left, frame.right), at.1.clamp(frame.top, frame.bottom));
            root.draw(&PathElement::new(vec![at, near], INK.mix(0.5).stroke_width(1)))?;
        }
        draw_marker(root, at, marker)?;
        // From the side of the point, as the width of the letters is a guess.
        let (side, x) = if frame.right <= at.0 {
            (HPos::Right, frame.right)
        } else if frame.left >= at.0 {
            (HPos::Left, frame.left)
        } else {
            (HPos::Center, (frame.left + frame.right) / 2)
        };
        let place = (x, (frame.top + frame.bottom) / 2);
        root.draw(&Text::new(name, place, text().pos(Pos::new(side, VPos::Center))))?;
    }
    Ok(())
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Frame {
    /// Pixels that both cover.
    fn overlap(self, other: Self) -> i32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0) * height.max(0)
    }

    fn area(self) -> i32 {
        (self.right - self.left) * (self.bottom - self.top)
    }
}

/// For each point the frame of its name and the distance between them: the nearest where it covers no point and
/// no other name, else where it covers least.
fn places_of_names(points: &[((i32, i32), &str)], bounds: Frame) -> Vec<(Frame, i32)> {
    const DIRECTIONS: [(i32, i32); 8] =
        [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)];
    let marker =
        |&((x, y), _): &((i32, i32), &str)| Frame { left: x - 6, top: y - 6, right: x + 6, bottom: y + 6 };
    let mut taken: Vec<Frame> = points.iter().map(marker).collect();
    let mut places: Vec<(Frame, i32)> = Vec::new();
    for &((x, y), name) in points {
        let (width, height) = (7 * name.chars().count() as i32 + 2, 14);
        let mut best: Option<(i32, Frame, i32)> = None;
        'search: for distance in DISTANCES {
            for (across, down) in DIRECTIONS {
                // Beside, above or below the point; on diagonals at 0.7 of the distance in both directions.
                let away = if across != 0 && down != 0 { 7 * distance / 10 } else { distance };
                let left = x + match across {
                    1 => away,
                    0 => -width / 2,
                    _ => -away - width,
                };
                let top = y + match down {
                    1 => away,
                    0 => -height / 2,
                    _ => -away - height,
                };
                let frame = Frame { left, top, right: left + width, bottom: top + height };
                let outside = frame.area() - frame.overlap(bounds);
                let covered = 4 * outside + taken.iter().map(|other| frame.overlap(*other)).sum::<i32>();
                if best.is_none_or(|(least, ..)| covered < least) {
                    best = Some((covered, frame, distance));
                }
                if covered == 0 {
                    break 'search;
                }
            }
        }
        if let Some((_, frame, distance)) = best {
            taken.push(frame);
            places.push((frame, distance));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markers::series_marker;

    #[test]
    fn every_point_has_its_name() {
        let point = |x: f64, name: &str| ScatterPoint {
            x,
            value: 0.8,
            interval: Some((0.7, 0.9)),
            name: name.to_owned(),
        };
        let group = ScatterGroup {
            marker: series_marker(0),
            points: vec![point(1.0, "<one>"), point(2.0, "two"), point(f64::NAN, "nowhere")],
        };
        let plot = |groups| ScatterPlot {
            name: "x",
            description: "a <plot>".to_owned(),
            x_label: "seconds",
            values: ValueAxis::Accuracy,
            scale: Scale::Linear,
            groups,
        };
        let svg = scatter_plot(&plot(vec![group])).unwrap();
        assert!(svg.contains("&lt;one&gt;") && svg.contains("two") && !svg.contains("nowhere"), "{svg}");
        assert!(!svg.contains("<one>") && !svg.contains("<plot>") && !svg.contains("NaN"), "{svg}");
        assert!(scatter_plot(&plot(vec![])).unwrap().ends_with("</svg>"));
    }

    /// The name went on over the plot's edge and over the names of other points.
    #[test]
    fn a_long_name_is_shortened_as_in_the_rows_of_arms() {
        let name = "synthetic-gaussian-and-augmented-images-0.25";
        let point = ScatterPoint { x: 1.0, value: 0.8, interval: None, name: name.to_owned() };
        let groups = vec![ScatterGroup { marker: series_marker(0), points: vec![point] }];
        let plot = ScatterPlot {
            name: "x",
            description: String::new(),
            x_label: "seconds",
            values: ValueAxis::Accuracy,
            scale: Scale::Linear,
            groups,
        };
        let svg = scatter_plot(&plot).unwrap();
        assert!(svg.contains(&shortened(name)) && !svg.contains(name), "{svg}");
    }

    #[test]
    fn names_of_near_points_do_not_cover_each_other() {
        let bounds = Frame { left: 0, top: 0, right: 300, bottom: 250 };
        let points =
            [((100, 100), "gaussian"), ((104, 102), "uniform"), ((98, 106), "walk"), ((290, 100), "edge")];
        let places = places_of_names(&points, bounds);
        for (number, (frame, _)) in places.iter().enumerate() {
            assert_eq!(frame.overlap(bounds), frame.area(), "{number} lies within");
            for (other, _) in &places[..number] {
                assert_eq!(frame.overlap(*other), 0, "{number}");
            }
        }
    }
}
