//! `zview embed`: the features of a data set in a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use zview_data::Split;
use zview_probe::embedding::{EmbeddingFormat, embed, write_embedded};
use zview_probe::suite::JudgedAt;
use zview_runtime::device::choose;

use super::encoder_options::{EncoderOptions, compared_for_features};
use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::{check_output_file, wrong_ending};

/// What to encode, and where to.
#[derive(Debug, Args)]
pub struct EmbedArguments {
    /// Run folder, or an encoder file (.safetensors, .pth, .pt).
    encoder: PathBuf,
    /// Name or path of the images, labelled or not.
    #[arg(long)]
    data: String,
    /// The file: .npy (names and labels in a .csv of the same name), .safetensors or .csv.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Which part of the data set; both, training images first, where it is not given.
    #[arg(long)]
    split: Option<SplitName>,
    #[command(flatten)]
    reading: EncoderOptions,
}

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitName {
    /// What is learnt from.
    Train,
    /// What is only measured on.
    Test,
}

impl SplitName {
    /// The splits that are meant.
    pub fn splits(of: Option<Self>) -> &'static [Split] {
        match of {
            None => &[Split::Train, Split::Test],
            Some(Self::Train) => &[Split::Train],
            Some(Self::Test) => &[Split::Test],
        }
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Written {
    files: Vec<PathBuf>,
    data: String,
    images: usize,
    /// Rows of each split, in the order of the rows.
    splits: Vec<(String, usize)>,
    feature_dimension: usize,
    encoder_sha256: String,
    view: JudgedAt,
}

pub fn run(arguments: &EmbedArguments, common: &Common) -> Result<(), Failure> {
    refuse_other_kind(&arguments.encoder, Wanted::Encoder)?;
    // A device without an ending does not say the format either.
    let Some(format) = EmbeddingFormat::of(&arguments.out) else {
        return Err(wrong_ending("--out", &arguments.out, &EmbeddingFormat::ENDINGS));
    };
    for file in format.files(&arguments.out) {
        check_output_file("--out", &file, &[&arguments.encoder])?;
        // One that the command does not name, and that no earlier run of it wrote.
        if file != arguments.out && file.exists() && !arguments.out.exists() {
            let (out, file) = (arguments.out.display(), file.display());
            return Err(Failure::usage(format!(
                "--out {out}: names and labels go to {file}, which is there already; take another name"
            )));
        }
    }
    let device = choose(common.device)?;
    let cache = arguments.reading.cache_folder();
    let config = arguments.reading.features_of(&arguments.encoder, &arguments.data);
    let request = arguments.reading.request(&arguments.encoder, &config, cache.as_deref(), common);
    let embedded = embed(&request, SplitName::splits(arguments.split), &device, |path, encoder, images| {
        compared_for_features(&request, &device, common, (path, encoder, images))
    })?;
    let files = write_embedded(&embedded, format, &arguments.out)?;
    let written = Written {
        files,
        data: embedded.data.clone(),
        images: embedded.images(),
        splits: embedded.splits.iter().map(|part| (part.split.to_string(), part.features.len())).collect(),
        feature_dimension: embedded.dimension(),
        encoder_sha256: embedded.encoder_sha256.clone(),
        view: embedded.judged_at.clone(),
    };
    output::result(common.json, &written, in_words)
}

fn in_words(written: &Written) -> String {
    let order: Vec<String> =
        written.splits.iter().map(|(split, rows)| format!("{rows} of the {split} split")).collect();
    let files: Vec<String> = written.files.iter().map(|file| file.display().to_string()).collect();
    format!(
        "{}: {} rows of {} features; images of {}\nrows are in the data set's order: {}",
        files.join(", "),
        written.images,
        written.feature_dimension,
        written.view.in_words(),
        order.join(", then ")
    )
}
