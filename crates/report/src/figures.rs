//! Plots on a page, with their titles and captions.

use maud::{Markup, PreEscaped, html};

/// Plots beside each other, each a title and an `svg` element; `class` of the whole: `figures`.
#[must_use]
pub fn titled_plots(class: &str, plots: &[(String, String)]) -> Markup {
    html! {
        div class=(class) {
            @for (title, svg) in plots { figure { h3 { (title) } (PreEscaped(svg)) } }
        }
    }
}

/// A plot with its caption beside it, or under it where the page is narrow.
#[must_use]
pub fn plot_beside(svg: &str, caption: &Markup) -> Markup {
    html! { figure.beside { (PreEscaped(svg)) figcaption { (caption) } } }
}
