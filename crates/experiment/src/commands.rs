//! Command lines as a shell takes them.

use std::path::Path;

/// The words of a command line, quoted for a shell; the program's own path becomes its name.
#[must_use]
pub fn command_line(words: &[String]) -> String {
    let name = words.first().map(|program| {
        Path::new(program)
            .file_stem()
            .map_or_else(|| program.clone(), |name| name.to_string_lossy().into_owned())
    });
    name.into_iter()
        .chain(words.iter().skip(1).cloned())
        .map(|word| quote(&word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a POSIX shell takes it.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./=:,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote("train.steps=40"), "train.steps=40");
        let words = ["/opt/bin/zview", "demo", "--out", "a b", ""].map(str::to_owned);
        assert_eq!(command_line(&words), "zview demo --out 'a b' ''");
    }
}
