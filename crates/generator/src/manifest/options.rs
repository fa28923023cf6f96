//! The section `[options]`: what an architecture lets one choose. Each has its own keys, beside its code.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zview_runtime::config::keys_of;

use super::Manifest;
use crate::architectures::ArchitectureKind;

/// The keys of one architecture in `[options]`.
pub trait ArchitectureOptions: DeserializeOwned + Default + PartialEq {
    /// A factor of the latents of reference images, where there is one.
    fn truncation(&self) -> Option<f64> {
        None
    }
}

/// Of an architecture that lets one choose nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

impl ArchitectureOptions for NoOptions {}

/// The options `O` in `table`; a key that only another architecture has (`all` are those of every one) stays there.
pub(crate) fn read_options<O: ArchitectureOptions>(
    table: &mut toml::Table,
    all: &[&'static str],
) -> Result<O, String> {
    let keys = keys_of(|names| O::deserialize(names));
    if let Some(key) = table.keys().find(|key| !all.contains(&key.as_str())) {
        let known = if keys.is_empty() { all } else { keys };
        let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
        let expected = known.join(" or ");
        return Err(format!("unknown field `{key}`, expected {expected}\nin `options.{key}`"));
    }
    let mut own = toml::Table::new();
    own.extend(keys.iter().filter_map(|key| table.remove_entry(*key)));
    own.try_into().map_err(|error: toml::de::Error| {
        let message = error.message().trim_end();
        let (message, key) = message.split_once("\nin `").unwrap_or((message, ""));
        format!("{message}\nin `options.{key}")
    })
}

impl Manifest {
    /// Layers and options that this architecture does not have.
    pub(crate) fn misplaced_sections(&self) -> Vec<String> {
        let architecture = self.architecture.name();
        let has = match self.architecture.option_keys() {
            [] => "it has none".to_owned(),
            known => format!("it has `{}`", known.join("`, `")),
        };
        let misplaced = |key| format!("`options.{key}`: not an option of `{architecture}`; {has}");
        let mut problems: Vec<String> = self.options.misplaced().map(misplaced).collect();
        if !self.layers.is_empty() && self.architecture != ArchitectureKind::Sequential {
            problems.push(format!(
                "[[layers]]: only `architecture = \"sequential\"` is made of them, this is `{architecture}`: leave them out"
            ));
        }
        problems
    }

    /// Everything in `[output]` that does not fit square images of one of `sides`, with `channels` if the
    /// architecture fixes them, and values in `range`.
    pub(crate) fn output_problems(
        &self,
        sides: &[usize],
        channels: Option<usize>,
        range: [f32; 2],
    ) -> Vec<String> {
        let (name, output) = (self.architecture.name(), self.output);
        let mut problems = Vec::new();
        if output.height != output.width || !sides.contains(&output.height) {
            let list: Vec<String> = sides.iter().map(|side| format!("{side} x {side}")).collect();
            problems.push(format!(
                "`output.height` and `output.width`: `{name}` makes images of {}, got {} x {}",
                list.join(", "),
                output.height,
                output.width
            ));
        }
        if let Some(expected) = channels.filter(|channels| *channels != output.channels) {
            problems.push(format!(
                "`output.channels`: `{name}` makes images of {expected} channels, got {}",
                output.channels
            ));
        }
        if output.range != range {
            problems.push(format!(
                "`output.range`: expected {range:?} as the last layer of `{name}` gives, got {:?}",
                output.range
            ));
        }
        problems
    }
}
