//! `zview probe`: evaluate frozen encoders on labelled images.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use zview_contrastive::encoder::{Pool, ReadOptions};
use zview_contrastive::selfcheck::Subject;
use zview_contrastive::train::Recipe;
use zview_data::{ColorMode, LoadOptions};
use zview_probe::PixelScale;
use zview_runtime::atomic::write_file;
use zview_runtime::cache_folder;
use zview_runtime::config::{ConfigError, read_toml_in_layers};
use zview_runtime::device::choose;
use zview_study::commands::command_line;
use zview_study::evaluation::{
    Measure, SuiteConfig, SuiteEvaluation, SuiteRequest, evaluate, in_words, without_effect,
};

use super::compared::compared;
use super::data::parse_color;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;
use crate::output_file::check_output_file;

/// What to evaluate.
#[derive(Debug, Args)]
pub struct ProbeArguments {
    /// Run folders, or encoder files (.safetensors, .pth, .pt) in torchvision's or timm's naming; several are the training
    /// seeds of one arm.
    #[arg(required = true)]
    encoders: Vec<PathBuf>,
    /// Encoder of the arm to compare with, on the same test images; may be repeated, one for each training seed.
    #[arg(long, value_name = "ENCODER")]
    versus: Vec<PathBuf>,
    /// Name or path of labelled images; may be repeated; the recipe's `probe.data` for a run folder.
    #[arg(long)]
    data: Vec<String>,
    /// What is measured: linear, knn, few-shot, label-curve, sgd, fine-tune, scratch, robustness, outliers, spectrum,
    /// clusters, overlap, or all; may be repeated; linear, knn, few-shot and overlap where it is not given.
    #[arg(long = "protocol", value_name = "P", value_parser = parse_protocol)]
    protocols: Vec<Protocols>,
    /// How everything is measured: a TOML file (docs/evaluation.md).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Change a value of it, such as linear.validation_share=0.2; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    overrides: Vec<String>,
    /// Name or path of images that the encoder is to tell from each data set's; measures outliers too.
    #[arg(long, value_name = "DATA")]
    outliers: Option<String>,
    /// Write a page with tables and pictures of the first encoder.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// How many training images may be used; the recipe's for a run folder, else 10,000.
    #[arg(long)]
    train_pool: Option<usize>,
    /// Labels per class of the few-shot protocol; those of 1, 5, 10, 100 that every class has where it is not given.
    #[arg(long, value_delimiter = ',')]
    labels_per_class: Option<Vec<usize>>,
    /// Draws of the labelled images for each number of labels; 10 where it is not given.
    #[arg(long)]
    draws: Option<usize>,
    /// Side in pixels to which images are resized; what the encoder takes where it is not given.
    #[arg(long)]
    size: Option<usize>,
    /// Colours: as-stored, grey or rgb; what the encoder takes where it is not given.
    #[arg(long, value_parser = parse_color)]
    color: Option<ColorMode>,
    /// How an encoder file of other origin wants its pixels: unit (0 to 1, the default), half (mean and standard deviation
    /// 0.5), imagenet, clip, or MEAN:STD, each one number or one for each channel with commas between them. zview's own
    /// files say it themselves.
    #[arg(long, value_name = "SCALE")]
    pixels: Option<PixelScale>,
    /// Which network of a checkpoint with several, by a part of its tensors' names (encoder_k, teacher, state_dict_ema).
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Attention heads of a Vision Transformer whose file does not say it; those of published networks of its width where it
    /// is not given.
    #[arg(long, value_name = "N")]
    heads: Option<usize>,
    /// Which token of a Vision Transformer are the features, where its file does not say it: class-token or mean.
    #[arg(long, value_name = "TOKEN", value_parser = parse_pool)]
    pool: Option<Pool>,
    /// Share of unreadable image files to leave out.
    #[arg(long, default_value_t = 0.0)]
    max_reject_share: f64,
    /// Seed of splits, draws and intervals; 0, or what the file says, where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Neither read nor keep features in the user's cache folder.
    #[arg(long)]
    no_cache: bool,
}

/// One protocol, or all of them.
#[derive(Debug, Clone, Copy)]
enum Protocols {
    All,
    One(Measure),
}

fn parse_protocol(text: &str) -> Result<Protocols, String> {
    if text == "all" {
        return Ok(Protocols::All);
    }
    let known = Measure::ALL.into_iter().find(|(name, _)| *name == text);
    known.map(|(_, measure)| Protocols::One(measure)).ok_or_else(|| {
        let names: Vec<&str> = Measure::ALL.iter().map(|(name, _)| *name).collect();
        format!("`{text}` is not one of {}, all", names.join(", "))
    })
}

fn parse_pool(text: &str) -> Result<Pool, String> {
    match text {
        "class-token" => Ok(Pool::ClassToken),
        "mean" => Ok(Pool::Mean),
        _ => Err(format!("`{text}` is not one of class-token, mean")),
    }
}

pub fn run(arguments: &ProbeArguments, common: &Common) -> Result<(), Failure> {
    let config = config(arguments)?;
    if let Some(report) = &arguments.report {
        let read = arguments.encoders.iter().chain(&arguments.versus).chain(&arguments.config);
        check_output_file("--report", report, &read.map(PathBuf::as_path).collect::<Vec<_>>())?;
    }
    let device = choose(common.device)?;
    let cache = cache_folder().filter(|_| !arguments.no_cache);
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let request = SuiteRequest {
        encoders: &arguments.encoders,
        versus: &arguments.versus,
        config: &config,
        options: LoadOptions {
            data_dir: common.data_dir.clone(),
            size: arguments.size,
            max_reject_share: arguments.max_reject_share,
            ..LoadOptions::default()
        },
        color: arguments.color,
        read: ReadOptions {
            branch: arguments.branch.clone(),
            heads: arguments.heads,
            pool: arguments.pool,
            ..ReadOptions::default()
        },
        cache_folder: cache.as_deref(),
        beside: true,
        command: arguments.report.is_some().then(|| command_line(&words)),
    };
    let suite = evaluate(&request, &device, |path, encoder, train| {
        let (config, shape, batch) = (encoder.config(), train.shape, config.batch.min(train.len()));
        let (options, beyond) = (&request.how_read(), encoder.encoder().beyond_recipes());
        let subject = Subject::Features { encoder: path, options, config, beyond, shape, batch };
        compared(device.clone(), &subject, common).map(|_| ())
    })?;
    if let (Some(path), Some(page)) = (&arguments.report, &suite.page) {
        write_file(path, page.as_bytes())?;
    }
    let value = as_json(&suite, arguments.report.as_deref());
    output::result(common.json, &value, |_| {
        let report = arguments
            .report
            .as_ref()
            .map_or_else(String::new, |path| format!("\nreport: {}", path.display()));
        in_words(&suite).trim_end().to_owned() + &report
    })
}

/// One encoder on one data set is an object of its own; anything more is listed.
fn as_json(suite: &SuiteEvaluation, report: Option<&Path>) -> Value {
    let mut value = match suite.encoders.as_slice() {
        [encoder] if encoder.sets.len() == 1 => json!(encoder.sets[0]),
        _ => json!(suite),
    };
    if let Some(path) = report {
        value["report"] = json!(path);
    }
    value
}

/// The recipe of a run folder, or of the run that a checkpoint is of.
fn recipe_of(encoder: &Path) -> Option<PathBuf> {
    let mut folders = vec![encoder.to_owned()];
    // runs/x/checkpoints/step-00000100, or model.safetensors in it.
    let absolute = encoder.canonicalize().unwrap_or_default();
    let of_run = absolute.ancestors().skip(1).take(2).find(|folder| folder.ends_with("checkpoints"));
    folders.extend(of_run.and_then(Path::parent).map(Path::to_owned));
    folders.into_iter().map(|folder| folder.join("config.toml")).find(|file| file.exists())
}

/// What the file says.
fn read_config(file: &Path, arguments: &ProbeArguments) -> Result<SuiteConfig, Failure> {
    let (config, written) = read_toml_in_layers(file, &[&arguments.overrides])?;
    // With --protocol a file may have settings of others.
    let unread = arguments.protocols.is_empty().then(|| without_effect(&config, &written, ""));
    match unread.filter(|problems| !problems.is_empty()) {
        Some(problems) => Err(ConfigError::Invalid { path: file.to_owned(), problems }.into()),
        None => Ok(config),
    }
}

/// Refuses options of protocols that are not measured.
fn refuse_unread(arguments: &ProbeArguments, config: &SuiteConfig) -> Result<(), Failure> {
    let read = |measures: &[Measure]| measures.iter().any(|measure| config.asks_for(*measure));
    let few_shot = (arguments.labels_per_class.is_some(), &[Measure::FewShot][..], "few-shot is");
    let both = [Measure::FewShot, Measure::LabelCurve];
    let draws = (arguments.draws.is_some(), &both[..], "neither few-shot nor label-curve is");
    for (option, (given, measures, what)) in [("--labels-per-class", few_shot), ("--draws", draws)] {
        if given && !read(measures) {
            let not = if measures.len() == 1 { " not" } else { "" };
            return Err(Failure::usage(format!(
                "{option}: has no effect, as {what}{not} measured; remove it, or add --protocol few-shot"
            )));
        }
    }
    Ok(())
}

/// What the file says, then the options, then the recipe of the first encoder's run folder.
fn config(arguments: &ProbeArguments) -> Result<SuiteConfig, Failure> {
    let recipe = match arguments.encoders.first().and_then(|encoder| recipe_of(encoder)) {
        Some(file) => Recipe::load(&file, &[])?.probe,
        None => None,
    };
    let mut config = match &arguments.config {
        Some(file) => read_config(file, arguments)?,
        None => SuiteConfig::default(),
    };
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
        if arguments.config.is_none() {
            config.train_pool = recipe.train_pool;
        }
    }
    if config.data.is_empty() {
        return Err(Failure::usage(
            "--data: not given, and the encoder's recipe has no `[probe] data`; name a labelled data set",
        ));
    }
    config.train_pool = arguments.train_pool.unwrap_or(config.train_pool);
    if !arguments.protocols.is_empty() {
        config.protocols = arguments
            .protocols
            .iter()
            .flat_map(|protocols| match protocols {
                Protocols::All => Measure::ALL.iter().map(|(_, measure)| *measure).collect(),
                Protocols::One(measure) => vec![*measure],
            })
            .collect();
    }
    if let Some(outliers) = &arguments.outliers {
        config.outlier_data = Some(outliers.clone());
        config.protocols.push(Measure::Outliers);
    }
    if arguments.pixels.is_some() {
        config.pixels.clone_from(&arguments.pixels);
    }
    config.protocols.sort_unstable();
    config.protocols.dedup();
    if config.outlier_data.is_none() {
        let only = arguments.protocols.iter().any(|asked| matches!(asked, Protocols::One(Measure::Outliers)));
        if only
            || (arguments.config.is_some()
                && config.asks_for(Measure::Outliers)
                && arguments.protocols.is_empty())
        {
            return Err(Failure::usage(
                "outliers: which images are to be told from the data set's? Name them with --outliers DATA",
            ));
        }
        config.protocols.retain(|measure| *measure != Measure::Outliers);
    }
    refuse_unread(arguments, &config)?;
    if arguments.labels_per_class.is_some() {
        config.few_shot.labels_per_class.clone_from(&arguments.labels_per_class);
    }
    if let Some(draws) = arguments.draws {
        config.few_shot.draws = draws;
        config.label_curve.draws = draws;
    }
    Ok(config)
}
