//! `zview data pack`: a data set as one file.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use zview_data::{ColorMode, LoadOptions, PackOptions, Packed, Split, ignored_in_words, pack};
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};

use super::data::parse_color;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;
use crate::output_file::check_output_file;

/// What to pack and how.
#[derive(Debug, Args)]
pub struct PackArguments {
    /// Name or path of a data set.
    data: String,
    /// The .safetensors file to write. What a stop leaves of it is FILE.partial; the same command goes on with it.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Side in pixels: of each image the centre square is resized to it. Needed where images differ in size.
    #[arg(long, value_name = "PIXELS")]
    size: Option<usize>,
    /// Resize the shorter side to this instead, and keep the centre: 256 for a size of 224.
    #[arg(long, value_name = "PIXELS", requires = "size")]
    resize: Option<usize>,
    /// Colours: as-stored, grey or rgb.
    #[arg(long, default_value = "as-stored", value_parser = parse_color)]
    color: ColorMode,
    /// The only split to pack; both where it is not given.
    #[arg(long)]
    split: Option<SplitName>,
    /// Share of unreadable images to leave out; where more are, nothing is finished.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    max_reject_share: f64,
}

/// A split by its name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SplitName {
    Train,
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Test => Self::Test,
        }
    }
}

pub fn run(arguments: &PackArguments, common: &Common) -> Result<ExitCode, Failure> {
    check_output_file("--out", &arguments.out, &[Path::new(&arguments.data)])?;
    let options = PackOptions {
        load: LoadOptions {
            data_dir: common.data_dir.clone(),
            color: arguments.color,
            size: arguments.size,
            resize: arguments.resize,
            max_reject_share: arguments.max_reject_share,
            ..LoadOptions::default()
        },
        split: arguments.split.map(Split::from),
        stop: StopSignal::listen(),
    };
    let packed = pack(&arguments.data, &arguments.out, &options)?;
    output::result(common.json, &packed, in_words)?;
    Ok(if packed.stopped { ExitCode::from(EXIT_STOPPED as u8) } else { ExitCode::SUCCESS })
}

/// Unusable images that are listed one by one; `--json` lists all.
const SHOWN_REJECTS: usize = 20;

fn in_words(packed: &Packed) -> String {
    let what = match (packed.stopped, packed.was_there) {
        (true, _) => "stopped, and the same command goes on",
        (false, true) => "was there already",
        (false, false) => "done",
    };
    let mut text = format!("{what}: {}, {} bytes\n", packed.path, packed.bytes);
    for split in packed.splits.iter().filter(|_| !packed.stopped) {
        let shape = split.shape;
        let classes = if split.labelled { format!(", {} classes", packed.classes) } else { String::new() };
        let _ = writeln!(
            text,
            "{}: {} images of {}x{}x{}{classes}, {} left out",
            split.split, split.images, shape.channels, shape.height, shape.width, split.left_out
        );
    }
    if packed.went_on_from > 0 {
        let _ = writeln!(text, "went on from image {}", packed.went_on_from);
    }
    for note in &packed.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(words) = ignored_in_words(&packed.ignored, "files") {
        let _ = writeln!(text, "{words}");
    }
    for (reason, count) in &packed.reject_reasons {
        let _ = writeln!(text, "left out: {count} x {reason}");
    }
    for reject in packed.rejects.iter().take(SHOWN_REJECTS) {
        let _ = writeln!(text, "  {}: {}", reject.path, reject.reason);
    }
    if let Some(more) = packed.rejects.len().checked_sub(SHOWN_REJECTS).filter(|&more| more > 0) {
        let _ = writeln!(text, "  and {more} more (all with --json)");
    }
    if !packed.was_there {
        let _ = writeln!(text, "{:.1} s, {:.0} images/s", packed.seconds, packed.images_per_second);
    }
    text
}
