//! Changes of single keys, `section.key=value`, and which keys were written at all.

use std::collections::BTreeMap;

use super::former::{Former, by_now, in_words};
use super::wording::{CURLY, curly_quotes, with_straight_quotes};

/// Which keys a configuration writes, and in which layer: 0 is the file, later ones are changes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    layers: BTreeMap<String, usize>,
    /// A layer of changes that are made of many configurations alike.
    shared: Option<usize>,
    /// Where each key was written last: a line, or a change.
    places: BTreeMap<String, String>,
}

impl Written {
    pub(super) fn of_file(table: &toml::Table) -> Self {
        let mut written = Self::default();
        written.add(table, "", 0);
        written
    }

    fn add(&mut self, table: &toml::Table, before: &str, layer: usize) {
        for (name, value) in table {
            let key = format!("{before}{name}");
            if let toml::Value::Table(section) = value {
                self.add(section, &format!("{key}."), layer);
            }
            self.layers.insert(key, layer);
        }
    }

    pub(super) fn note_place(&mut self, key: String, place: String) {
        // A section's keys come after its name, and a key's value after the key.
        self.places.entry(key).or_insert(place);
    }

    /// The problems that begin with a key, as `train.batch: ...`, with where it was written at their ends.
    #[must_use]
    pub fn located(&self, problems: Vec<String>) -> Vec<String> {
        let located = |problem: String| {
            // Of a bound such as "0 or more" nobody can tell that it is for numbers alone.
            let problem = match problem.rsplit_once(", got ") {
                Some((_, "inf" | "-inf" | "NaN")) => format!("{problem}, which is not finite"),
                _ => problem,
            };
            let key = problem.split(": ").next().unwrap_or_default().trim_matches('`');
            let own = self.places.get(key);
            // Where a value does not fit a change of another key, that is what somebody just wrote.
            let kind = key.rsplit_once('.').map(|(section, _)| format!("{section}.kind"));
            let kind = kind.filter(|_| problem.contains(" kind "));
            let words = problem.split(|c: char| !(c.is_alphanumeric() || "._".contains(c)));
            let others = words.filter(|word| word.contains('.')).chain(kind.as_deref());
            let places = others.filter(|other| *other != key).filter_map(|other| self.places.get(other));
            let changes = places.filter(|place| place.starts_with("--set "));
            let mut places: Vec<&str> = own.into_iter().chain(changes).map(String::as_str).collect();
            places.dedup();
            if places.is_empty() { problem } else { format!("{problem} ({})", places.join("; ")) }
        };
        problems.into_iter().map(located).collect()
    }

    /// The layer in which `section.key` was written last; `None` where it was not written.
    #[must_use]
    pub fn layer(&self, key: &str) -> Option<usize> {
        self.layers.get(key).copied()
    }

    /// The same, where `layer` holds changes of many configurations: each of them has an effect on some.
    #[must_use]
    pub fn with_shared_layer(self, layer: usize) -> Self {
        Self { shared: Some(layer), ..self }
    }

    /// Whether `key` was written no earlier than `chooser`, the key that decides whether `key` has an effect. Where a
    /// later layer chose otherwise, what the file says of its own choice is no mistake.
    #[must_use]
    pub fn belongs_with(&self, key: &str, chooser: &str) -> bool {
        self.layer(key)
            .is_some_and(|layer| Some(layer) != self.shared && layer >= self.layer(chooser).unwrap_or(0))
    }
}

/// One `section.key=value`.
pub(super) struct Override {
    /// As it was given.
    pub given: String,
    pub path: Vec<String>,
    value: toml::Value,
}

impl Override {
    /// Takes `section.key=value` apart; a value that is not TOML is text.
    pub fn parse(given: &str) -> Result<Self, String> {
        let wrong = || format!("--set {given}: expected key=value, such as train.steps=100");
        let (key, value) = given.split_once('=').ok_or_else(wrong)?;
        let path: Vec<String> = key.trim().split('.').map(|name| name.trim().to_owned()).collect();
        if path.iter().any(String::is_empty) {
            return Err(wrong());
        }
        let text = value.trim();
        let value = format!("value = {text}")
            .parse::<toml::Table>()
            .ok()
            .filter(|parsed| parsed.len() == 1)
            .and_then(|mut parsed| parsed.remove("value"));
        if let (None, Some(quotes)) = (&value, quoted_curly(given)) {
            return Err(format!("--set {given}: {quotes}: --set {}", with_straight_quotes(given)));
        }
        let value = value.unwrap_or_else(|| toml::Value::String(text.to_owned()));
        Ok(Self { given: given.to_owned(), path, value })
    }

    /// The same of what its key is called by now, with a word.
    pub fn renamed(self, former: &[Former]) -> Self {
        let path = by_now(former, &self.path);
        if path != self.path {
            tracing::warn!("--set {}: {}", self.given, in_words(&self.path.join("."), &path));
        }
        Self { path, ..self }
    }

    /// Says where one of the changes `before` set the same key to something else.
    pub fn tell_repeated(&self, before: &[Self]) {
        if let Some(earlier) = before.iter().rev().find(|earlier| earlier.path == self.path)
            && earlier.value != self.value
        {
            tracing::warn!("--set {} takes the place of --set {}", self.given, earlier.given);
        }
    }

    /// Sets the key of `table`, and notes that `layer` wrote it.
    pub fn apply(&self, table: &mut toml::Table, written: &mut Written, layer: usize) -> Result<(), String> {
        let Some((last, sections)) = self.path.split_last() else { return Ok(()) };
        let mut section = table;
        for name in sections {
            section = section
                .entry(name.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()))
                .as_table_mut()
                .ok_or_else(|| format!("--set {}: `{name}` is a value, not a section", self.given))?;
        }
        section.insert(last.clone(), self.value.clone());
        let mut key = String::new();
        for name in sections {
            key += name;
            written.layers.entry(key.clone()).or_insert(layer);
            key += ".";
        }
        let alone = toml::Table::from_iter([(last.clone(), self.value.clone())]);
        written.add(&alone, &key, layer);
        written.places.insert(self.path.join("."), format!("--set {}", self.given));
        Ok(())
    }

    /// Whether what is wrong at `path` is this change's doing: it set the key, or made the section that should not be.
    pub fn is_about(&self, path: &[String], in_file: bool) -> bool {
        let same = |(ours, theirs): (&String, &String)| {
            theirs.strip_prefix(ours.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        let within = path.len() >= self.path.len() || !in_file;
        within && !path.is_empty() && self.path.iter().zip(path).all(same)
    }
}

/// What to write instead of curly quotes around a value, around a whole change, or in a list. Within a text they are
/// letters like others.
fn quoted_curly(change: &str) -> Option<String> {
    let value = change.split_once('=').map_or("", |(_, value)| value).trim();
    let is_quote = |c: Option<char>| c.is_some_and(|c| CURLY.contains(&c));
    let first = is_quote(change.trim().chars().next()) || is_quote(value.chars().next());
    let around = first && is_quote(value.chars().last());
    (around || value.starts_with(['[', '{'])).then(|| curly_quotes(change)).flatten()
}
