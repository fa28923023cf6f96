//! `zview recipe`: the recipes that come with zview, and the keys that a recipe may have.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use zview_contrastive::train::keys::{Key, recipe_keys, recipe_sections};
use zview_runtime::config::shipped;

use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;
use crate::shipped_recipes::SHIPPED;

/// Commands on recipes.
#[derive(Debug, Subcommand)]
pub enum RecipeCommand {
    /// List the recipes that come with zview; their names go where a file is asked for.
    List,
    /// Print one, to be kept as a file and changed.
    Show(ShowArguments),
    /// List the keys of a recipe with type, default, range and meaning.
    Keys(KeysArguments),
}

/// Which one.
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// Its name, as `zview recipe list` gives it.
    name: PathBuf,
}

/// Which keys.
#[derive(Debug, Args)]
pub struct KeysArguments {
    /// Only those of this section, such as augment.
    section: Option<String>,
}

/// What a recipe that comes with zview is for.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    used_by: &'static str,
    what: String,
}

#[derive(Serialize)]
struct Shown {
    name: &'static str,
    text: &'static str,
}

pub fn run(command: &RecipeCommand, common: &Common) -> Result<(), Failure> {
    match command {
        RecipeCommand::List => output::result(common.json, &listed(), |listed| in_words(listed)),
        RecipeCommand::Show(ShowArguments { name }) => {
            let file = shipped(name).ok_or_else(|| unknown(name))?;
            let shown = Shown { name: file.name, text: file.text };
            output::result(common.json, &shown, |shown| shown.text.trim_end().to_owned())
        }
        RecipeCommand::Keys(KeysArguments { section }) => {
            let keys = of_section(section.as_deref())?;
            output::result(common.json, &keys, |keys| keys_in_words(keys))
        }
    }
}

fn unknown(name: &Path) -> Failure {
    let asked = name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let part = |name: &str| name.rsplit('/').next().is_some_and(|last| last.contains(&asked));
    let near: Vec<&str> = SHIPPED.iter().map(|file| file.name).filter(|name| part(name)).take(5).collect();
    let hint = if near.is_empty() { String::new() } else { format!("; there is {}", near.join(", ")) };
    Failure::usage(format!(
        "{}: no recipe of this name comes with zview{hint} (`zview recipe list` has all)",
        name.display()
    ))
}

fn listed() -> Vec<Listed> {
    let one = |file: &zview_runtime::config::Shipped| Listed {
        name: file.name,
        used_by: used_by(file.name),
        what: first_sentence(file.text),
    };
    SHIPPED.iter().map(one).collect()
}

/// The command that a recipe is for.
fn used_by(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("generators/") => "zview generator train",
        "studies/demo" => "zview demo",
        _ if name.starts_with("studies/") && !name.starts_with("studies/recipes/") => "zview compare",
        _ => "zview pretrain",
    }
}

/// The first sentence of the comment that a file begins with.
fn first_sentence(text: &str) -> String {
    let comment = text.lines().take_while(|line| line.starts_with('#'));
    let words: Vec<&str> = comment.map(|line| line.trim_start_matches('#').trim()).collect();
    let words = words.join(" ");
    let end = [". ", "? "].iter().filter_map(|end| words.find(end)).min().map_or(words.len(), |at| at + 1);
    words[..end].trim_end_matches(['.', ':']).to_owned()
}

fn in_words(listed: &[Listed]) -> String {
    let width = listed.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut command = "";
    for Listed { name, used_by, what } in sorted(listed) {
        if *used_by != command {
            let _ = writeln!(text, "{}{used_by} NAME", if command.is_empty() { "" } else { "\n" });
            command = used_by;
        }
        let _ = writeln!(text, "  {name:width$}  {what}");
    }
    text + "\n`zview recipe show NAME` prints one; `> my.toml` keeps it. A file of that name goes first."
}

fn sorted(listed: &[Listed]) -> Vec<&Listed> {
    let order = ["zview pretrain", "zview demo", "zview generator train", "zview compare"];
    let mut sorted: Vec<&Listed> = listed.iter().collect();
    sorted.sort_by_key(|one| order.iter().position(|command| *command == one.used_by));
    sorted
}

fn of_section(section: Option<&str>) -> Result<Vec<Key>, Failure> {
    let Some(section) = section else { return Ok(recipe_keys()) };
    let asked = section.trim_matches(['[', ']']);
    let within =
        |name: &str| name == asked || name.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'));
    let keys: Vec<Key> = recipe_keys().into_iter().filter(|key| within(key.section)).collect();
    if keys.is_empty() {
        return Err(Failure::usage(format!(
            "{section}: a recipe has no such section; its sections are {}",
            recipe_sections().join(", ")
        )));
    }
    Ok(keys)
}

fn keys_in_words(keys: &[Key]) -> String {
    let mut text = String::new();
    let mut before = None;
    for Key { section, of_kind, name, kind, default, range, meaning } in keys {
        if before != Some((section, of_kind)) {
            let of_kind = of_kind.map_or_else(String::new, |kind| format!(" of kind = \"{kind}\""));
            let head =
                if section.is_empty() { "at the top".to_owned() } else { format!("[{section}]{of_kind}") };
            let _ = writeln!(text, "{}{head}", if before.is_none() { "" } else { "\n" });
        }
        before = Some((section, of_kind));
        let range = range.as_ref().map_or_else(String::new, |range| format!(", {range}"));
        let _ = writeln!(text, "  {name}: {kind}{range}; default: {default}\n      {meaning}");
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_says_in_a_line_what_it_is() {
        for Listed { name, what, .. } in listed() {
            assert!(!what.is_empty(), "{name}: begins without a comment");
            assert!(what.len() < 220, "{name}: {what}");
        }
        let text = in_words(&listed());
        assert!(text.contains("zview compare NAME") && text.contains("  photos "), "{text}");
    }

    #[test]
    fn keys_of_one_section_and_of_none() {
        assert!(of_section(Some("augment")).is_ok_and(|keys| keys.len() > 15));
        assert!(of_section(Some("[train]")).is_ok());
        assert!(of_section(Some("agument")).is_err());
        let text = keys_in_words(&of_section(None).unwrap_or_default());
        assert!(text.contains("[objective] of kind = \"vicreg\"") && text.contains("at the top"), "{text}");
    }
}
