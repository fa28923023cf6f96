//! Words and signs.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signs_become_minus_signs() {
        assert_eq!(
            minus("synthetic-tx: -2.0 (95 % -3 to 1), 20-NN"),
            "synthetic-tx: −2.0 (95\u{a0}% −3 to 1), 20-NN"
        );
    }
}
