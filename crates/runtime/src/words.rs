//! Numbers of things in words.

/// `one seed`, `3 seeds`: for nouns whose plural ends in s.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("one {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        let said = [0, 1, 2].map(|number| counted(number, "image file"));
        assert_eq!(said, ["0 image files", "one image file", "2 image files"]);
    }
}
