//! What is measured and how: by the file, then the options, then the recipe of the first encoder's run folder.

use std::path::{Path, PathBuf};

use zview_contrastive::train::Recipe;
use zview_features::Settings;
use zview_probe::fine_tune::Length;
use zview_probe::suite::{ProtocolKind, SuiteConfig, without_effect};
use zview_runtime::config::{ConfigError, Written, parse_toml_in_layers, read_toml_in_layers};

use super::super::encoder_options::{recipe_of, same_images};
use super::{ProbeArguments, Protocols};
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};

/// What stands in messages for the file where there is none.
const NO_FILE: &str = "zview probe";

/// What the file and `--set` say, and what they say it of.
fn written(arguments: &ProbeArguments) -> Result<(SuiteConfig, Written), Failure> {
    let overrides: &[&[String]] = &[&arguments.overrides];
    let (file, (config, written)) = match &arguments.config {
        Some(file) => {
            refuse_other_kind(file, Wanted::Evaluation)?;
            let (config, written): (SuiteConfig, Written) = read_toml_in_layers(file, overrides)?;
            (file.clone(), (config.with_paths_from(file, &written, ""), written))
        }
        None => (PathBuf::from(NO_FILE), parse_toml_in_layers(Path::new(NO_FILE), "", overrides)?),
    };
    let mut problems = config.problems();
    // With --protocol a file may have settings of others.
    if arguments.protocols.is_empty() {
        problems.extend(without_effect(&config, &written, ""));
    }
    if problems.is_empty() {
        Ok((config, written))
    } else {
        Err(ConfigError::Invalid { path: file, problems: written.located(problems) }.into())
    }
}

/// Refuses options that no measured protocol reads, or that one cannot take.
fn refuse_unread(arguments: &ProbeArguments, config: &SuiteConfig) -> Result<(), Failure> {
    use ProtocolKind::{FewShot, FineTune, LabelCurve, Scratch};
    let read = |measures: &[ProtocolKind]| measures.iter().any(|measure| config.asks_for(*measure));
    let labels: &[ProtocolKind] = &[FewShot, LabelCurve, FineTune, Scratch];
    let given = [
        (
            "--labels-per-class",
            arguments.labels_per_class.is_some(),
            labels,
            "none of few-shot, label-curve, fine-tune and scratch is",
        ),
        ("--draws", arguments.draws.is_some(), &[FewShot, LabelCurve], "neither few-shot nor label-curve is"),
        ("--steps", arguments.steps.is_some(), &[FineTune, Scratch], "neither fine-tune nor scratch is"),
        ("--epochs", arguments.epochs.is_some(), &[FineTune, Scratch], "neither fine-tune nor scratch is"),
        ("--keep", arguments.keep.is_some(), &[FineTune], "fine-tune is not"),
    ];
    for (option, given, measures, names) in given {
        if given && !read(measures) {
            let first = ProtocolKind::ALL.iter().find(|(_, measure)| measures.first() == Some(measure));
            let first = first.map_or("all", |(name, _)| name);
            return Err(Failure::usage(format!(
                "{option}: has no effect, as {names} measured; remove it, or add --protocol {first}"
            )));
        }
    }
    let several = arguments.labels_per_class.as_ref().filter(|labels| labels.len() != 1);
    if let Some(labels) = several.filter(|_| read(&[FineTune, Scratch])) {
        let labels: Vec<String> = labels.iter().map(usize::to_string).collect();
        return Err(Failure::usage(format!(
            "--labels-per-class {}: fine-tune and scratch train on one number of labels; give one, or say it of each \
             protocol: --set few_shot.labels_per_class=[{}] --set fine_tune.labels_per_class={}",
            labels.join(","),
            labels.join(", "),
            labels.last().map_or("10", String::as_str)
        )));
    }
    Ok(())
}

/// What the file says, then the options, then the recipe of the first encoder's run folder.
pub(super) fn config(arguments: &ProbeArguments) -> Result<SuiteConfig, Failure> {
    let recipe = match arguments.encoders.first().and_then(|encoder| recipe_of(encoder)) {
        Some(file) => Some(Recipe::load(&file, &[])?),
        None => None,
    };
    let source = recipe.as_ref().map(|recipe| recipe.source.clone());
    let recipe = recipe.and_then(|recipe| recipe.probe);
    let (mut config, written) = written(arguments)?;
    if let Some(seed) = arguments.seed {
        config = config.with_seed(seed);
    }
    if !arguments.data.is_empty() {
        config.data.clone_from(&arguments.data);
    }
    if let Some(recipe) = &recipe {
        if config.data.is_empty() {
            config.data = vec![recipe.data.clone()];
        }
        if written.layer("train_pool").is_none() {
            config.train_pool = recipe.train_pool;
        }
    }
    if config.data.is_empty() {
        return Err(Failure::usage(
            "--data: not given, and the encoder's recipe has no `[probe] data`; name a labelled data set",
        ));
    }
    config.train_pool = arguments.train_pool.unwrap_or(config.train_pool);
    // Of the images that the run was of, what it left out is left out again, and so are other classes.
    if let Some(source) = source.filter(|source| same_images(source, &config)) {
        if written.layer("max_reject_share").is_none() {
            config.max_reject_share = source.max_reject_share;
        }
        if written.layer("classes").is_none() {
            config.classes = source.classes;
        }
    }
    arguments.reading.apply(&mut config);
    choose_protocols(arguments, &mut config)?;
    refuse_unread(arguments, &config)?;
    if let Some(labels) = &arguments.labels_per_class {
        if written.layer("few_shot.shares").is_none() {
            // Labels per class were asked for, and not shares of all labels beside them.
            config.few_shot.shares.clear();
        }
        config.few_shot.labels_per_class = Some(labels.clone());
        config.label_curve.labels_per_class = Some(labels.clone());
        if let [labels] = labels[..] {
            config.fine_tune.labels_per_class = Some(labels);
        }
    }
    if let Some(length) = arguments.steps.map(Length::Steps).or(arguments.epochs.map(Length::Epochs)) {
        config.fine_tune.length = length;
    }
    if let Some(draws) = arguments.draws {
        config.few_shot.draws = draws;
        config.label_curve.draws = draws;
    }
    Ok(config)
}

/// The protocols and the outliers, which one of them needs.
fn choose_protocols(arguments: &ProbeArguments, config: &mut SuiteConfig) -> Result<(), Failure> {
    if !arguments.protocols.is_empty() {
        config.protocols = arguments
            .protocols
            .iter()
            .flat_map(|protocols| match protocols {
                Protocols::All => ProtocolKind::ALL.iter().map(|(_, measure)| *measure).collect(),
                Protocols::One(measure) => vec![*measure],
            })
            .collect();
    }
    if arguments.outliers.is_some() {
        tracing::warn!("--outliers is now called --outlier-data, as in files; it is still read");
    }
    if let Some(outliers) = arguments.outlier_data.as_ref().or(arguments.outliers.as_ref()) {
        config.outlier_data = Some(outliers.clone());
        config.protocols.push(ProtocolKind::Outliers);
    }
    if config.protocols.is_empty() {
        return Err(Failure::usage(
            "protocols: expected one or more, got none; leave the key out, or name them with --protocol",
        ));
    }
    config.protocols.sort_unstable();
    config.protocols.dedup();
    if config.outlier_data.is_none() {
        let only =
            arguments.protocols.iter().any(|asked| matches!(asked, Protocols::One(ProtocolKind::Outliers)));
        let of_file = arguments.protocols.is_empty() && config.asks_for(ProtocolKind::Outliers);
        if only || of_file {
            return Err(Failure::usage(
                "outliers: which images are to be told from the data set's? Name them with --outlier-data DATA",
            ));
        }
        config.protocols.retain(|measure| *measure != ProtocolKind::Outliers);
    }
    Ok(())
}
