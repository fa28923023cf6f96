//! Which of the present names a misspelled one may have meant.

/// Up to `count` of `present`, those nearest to `asked` first: names that end with it (a prefix is missing), names that
/// go on after it (`weight_orig`), then by edit distance.
#[must_use]
pub fn nearest_names<'a>(asked: &str, present: impl Iterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let kind = |name: &str| match () {
        () if name.ends_with(asked) => 0,
        () if name.starts_with(asked) => 1,
        () => 2,
    };
    let mut ranked: Vec<(usize, usize, &str)> =
        present.map(|name| (kind(name), strsim::damerau_levenshtein(asked, name), name)).collect();
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

    #[test]
    fn what_the_same_layer_has_comes_before_another_layer() {
        let present = ["net.1.weight", "net.0.weight_bar", "net.2.weight"];
        assert_eq!(nearest_names("net.0.weight", present.into_iter(), 1), ["net.0.weight_bar"]);
    }
}
