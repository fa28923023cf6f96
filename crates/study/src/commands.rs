//! The exact commands that repeat a result, as a shell takes them.

use std::path::Path;

use zview_contrastive::train::Recipe;
use zview_runtime::device::ChosenDevice;

use crate::probing::{DRAWS, LABELS_PER_CLASS};
use crate::results::ArmResult;

/// What the commands have in common.
#[derive(Debug, Clone)]
pub struct CommandContext<'a> {
    /// Where the arms were computed.
    pub device: &'a ChosenDevice,
    /// Where named data sets are looked up first.
    pub data_dir: Option<&'a Path>,
    /// The recipe that the arms were derived from.
    pub recipe: &'a Recipe,
}

impl CommandContext<'_> {
    /// Trains the arm again, in a folder beside the first.
    #[must_use]
    pub fn train(&self, arm: &ArmResult) -> String {
        let run = &arm.training.run;
        let again = run.with_file_name(format!("{}-again", arm.name));
        let words = ["zview", "pretrain"].map(str::to_owned);
        self.with_common(
            &[&words[..], &[path(&run.join("config.toml")), "--out".into(), path(&again)]].concat(),
        )
    }

    /// Probes the arm again.
    #[must_use]
    pub fn probe(&self, arm: &ArmResult) -> String {
        let mut words = vec!["zview".to_owned(), "probe".to_owned(), path(&arm.training.run)];
        words.extend(["--seed".to_owned(), self.recipe.seed.to_string()]);
        words.extend(["--labels-per-class".to_owned(), LABELS_PER_CLASS.to_string()]);
        words.extend(["--draws".to_owned(), DRAWS.to_string()]);
        if let Some(size) = self.recipe.side() {
            words.extend(["--size".to_owned(), size.to_string()]);
        }
        self.with_common(&words)
    }

    /// Draws more of the views.
    #[must_use]
    pub fn sample(&self) -> String {
        let source = &self.recipe.source;
        let mut words = ["zview", "sample", "--generator"].map(str::to_owned).to_vec();
        words.push(quote(source.generator.as_deref().unwrap_or_default()));
        if let Some(weights) = &source.weights {
            words.extend(["--weights".to_owned(), quote(weights)]);
        }
        words.extend(["--std".to_owned(), self.recipe.views.std.to_string()]);
        words.extend(["--out", "views.png"].map(str::to_owned));
        words.join(" ")
    }

    fn with_common(&self, words: &[String]) -> String {
        let mut words = words.to_vec();
        words.extend(["--device".to_owned(), quote(&self.device.request)]);
        if let Some(folder) = self.data_dir {
            words.extend(["--data-dir".to_owned(), path(folder)]);
        }
        words.join(" ")
    }
}

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

/// The options of a `zview demo` command line but for where it goes, its seed and its output.
#[must_use]
pub fn demo_options(words: &[String]) -> Vec<String> {
    let mut options = Vec::new();
    let mut words = words.iter().skip(1);
    let mut before_command = true;
    while let Some(word) = words.next() {
        match word.split('=').next().unwrap_or_default() {
            "demo" if before_command => before_command = false,
            "--json" => {}
            "--out" | "--seed" => {
                if !word.contains('=') {
                    words.next();
                }
            }
            _ => options.push(word.clone()),
        }
    }
    options
}

fn path(path: &Path) -> String {
    quote(&path.to_string_lossy())
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
    use crate::arms::tests::base;
    use crate::probing::tests::result;
    use zview_runtime::device::cpu;

    #[test]
    fn commands_name_what_decides_the_result() {
        let (recipe, device) = (base(), cpu("test"));
        let context =
            CommandContext { device: &device, data_dir: Some(Path::new("my data")), recipe: &recipe };
        let arm = result("real", 800);
        assert_eq!(
            context.train(&arm),
            "zview pretrain runs/demo/real/config.toml --out runs/demo/real-again --device cpu --data-dir 'my data'"
        );
        assert_eq!(
            context.probe(&arm),
            "zview probe runs/demo/real --seed 5 --labels-per-class 10 --draws 5 --device cpu --data-dir 'my data'"
        );
        assert_eq!(
            context.sample(),
            "zview sample --generator gan --weights w.pt --std 0.25 --out views.png"
        );
    }

    #[test]
    fn options_of_a_demo_are_kept_but_for_place_seed_and_output() {
        let words = ["zview", "--json", "demo", "--out", "x", "--data", "demo", "--seed=4", "--set", "a=1"];
        assert_eq!(demo_options(&words.map(str::to_owned)), ["--data", "demo", "--set", "a=1"]);
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote("train.steps=40"), "train.steps=40");
        let words = ["/opt/bin/zview", "demo", "--out", "a b", ""].map(str::to_owned);
        assert_eq!(command_line(&words), "zview demo --out 'a b' ''");
    }
}
