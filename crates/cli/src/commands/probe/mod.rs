//! `zview probe`: evaluate frozen encoders on labelled images.

mod config;

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::{Value, json};
use zview_experiment::commands::command_line;
use zview_experiment::comparison::one_arm;
use zview_probe::suite::{ProtocolKind, SuiteConfig, SuiteEvaluation, SuiteRequest, evaluate, in_words};
use zview_runtime::atomic::write_file;
use zview_runtime::device::choose;

use self::config::config;
use super::encoder_options::{EncoderOptions, compared_for_features};
use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::{check_ending, check_output_file};
use crate::output_folder::refuse_no_folder;

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
    #[arg(long = "protocol", alias = "protocols", value_name = "P", value_delimiter = ',', value_parser = parse_protocol)]
    #[arg(help = of_protocols())]
    protocols: Vec<Protocols>,
    /// How everything is measured: a TOML file (docs/evaluation.md).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Change a value of it, or of the defaults, such as linear.validation_share=0.2; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Name or path of images that the encoder is to tell from each data set's; measures outliers too.
    #[arg(long, value_name = "DATA")]
    outlier_data: Option<String>,
    /// The earlier name of --outlier-data.
    #[arg(long, value_name = "DATA", hide = true, conflicts_with = "outlier_data")]
    outliers: Option<String>,
    /// Write a page with tables and pictures of the first encoder.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// How many training images may be used; the recipe's for a run folder, else 10,000.
    #[arg(long, value_parser = one_or_more())]
    train_pool: Option<usize>,
    /// Labels per class of few-shot and label-curve, and (one number) of fine-tune and scratch; by each protocol's own
    /// default where it is not given.
    #[arg(long, value_delimiter = ',', value_parser = one_or_more())]
    labels_per_class: Option<Vec<usize>>,
    /// Draws of the labelled images for each number of labels; 10 where it is not given.
    #[arg(long, value_parser = one_or_more())]
    draws: Option<usize>,
    /// Updates of each fit of fine-tune and scratch; 400, or what the file says, where it is not given. Each of the 8 candidate
    /// rates and layer decays is fitted, then the best again: 3,600 updates in all, for each seed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "epochs")]
    steps: Option<u64>,
    /// The same in passes over the labelled images.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Keep the fine-tuned network of each seed in this folder, for `zview predict` and `zview export`.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Seed of splits, draws and intervals; 0, or what the file says, where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    reading: EncoderOptions,
}

fn one_or_more() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// One protocol, or all of them.
#[derive(Debug, Clone, Copy)]
enum Protocols {
    All,
    One(ProtocolKind),
}

fn of_protocols() -> String {
    let names: Vec<&str> = ProtocolKind::ALL.iter().map(|(name, _)| *name).collect();
    let usual: Vec<&str> = SuiteConfig::default().protocols.into_iter().map(ProtocolKind::name).collect();
    let (last, first) = usual.split_last().unwrap_or((&"none", &[]));
    format!(
        "What is measured: {}, or all; may be repeated, or several with commas; {} and {last} where it is not given",
        names.join(", "),
        first.join(", ")
    )
}

fn parse_protocol(text: &str) -> Result<Protocols, String> {
    if text == "all" {
        return Ok(Protocols::All);
    }
    let known = ProtocolKind::ALL.iter().find(|(name, _)| *name == text);
    known.map(|(_, protocol)| Protocols::One(*protocol)).ok_or_else(|| {
        let names: Vec<&str> = ProtocolKind::ALL.iter().map(|(name, _)| *name).collect();
        format!("`{text}` is not one of {}, all", names.join(", "))
    })
}

pub fn run(arguments: &ProbeArguments, common: &Common) -> Result<(), Failure> {
    for encoder in arguments.encoders.iter().chain(&arguments.versus) {
        refuse_other_kind(encoder, Wanted::Encoder)?;
    }
    let config = config(arguments)?;
    if let Some(report) = &arguments.report {
        let read = arguments.encoders.iter().chain(&arguments.versus).chain(&arguments.config);
        check_output_file("--report", report, &read.map(PathBuf::as_path).collect::<Vec<_>>())?;
        check_ending("--report", report, &["html", "htm"])?;
    }
    if let Some(folder) = &arguments.keep {
        // Before the work, which may take hours.
        refuse_no_folder("--keep", folder)?;
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::usage(format!("--keep {}: {error}", folder.display())))?;
    }
    let device = choose(common.device)?;
    let cache = arguments.reading.cache_folder();
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let request = SuiteRequest {
        encoders: &arguments.encoders,
        versus: &arguments.versus,
        config: &config,
        data_dir: common.data_dir.clone(),
        keep: arguments.keep.as_deref(),
        read: arguments.reading.file.read(),
        cache_folder: cache.as_deref(),
        beside: true,
        one_arm,
        command: arguments.report.is_some().then(|| command_line(&words)),
    };
    let suite = evaluate(&request, &device, |path, encoder, train| {
        compared_for_features(&request, &device, common, (path, encoder, train))
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
