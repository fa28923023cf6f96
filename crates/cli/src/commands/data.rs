//! `zview data`: known data sets, and what one holds.

use std::fmt::Write;

use clap::{Args, Subcommand};
use zview_data::{ColorMode, LoadOptions, inspect, known_data_sets};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;

/// Commands on data sets.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets that have a name.
    List,
    /// Count images, sizes, classes and unreadable files of a data set.
    Inspect(InspectArguments),
}

/// What to inspect.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Name or path: IDX, CIFAR binary, an image folder, or a tar of one.
    data: String,
    /// Colours: as-stored, grey or rgb.
    #[arg(long, default_value = "as-stored", value_parser = parse_color)]
    color: ColorMode,
    /// Side in pixels to which images are resized.
    #[arg(long)]
    size: Option<usize>,
    /// Share of unreadable files to accept; without it they are only listed.
    #[arg(long, default_value_t = 1.0)]
    max_reject_share: f64,
}

/// Reads a colour mode by its name in recipes.
pub fn parse_color(text: &str) -> Result<ColorMode, String> {
    match text {
        "as-stored" => Ok(ColorMode::AsStored),
        "grey" => Ok(ColorMode::Grey),
        "rgb" => Ok(ColorMode::Rgb),
        _ => Err(format!("`{text}` is not one of as-stored, grey, rgb")),
    }
}

pub fn run(command: &DataCommand, common: &Common) -> Result<(), Failure> {
    match command {
        DataCommand::List => output::result(common.json, &known_data_sets(), |sets| {
            let mut text = String::new();
            for set in *sets {
                let shape = set.shape;
                let _ = writeln!(
                    text,
                    "{:<14} {} training and {} test images of {}x{}x{}: {}{}",
                    set.name,
                    set.train_images,
                    set.test_images,
                    shape.channels,
                    shape.height,
                    shape.width,
                    set.what,
                    if set.embedded { " (embedded, no files needed)" } else { "" }
                );
            }
            text
        }),
        DataCommand::Inspect(arguments) => {
            let options = LoadOptions {
                data_dir: common.data_dir.clone(),
                color: arguments.color,
                size: arguments.size,
                max_reject_share: arguments.max_reject_share,
                ..LoadOptions::default()
            };
            let found = inspect(&arguments.data, &options)?;
            output::result(common.json, &found, in_words)
        }
    }
}

fn in_words(found: &zview_data::Inspection) -> String {
    let mut text = format!("{}: {} images, {}\n{}\n", found.name, found.images, found.format, found.path);
    for size in &found.sizes {
        let _ = writeln!(text, "  {} of {}x{}x{}", size.images, size.channels, size.height, size.width);
    }
    for split in &found.splits {
        let numbers = |values: &[f64]| values.iter().map(|x| format!("{x:.4}")).collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            text,
            "{}: {} images, pixel mean {}, std {}, {} unreadable",
            split.split,
            split.images,
            numbers(&split.mean),
            numbers(&split.std),
            split.rejects
        );
        for class in &split.class_counts {
            let _ = writeln!(text, "  {:>7}  {}", class.images, class.class);
        }
    }
    for reject in &found.rejects {
        let _ = writeln!(text, "unreadable: {}: {}", reject.path, reject.reason);
    }
    text
}
