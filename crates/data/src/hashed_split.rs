//! Which images of class folders without a split are the test split.
//!
//! Of each class the fifth of its images whose names have the smallest hashes: the same on every machine, whatever the
//! order of the files, and another image moves no more than one across.

use zview_runtime::hash::sha256_of_bytes;

/// Images of a class of which one is held out.
const OF_HOW_MANY: usize = 5;
/// What makes the hash of a name differ from any other use of it.
const KEY: &str = "zview split 1";

/// Whether each of a class's images, by its name (class/file), is in the test split. A class with one image keeps it
/// for training; of two or more at least one is in either part.
pub(crate) fn test_images(names: &[String]) -> Vec<bool> {
    let mut by_hash: Vec<(String, usize)> = names
        .iter()
        .enumerate()
        .map(|(image, name)| (sha256_of_bytes(format!("{KEY}\0{name}").as_bytes()), image))
        .collect();
    by_hash.sort_unstable();
    let images = names.len();
    let held_out =
        if images < 2 { 0 } else { ((images + OF_HOW_MANY / 2) / OF_HOW_MANY).clamp(1, images - 1) };
    let mut is_test = vec![false; images];
    for (_, image) in &by_hash[..held_out] {
        is_test[*image] = true;
    }
    is_test
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("cat/{number}.png")).collect()
    }

    #[test]
    fn a_fifth_of_a_class_is_held_out_and_stays_so() {
        // python3 -c 'import hashlib as h; n=["cat/%d.png"%i for i in range(10)];
        //   print(sorted(sorted(n, key=lambda x: h.sha256(("zview split 1\0"+x).encode()).hexdigest())[:2]))'
        let ten = names(10);
        let held: Vec<&str> = ten
            .iter()
            .zip(test_images(&ten))
            .filter(|(_, test)| *test)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(held, HELD_OUT_OF_TEN);
        for (images, expected) in [(0, 0), (1, 0), (2, 1), (7, 1), (8, 2), (100, 20)] {
            let test = test_images(&names(images)).into_iter().filter(|&test| test).count();
            assert_eq!(test, expected, "of {images}");
        }
        // In another order the same; and one more image moves one at most.
        let mut reversed = ten.clone();
        reversed.reverse();
        let of_reversed: Vec<bool> = test_images(&reversed).into_iter().rev().collect();
        assert_eq!(of_reversed, test_images(&ten));
        let (before, after) = (test_images(&names(102)), test_images(&names(103)));
        assert!(before.iter().zip(&after).filter(|(one, other)| one != other).count() <= 2);
    }

    const HELD_OUT_OF_TEN: [&str; 2] = ["cat/3.png", "cat/5.png"];
}
