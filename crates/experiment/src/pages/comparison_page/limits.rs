//! What a comparison does not show.

use maud::{Markup, html};

use super::ComparisonPage;

/// A list of them.
pub(super) fn limits(page: &ComparisonPage) -> Markup {
    html! {
        ul {
            @if let [seed] = page.seeds[..] {
                li {
                    "One seed (" (seed) "): the intervals say how the numbers would vary with other test images or labels, "
                    "not with other initial weights, batches or samples. More seeds: "
                    code { "--set seeds=[0,1,2]" } "."
                }
            }
            li {
                "No interval speaks of other labelled images: linear probe and neighbours learn from the same ones with every "
                "seed. Few labels are drawn anew for each."
            }
            li { "Equal updates are not equal time, nor equally many different images. The seconds are in the table." }
            @if page.generated {
                li {
                    "A generator was itself trained on images. Compared are learning from it and learning from images, not "
                    "learning from no images at all; and the probes of every arm learn from the same real labelled images."
                }
            }
            @for (generator, classes) in &page.class_generators {
                li {
                    "The generator " code { (generator) } " draws on request one of " (classes) " classes, so the labels of "
                    "its training images are in it, and the views of one anchor share their class."
                }
            }
        }
    }
}
