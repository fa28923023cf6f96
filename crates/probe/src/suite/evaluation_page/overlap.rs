//! Images that are in both the training and the test set.

use maud::{Markup, html};
use zview_report::numbers::{percent, thousands};
use zview_report::pictures::LabelledImage;
use zview_report::pictures::png_uri;

/// Overlap of the training images with the test images.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlapFigure {
    /// Test images that are training images too, byte by byte.
    pub exact: usize,
    /// Further test images that are nearly a training image.
    pub near: usize,
    /// What counts as nearly the same: `mean difference of at most 2 grey levels`.
    pub near_means: String,
    /// Training images compared.
    pub n_train: usize,
    /// Test images compared.
    pub n_test: usize,
    /// A few of the pairs.
    pub pairs: Vec<OverlapPair>,
}

/// A test image and the training image it repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlapPair {
    /// The test image.
    pub test: LabelledImage,
    /// The training image.
    pub train: LabelledImage,
    /// How near they are: `the same bytes`, `difference 0.4`.
    pub note: String,
}

/// The counts and a few pairs.
pub(super) fn overlap(figure: &OverlapFigure) -> Markup {
    let share = |count: usize| percent(count as f64 / figure.n_test.max(1) as f64);
    html! {
        p {
            b { (thousands(figure.exact)) } " of " (thousands(figure.n_test)) " test images (" (share(figure.exact))
            " %) are among the " (thousands(figure.n_train)) " training images, byte by byte; "
            b { (thousands(figure.near)) } " more (" (share(figure.near)) " %) nearly so (" (figure.near_means) "). "
            @if figure.exact + figure.near == 0 { "The test images are new to the classifier." }
            @else { "Accuracy on these says how well they are remembered, not how well the features generalise." }
        }
        @if !figure.pairs.is_empty() {
            div.pairs {
                @for pair in &figure.pairs {
                    figure.pair {
                        img.pixels src=(png_uri(&pair.test.png)) alt={ "Test image, " (pair.test.label) };
                        img.pixels src=(png_uri(&pair.train.png)) alt={ "Training image, " (pair.train.label) };
                        figcaption { (pair.test.label) " | " (pair.train.label) br; (pair.note) }
                    }
                }
            }
            p.fine { "Left the test image, right the training image, with their labels." }
        }
    }
}
