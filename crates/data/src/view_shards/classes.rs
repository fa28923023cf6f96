//! The classes of anchors: numbers or names, as they stand in members and folder names.

use std::collections::BTreeMap;

use super::tar_index::NonNegative;
use crate::name_text::composed;

/// A class as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClassValue {
    Number(i64),
    Name(String),
}

/// Longest name of a class, in bytes: what is longer is a text.
const NAME_BYTES_MAX: usize = 256;

impl ClassValue {
    /// From a text, in Unicode's composed form; `Ok(None)` for one that says there is no class: empty or below 0.
    ///
    /// # Errors
    /// Where it is no class at all.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, ()> {
        let text = text.trim_matches(|sign: char| sign.is_whitespace() || sign == '\0' || sign == '\u{FEFF}');
        if text.is_empty() {
            return Ok(None);
        }
        if let Ok(number) = text.parse::<i64>() {
            return Ok(Self::number(number));
        }
        if let Ok(number) = text.parse::<f64>() {
            return Self::float(number);
        }
        if text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(());
        }
        Ok(Some(Self::Name(composed(text))))
    }

    /// `None` below 0, which stands for none.
    pub(super) fn number(number: i64) -> Option<Self> {
        (number >= 0).then_some(Self::Number(number))
    }

    /// From a number with a point.
    ///
    /// # Errors
    /// Where it is not whole.
    pub(super) fn float(number: f64) -> Result<Option<Self>, ()> {
        let is_whole = number.is_finite() && number.fract() == 0.0 && number.abs() < 9e15;
        if is_whole { Ok(Self::number(number as i64)) } else { Err(()) }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

/// Classes in the order in which they were met, each once.
#[derive(Debug, Default)]
pub(super) struct ClassTable {
    places: BTreeMap<ClassValue, u32>,
}

impl ClassTable {
    /// The place of a class, which is put in if it is new.
    pub(super) fn place(&mut self, class: ClassValue) -> Option<NonNegative> {
        let next = self.places.len() as u32;
        NonNegative::new(i64::from(*self.places.entry(class).or_insert(next)))
    }

    /// Its classes, by place.
    pub(super) fn by_place(&self) -> Vec<&ClassValue> {
        let mut classes: Vec<(&ClassValue, u32)> =
            self.places.iter().map(|(class, place)| (class, *place)).collect();
        classes.sort_unstable_by_key(|(_, place)| *place);
        classes.into_iter().map(|(class, _)| class).collect()
    }

    /// Numbers in order, then names in order; and for each place the number of its class in that order.
    pub(super) fn in_order(&self) -> (Vec<String>, Vec<u32>) {
        let mut numbers = vec![0; self.places.len()];
        for (number, place) in self.places.values().enumerate() {
            numbers[*place as usize] = number as u32;
        }
        (self.places.keys().map(ClassValue::name).collect(), numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_class_is_read() {
        let parsed = |text: &str| ClassValue::parse(text).map(|class| class.map(|class| class.name()));
        for (text, class) in [
            ("3\n", Some("3")),
            ("3.0", Some("3")),
            ("-1", None),
            ("-1.0", None),
            ("", None),
            (" dog ", Some("dog")),
        ] {
            assert_eq!(parsed(text), Ok(class.map(str::to_owned)), "{text}");
        }
        for text in ["0.5", "nan", &"x".repeat(300), "a\u{1}b"] {
            assert_eq!(parsed(text), Err(()), "{text}");
        }
        let mut table = ClassTable::default();
        for number in [1_000_000_007, 5, 1_000_000_007] {
            table.place(ClassValue::Number(number));
        }
        assert_eq!(table.in_order(), (vec!["5".to_owned(), "1000000007".to_owned()], vec![1, 0]));
    }
}
