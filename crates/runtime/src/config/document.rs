//! A TOML document whose values know where they stand.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::former::{Former, by_now, in_words as renamed};
use super::named_paths::is_of_a_run;
use super::source_text::without_mark;
use super::wording::{in_words, no_toml};
use super::{CONFIG_FORMAT, ConfigError};
use crate::file_kind::FileKind;
use crate::format::check_format;

/// The key of a file's format, at the top.
const FORMAT: &str = "format";

/// More are not told at once.
const MOST_MISFITS: usize = 20;

/// What does not fit, by the names of sections and keys that lead to it.
pub(super) struct Misfit {
    pub path: Vec<String>,
    /// Where in the text.
    pub at: usize,
    pub message: String,
    pub hint: String,
}

/// A document without its format.
pub(super) struct Document<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Parses `text`; `path` is only named in errors.
    pub fn parse(path: &Path, text: &'a str) -> Result<Self, ConfigError> {
        let text = without_mark(text);
        let mut root = DeTable::parse(text).map_err(|error| {
            let kind = FileKind::of_start(text.as_bytes());
            if !matches!(kind, FileKind::Text | FileKind::Empty) {
                return ConfigError::NotToml { path: path.to_owned(), kind };
            }
            let at = error.span().map_or(0, |span| span.start);
            let (message, hint) = no_toml(line_at(text, at), error.message().trim_end().replace('\n', ": "));
            ConfigError::Parse { path: path.to_owned(), line: line_number(text, at), message, hint }
        })?;
        if let Some(format) = root.get_mut().remove(FORMAT) {
            let claimed = format
                .get_ref()
                .as_integer()
                .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok());
            let Some(claimed) = claimed else {
                let got = text.get(format.span()).unwrap_or_default();
                let problems = vec![format!("{FORMAT}: expected {CONFIG_FORMAT}, got {got}")];
                return Err(ConfigError::Invalid { path: path.to_owned(), problems });
            };
            check_format(path, Some(claimed), CONFIG_FORMAT).map_err(ConfigError::Newer)?;
        }
        Ok(Self { text, root })
    }

    /// Gives the keys `former` what they are called by now, inner ones first, with a word where `path` is not of a run.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] where there is a key of that name too.
    pub fn rename(&mut self, path: &Path, former: &[Former]) -> Result<(), ConfigError> {
        let (mut told, mut problems) = (Vec::new(), Vec::new());
        for key in former {
            let was: Vec<String> = key.was.split('.').map(str::to_owned).collect();
            if !self.has(&was) {
                continue;
            }
            let said = format!("line {}: {}", self.line_of(&was), renamed(key.was, &by_now(former, &was)));
            let Some((name, sections)) = was.split_last() else { continue };
            let mut table = Some(self.root.get_mut());
            for section in sections {
                table = match table.and_then(|table| table.get_mut(section.as_str())).map(Spanned::get_mut) {
                    Some(DeValue::Table(table)) => Some(table),
                    _ => None,
                };
            }
            let Some(table) = table else { continue };
            if table.contains_key(key.now) {
                problems.push(format!("{said}, and that is there too; leave one of the two out"));
            } else if let Some((was, value)) = table.remove_entry(name.as_str()) {
                table.insert(Spanned::new(was.span(), key.now.into()), value);
                told.push(said);
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError::Invalid { path: path.to_owned(), problems });
        }
        if !told.is_empty() && !is_of_a_run(path) {
            tracing::warn!("{}: {}", path.display(), told.join("; "));
        }
        Ok(())
    }

    /// The document as plain values.
    pub fn table(&self, path: &Path) -> Result<toml::Table, ConfigError> {
        self.read().map_err(|misfit| self.error(path, misfit))
    }

    /// Reads the document into `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        self.read_from(self.root.clone())
    }

    /// As [`Self::read`], with everything that does not fit: what is found is taken out, and the rest is read again.
    pub fn read_all<T: DeserializeOwned>(&self) -> Result<T, Vec<Misfit>> {
        let mut root = self.root.clone();
        let (mut misfits, mut taken_out) = (Vec::<Misfit>::new(), Vec::new());
        while misfits.len() < MOST_MISFITS {
            let misfit = match self.read_from(root.clone()) {
                Ok(value) if misfits.is_empty() => return Ok(value),
                Ok(_) => break,
                Err(misfit) => misfit,
            };
            let mut path = misfit.path.clone();
            let missing =
                misfit.message.split("missing field `").nth(1).and_then(|rest| rest.split('`').next());
            // What was taken out is missing now: that is no fault of the file. Nor can it be read on without its section.
            let own_doing =
                missing.is_some_and(|field| taken_out.contains(&[&path[..], &[field.to_owned()]].concat()));
            if !own_doing {
                misfits.push(misfit);
            }
            if path.is_empty() || !take_out(root.get_mut(), &mut path) {
                break;
            }
            taken_out.push(path);
        }
        Err(misfits)
    }

    fn read_from<T: DeserializeOwned>(&self, root: Spanned<DeTable<'a>>) -> Result<T, Misfit> {
        T::deserialize(toml::Deserializer::from(root)).map_err(|error: toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            let root = self.root.span();
            // Where a section was read as a whole, the key is in the message.
            let (message, within) = match error.message().trim_end().split_once("\nin `") {
                Some((message, keys)) => (message, keys.trim_end_matches('`')),
                None => (error.message().trim_end(), ""),
            };
            // What has no place, or all of it, is about the document as a whole.
            let whole =
                span.is_empty() || (!root.is_empty() && span.start <= root.start && root.end <= span.end);
            let mut path = if whole { Vec::new() } else { self.path_to(&span) };
            path.extend(within.split('.').filter(|key| !key.is_empty()).map(str::to_owned));
            let value = self.value(&path);
            let (message, hint) = in_words(message, &path, value.and_then(|span| self.text.get(span)));
            // Where document or section was read as a whole, the key says the place.
            let by_key = whole || !within.is_empty();
            let key = self.along(&path).pop().filter(|_| by_key).map(|(key, _)| key.start);
            Misfit { path, at: key.unwrap_or(span.start), message, hint }
        })
    }

    /// The line of what does not fit.
    pub fn line(&self, misfit: &Misfit) -> usize {
        line_number(self.text, misfit.at)
    }

    /// Shows every key that is written, `section.key`, and its line.
    pub fn each_line(&self, mut show: impl FnMut(String, usize)) {
        visit(self.root.get_ref(), &mut Vec::new(), &mut |span, path| {
            show(path.join("."), line_number(self.text, span.start));
        });
    }

    /// An error about this document.
    pub fn error(&self, path: &Path, misfit: Misfit) -> ConfigError {
        let Misfit { at, message, hint, .. } = misfit;
        ConfigError::Parse { path: path.to_owned(), line: line_number(self.text, at), message, hint }
    }

    /// The line of a key, or of the nearest section above it that there is.
    pub fn line_of(&self, path: &[String]) -> usize {
        let at = self.along(path).last().map_or(0, |(key, _)| key.start);
        line_number(self.text, at)
    }

    /// Whether the document has this key or section.
    pub fn has(&self, path: &[String]) -> bool {
        self.along(path).len() == path.len()
    }

    /// Where the value of a key stands, if it is no section.
    fn value(&self, path: &[String]) -> Option<Range<usize>> {
        let along = self.along(path);
        let (_, value) = along.last().filter(|_| along.len() == path.len())?;
        (!value.get_ref().is_table()).then(|| value.span())
    }

    /// The places and values of the keys of `path`, as far as there are such.
    fn along(&self, path: &[String]) -> Vec<(Range<usize>, &Spanned<DeValue<'a>>)> {
        let mut along: Vec<(Range<usize>, &Spanned<DeValue<'a>>)> = Vec::new();
        for name in path {
            let table = match along.last() {
                None => Some(self.root.get_ref()),
                Some((_, value)) => value.get_ref().as_table(),
            };
            // An element of an array goes by its array's name and its number.
            let mut parts = name.split('[');
            let found = table.and_then(|table| table.get_key_value(parts.next().unwrap_or_default()));
            let Some((key, mut value)) = found else { break };
            let mut at = key.span();
            for number in parts {
                let number = number.trim_end_matches(']').parse::<usize>().ok();
                let array = value.get_ref().as_array();
                let Some(element) = number.and_then(|number| array?.get(number)) else { return along };
                (at, value) = (element.span(), element);
            }
            along.push((at, value));
        }
        along
    }

    /// The keys that lead to what stands at `span`: the smallest key or value that holds it.
    fn path_to(&self, span: &Range<usize>) -> Vec<String> {
        let mut best: Option<(usize, Vec<String>)> = None;
        visit(self.root.get_ref(), &mut Vec::new(), &mut |found, path| {
            let holds = found.start <= span.start && span.end <= found.end && found.start < found.end;
            if holds && best.as_ref().is_none_or(|(length, _)| found.len() <= *length) {
                best = Some((found.len(), path.to_vec()));
            }
        });
        best.map(|(_, path)| path).unwrap_or_default()
    }
}

/// Takes the key at `path` out of `table`, with the whole list where it is an element of one; `path` is then what was
/// taken out.
fn take_out(table: &mut DeTable<'_>, path: &mut Vec<String>) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    let (name, number) = match first.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
        None => (first.as_str(), None),
    };
    if !rest.is_empty() {
        let inner = table.get_mut(name).map(Spanned::get_mut);
        let inner = match (inner, number) {
            (Some(DeValue::Array(values)), Some(number)) => values.get_mut(number).map(Spanned::get_mut),
            (inner, _) => inner,
        };
        if let Some(DeValue::Table(inner)) = inner {
            let mut rest = rest.to_vec();
            let done = take_out(inner, &mut rest);
            path.truncate(1);
            path.extend(rest);
            return done;
        }
    }
    let name = name.to_owned();
    let found = table.remove(name.as_str()).is_some();
    *path = vec![name];
    found
}

/// Shows every key and value below `table`, with the keys that lead there.
fn visit(table: &DeTable<'_>, path: &mut Vec<String>, show: &mut impl FnMut(Range<usize>, &[String])) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        show(key.span(), path);
        visit_value(value, path, show);
        path.pop();
    }
}

fn visit_value(
    value: &Spanned<DeValue<'_>>,
    path: &mut Vec<String>,
    show: &mut impl FnMut(Range<usize>, &[String]),
) {
    show(value.span(), path);
    match value.get_ref() {
        DeValue::Table(table) => visit(table, path, show),
        DeValue::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                let Some(name) = path.last().cloned() else { return };
                // An element goes by its array's name and its number.
                if let Some(last) = path.last_mut() {
                    *last = format!("{name}[{number}]");
                }
                visit_value(value, path, show);
                if let Some(last) = path.last_mut() {
                    *last = name;
                }
            }
        }
        _ => {}
    }
}

fn line_number(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

fn line_at(text: &str, at: usize) -> &str {
    text.lines().nth(line_number(text, at) - 1).unwrap_or_default()
}
