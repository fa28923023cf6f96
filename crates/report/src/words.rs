//! Words, signs and names.

use maud::{Markup, html};

/// Hyphens before digits as minus signs, and no line end before a percent sign.
#[must_use]
pub fn minus(text: &str) -> String {
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
#[must_use]
pub fn breakable(text: &str) -> Markup {
    html! { @for part in text.split_inclusive('=') { (part) @if part.ends_with('=') { wbr; } } }
}

/// A name of at most `most` characters: of a longer one the first, and `…`.
#[must_use]
pub fn shortened(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

/// A name of at most `most` characters: of a longer one both ends, and `…` between them.
#[must_use]
pub fn shortened_between(name: &str, most: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= most {
        return name.to_owned();
    }
    let end = most / 2;
    let start: String = letters[..most - end - 1].iter().collect();
    let end: String = letters[letters.len() - end..].iter().collect();
    format!("{start}…{end}")
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

    #[test]
    fn a_long_name_is_as_long_as_allowed() {
        assert_eq!([shortened("<ab>", 4), shortened("<abc>", 4)], ["<ab>", "<ab…"]);
        let short = shortened_between("synthetic-gaussian-and-augmented-0.25", 24);
        assert_eq!((short.chars().count(), &short[..9]), (24, "synthetic"));
        assert!(short.ends_with("0.25"));
    }
}
