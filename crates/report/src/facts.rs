//! Names and what they stand for.

use maud::{Markup, html};

/// A list of names, each with its value.
#[must_use]
pub fn facts(facts: &[(&str, String)]) -> Markup {
    html! { dl { @for (name, value) in facts { dt { (name) } dd { (value) } } } }
}
