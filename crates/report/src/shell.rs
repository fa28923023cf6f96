//! Commands as they are typed.

use maud::{Markup, html};

/// A command whose lines end between words only.
#[must_use]
pub fn shell(command: &str) -> Markup {
    html! {
        pre {
            code {
                @for (number, word) in command.split(' ').enumerate() {
                    @if number > 0 { " " }
                    span { (word) }
                }
            }
        }
    }
}
