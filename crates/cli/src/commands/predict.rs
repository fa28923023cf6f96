//! `zview predict`: the class of each image.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use zview_probe::embedding::{Predicted, PredictedImage, predict};
use zview_runtime::atomic::write_file;
use zview_runtime::device::choose;
use zview_runtime::measurements::csv_field;

use super::embed::SplitName;
use super::encoder_options::{EncoderOptions, compared_for_features};
use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::{check_ending, check_output_file};

/// What names the classes of which images.
#[derive(Debug, Args)]
pub struct PredictArguments {
    /// A fine-tuned network that `zview probe --protocol fine-tune --keep DIR` kept, or an encoder (run folder or file) with
    /// --train.
    model: PathBuf,
    /// Name or path of the images, labelled or not.
    #[arg(long)]
    data: String,
    /// Labelled images on whose training split a linear probe is fitted, for an encoder.
    #[arg(long, value_name = "DATA")]
    train: Option<String>,
    /// Write the rows to this .csv file instead of printing them.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which part of the data set; both, training images first, where it is not given.
    #[arg(long)]
    split: Option<SplitName>,
    #[command(flatten)]
    reading: EncoderOptions,
}

pub fn run(arguments: &PredictArguments, common: &Common) -> Result<(), Failure> {
    refuse_other_kind(&arguments.model, Wanted::Encoder)?;
    if let Some(out) = &arguments.out {
        check_output_file("--out", out, &[&arguments.model])?;
        check_ending("--out", out, &["csv"])?;
        let features = out.with_extension("npy");
        if out.exists() && features.exists() {
            let (out, features) = (out.display(), features.display());
            let problem = format!("--out {out}: has the names of the rows of {features}; take another name");
            return Err(Failure::usage(problem));
        }
    }
    let device = choose(common.device)?;
    let cache = arguments.reading.cache_folder();
    let config = arguments.reading.features_of(&arguments.model, &arguments.data);
    let request = arguments.reading.request(&arguments.model, &config, cache.as_deref(), common);
    let splits = SplitName::splits(arguments.split);
    let predicted =
        predict(&request, arguments.train.as_deref(), splits, &device, |path, encoder, images| {
            compared_for_features(&request, &device, common, (path, encoder, images))
        })?;
    let rows = as_csv(&predicted);
    if let Some(out) = &arguments.out {
        write_file(out, rows.as_bytes())?;
        return output::result(common.json, &predicted, |predicted| {
            format!(
                "{}: {} images by {}{}",
                out.display(),
                predicted.images.len(),
                predicted.by,
                right(predicted)
            )
        });
    }
    output::result(common.json, &predicted, |_| rows)
}

/// How many of the labelled images are right, where there are such that show something: not those that the probe was
/// fitted on, nor those of classes that the classifier does not have.
fn right(predicted: &Predicted) -> String {
    let labelled: Vec<_> = predicted.images.iter().filter(|image| image.label.is_some()).collect();
    let of_others = |image: &PredictedImage| {
        !image.fitted_on && image.label.as_ref().is_some_and(|label| !predicted.classes.contains(label))
    };
    let fitted_on = labelled.iter().filter(|image| image.fitted_on).count();
    let others = labelled.iter().filter(|image| of_others(image)).count();
    let shown = labelled.iter().filter(|image| !image.fitted_on && !of_others(image));
    let right: Vec<bool> = shown.map(|image| image.label.as_ref() == Some(&image.class)).collect();
    let left_out =
        [(fitted_on, "that the probe was fitted on"), (others, "of classes that it does not know")];
    let mut text = match right.len() {
        0 => String::new(),
        all => format!(", {} of {all} labelled ones are right", right.iter().filter(|&&right| right).count()),
    };
    for (images, what) in left_out.into_iter().filter(|(images, _)| *images > 0) {
        let _ = write!(text, ", {images} {what} left out of that count");
    }
    text
}

fn as_csv(predicted: &Predicted) -> String {
    let labelled = predicted.images.iter().any(|image| image.label.is_some());
    let mut text = format!("split,name,class,probability{}\n", if labelled { ",label" } else { "" });
    for image in &predicted.images {
        let _ = write!(
            text,
            "{},{},{},{}",
            image.split,
            csv_field(&image.name),
            csv_field(&image.class),
            image.probability
        );
        if labelled {
            let _ = write!(text, ",{}", csv_field(image.label.as_deref().unwrap_or_default()));
        }
        text.push('\n');
    }
    text
}
