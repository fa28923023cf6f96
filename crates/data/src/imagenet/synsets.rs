//! Names of classes whose folders are called by the ids of WordNet's synsets.

use std::collections::HashMap;

use super::is_synset;
use super::places::{Places, text_of};

/// Files that say the names of synsets, each line an id and what it means; the first that is there counts.
const LISTS: [&str; 4] = ["LOC_synset_mapping.txt", "synset_words.txt", "words.txt", MAP];
/// The development kit's, with a number between them.
const MAP: &str = "map_clsloc.txt";

/// Calls each of the `classes` that are ids `tench (n01440764)`, by a list in one of the `places`; gives what is to be said
/// of it. The id keeps two synsets apart that are both called `crane`.
pub(crate) fn name_classes(classes: &mut [String], places: &Places) -> Option<String> {
    let ids = classes.iter().filter(|class| is_synset(class)).count();
    if ids == 0 {
        return None;
    }
    let path = LISTS.iter().find_map(|name| places.find(name))?;
    let text = match text_of(&path) {
        Ok(text) => text,
        Err(problem) => return Some(format!("classes are called by their ids: {problem}")),
    };
    let numbered = path.ends_with(MAP);
    let names: HashMap<&str, String> =
        text.lines().filter_map(|line| entry(line, numbered)).filter(|(id, _)| is_synset(id)).collect();
    let mut named = 0;
    for class in classes {
        if let Some(name) = names.get(class.as_str()) {
            *class = format!("{name} ({class})");
            named += 1;
        }
    }
    let without =
        if named < ids { format!(", but of {} that are not in it", ids - named) } else { String::new() };
    Some(format!("the names of classes are those of {}{without}", path.display()))
}

/// The id and the first name of a line.
fn entry(line: &str, numbered: bool) -> Option<(&str, String)> {
    let (id, rest) = line.trim().split_once(char::is_whitespace)?;
    let rest = if numbered { rest.trim().split_once(char::is_whitespace)?.1 } else { rest };
    let first = rest.split(',').next()?.trim();
    let name = if numbered { first.replace('_', " ") } else { first.to_owned() };
    (!name.is_empty()).then_some((id, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::put;

    #[test]
    fn every_list_gives_the_same_names_and_the_order_stays() {
        for (file, text) in [
            ("LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n"),
            ("synset_words.txt", "n03126707 crane\r\nn01440764 tench, Tinca tinca\r\nn02012849 crane\r\n"),
            ("words.txt", "n00001740\tentity\nn01440764\ttench, Tinca\nn02012849\tcrane\nn03126707\tcrane\n"),
            ("map_clsloc.txt", "n01440764 449 tench\nn02012849 400 crane\nn03126707 7 crane\n"),
        ] {
            let root = tempfile::tempdir().unwrap();
            put(root.path(), &format!("above/{file}"), text.as_bytes());
            std::fs::create_dir_all(root.path().join("above/set/in")).unwrap();
            let places = Places::around(&root.path().join("above/set"), &["in".to_owned()]);
            let mut classes = ["n01440764", "n02012849", "n03126707", "n99999999"].map(str::to_owned);
            let note = name_classes(&mut classes, &places).unwrap();
            let expected = ["tench (n01440764)", "crane (n02012849)", "crane (n03126707)", "n99999999"];
            assert_eq!(classes, expected, "{file}");
            assert!(note.contains(file) && note.ends_with("but of 1 that are not in it"), "{note}");
        }
    }

    #[test]
    fn several_words_and_other_classes() {
        let kit = "n02119789 1 kit_fox";
        assert_eq!(entry(kit, true), Some(("n02119789", "kit fox".to_owned())));
        assert_eq!(
            entry("n02119789 kit fox, Vulpes macrotis", false),
            Some(("n02119789", "kit fox".to_owned()))
        );
        assert_eq!(entry("n02119789", false), None);
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "words.txt", b"cat\tanimal\n");
        let places = Places::around(root.path(), &[]);
        let mut classes = ["cat".to_owned()];
        assert_eq!(name_classes(&mut classes, &places), None, "classes that are no ids keep their names");
        assert_eq!(classes, ["cat"]);
    }
}
