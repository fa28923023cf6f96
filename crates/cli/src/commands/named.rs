//! What is named where a recipe is expected: a recipe, or what one is made for.

use std::io::Write;
use std::path::{Path, PathBuf};

use zview_contrastive::train::Recipe;
use zview_contrastive::train::automatic::{Automatic, Choice, Images, Machine, Subject, automatic_recipe};
use zview_data::{is_packed, known_data_sets};
use zview_generator::embedded_generators;
use zview_runtime::config::{read_toml, ship};
use zview_runtime::device::ChosenDevice;
use zview_runtime::file_kind::FileKind;
use zview_runtime::run_folder::RunFolderError;

use crate::failure::Failure;
use crate::shipped_recipes::SHIPPED;

/// What a name or path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A recipe, whose file may not be there.
    Recipe,
    /// A data set.
    Images,
    /// A manifest, its folder or name.
    Generator,
}

impl Named {
    /// What `given` is; a file goes before a name, but for names of what is embedded.
    pub fn of(given: &Path) -> Self {
        let name = given.to_str().unwrap_or_default();
        if embedded_generators().iter().any(|embedded| embedded.name == name) {
            return Self::Generator;
        }
        if known_data_sets().iter().any(|known| known.name == name) && (!given.exists() || name == "glyphs") {
            return Self::Images;
        }
        if given.is_dir() {
            let of_generator = given.join("generator.toml").is_file();
            return if of_generator { Self::Generator } else { Self::Images };
        }
        if given.is_file() {
            return match FileKind::of_file(given) {
                Ok(FileKind::Gzip | FileKind::Tar | FileKind::Idx) => Self::Images,
                Ok(FileKind::Safetensors) if is_packed(given) => Self::Images,
                Ok(FileKind::Text) if is_manifest(given) => Self::Generator,
                _ => Self::Recipe, // or what is refused as one, by what it is
            };
        }
        Self::Recipe
    }
}

/// Whether a TOML file describes a generator: it names an architecture, which a recipe does not at its top.
fn is_manifest(path: &Path) -> bool {
    read_toml::<serde_json::Map<String, serde_json::Value>>(path)
        .is_ok_and(|table| table.contains_key("architecture"))
}

/// A recipe that was read or made.
pub struct Taken {
    pub recipe: Recipe,
    /// What was chosen, where it was made.
    pub choices: Vec<Choice>,
}

/// The recipe that `given` names; `None` where it is something that one is made for.
pub fn recipe_file(given: &Path, overrides: &[String]) -> Result<Option<Taken>, Failure> {
    let is_recipe = Named::of(given) == Named::Recipe;
    let recipe = is_recipe.then(|| Recipe::load(given, overrides)).transpose()?;
    Ok(recipe.map(|recipe| Taken { recipe, choices: Vec::new() }))
}

/// The list of classes that the changes of a recipe name.
fn classes_of(overrides: &[String]) -> Option<PathBuf> {
    let said = overrides.iter().rev().filter_map(|change| change.split_once('='));
    let (_, list) = said.into_iter().find(|(key, _)| key.trim() == "source.classes")?;
    Some(PathBuf::from(list.trim().trim_matches(['"', '\''])))
}

/// The recipe that is made for what `given` names.
pub fn made_for(
    given: &Path,
    overrides: &[String],
    device: &ChosenDevice,
    data_dir: Option<PathBuf>,
) -> Result<Taken, Failure> {
    let name = given.to_string_lossy();
    let subject = if Named::of(given) == Named::Generator {
        Subject::generator(&name)?
    } else {
        say(&format!("no recipe was named: looking through {name}"));
        Subject::images(&name, data_dir, classes_of(overrides))?
    };
    let Automatic { recipe, choices } = automatic_recipe(&subject, &Machine::of(device), overrides)?;
    say(&in_words(&name, &choices));
    if let Subject::Images(Images { unreadable: Some(unreadable), .. }) = &subject
        && recipe.source.max_reject_share < unreadable.share()
    {
        tracing::warn!(
            "{}; repair or remove what cannot be read, or --set source.max_reject_share={} leaves it out, of training and \
             testing",
            unreadable.in_words(),
            unreadable.share()
        );
    }
    Ok(Taken { recipe, choices })
}

/// The recipe of the run in `run`, which was made for `given`; refused where it was made for something else.
pub fn recipe_of_run(given: &Path, run: &Path, overrides: &[String]) -> Result<Option<Taken>, Failure> {
    let config = run.join("config.toml");
    if !config.exists() {
        return Ok(None); // said where the folder is taken
    }
    let recipe = Recipe::load(&config, overrides)?;
    let mut named = recipe.clone();
    let (key, here) = match Named::of(given) {
        Named::Generator => ("source.generator", &mut named.source.generator),
        _ => ("source.data", &mut named.source.data),
    };
    let there = here.replace(given.to_string_lossy().into_owned());
    if named.with_paths_as_in(&recipe) != recipe {
        let of_run = there.map_or_else(|| "nothing".to_owned(), |there| format!("\"{there}\""));
        let keys = vec![format!("{key} ({of_run} there, \"{}\" here)", given.display())];
        return Err(RunFolderError::OtherConfig { path: run.to_owned(), keys }.into());
    }
    Ok(Some(Taken { recipe, choices: Vec::new() }))
}

fn in_words(name: &str, choices: &[Choice]) -> String {
    let settings: Vec<String> =
        choices.iter().map(|Choice { key, value, .. }| format!("{key} = {value}")).collect();
    let width = settings.iter().map(|setting| setting.chars().count()).max().unwrap_or(0);
    let lines = settings
        .iter()
        .zip(choices)
        .map(|(setting, choice)| format!("\n  {setting:width$}  {}", choice.reason));
    format!(
        "a recipe for {name} (--set KEY=VALUE changes a value; the run folder keeps all in config.toml):{}",
        lines.collect::<String>()
    )
}

fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}"); // a closed stderr must not end the work
}

/// From now on recipes that come with zview are read by name.
pub fn ship_recipes() {
    ship(SHIPPED);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_go_before_names_and_tell_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let manifest = file("g.toml", b"name = \"g\"\narchitecture = \"sequential\"\n");
        assert_eq!(Named::of(&manifest), Named::Generator);
        assert_eq!(Named::of(&file("r.toml", b"[source]\nkind = \"real\"\n")), Named::Recipe);
        assert_eq!(Named::of(&file("broken.toml", b"[source\n")), Named::Recipe);
        assert_eq!(Named::of(&file("recipe.txt", b"[source]\nkind = \"real\"\n")), Named::Recipe);
        assert_eq!(Named::of(&file("train.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0")), Named::Images);
        assert_eq!(Named::of(&file("cat.png", b"\x89PNG\r\n\x1a\n")), Named::Recipe);
        let run = folder.path().join("run");
        std::fs::create_dir(&run).unwrap();
        assert_eq!(Named::of(&run), Named::Images);
        std::fs::write(run.join("generator.toml"), "").unwrap();
        assert_eq!(Named::of(&run), Named::Generator);
        for (name, named) in [
            ("glyphs", Named::Images),
            ("cifar10", Named::Images),
            ("glyphs-gan", Named::Generator),
            ("mnist-real", Named::Recipe),
            ("not-there.toml", Named::Recipe),
        ] {
            assert_eq!(Named::of(Path::new(name)), named, "{name}");
        }
    }
}
