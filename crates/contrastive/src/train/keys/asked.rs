//! What the reader of recipes says of a key: its default, its names, its range.

use std::path::Path;

use zview_runtime::config::{ConfigError, parse_toml_with};

use crate::train::Recipe;

/// The least that a recipe says.
const LEAST: &str = "[source]\nkind = \"real\"\ndata = \"needed\"\n";
const PATH: &str = "a recipe";

/// The value of `section.key` where it is not written; of several kinds, each one's where they differ.
pub(super) fn default_of(section: &str, kind: Option<&str>, key: &str) -> String {
    if section == "probe" && key == "train_pool" {
        return value_with(&["probe.data=needed".to_owned()], section, key).unwrap_or_default();
    }
    if (section == "source" || section == "probe") && (key == "kind" || key == "data") {
        return if key == "kind" || section == "probe" { "needed" } else { "not given" }.to_owned();
    }
    if section == "anchors" && key != "unique" {
        return value_with(&["anchors.unique=1".to_owned()], section, key)
            .unwrap_or_else(|| "not given".to_owned());
    }
    if section == "augment" {
        return match key {
            "preset" => "by the images: \"simclr-small\" in colour, else \"grey-digits\"".to_owned(),
            "strength" => "the preset's".to_owned(),
            "solarize_probability" => "the preset's; without one 0.0".to_owned(),
            _ => value_with(&["augment.preset=grey-digits".to_owned()], section, key)
                .map_or_else(|| "not given".to_owned(), |value| format!("the preset's; without one {value}")),
        };
    }
    let kinds = match kind {
        Some(kind) => vec![kind],
        None if key == "kind" => Vec::new(),
        None => super::kinds_of(section).into_iter().map(|[kind, ..]| kind).collect(),
    };
    if kinds.is_empty() {
        return value_with(&[], section, key).unwrap_or_else(|| "not given".to_owned());
    }
    let of_kind = |kind| {
        let value = value_with(&[format!("{section}.kind={kind}")], section, key)?;
        Some((kind, value))
    };
    let values: Vec<(&str, String)> = kinds.into_iter().filter_map(of_kind).collect();
    match values.as_slice() {
        [] => "not given".to_owned(),
        [(_, first), rest @ ..] if rest.iter().all(|(_, value)| value == first) => first.clone(),
        several => by_value(several),
    }
}

/// Each value with the kinds that have it.
fn by_value(values: &[(&str, String)]) -> String {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for (kind, value) in values {
        match grouped.iter_mut().find(|(known, _)| known == value) {
            Some((_, kinds)) => kinds.push(kind),
            None => grouped.push((value, vec![kind])),
        }
    }
    let told = grouped.iter().map(|(value, kinds)| format!("{value} ({})", kinds.join(", ")));
    told.collect::<Vec<_>>().join(", ")
}

fn value_with(changes: &[String], section: &str, key: &str) -> Option<String> {
    let recipe = parse_toml_with::<Recipe>(Path::new(PATH), LEAST, changes).ok()?;
    let table = toml::Table::try_from(&recipe).ok()?;
    let value = if section.is_empty() { table.get(key) } else { table.get(section)?.get(key) }?;
    Some(match value {
        toml::Value::Float(number) => short(*number),
        toml::Value::Array(values) if values.iter().all(toml::Value::is_float) => {
            let values: Vec<String> = values.iter().filter_map(toml::Value::as_float).map(short).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    })
}

/// Without the digits that 32 bits do not have.
fn short(number: f64) -> String {
    format!("{:?}", number as f32)
}

/// The names that `section.key` may have.
pub(super) fn variants_of(section: &str, kind: Option<&str>, key: &str) -> Option<String> {
    let names = names_of(section, kind, key);
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    (!quoted.is_empty()).then(|| quoted.join(", "))
}

fn names_of(section: &str, kind: Option<&str>, key: &str) -> Vec<String> {
    names_in(&message(section, kind, key, "\"?\""))
}

/// The names in quotes that a message lists as expected.
pub(super) fn names_in(message: &str) -> Vec<String> {
    let Some((_, expected)) = message.split_once("expected ") else { return Vec::new() };
    let expected = expected.split("; did you mean").next().unwrap_or(expected);
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What the reader says of `section.key = value`.
pub(super) fn message(section: &str, kind: Option<&str>, key: &str, value: &str) -> String {
    let mut changes: Vec<String> = kind.map(|kind| format!("{section}.kind={kind}")).into_iter().collect();
    if section == "probe" && key != "data" {
        changes.push("probe.data=needed".to_owned());
    }
    let name = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
    changes.push(format!("{name}={value}"));
    let read: Result<Recipe, ConfigError> = Recipe::parse_in_layers(Path::new(PATH), LEAST, &[], &[&changes]);
    read.err().map(|error| error.to_string()).unwrap_or_default()
}

/// What is accepted of a number, where the reader refuses others.
pub(super) fn range_of(section: &str, kind: Option<&str>, key: &str, of: &str) -> Option<String> {
    let tried: &[&str] = match of {
        "u64" | "usize" | "u32" | "Option<u64>" | "Option<usize>" => &["0", "4000000000000000"],
        "f32" | "f64" | "Option<f32>" | "Option<f64>" => &["-1.0", "1e12", "0.0"],
        "[f32; 2]" => &["[2.0, 1.0]"],
        _ => return None,
    };
    let start = format!("{section}.{key}: expected ");
    let told = |value: &&str| {
        let message = message(section, kind, key, value);
        let (_, rest) = message.split_once(&start)?;
        let range = rest.lines().next()?.split(", got").next()?.split(" (").next()?;
        let range = range.strip_prefix("[low, high] with ").unwrap_or(range);
        (!range.starts_with("a number") && !range.starts_with("a whole")).then(|| range.to_owned())
    };
    let mut ranges: Vec<String> = tried.iter().filter_map(told).collect();
    ranges.dedup();
    (!ranges.is_empty()).then(|| ranges.join("; "))
}
