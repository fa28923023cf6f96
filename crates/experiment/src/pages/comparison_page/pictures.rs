//! What the encoders saw, and what they hold for similar.

use maud::{Markup, html};
use zview_report::pictures::NeighbourFigure;
use zview_report::pictures::png_uri;
use zview_report::words::breakable;

use super::ComparisonPage;
use zview_report::neighbours::neighbours;

/// Views that an arm's encoder learnt from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmViews {
    /// The arm's name.
    pub arm: String,
    /// PNG, a row per anchor.
    pub png: Vec<u8>,
    /// What is in it, in a sentence.
    pub caption: String,
}

/// Nearest neighbours on one data set.
#[derive(Debug)]
pub struct ComparedNeighbours {
    /// The data set.
    pub data: String,
    /// Training images that neighbours are searched in.
    pub n_train: usize,
    /// The images, a row per arm.
    pub figure: NeighbourFigure,
}

/// A grid for each arm.
pub(super) fn view_grids(page: &ComparisonPage) -> Markup {
    html! {
        div.figures.grids {
            @for views in &page.views {
                figure {
                    h3 { (views.arm) }
                    img.pixels src=(png_uri(&views.png)) alt={ "Views of " (views.arm) };
                    @if !views.caption.is_empty() { figcaption { (breakable(&views.caption)) } }
                }
            }
        }
    }
}

/// Cards for each data set.
pub(super) fn neighbour_cards(page: &ComparisonPage) -> Markup {
    html! {
        @for part in &page.neighbours {
            @if page.neighbours.len() > 1 { h3 { (part.data) } }
            (neighbours(&part.figure, part.n_train, &part.data))
        }
    }
}
