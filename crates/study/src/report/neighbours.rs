//! Nearest training images of a few test images, in each encoder's feature space.

use maud::{Markup, html};

use super::data_uri::png_uri;
use crate::answer::thousands;
use crate::figures::LabelledImage;

/// Test images and, for each arm, the training images nearest to each.
#[derive(Debug)]
pub struct NeighbourFigure {
    /// Test images.
    pub queries: Vec<LabelledImage>,
    /// For each arm its name and, for each query, the neighbours, nearest first.
    pub arms: Vec<(String, Vec<Vec<LabelledImage>>)>,
}

/// A card for each test image, with a row of neighbours for each arm.
pub(super) fn neighbours(figure: &NeighbourFigure, n_train: usize, data: &str) -> Markup {
    html! {
        p {
            "Test images drawn at random before any result was known, and the nearest of " (thousands(n_train))
            " training images of " (data) " by cosine similarity of the features. "
            span.wrong-sample { "✗" } " and a dashed frame mark a neighbour of another class."
        }
        div.cards {
            @for (position, query) in figure.queries.iter().enumerate() {
                div.card {
                    div.query {
                        img.pixels src=(png_uri(&query.png)) alt={ "Test image, " (query.label) };
                        span { "test image " b { (query.label) } }
                    }
                    @for (arm, rows) in &figure.arms {
                        @if let Some(row) = rows.get(position) { (neighbour_row(arm, row, &query.label)) }
                    }
                }
            }
        }
    }
}

fn neighbour_row(arm: &str, row: &[LabelledImage], wanted: &str) -> Markup {
    html! {
        div.row {
            span.arm { (arm) }
            @for image in row {
                @let right = image.label == wanted;
                span.neighbour.wrong[!right] title=(image.label) {
                    img.pixels src=(png_uri(&image.png))
                        alt={ (image.label) @if !right { " (another class)" } };
                    span.label { @if !right { "✗ " } (image.label) }
                }
            }
        }
    }
}
