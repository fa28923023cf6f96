//! `zview probe`: evaluate a frozen encoder on labelled images.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use zview_contrastive::encoder::load_encoder;
use zview_contrastive::selfcheck::Subject;
use zview_contrastive::train::Recipe;
use zview_data::{ColorMode, LoadOptions, Split, load};
use zview_probe::{Evaluation, EvaluationConfig, Protocol, evaluate};
use zview_runtime::device::choose;

use super::compared::compared;
use super::data::parse_color;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;

/// What to evaluate.
#[derive(Debug, Args)]
pub struct ProbeArguments {
    /// Run folder, or an encoder file (.safetensors, .pth, .pt) in torchvision's or timm's naming.
    encoder: PathBuf,
    /// Name or path of the labelled images; the recipe's `probe.data` for a run folder.
    #[arg(long)]
    data: Option<String>,
    /// Protocol: linear, knn or few-shot; may be repeated; all three where it is not given.
    #[arg(long = "protocol", value_name = "P", value_parser = parse_protocol)]
    protocols: Vec<Protocol>,
    /// How many training images may be used; the recipe's for a run folder, else 10,000.
    #[arg(long)]
    train_pool: Option<usize>,
    /// Labels per class of the few-shot protocol.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100])]
    labels_per_class: Vec<usize>,
    /// Side in pixels to which images are resized; what the encoder takes where it is not given.
    #[arg(long)]
    size: Option<usize>,
    /// Colours: as-stored, grey or rgb; what the encoder takes where it is not given.
    #[arg(long, value_parser = parse_color)]
    color: Option<ColorMode>,
    /// Share of unreadable image files to leave out.
    #[arg(long, default_value_t = 0.0)]
    max_reject_share: f64,
    /// Seed of splits, draws and intervals.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn parse_protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "linear" => Ok(Protocol::Linear),
        "knn" => Ok(Protocol::Knn),
        "few-shot" => Ok(Protocol::FewShot),
        _ => Err(format!("`{text}` is not one of linear, knn, few-shot")),
    }
}

pub fn run(arguments: &ProbeArguments, common: &Common) -> Result<(), Failure> {
    let recipe_file = arguments.encoder.join("config.toml");
    let from_recipe = if recipe_file.exists() { Recipe::load(&recipe_file, &[])?.probe } else { None };
    let data = arguments.data.clone().or_else(|| from_recipe.as_ref().map(|probe| probe.data.clone()));
    let data = data.ok_or_else(|| {
        Failure::usage(
            "--data: not given, and the encoder's recipe has no `[probe] data`; name a labelled data set",
        )
    })?;
    let device = choose(common.device)?;
    let encoder = load_encoder(&arguments.encoder, &device.device)?;
    let color =
        arguments.color.unwrap_or(if encoder.channels() == 1 { ColorMode::Grey } else { ColorMode::Rgb });
    let options = LoadOptions {
        data_dir: common.data_dir.clone(),
        color,
        size: arguments.size.or(encoder.side()),
        max_reject_share: arguments.max_reject_share,
        ..LoadOptions::default()
    };
    let train = load(&data, Split::Train, &options)?;
    let test = load(&data, Split::Test, &options)?;
    encoder.check_images(train.shape).map_err(Failure::usage)?;
    let mut config = EvaluationConfig::default();
    config.train_pool =
        arguments.train_pool.or(from_recipe.map(|probe| probe.train_pool)).or(config.train_pool);
    if !arguments.protocols.is_empty() {
        config.protocols.clone_from(&arguments.protocols);
    }
    config.few_shot.labels_per_class = Some(arguments.labels_per_class.clone());
    config.linear.seed = arguments.seed;
    config.few_shot.seed = arguments.seed;
    config.knn.seed = arguments.seed;
    let subject = Subject::Features {
        encoder: &arguments.encoder,
        config: encoder.config(),
        shape: train.shape,
        batch: config.batch.min(train.len()),
    };
    compared(device, &subject, common)?;
    let evaluation = evaluate(&encoder, &train, &test, &config).map_err(Failure::failed)?;
    output::result(common.json, &evaluation, in_words)
}

fn in_words(evaluation: &Evaluation) -> String {
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    let mut text = format!(
        "{} training and {} test images, {} features, accuracies in %\n",
        evaluation.n_train, evaluation.n_test, evaluation.feature_dimension
    );
    if let Some(linear) = &evaluation.linear {
        let _ = writeln!(
            text,
            "linear probe       {} [{}, {}] top-1, {} top-5 (penalty {:.0e}, picked on a validation split)",
            percent(linear.top1),
            percent(linear.low),
            percent(linear.high),
            percent(linear.top5),
            linear.penalty
        );
    }
    for (k, score) in evaluation.knn.iter().flatten() {
        let _ = writeln!(
            text,
            "{:<18} {} [{}, {}]",
            format!("{k}-nearest"),
            percent(score.top1),
            percent(score.low),
            percent(score.high)
        );
    }
    for (labels, score) in evaluation.few_shot.iter().flatten() {
        let interval = match (score.low, score.high) {
            (Some(low), Some(high)) => format!(" [{}, {}]", percent(low), percent(high)),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{:<18} {}{interval} over {} draws",
            format!("{labels} per class"),
            percent(score.mean),
            score.draws.len()
        );
    }
    text
}
