//! Words of other tools: what an option or command that does not exist is called here.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Options, and what to write instead.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["--epochs", "--num-epochs", "--max-epochs"],
        "`--epochs N` of pretrain; elsewhere `--set train.steps=N`, which counts updates: epochs x images / train.batch",
    ),
    (
        &["--batch-size", "--batch_size", "--bs"],
        "`--set train.batch=N` of pretrain, `--set batch=N` of probe",
    ),
    (&["--lr", "--learning-rate", "--learning_rate"], "`--set optimizer.lr=X`"),
    (&["--wd", "--weight-decay"], "`--set optimizer.weight_decay=X`"),
    (
        &["--gpu", "--gpus", "--cuda", "--accelerator"],
        "`--device vulkan` (or vulkan:1 for the second); `zview devices` lists them",
    ),
    (&["--mps"], "`--device metal`"),
    (&["--cpu"], "`--device cpu`"),
    (
        &["--dataset", "--data-path", "--train-data"],
        "`--data D` of probe, embed and predict, `--set source.data=D` of pretrain",
    ),
    (&["--output", "--output-dir", "--out-dir", "--save-dir"], "`--out`"),
    (
        &["--arch", "--model", "--backbone"],
        "`--set encoder.arch=resnet18`; an encoder that is there is named without an option",
    ),
    (
        &["--checkpoint", "--ckpt", "--weights", "--pretrained"],
        "encoders are named without an option; to start from one: `--set encoder.weights=FILE`",
    ),
    (
        &["--img-size", "--image-size", "--input-size", "--resolution"],
        "`--size N` of probe, `--set source.size=N` of pretrain",
    ),
    (&["--seed"], "`--set seed=N`"),
    (&["--workers", "--num-workers", "--threads"], "the environment variable RAYON_NUM_THREADS=N"),
    (&["--wandb", "--tensorboard"], "`zview log RUN --tensorboard DIR`"),
    (&["--verbose", "--debug", "-v"], "the environment variable ZVIEW_LOG=debug"),
    (&["--config", "-c"], "the recipe is named without an option: `zview pretrain RECIPE.toml`"),
    (&["--outliers"], "`--outlier-data`"),
];

/// Commands, and which to take.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["train", "fit", "pre-train", "learn"],
        "`zview pretrain RECIPE` (a generator: `zview generator train RECIPE`)",
    ),
    (
        &["eval", "evaluate", "test", "linear", "linear-probe", "knn", "validate"],
        "`zview probe ENCODER --data D`",
    ),
    (&["finetune", "fine-tune"], "`zview probe ENCODER --data D --protocol fine-tune --keep DIR`"),
    (&["encode", "features", "extract", "embeddings"], "`zview embed ENCODER --data D --out FILE.npy`"),
    (&["infer", "inference", "classify"], "`zview predict MODEL --data D`"),
    (&["generate", "render", "draw"], "`zview sample --generator G --out FILE.png`"),
    (&["study", "sweep", "ablation", "benchmark-arms"], "`zview compare FILE`"),
    (&["benchmark", "profile"], "`zview bench RECIPE`"),
    (&["gpu", "gpus"], "`zview devices`"),
    (&["convert", "save"], "`zview export ENCODER --out FILE.safetensors`"),
    (&["download", "datasets"], "`zview data list`"),
    (&["init", "config"], "`zview recipe show NAME > mine.toml`; `zview recipe list` has the names"),
];

fn ours(table: &[(&[&str], &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(words, _)| words.contains(&word)).map(|(_, ours)| *ours)
}

/// The error with what the word is called here, where it is one of other tools.
pub fn with_our_words(mut error: clap::Error) -> clap::Error {
    let (table, kind) = match error.kind() {
        ErrorKind::UnknownArgument => {
            if suggests_hidden(&error) {
                error.remove(ContextKind::SuggestedArg);
            }
            (OPTIONS, ContextKind::InvalidArg)
        }
        ErrorKind::InvalidSubcommand => (COMMANDS, ContextKind::InvalidSubcommand),
        ErrorKind::ValueValidation => return of_value(error),
        _ => return error,
    };
    let word = match error.get(kind) {
        Some(ContextValue::String(word)) => word.split('=').next().unwrap_or_default().to_owned(),
        _ => return error,
    };
    if let Some(ours) = ours(table, &word) {
        let tip = format!("here that is {ours}").into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

/// Whether the option that is named as similar is one that `--help` does not show.
fn suggests_hidden(error: &clap::Error) -> bool {
    let Some(ContextValue::String(option)) = error.get(ContextKind::SuggestedArg) else { return false };
    let is_hidden = |command: &clap::Command| {
        let mut named = command.get_arguments().filter(|known| known.get_long() == option.strip_prefix("--"));
        named.any(clap::Arg::is_hide_set)
    };
    let mut commands = vec![crate::help::command()];
    while let Some(command) = commands.pop() {
        if is_hidden(&command) {
            return true;
        }
        commands.extend(command.get_subcommands().cloned());
    }
    false
}

/// What the language's own parsers say of a number, and what was expected.
const NUMBERS: &[(&str, &str)] = &[
    ("invalid digit found in string", "expected a whole number, 0 or more"),
    ("cannot parse integer from empty string", "expected a whole number, 0 or more"),
    ("number too large to fit in target type", "expected a smaller number"),
    ("invalid float literal", "expected a number"),
    ("cannot parse float from empty string", "expected a number"),
];

/// The error of a value that is no number, in words.
fn of_value(error: clap::Error) -> clap::Error {
    let text = error.to_string();
    let Some((theirs, ours)) = NUMBERS.iter().find(|(theirs, _)| text.contains(theirs)) else { return error };
    let text = text.replace(theirs, ours);
    clap::Error::raw(ErrorKind::ValueValidation, text.trim_start_matches("error: "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_word_stands_twice() {
        for table in [OPTIONS, COMMANDS] {
            let mut words: Vec<&str> = table.iter().flat_map(|(words, _)| words.iter().copied()).collect();
            let all = words.len();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), all);
        }
    }

    #[test]
    fn a_hidden_option_is_never_suggested() {
        for (line, hidden) in [
            (vec!["zview", "demo", "--plan"], "--plant-fault"),
            (vec!["zview", "compare", "r.toml", "--until-stdin"], "--until-stdin-ends"),
            (vec!["zview", "probe", "run", "--outlier"], "--outliers"),
        ] {
            let error = crate::help::command().try_get_matches_from(&line).unwrap_err();
            let text = with_our_words(error).to_string();
            assert!(!text.contains(hidden) && text.contains(line[line.len() - 1]), "{line:?}: {text}");
        }
        let shown = crate::help::command().try_get_matches_from(["zview", "demo", "--see"]).unwrap_err();
        assert!(with_our_words(shown).to_string().contains("'--seed'"));
    }

    #[test]
    fn what_is_an_option_of_the_command_is_none_of_another_tools() {
        for (line, told) in [
            (vec!["zview", "pretrain", "r.toml", "--batch-size", "3"], "train.batch"),
            (vec!["zview", "probe", "run", "--cuda"], "--device vulkan"),
            (vec!["zview", "train", "r.toml"], "zview pretrain RECIPE"),
            (vec!["zview", "compare", "r.toml", "--output=x"], "--out"),
            (vec!["zview", "pretrain", "r.toml", "--steps", "ten"], "expected a whole number"),
            (
                vec!["zview", "sample", "--generator", "g", "--out", "a.png", "--std", "0.1,abc"],
                "expected a number",
            ),
        ] {
            let error = crate::help::command().try_get_matches_from(&line).unwrap_err();
            let text = with_our_words(error).to_string();
            assert!(
                text.contains(&format!("here that is `{told}")) || text.contains(told),
                "{line:?}: {text}"
            );
        }
    }
}
