use std::collections::BTreeSet;

use super::asked::{message, names_in};
use super::*;

/// The keys of a section by the reader's own list.
fn known(section: &str, kind: Option<&str>) -> BTreeSet<String> {
    let said = message(section, kind, "no-such-key", "1");
    let names = names_in(&said).into_iter().collect::<BTreeSet<String>>();
    assert!(said.contains("unknown field") && !names.is_empty(), "{section}: {said}");
    names
}

#[test]
fn every_key_that_the_reader_knows_is_listed_and_no_other() {
    let keys = recipe_keys();
    let listed = |section: &str, kind: Option<&str>| -> BTreeSet<String> {
        let of_section = keys.iter().filter(|key| key.section == section && key.of_kind == kind);
        of_section.map(|key| key.name.clone()).collect()
    };
    for section in recipe_sections().into_iter().filter(|name| !name.contains('.')) {
        let kinds = kinds_of(section);
        // The first kind is that of a section that says none.
        let first = kinds.first().map(|[kind, ..]| *kind);
        for kind in kinds.iter().map(|[kind, ..]| Some(*kind)).chain([None]) {
            let own = kind.or(first).map(|kind| listed(section, Some(kind))).unwrap_or_default();
            let all = listed(section, None).into_iter().chain(own).collect::<BTreeSet<String>>();
            assert_eq!(all, known(section, kind), "{section} {kind:?}");
        }
    }
    // The sections themselves, beside `seed`.
    let mut top: BTreeSet<String> =
        recipe_sections().iter().filter(|name| !name.contains('.')).map(|&name| name.to_owned()).collect();
    top.insert("seed".to_owned());
    assert_eq!(top, known("", None));
}

#[test]
fn a_key_says_type_default_range_and_meaning() {
    let keys = recipe_keys();
    let of = |section: &str, name: &str| {
        keys.iter().find(|key| key.section == section && key.name == name).unwrap_or_else(|| panic!("{name}"))
    };
    assert!(keys.iter().all(|key| !key.meaning.is_empty() && !key.kind.is_empty()), "{keys:#?}");
    let batch = of("train", "batch");
    assert_eq!((batch.kind.as_str(), batch.default.as_str()), ("whole number", "128"));
    assert!(batch.range.as_deref().unwrap().starts_with("2 or more"), "{batch:?}");
    assert_eq!(of("encoder", "width").range.as_deref(), Some("1 to 1024"));
    assert!(of("encoder", "arch").kind.contains("\"resnet18\", "), "{:?}", of("encoder", "arch"));
    assert!(of("augment", "preset").kind.contains("\"simclr-small\""));
    assert!(of("augment", "crop_scale").default.contains("[0.3, 1.0]"));
    assert!(of("optimizer", "lr").default.contains("0.06 (sgd)"), "{:?}", of("optimizer", "lr"));
    assert_eq!(of("objective", "temperature").default, "0.2");
    assert_eq!(of("probe", "data").default, "needed");
    assert_eq!(of("", "seed").default, "0");
}

#[test]
fn a_number_of_a_recipe_that_is_not_finite_is_refused_by_its_key() {
    // `augment.strength` needs a preset beside it.
    let alone = |key: &&Key| key.kind == "number" && !key.section.contains('.') && key.name != "strength";
    for key in recipe_keys().iter().filter(alone) {
        let name = format!("{}.{}", key.section, key.name);
        for value in ["nan", "inf", "-inf", "NaN", "1e400"] {
            let said = message(key.section, key.of_kind, &key.name, value);
            if name == "views.truncation" && value == "inf" {
                assert!(!said.contains("expected"), "there it is no bound: {said}");
                continue;
            }
            assert!(said.contains(&format!("{name}: ")) && said.contains("finite"), "{name}={value}: {said}");
        }
    }
    // Lists, and sections of lists.
    for (section, key, value) in [
        ("views", "radii", "[nan]"),
        ("augment", "crop_scale", "[nan, 1.0]"),
        ("augment", "per_view", "[{ blur_probability = nan }]"),
        ("optimizer", "groups", "[{ prefix = \"encoder.\", lr_scale = inf }]"),
        ("source", "generators", "[{ generator = \"a\", share = nan }]"),
    ] {
        assert!(message(section, None, key, value).contains(key), "{section}.{key} = {value}");
    }
}
