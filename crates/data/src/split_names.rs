//! The names that parts of a data set go by.

/// What a part of a data set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// What is learnt from.
    Train,
    /// What is measured on.
    Test,
    /// What is measured on where there is no test part.
    Validation,
}

/// What a folder's or an archive's name (without its ending) says; `train2017`, `Test_set` and the like too.
pub(crate) fn role_of(name: &str) -> Option<Role> {
    let lower = name.trim().to_lowercase();
    let mut stem = lower.as_str();
    // A year, then what says that it is a set of images.
    if let Some(before) = stem.len().checked_sub(4)
        && stem.is_char_boundary(before)
        && (stem[before..].starts_with("19") || stem[before..].starts_with("20"))
        && stem[before..].bytes().all(|byte| byte.is_ascii_digit())
    {
        stem = &stem[..before];
    }
    let separators = ['_', '-', ' ', '.'];
    stem = stem.trim_matches(separators);
    for what in ["images", "image", "imgs", "dataset", "data", "set", "split"] {
        if let Some(rest) = stem.strip_suffix(what).or_else(|| stem.strip_prefix(what)) {
            stem = rest.trim_matches(separators);
            break;
        }
    }
    match stem {
        "train" | "training" | "trn" | "tr" => Some(Role::Train),
        "test" | "testing" | "tst" | "te" | "t10k" => Some(Role::Test),
        "val" | "valid" | "validation" | "validate" | "dev" | "eval" | "evaluation" => Some(Role::Validation),
        _ => None,
    }
}

/// What the first word of a name says that is no split's name: `train_cat`, `test-b`, `trainA`.
pub(crate) fn role_of_first_word(name: &str) -> Option<Role> {
    let name = name.trim();
    let ends_word = |sign: char| matches!(sign, '_' | '-' | ' ' | '.') || sign.is_ascii_digit();
    let word = match name.find(ends_word) {
        Some(end) => &name[..end],
        None => name.strip_suffix(|last: char| last.is_ascii_uppercase())?,
    };
    if is_weak(word) { None } else { role_of(word) }
}

/// True for names that also mean other things: they are splits only beside another one.
pub(crate) fn is_weak(name: &str) -> bool {
    matches!(name.trim().to_lowercase().as_str(), "tr" | "te" | "dev" | "trn" | "tst" | "eval" | "evaluation")
}

/// True for `fold1`, `set_2`, `part-3`: parts of a data set, but which is for what?
pub(crate) fn is_numbered_part(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    ["fold", "set", "part", "split", "subset", "partition", "batch"].iter().any(|what| {
        lower.strip_prefix(what).is_some_and(|number| {
            let number = number.trim_start_matches(['_', '-', ' ']);
            !number.is_empty() && number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_field_are_known_in_any_case() {
        for (name, role) in [
            ("Train", Role::Train),
            ("TRAINING", Role::Train),
            ("train2017", Role::Train),
            ("trainset", Role::Train),
            ("training_set", Role::Train),
            ("train-images", Role::Train),
            ("images_train", Role::Train),
            ("testing", Role::Test),
            ("Test Set", Role::Test),
            ("valid", Role::Validation),
            ("Validation", Role::Validation),
            ("val2014", Role::Validation),
            ("dev", Role::Validation),
        ] {
            assert_eq!(role_of(name), Some(role), "{name}");
        }
        for name in ["trains", "tests", "cat", "training_wheels", "2017", "set", "", "images", "detrain"] {
            assert_eq!(role_of(name), None, "{name}");
        }
        for (name, role) in [
            ("trainA", Some(Role::Train)),
            ("test_dog", Some(Role::Test)),
            ("val-3", Some(Role::Validation)),
            ("trains", None),
            ("TRAM", None),
            ("tr_a", None),
        ] {
            assert_eq!(role_of_first_word(name), role, "{name}");
        }
        assert!(is_numbered_part("fold1") && is_numbered_part("Set_B") && !is_numbered_part("settee"));
    }
}
