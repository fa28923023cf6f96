//! Features on a plane.

use maud::{Markup, PreEscaped, html};
use zview_report::numbers::thousands;
use zview_report::words::shortened;

use super::map_drawing::Look;
use super::map_labels::place_labels;

/// The plane of a map in pixels.
const SIDE: f64 = 420.0;
const MARGIN: f64 = 10.0;
/// Classes up to which there is a legend besides the names on the map.
const LEGEND_MAX: usize = 10;
/// Classes up to which names are written on the map.
const NAMED_MAX: usize = 60;
/// Characters of a name on the map.
const NAME_MAX: usize = 14;
/// A name farther than this from its class has a line to it.
const LEADER_FROM: f64 = 12.0;

/// Maps of the same images side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct MapFigure {
    /// The classes, (C).
    pub classes: Vec<String>,
    /// The class of each image, (N).
    pub labels: Vec<u32>,
    /// Images that the N were drawn from: `test images`.
    pub drawn_from: (usize, String),
    /// The maps.
    pub panels: Vec<MapPanel>,
}

/// One map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPanel {
    /// `PCA`, `t-SNE`.
    pub title: String,
    /// Where each image lies, (N, 2).
    pub points: Vec<[f64; 2]>,
    /// What to know of it.
    pub caption: String,
}

impl MapFigure {
    /// PCA and t-SNE of a sample of `drawn_from` images, with what they keep of the features.
    #[must_use]
    pub fn new(maps: &crate::maps::FeatureMaps, classes: &[String], drawn_from: (usize, String)) -> Self {
        let [first, second] = maps.pca_variance_shares.map(|share| 100.0 * share);
        let pca = format!(
            "The two directions of largest variance: {first:.1} % and {second:.1} % of it. Trustworthiness {:.3}.",
            maps.pca.trustworthiness
        );
        let tsne = format!(
            "Of {} principal components ({:.1} % of the variance), perplexity {}. Trustworthiness {:.3}. \
             Neighbours mean something here; distances between groups and the size of groups mean little.",
            maps.components,
            100.0 * maps.components_variance_share,
            maps.perplexity,
            maps.tsne.trustworthiness
        );
        let panel = |title: &str, map: &crate::maps::FeatureMap, caption| MapPanel {
            title: title.to_owned(),
            points: map.points.clone(),
            caption,
        };
        Self {
            classes: classes.to_vec(),
            labels: maps.labels.clone(),
            drawn_from,
            panels: vec![panel("PCA", &maps.pca, pca), panel("t-SNE", &maps.tsne, tsne)],
        }
    }
}

/// The maps, with each class' name at its median.
pub fn maps(figure: &MapFigure) -> Markup {
    let present: Vec<usize> = (0..figure.classes.len())
        .filter(|&class| figure.labels.iter().any(|&label| label as usize == class))
        .collect();
    html! {
        p {
            "Features of " (thousands(figure.labels.len())) " of the " (thousands(figure.drawn_from.0)) " "
            (figure.drawn_from.1) ", a point each, coloured by class"
            @if figure.classes.len() <= NAMED_MAX { "; each class' name stands at its median" }
            ". Trustworthiness is the share of neighbourhoods on the map that are neighbourhoods among the features "
            "(1 is all; a map made by chance has about 0.5)."
        }
        div.maps {
            @for panel in &figure.panels {
                figure { h4 { (panel.title) } (drawing(figure, panel, &present)) figcaption { (panel.caption) } }
            }
        }
        @if figure.classes.len() <= LEGEND_MAX {
            ul.legend {
                @for &class in &present {
                    @let look = Look::of(class);
                    li {
                        svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true" {
                            path d=(look.path(std::iter::once((7.0, 7.0)), 5.0)) fill=(look.colour) {}
                        }
                        (figure.classes[class])
                    }
                }
            }
        }
    }
}

fn drawing(figure: &MapFigure, panel: &MapPanel, present: &[usize]) -> Markup {
    let placed = to_plane(&panel.points);
    let of_class = |class: usize| {
        placed
            .iter()
            .zip(&figure.labels)
            .filter(move |&(_, &label)| label as usize == class)
            .map(|(&at, _)| at)
    };
    let radius = if placed.len() > 800 { 2.0 } else { 2.6 };
    let names: Vec<String> = figure.classes.iter().map(|name| shortened(name, NAME_MAX)).collect();
    let named = figure.classes.len() <= NAMED_MAX;
    let font = if names.iter().any(|name| name.chars().count() > 2) { 13.0 } else { 16.0 };
    let labels = if named {
        place_labels(&placed, &figure.labels, &names, (SIDE, SIDE), (0.62 * font, 1.05 * font))
    } else {
        Vec::new()
    };
    html! {
        svg.map viewBox={ "0 0 " (SIDE) " " (SIDE) } role="img"
            aria-label={ (panel.title) " map of " (placed.len()) " images of " (present.len()) " classes" } {
            @for &class in present {
                @let look = Look::of(class);
                path d=(look.path(of_class(class), radius)) fill=(look.colour) fill-opacity="0.75" {}
            }
            @for label in &labels {
                @let ((from_x, from_y), (x, y)) = (label.median, label.middle);
                @if (from_x - x).hypot(from_y - y) > LEADER_FROM {
                    path.leader d=(format!("M{from_x:.1} {from_y:.1}L{x:.1} {y:.1}")) {}
                }
            }
            @for label in &labels {
                text.name x=(format!("{:.1}", label.middle.0)) y=(format!("{:.1}", label.middle.1 + 0.35 * font))
                    font-size=(font) text-anchor="middle" { (PreEscaped(maud::html! { (names[label.class]) }.into_string())) }
            }
        }
    }
}

/// Points scaled alike in both directions to fill the plane, upwards positive.
fn to_plane(points: &[[f64; 2]]) -> Vec<(f64, f64)> {
    let ends = |axis: usize| {
        points
            .iter()
            .map(|point| point[axis])
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let ((left, right), (low, high)) = (ends(0), ends(1));
    let extent = (right - left).max(high - low);
    let scale = if extent > 0.0 && extent.is_finite() { (SIDE - 2.0 * MARGIN) / extent } else { 0.0 };
    let (middle_x, middle_y) = (0.5 * (left + right), 0.5 * (low + high));
    let at = |value: f64, middle: f64| {
        let offset = (value - middle) * scale;
        0.5 * SIDE + if offset.is_finite() { offset } else { 0.0 }
    };
    points.iter().map(|point| (at(point[0], middle_x), SIDE - at(point[1], middle_y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(classes: usize) -> MapFigure {
        let points: Vec<[f64; 2]> =
            (0..200).map(|at| [f64::from(at).sin(), 5.0 + f64::from(at % 7)]).collect();
        MapFigure {
            classes: (0..classes).map(|class| format!("<{class}>")).collect(),
            labels: (0..200).map(|at| at % classes as u32).collect(),
            drawn_from: (1_000, "test images".to_owned()),
            panels: vec![MapPanel { title: "PCA".to_owned(), points, caption: "c".to_owned() }],
        }
    }

    #[test]
    fn every_class_has_a_path_and_a_name() {
        let text = maps(&figure(5)).into_string();
        assert_eq!(text.matches("fill-opacity").count(), 5);
        assert!(
            text.contains("&lt;4&gt;") && !text.contains("<4>") && text.contains("class=\"legend\""),
            "{text}"
        );
        let many = maps(&figure(26)).into_string();
        assert_eq!(many.matches("class=\"name\"").count(), 26);
        assert!(!many.contains("class=\"legend\""));
        assert_eq!(maps(&figure(100)).into_string().matches("class=\"name\"").count(), 0);
    }

    #[test]
    fn points_fill_the_plane_and_stay_in_it_whatever_they_are() {
        let plane = to_plane(&[[0.0, 0.0], [10.0, 5.0], [5.0, f64::NAN]]);
        assert_eq!(plane[0], (MARGIN, 0.75 * SIDE - 0.5 * MARGIN));
        assert_eq!(plane[1].0, SIDE - MARGIN);
        assert!(
            plane.iter().all(|&(x, y)| (0.0..=SIDE).contains(&x) && (0.0..=SIDE).contains(&y)),
            "{plane:?}"
        );
        assert_eq!(to_plane(&[[3.0, 3.0]]), [(0.5 * SIDE, 0.5 * SIDE)]);
        assert!(to_plane(&[]).is_empty());
    }
}
