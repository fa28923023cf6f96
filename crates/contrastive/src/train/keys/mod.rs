//! Every key of a recipe with its type, default, range and meaning, from what defines them: the meaning is the
//! documentation of the field that a key is read into, defaults and ranges are asked of the reader.

mod asked;
mod documented;

use serde::Serialize;
use zview_generator::ViewsConfig;
use zview_network::optimizer::OptimizerConfig;
use zview_runtime::config;

use crate::objective::ObjectiveConfig;
use asked::{default_of, range_of, variants_of};
use documented::{Field, fields_of};

/// One key of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The section; empty for keys at the top.
    pub section: &'static str,
    /// The kind that has it, where only some have.
    pub of_kind: Option<&'static str>,
    /// Its name.
    pub name: String,
    /// What is written for it.
    pub kind: String,
    /// What it is where it is not written.
    pub default: String,
    /// What is accepted, where less than the type holds is.
    pub range: Option<String>,
    /// What it means.
    pub meaning: String,
}

/// A section, the structure that it is read into, and that one's source.
struct Section {
    name: &'static str,
    structure: &'static str,
    source: &'static str,
}

const fn section(name: &'static str, structure: &'static str, source: &'static str) -> Section {
    Section { name, structure, source }
}

const SOURCE: &str = include_str!("../../source/config.rs");
const ANCHORS: &str = include_str!("../../../../generator/src/views/anchors.rs");
const VIEWS: &str = include_str!("../../../../generator/src/views/config.rs");
const AUGMENT: &str = include_str!("../../../../encoder/src/augment/config.rs");
const AUGMENT_SECTION: &str = include_str!("../../../../encoder/src/augment/section.rs");
const ENCODER: &str = include_str!("../../../../encoder/src/config.rs");
const OBJECTIVE: &str = include_str!("../../objective/mod.rs");
const OPTIMIZER: &str = include_str!("../../../../network/src/optimizer/config.rs");
const RECIPE: &str = include_str!("../recipe.rs");
const WATCH: &str = include_str!("../../watch/config.rs");

const SECTIONS: &[Section] = &[
    section("source", "SourceConfig", SOURCE),
    section("source.generators", "GeneratorShare", SOURCE),
    section("anchors", "AnchorsConfig", ANCHORS),
    section("views", "ViewsConfig", VIEWS),
    section("augment", "AugmentSection", AUGMENT_SECTION),
    section("augment", "AugmentConfig", AUGMENT),
    section("augment.per_view", "ViewAugment", AUGMENT),
    section("encoder", "EncoderConfig", ENCODER),
    section("objective", "ObjectiveConfig", OBJECTIVE),
    section("optimizer", "OptimizerConfig", OPTIMIZER),
    section("optimizer.groups", "GroupConfig", OPTIMIZER),
    section("train", "TrainConfig", RECIPE),
    section("watch", "WatchConfig", WATCH),
    section("probe", "ProbeConfig", RECIPE),
];

/// Every key of a recipe, section by section.
#[must_use]
pub fn recipe_keys() -> Vec<Key> {
    let of_top = fields_of(RECIPE, "Recipe").into_iter().filter(|field| field.name == "seed");
    let mut keys: Vec<Key> = of_top.map(|field| key("", None, field)).collect();
    for Section { name, structure, source } in SECTIONS {
        let mut add = |kind, fields: Vec<Field>| {
            keys.extend(fields.into_iter().map(|field| key(name, kind, field)));
        };
        add(None, fields_of(source, structure));
        for [kind, structure, source] in kinds_of(name) {
            add(Some(kind), fields_of(source, structure));
        }
    }
    keys
}

/// The kinds of a section whose keys depend on it: the name, the structure of the keys, and that one's source.
fn kinds_of(section: &str) -> Vec<[&'static str; 3]> {
    fn of<S: config::Section>() -> Vec<[&'static str; 3]> {
        S::kinds().iter().map(|kind| [kind.name, kind.structure, kind.source]).collect()
    }
    match section {
        "objective" => of::<ObjectiveConfig>(),
        "optimizer" => of::<OptimizerConfig>(),
        "views" => of::<ViewsConfig>(),
        _ => Vec::new(),
    }
}

/// The names of the sections, in the order of their keys.
#[must_use]
pub fn recipe_sections() -> Vec<&'static str> {
    let mut names: Vec<&str> = SECTIONS.iter().map(|section| section.name).collect();
    names.dedup();
    names
}

fn key(path: &'static str, kind: Option<&'static str>, Field { name, of, meaning }: Field) -> Key {
    let nested = path.contains('.');
    let written = in_words(&of).map(str::to_owned);
    let written = written.unwrap_or_else(|| match nested {
        true => "text".to_owned(),
        false => variants_of(path, kind, &name).unwrap_or_else(|| "a list of sections".to_owned()),
    });
    let default = if nested { nested_default(path, &name) } else { default_of(path, kind, &name) };
    // What is off is not written out.
    let default = match (default.as_str(), of.as_str()) {
        ("not given", "bool") => "false".to_owned(),
        ("not given", "LatentSpace") => "\"z\"".to_owned(),
        ("not given", of) if of.starts_with("Vec<") => "none".to_owned(),
        _ => default,
    };
    let range = if nested { None } else { range_of(path, kind, &name, &of) };
    Key { section: path, of_kind: kind, kind: written, default, range, meaning, name }
}

/// Of an element of a list of sections.
fn nested_default(path: &str, name: &str) -> String {
    match (path, name) {
        ("source.generators", "generator") | ("optimizer.groups", "prefix") => "needed",
        ("source.generators", "share") | ("optimizer.groups", "lr_scale") => "1.0",
        ("source.generators", _) => "the manifest's",
        _ => "the section's",
    }
    .to_owned()
}

/// A type as it is written; `None` for the names of a choice and for sections.
fn in_words(of: &str) -> Option<&'static str> {
    let of = of.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>')).unwrap_or(of);
    Some(match of {
        "u64" | "usize" | "u32" => "whole number",
        "f32" | "f64" => "number",
        "bool" => "true or false",
        "String" => "text",
        "[f32; 2]" => "[low, high]",
        "Vec<usize>" => "list of whole numbers",
        "Vec<f32>" => "list of numbers",
        "Vec<GeneratorShare>" | "Vec<GroupConfig>" | "Vec<ViewAugment>" => "list of sections",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
