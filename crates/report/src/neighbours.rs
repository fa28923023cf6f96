//! Nearest training images of a few test images, in each encoder's feature space.

use crate::numbers::thousands;
use crate::pictures::{NeighbourFigure, neighbour_cards};
use maud::{Markup, html};

/// A card for each test image, with a row of neighbours for each arm.
#[must_use]
pub fn neighbours(figure: &NeighbourFigure, n_train: usize, data: &str) -> Markup {
    html! {
        p {
            "Test images drawn at random before any result was known, and the nearest of " (thousands(n_train))
            " training images of " (data) " by cosine similarity of the features. "
            span.wrong-sample { "✗" } " and a dashed frame mark a neighbour of another class."
        }
        (neighbour_cards(figure))
    }
}
