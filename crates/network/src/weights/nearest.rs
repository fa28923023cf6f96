//! Which of the present names a misspelled one may have meant.

/// Up to `count` of `present`, those nearest to `asked` first: names that end with it (a prefix is
/// missing), then by edit distance.
#[must_use]
pub fn nearest_names<'a>(asked: &str, present: impl Iterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let mut ranked: Vec<(bool, usize, &str)> = present
        .map(|name| (!name.ends_with(asked), strsim::damerau_levenshtein(asked, name), name))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(count).map(|(_, _, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_prefix_comes_before_a_misspelling() {
        let present = ["net.0.bias", "net.1.weight", "state_dict.net.0.weight"];
        let found = nearest_names("net.0.weight", present.into_iter(), 2);
        assert_eq!(found, ["state_dict.net.0.weight", "net.1.weight"]);
    }
}
