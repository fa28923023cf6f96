//! Running the demo: every arm is trained (or kept), probed, compared and shown.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use zview_contrastive::source::SourceError;
use zview_data::{Comparable, ImageSet, LoadOptions, Split, image_groups, load_comparable};
use zview_encoder::ViewFormat;
use zview_generator::Manifest;
use zview_report::pictures::{LabelledImage, NeighbourFigure};
use zview_runtime::atomic::{WriteError, write_file};
use zview_runtime::device::ChosenDevice;
use zview_runtime::run_folder::Environment;
use zview_runtime::stop::StopSignal;

use super::config::{DemoConfig, RECIPE_NAME};
use crate::StudyError;
use crate::answer::answer;
use crate::arms::{Arm, real_against_synthetic};
use crate::commands::{CommandContext, command_line, demo_options, quote};
use crate::figures::{SourceImages, check_shapes, first_anchors, grid_png};
use crate::pages::{DemoPage, PageArm};
use crate::probing::{ProbeSets, ProbedArm, compare, evaluation_config, probe};
use crate::results::Comparison;
use crate::training::{Progress, TrainingOptions, progress, train};
use zview_probe::suite::examples::{draw_queries, labelled_image};
use zview_probe::suite::intervals::{TestGroups, TestIntervals};

/// Samples shown of the generator, and as many real images.
const SAMPLES: usize = 40;
const SAMPLE_COLUMNS: usize = 8;
/// Test images whose neighbours are shown, and neighbours of each.
const QUERIES: usize = 8;
const NEIGHBOURS: usize = 5;

/// What came out of a demo; `--json`.
#[derive(Debug, Clone, Serialize)]
pub struct DemoSummary {
    /// The arms and how they compare.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// What the numbers allow to say.
    pub answer: String,
    /// The page.
    pub report: PathBuf,
    /// The device's name.
    pub device: String,
    /// Seconds of this command.
    pub seconds: f64,
    /// False: it ran to its end.
    pub stopped: bool,
}

/// How a demo ended.
#[derive(Debug)]
pub enum DemoOutcome {
    /// With a result.
    Finished(Box<DemoSummary>),
    /// By a signal; what was reached is saved, and the same command continues.
    Stopped {
        /// Where the run folders are.
        out: PathBuf,
        /// Arms whose encoders are there.
        finished: Vec<String>,
    },
}

/// Trains the arms of `config` one after another, probes them on the same held-out images and writes
/// `report.html`. Arms of the same configuration that are there already are kept. `say` is told, in a few
/// words, what is being done.
///
/// # Errors
/// [`StudyError`]; what can be found out before the first training is.
pub fn run_demo(
    config: &DemoConfig,
    device: &ChosenDevice,
    stop: &StopSignal,
    say: &dyn Fn(&str),
) -> Result<DemoOutcome, StudyError> {
    let started = Instant::now();
    let recipe = &config.recipe;
    let arms = real_against_synthetic(recipe, Path::new(RECIPE_NAME))?;
    let run_of = |arm: &Arm| config.out.join(&arm.name);
    for arm in &arms {
        progress(arm, &run_of(arm))?;
    }
    let sets = LoadedSets::load(config)?;
    let intervals = TestIntervals::new(sets.test_groups.as_ref(), sets.test.len(), recipe.seed)?;
    let anchors = |arm: &Arm| first_anchors(&arm.recipe, SAMPLES, config.data_dir.clone(), device);
    let [_, real_arm, synthetic_arm, _] = &arms;
    let (real, generated) = (anchors(real_arm)?, anchors(synthetic_arm)?);
    check_shapes(real.shape, generated.shape, synthetic_arm, &sets.name)?;
    std::fs::create_dir_all(&config.out).map_err(|source| WriteError { path: config.out.clone(), source })?;

    let runs: Vec<PathBuf> = arms.iter().map(run_of).collect();
    let options = TrainingOptions { device, data_dir: config.data_dir.clone(), stop, beside: &runs };
    let mut trainings = Vec::with_capacity(arms.len());
    let names = |count: usize| arms[..count].iter().map(|arm| arm.name.clone()).collect();
    for (number, arm) in arms.iter().enumerate() {
        let run = run_of(arm);
        say(&announcement(number, arms.len(), arm, &run)?);
        let training = if stop.requested() { None } else { train(arm, &run, &options)? };
        let Some(training) = training else {
            return Ok(DemoOutcome::Stopped { out: config.out.clone(), finished: names(number) });
        };
        trainings.push(training);
    }

    let queries = draw_queries(recipe.seed, sets.test.len(), QUERIES);
    let probe_sets =
        ProbeSets { train: &sets.train, test: &sets.test, queries: &queries, neighbours: NEIGHBOURS };
    let probing = evaluation_config(recipe.seed, sets.train_pool);
    let mut probed = Vec::with_capacity(arms.len());
    for (arm, training) in arms.iter().zip(trainings) {
        if stop.requested() {
            return Ok(DemoOutcome::Stopped { out: config.out.clone(), finished: names(arms.len()) });
        }
        say(&format!("probing {} on {} held-out images", arm.name, sets.test.len()));
        probed.push(probe(arm, training, &probe_sets, &probing, &intervals, device)?);
    }
    let neighbours = neighbour_figure(&sets, &queries, &probed)?;
    let mut results: Vec<_> = probed.into_iter().map(|arm| arm.result).collect();
    compare(&mut results, &intervals);
    let comparison = Comparison {
        n_train: results.first().map_or(0, |arm| arm.linear.probe.n_train),
        arms: results,
        intervals: intervals.resampling().clone(),
        data: sets.name.clone(),
        classes: sets.test.classes.len(),
        judged_at: ViewFormat::of(sets.test.shape),
        n_test: sets.test.len(),
        seed: recipe.seed,
    };
    let report = config.out.join("report.html");
    let summary = DemoSummary {
        answer: answer(&comparison),
        comparison,
        report: report.clone(),
        device: device.name.clone(),
        seconds: started.elapsed().as_secs_f64(),
        stopped: false,
    };
    let page = page(config, device, &summary, neighbours, (&real, &generated), sets.train.len())?;
    write_file(&report, page.render()?.as_bytes())?;
    Ok(DemoOutcome::Finished(Box::new(summary)))
}

/// The labelled images, with what is needed of them beside.
struct LoadedSets {
    name: String,
    train: ImageSet,
    test: ImageSet,
    /// Which test images belong together, where it is known.
    test_groups: Option<TestGroups>,
    train_pool: usize,
}

impl LoadedSets {
    fn load(config: &DemoConfig) -> Result<Self, StudyError> {
        let source = &config.recipe.source;
        let options = LoadOptions {
            data_dir: config.data_dir.clone(),
            color: source.color,
            // What the encoders are trained at.
            size: config.recipe.side(),
            max_reject_share: source.max_reject_share,
            ..LoadOptions::default()
        };
        let (data, train_pool) =
            config.recipe.probe.as_ref().map_or(("", 0), |probe| (probe.data.as_str(), probe.train_pool));
        let images = load_comparable(data, &options)?;
        for note in images.notes() {
            tracing::warn!("{data}: {note}");
        }
        let Comparable { train, test, .. } = images;
        if train.labels.is_none() || test.labels.is_none() {
            return Err(StudyError::Unlabelled { data: test.name });
        }
        let test_groups = image_groups(data, Split::Test)
            .map(|groups| TestGroups { unit: groups.unit.to_owned(), of_image: groups.of_image });
        Ok(Self { name: test.name.clone(), train, test, test_groups, train_pool })
    }
}

fn announcement(number: usize, arms: usize, arm: &Arm, run: &Path) -> Result<String, StudyError> {
    let steps = arm.recipe.train.steps;
    let what = match (progress(arm, run)?, steps) {
        (Progress::Finished, _) => format!("already there, kept ({})", run.display()),
        (Progress::Begun, _) => format!("continuing the run of {steps} steps"),
        (Progress::Absent, 0) => "initial weights".to_owned(),
        (Progress::Absent, _) => format!("training {steps} steps"),
    };
    Ok(format!("arm {} of {arms}, {} ({}): {what}", number + 1, arm.name, arm.taught_by))
}

fn neighbour_figure(
    sets: &LoadedSets,
    queries: &[usize],
    probed: &[ProbedArm],
) -> Result<NeighbourFigure, StudyError> {
    let of_train = |row: &Vec<usize>| -> Result<Vec<LabelledImage>, StudyError> {
        row.iter().map(|&image| Ok(labelled_image(&sets.train, image)?)).collect()
    };
    let of_arm = |arm: &ProbedArm| -> Result<_, StudyError> {
        let rows = arm.nearest.iter().map(of_train).collect::<Result<Vec<_>, _>>()?;
        Ok((arm.result.name.clone(), rows))
    };
    Ok(NeighbourFigure {
        queries: queries.iter().map(|&image| labelled_image(&sets.test, image)).collect::<Result<_, _>>()?,
        arms: probed.iter().map(of_arm).collect::<Result<_, _>>()?,
    })
}

fn page<'a>(
    config: &'a DemoConfig,
    device: &'a ChosenDevice,
    summary: &'a DemoSummary,
    neighbours: NeighbourFigure,
    (real, generated): (&SourceImages, &SourceImages),
    train_images: usize,
) -> Result<DemoPage<'a>, StudyError> {
    let commands = CommandContext { device, data_dir: config.data_dir.as_deref(), recipe: &config.recipe };
    let mut arms = Vec::new();
    for arm in &summary.comparison.arms {
        let path = arm.training.run.join("views.png");
        let views_png = std::fs::read(&path)
            .map_err(|error| StudyError::RunFile { path: path.clone(), problem: error.to_string() })?;
        arms.push(PageArm {
            views_png,
            train_command: commands.train(arm),
            probe_command: commands.probe(arm),
            result: arm,
        });
    }
    let generator = config.recipe.source.generator.as_deref().unwrap_or_default();
    Ok(DemoPage {
        summary,
        recipe: &config.recipe,
        environment: Environment::of(device),
        command: command_line(&config.command),
        more: demo_options(&config.command).iter().map(|word| quote(word)).collect(),
        sample_command: commands.sample(),
        generator,
        generator_classes: Manifest::find(generator, &[]).map_err(SourceError::from)?.classes(),
        train_images,
        real_png: grid_png(real, SAMPLE_COLUMNS)?,
        generated_png: grid_png(generated, SAMPLE_COLUMNS)?,
        arms,
        neighbours,
    })
}
