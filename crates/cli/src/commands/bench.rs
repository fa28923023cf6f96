//! `zview bench`: where a training step's time goes.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use zview_contrastive::source::{OpenSource, open_source};
use zview_contrastive::train::{Recipe, StageSeconds, Trainer};
use zview_runtime::device::{choose, read_floats};

use crate::arguments::Common;
use crate::commands::warm::warm;
use crate::failure::Failure;
use crate::output;

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Recipe whose step is measured.
    config: PathBuf,
    /// Change a value of the recipe; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Steps that are measured.
    #[arg(long, default_value_t = 20)]
    steps: u64,
    /// Steps before them that are not.
    #[arg(long, default_value_t = 3)]
    warmup: u64,
    /// Measure no step: take steps until the autotune cache holds all that the recipe's shapes need.
    #[arg(long, conflicts_with_all = ["steps", "warmup"])]
    warm: bool,
}

#[derive(Serialize)]
struct Measured {
    device: String,
    steps: u64,
    views_per_second: f64,
    seconds_per_step: f64,
    /// Milliseconds per step by stage, with the device waited for after each.
    stages: StageSeconds,
    /// Share of a step that views and augmentation take.
    input_share: f64,
}

pub fn run(arguments: &BenchArguments, common: &Common) -> Result<(), Failure> {
    let recipe = Recipe::load(&arguments.config, &arguments.overrides)?;
    let device = choose(common.device)?;
    let how =
        OpenSource { anchors: recipe.train.batch, data_dir: common.data_dir.clone(), device: &device.device };
    let source = open_source(&recipe.source, &recipe.views, &how)?;
    let mut trainer = Trainer::new(&recipe, source, &device.device, device.is_gpu());
    if arguments.warm {
        return warm(&mut trainer, &device, common.json);
    }
    for _ in 0..arguments.warmup {
        trainer.train_step()?;
    }
    // Once without waiting between stages for the rate, once with it for the stages.
    let steps = arguments.steps.max(1);
    let mut timed = |synchronise: bool| -> Result<(f64, StageSeconds), Failure> {
        trainer.synchronise_stages = synchronise;
        trainer.seconds = StageSeconds::default();
        let started = Instant::now();
        let mut last = None;
        for _ in 0..steps {
            last = Some(trainer.train_step()?);
        }
        if let Some(loss) = last {
            read_floats(loss).map_err(Failure::failed)?;
        }
        Ok((started.elapsed().as_secs_f64(), trainer.seconds))
    };
    let (seconds, _) = timed(false)?;
    let (_, stages) = timed(true)?;
    let views = steps as f64 * (recipe.train.batch * recipe.views.per_anchor) as f64;
    let measured = Measured {
        device: device.name.clone(),
        steps,
        views_per_second: views / seconds,
        seconds_per_step: seconds / steps as f64,
        stages: StageSeconds {
            views: 1e3 * stages.views / steps as f64,
            augment: 1e3 * stages.augment / steps as f64,
            forward: 1e3 * stages.forward / steps as f64,
            backward: 1e3 * stages.backward / steps as f64,
            optimize: 1e3 * stages.optimize / steps as f64,
        },
        input_share: (stages.views + stages.augment) / stages.total(),
    };
    output::result(common.json, &measured, |measured| {
        let StageSeconds { views, augment, forward, backward, optimize } = measured.stages;
        format!(
            "{:.0} views/s on {} ({:.1} ms per step, {} steps)\nviews {views:.1} ms, augment {augment:.1} ms, forward {forward:.1} ms, \
             backward {backward:.1} ms, optimize {optimize:.1} ms\nviews and augmentation are {:.1} % of a step",
            measured.views_per_second,
            measured.device,
            1e3 * measured.seconds_per_step,
            measured.steps,
            100.0 * measured.input_share,
        )
    })
}
