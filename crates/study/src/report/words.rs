//! Words and signs.

use maud::{Markup, html};

/// Hyphens before digits as minus signs, and no line end before a percent sign.
pub(super) fn minus(text: &str) -> String {
    let text = text.replace(" %", "\u{a0}%");
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut previous = ' ';
    while let Some(character) = characters.next() {
        let sign = character == '-'
            && !previous.is_alphanumeric()
            && characters.peek().is_some_and(char::is_ascii_digit);
        shown.push(if sign { '\u{2212}' } else { character });
        previous = character;
    }
    shown
}

/// Text whose lines may end after an equals sign, as those of `augment.preset=simclr-small` in a narrow column.
pub(super) fn breakable(text: &str) -> Markup {
    html! { @for part in text.split_inclusive('=') { (part) @if part.ends_with('=') { wbr; } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_end_between_a_key_and_its_value() {
        assert_eq!(breakable("a.b=<c>, d").into_string(), "a.b=<wbr>&lt;c&gt;, d");
        assert_eq!(breakable("").into_string(), "");
    }

    #[test]
    fn only_signs_become_minus_signs() {
        assert_eq!(
            minus("synthetic-tx: -2.0 (95 % -3 to 1), 20-NN"),
            "synthetic-tx: −2.0 (95\u{a0}% −3 to 1), 20-NN"
        );
    }
}
