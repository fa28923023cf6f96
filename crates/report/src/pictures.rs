//! Pictures within a page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// A PNG file as a `data:` address.
#[must_use]
pub fn png_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// An image and the name of its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledImage {
    /// PNG file.
    pub png: Vec<u8>,
    /// Its class.
    pub label: String,
}

/// Test images and, by each way of searching, the images nearest to each.
#[derive(Debug)]
pub struct NeighbourFigure {
    /// Test images.
    pub queries: Vec<LabelledImage>,
    /// For each arm its name and, for each query, the neighbours, nearest first.
    pub arms: Vec<(String, Vec<Vec<LabelledImage>>)>,
}

/// A card for each test image, with a row of neighbours for each arm; those of another class are marked.
#[must_use]
pub fn neighbour_cards(figure: &NeighbourFigure) -> Markup {
    html! {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_base64_with_padding() {
        assert_eq!(png_uri(&[0xFB, 0xFF, 0, 1]), "data:image/png;base64,+/8AAQ==");
    }

    #[test]
    fn a_neighbour_of_another_class_is_marked_by_more_than_colour() {
        let image = |label: &str| LabelledImage { png: vec![1], label: label.to_owned() };
        let arms = vec![("real".to_owned(), vec![vec![image("A"), image("<B>")]])];
        let text = neighbour_cards(&NeighbourFigure { queries: vec![image("A")], arms }).into_string();
        assert!(text.contains("alt=\"&lt;B&gt; (another class)\"") && text.contains("✗ &lt;B&gt;"), "{text}");
        assert_eq!(text.matches('✗').count(), 1);
    }
}
