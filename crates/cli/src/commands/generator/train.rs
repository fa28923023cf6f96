//! `zview generator train`: train a small generator from a recipe.

use std::path::PathBuf;
use std::process::ExitCode;

use zview_data::{ClassUse, LoadOptions, Split};
use zview_generator::training::{
    GeneratorTraining, GeneratorTrainingOptions, GeneratorTrainingSummary, train_generator,
};
use zview_runtime::device::choose;
use zview_runtime::stop::{EXIT_STOPPED, StopSignal};
use zview_selfcheck::Workload;

use crate::arguments::{Common, RunArguments};
use crate::commands::device_check::checked;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;

pub fn run(arguments: &RunArguments, common: &Common) -> Result<ExitCode, Failure> {
    refuse_other_kind(&arguments.config, Wanted::GeneratorRecipe)?;
    let training = GeneratorTraining::load(&arguments.config, &arguments.overrides)?;
    let out = arguments.out(training.seed);
    let options = LoadOptions {
        data_dir: common.data_dir.clone(),
        color: training.source.color,
        size: training.source.size,
        class_use: ClassUse::Optional,
        classes: training.source.classes.as_ref().map(PathBuf::from),
        ..LoadOptions::default()
    };
    let images = zview_data::load(&training.source.data, Split::Train, &options)?;
    images.warn_of_small();
    let workload = Workload::GeneratorTraining { training: &training, images: &images };
    let device = checked(choose(common.device)?, &workload, common)?;
    let stop = StopSignal::listen();
    let options =
        GeneratorTrainingOptions { out: &out, resume: arguments.resume, device: &device, stop: &stop };
    let summary = train_generator(&training, &images, &options)?;
    output::result(common.json, &summary, in_words)?;
    Ok(if summary.stopped { ExitCode::from(EXIT_STOPPED as u8) } else { ExitCode::SUCCESS })
}

fn in_words(summary: &GeneratorTrainingSummary) -> String {
    let ended = if summary.stopped { "stopped and saved (continue with --resume)" } else { "done" };
    let losses: String = summary.losses.iter().map(|(name, loss)| format!(", {name} {loss:.3}")).collect();
    format!(
        "{ended}: {} steps{losses} in {:.1} s, {:.0} images/s on {}\n{}",
        summary.steps,
        summary.seconds,
        summary.images_per_second,
        summary.device,
        summary.manifest.display()
    )
}
