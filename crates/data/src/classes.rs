//! From the numbers that a format has for classes to class names and labels.

use std::collections::BTreeSet;

/// Classes are the numbers that occur, in order, with the numbers as names: of `labels`, and of the `others` that the
/// other split has. Gives the names, and the labels as indices of them.
pub(crate) fn numbered(
    labels: Option<Vec<i64>>,
    others: impl Iterator<Item = i64>,
) -> (Vec<String>, Option<Vec<u32>>) {
    let Some(labels) = labels else { return (Vec::new(), None) };
    let numbers: BTreeSet<i64> = labels.iter().copied().chain(others).collect();
    let numbers: Vec<i64> = numbers.into_iter().collect();
    let indices = labels
        .iter()
        .filter_map(|label| numbers.binary_search(label).ok())
        .map(|index| index as u32)
        .collect();
    (numbers.iter().map(i64::to_string).collect(), Some(indices))
}

/// Names instead of numbers, where every class is the number of one of the `known` names; `number_of` gives for each
/// class of `stored` its number among them.
pub(crate) fn known_numbers(stored: &[String], known: &[&str]) -> Option<Vec<u32>> {
    if stored.is_empty() {
        return None;
    }
    let number = |name: &String| name.parse::<u32>().ok().filter(|&number| (number as usize) < known.len());
    stored.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_a_first_label_of_1_are_no_matter() {
        let (classes, labels) = numbered(Some(vec![3, 1, 26]), [1, 7].into_iter());
        assert_eq!(classes, ["1", "3", "7", "26"]);
        assert_eq!(labels, Some(vec![1, 0, 3]));
        assert_eq!(known_numbers(&classes, &["a"; 27]), Some(vec![1, 3, 7, 26]));
        assert_eq!(known_numbers(&classes, &["a"; 26]), None);
        assert_eq!(known_numbers(&["cat".to_owned()], &["a"]), None);
    }
}
