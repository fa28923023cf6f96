//! What the encoders saw, and the generator's samples beside real images.

use maud::{Markup, html};

use super::data_uri::png_uri;
use super::page::{Page, PageArm};

/// The views of each trained arm, a row per anchor.
pub(super) fn views(arms: &[PageArm<'_>]) -> Markup {
    html! {
        p {
            "The first anchors of training, a row each, and their views after augmentation side by side. Both "
            "views of a row should come out alike; different rows apart. The untrained encoder saw none."
        }
        div.pictures {
            @for arm in arms.iter().filter(|arm| arm.result.training.steps > 0) {
                figure.views {
                    img.pixels src=(png_uri(&arm.views_png))
                        alt={ "Rows of views that arm " (arm.result.name) " learnt from" };
                    figcaption { b { (arm.result.name) } br; (arm.result.taught_by) }
                }
            }
        }
    }
}

/// Two grids of the same size.
pub(super) fn samples(page: &Page<'_>) -> Markup {
    let data = &page.summary.comparison.data;
    html! {
        h3 { "The generator and the real images" }
        p { "Not picked: the first anchors of training, before augmentation." }
        div.pictures {
            figure {
                img.pixels src=(png_uri(&page.generated_png)) alt={ "Samples of the generator " (page.generator) };
                figcaption { "Samples of " b { (page.generator) } }
            }
            figure {
                img.pixels src=(png_uri(&page.real_png)) alt={ "Training images of " (data) };
                figcaption { "Training images of " b { (data) } }
            }
        }
    }
}
