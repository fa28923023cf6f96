//! A page as a whole: an HTML file that needs nothing beside itself.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of all pages: a light and a dark palette, and what several pages have.
pub const STYLE: &str = include_str!("style.css");

/// What is on a page.
#[derive(Debug)]
pub struct Page<'a> {
    /// The title of its window.
    pub title: &'a str,
    /// What it needs of style beside [`STYLE`].
    pub styles: &'a [&'a str],
    /// Classes of its body, for [`Page::styles`].
    pub class: Option<&'a str>,
    /// What stands first: the title and what it is about.
    pub header: Markup,
    /// The rest.
    pub main: Markup,
}

/// The HTML file.
#[must_use]
pub fn page(page: &Page<'_>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) }
                style { (PreEscaped(STYLE)) @for style in page.styles { (PreEscaped(style)) } }
            }
            body class=[page.class] {
                header { (page.header) }
                main { (page.main) }
            }
        }
    };
    page.into_string()
}

/// Parts of a page, each a heading and its content.
#[must_use]
pub fn sections(sections: &[(&str, Markup)]) -> Markup {
    html! { @for (heading, content) in sections { section { h2 { (heading) } (content) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_styles_and_its_title_is_escaped() {
        let written = |class| {
            let main = sections(&[("Result", html! { "none" })]);
            page(&Page {
                title: "<one>",
                styles: &[".x > y {}"],
                class,
                header: html! { h1 { "One" } },
                main,
            })
        };
        let text = written(Some("one two"));
        assert!(text.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{text}");
        assert!(text.contains("<title>&lt;one&gt;</title>") && text.contains(".x > y {}</style>"), "{text}");
        assert!(
            text.contains("<body class=\"one two\"><header><h1>One</h1></header><main><section>"),
            "{text}"
        );
        assert!(written(None).contains("<body><header>"));
    }
}
