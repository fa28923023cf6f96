//! `zview data`: known data sets, what one holds, and one as a single file.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use zview_data::{ColorMode, Inspection, LoadOptions, ignored_in_words, inspect, known_data_sets};

use super::pack::{self, PackArguments};
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
    /// Write a data set, brought to one size, as one file that needs no decoding and that Python reads too.
    Pack(PackArguments),
}

/// What to inspect.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Name or path: IDX, CIFAR, an image folder, a tar of one, a packed file, or view shards.
    data: String,
    /// Colours: as-stored, grey or rgb.
    #[arg(long, default_value = "as-stored", value_parser = parse_color)]
    color: ColorMode,
    /// Side in pixels to which images are resized.
    #[arg(long)]
    size: Option<usize>,
    /// Decode every image: finds what is damaged behind its header, and the mean and spread of the pixels. Of a packed file
    /// every hash is verified.
    #[arg(long)]
    decode: bool,
    /// Share of unreadable files to accept; without it they are only listed.
    #[arg(long, default_value_t = 1.0)]
    max_reject_share: f64,
    /// Text file with a class in each line, such as those of ImageNet-100: only images of these are counted.
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
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

pub fn run(command: &DataCommand, common: &Common) -> Result<ExitCode, Failure> {
    match command {
        DataCommand::Pack(arguments) => return pack::run(arguments, common),
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
        })?,
        DataCommand::Inspect(arguments) => {
            let options = LoadOptions {
                data_dir: common.data_dir.clone(),
                color: arguments.color,
                size: arguments.size,
                decode: arguments.decode,
                max_reject_share: arguments.max_reject_share,
                classes: arguments.classes.clone(),
                ..LoadOptions::default()
            };
            let found = inspect(&arguments.data, &options)?;
            output::result(common.json, &found, in_words)?;
            if found.images == 0 {
                return Err(Failure::failed(format!("{}: no readable image in it", found.path)));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Unusable files that are listed one by one; `--json` lists all.
const SHOWN_REJECTS: usize = 20;

fn in_words(found: &Inspection) -> String {
    let mut text = format!("{}: {} images, {}\n{}\n", found.name, found.images, found.format, found.path);
    for size in &found.sizes {
        let _ = writeln!(text, "  {} of {}x{}x{}", size.images, size.channels, size.height, size.width);
    }
    for split in &found.splits {
        let _ = write!(text, "{}: {} images", split.split, split.images);
        let numbers = |values: &[f64]| values.iter().map(|x| format!("{x:.4}")).collect::<Vec<_>>().join(" ");
        if !split.mean.is_empty() {
            let _ = write!(text, ", pixel mean {}, std {}", numbers(&split.mean), numbers(&split.std));
        }
        let _ = writeln!(text, ", {} unreadable", split.rejects);
        for class in &split.class_counts {
            let _ = writeln!(text, "  {:>7}  {}", class.images, class.class);
        }
    }
    for note in &found.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(words) = ignored_in_words(&found.ignored, "files") {
        let _ = writeln!(text, "{words}");
    }
    for (reason, count) in &found.reject_reasons {
        let _ = writeln!(text, "unreadable: {count} x {reason}");
    }
    for reject in found.rejects.iter().take(SHOWN_REJECTS) {
        let _ = writeln!(text, "  {}: {}", reject.path, reject.reason);
    }
    if let Some(more) = found.rejects.len().checked_sub(SHOWN_REJECTS).filter(|&more| more > 0) {
        let _ = writeln!(text, "  and {more} more (all with --json)");
    }
    if !found.decoded {
        let _ = writeln!(text, "by the headers of the files; --decode looks for damage, and at the pixels");
    }
    text
}
