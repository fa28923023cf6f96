//! What the encoders saw, and the generator's samples beside real images.

use maud::{Markup, html};
use zview_report::pictures::png_uri;

use super::{DemoPage, PageArm};

/// The views of each trained arm, a row per anchor; beside them samples and real images.
pub(super) fn pictures(page: &DemoPage<'_>) -> Markup {
    let data = &page.summary.comparison.data;
    html! {
        div.saw {
            div {
                p {
                    "The first anchors of training, a row each, their views after augmentation side by side. The "
                    "views of a row should come out alike, different rows apart. The untrained encoder saw none."
                }
                div.views { @for arm in page.arms.iter().filter(|arm| arm.result.training.steps > 0) { (views(arm)) } }
            }
            div.samples {
                p { "The same anchors and more before augmentation, not picked." }
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
}

fn views(arm: &PageArm<'_>) -> Markup {
    html! {
        figure {
            img.pixels src=(png_uri(&arm.views_png))
                alt={ "Rows of views that arm " (arm.result.name) " learnt from" };
            figcaption { b { (arm.result.name) } br; (arm.result.taught_by) }
        }
    }
}
