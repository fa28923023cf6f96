//! A comparison as a page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zview_contrastive::source::SourceKind;
use zview_data::{Comparable, LoadOptions, Split, comparable, load};
use zview_generator::Manifest;
use zview_runtime::config::shipped;
use zview_runtime::run_folder::read_run_json;

use super::cell_result::CellResult;
use super::collect::{ArmComparison, Comparison};
use super::contrasts::Contrast;
use super::measures::{headlines, shown_measures, without_p};
use super::repeat::repeat_commands;
use super::study::Study;
use super::table::families;
use super::training::losses;
use crate::ExperimentError;
use crate::grid::{CellState, Plan};
use crate::pages::{
    ArmAxis, ArmLosses, ArmPair, ArmProgress, ArmViews, CellMachine, ComparedArm, ComparedNeighbours,
    ComparisonPage, ConfigText, EqualTimeTable, FailedCell, MinusArm, MissingCell, PairTable,
    PlannedContrast, ProgressFigure, ProgressPoint, RecoveredShare, ShownScore,
};
use zview_probe::suite::arms::{ArmScore, SIGNIFICANT};
use zview_probe::suite::metric::Metric;
use zview_probe::suite::protocols::linear;
use zview_probe::suite::{QueryNeighbours, neighbour_figure};

/// The page of what was collected, as HTML; `command` makes it again, named data sets are looked up in `data_dir` first.
///
/// # Errors
/// A run folder that cannot be read, a plot that cannot be drawn.
pub fn comparison_page(
    study: &Study,
    comparison: &Comparison,
    command: &str,
    data_dir: Option<&Path>,
) -> Result<String, ExperimentError> {
    let plan = Plan::of(&study.cells())?;
    let shown: Vec<Metric> =
        comparison.data.iter().flat_map(|data| shown_measures(comparison, data)).collect();
    let one_seed = comparison.seeds.len() == 1;
    let generators = generators(study);
    let missing = plan.cells.iter().filter(|cell| matches!(cell.state, CellState::Absent | CellState::Begun));
    let page = ComparisonPage {
        question: comparison.question.clone(),
        answer: comparison.answer.clone(),
        conditions: conditions(comparison),
        reference: comparison.reference.clone(),
        seeds: comparison.seeds.clone(),
        intervals: comparison.intervals_in_words(),
        picks: comparison
            .data
            .iter()
            .flat_map(|data| {
                comparison.picks_in_words(data).into_iter().map(move |pick| (data.clone(), pick))
            })
            .collect(),
        differences: match one_seed {
            true => "over the same test images".to_owned(),
            false => "paired by seed, and over test images too".to_owned(),
        },
        p_values: match one_seed {
            true => String::new(),
            false if comparison.is_planned() => String::new(),
            false => {
                "after Holm's correction over all arms and data sets of both headline measures".to_owned()
            }
        },
        significant: match one_seed {
            true => "an interval without 0".to_owned(),
            false => format!("p below {SIGNIFICANT}"),
        },
        without_p: without_p(comparison, &shown),
        arms: arms(study, comparison),
        contrasts: comparison.contrasts.iter().map(planned).collect(),
        families: if comparison.is_planned() { families(comparison) } else { String::new() },
        could_find: comparison.could_find(),
        pairs: pairs(comparison),
        recovered: recovered(comparison),
        losses: arm_losses(study),
        views: views(study),
        failed: comparison
            .failed
            .iter()
            .map(|cell| FailedCell {
                cell: cell.cell,
                arm: cell.arm.clone(),
                seed: cell.seed,
                error: cell.error.clone(),
            })
            .collect(),
        missing: missing
            .map(|cell| MissingCell {
                cell: cell.cell,
                arm: cell.key.arm.clone(),
                seed: cell.key.seed,
                state: if cell.state == CellState::Begun {
                    "begun".to_owned()
                } else {
                    "not begun".to_owned()
                },
            })
            .collect(),
        configs: configs(study),
        commands: repeat_commands(study, command, data_dir),
        generated: !generators.is_empty(),
        class_generators: generators
            .into_iter()
            .filter_map(|(name, classes)| Some((name, classes?)))
            .collect(),
        machines: machines(study),
        progress: progress(comparison),
        equal_time: equal_time(comparison),
        neighbours: neighbours(study, comparison, data_dir)?,
    };
    Ok(page.render()?)
}

/// What all arms are judged on.
fn conditions(comparison: &Comparison) -> String {
    let of_set = |data: &String| {
        let size = comparison.judged_in_words(data);
        (!size.is_empty()).then(|| format!("{data}: images{size}"))
    };
    let sizes: Vec<String> = comparison.data.iter().filter_map(of_set).collect();
    let sizes = if sizes.is_empty() { String::new() } else { format!(" {}.", sizes.join("; ")) };
    format!(
        "Every encoder is judged on the same real test images, which have no part in any decision.{sizes}"
    )
}

fn arms(study: &Study, comparison: &Comparison) -> Vec<ComparedArm> {
    let shown = |data: &String| {
        let held_out = comparison.held_out(data).into_iter();
        held_out.chain(shown_measures(comparison, data)).collect::<Vec<_>>()
    };
    let arm = |arm: &ArmComparison| {
        let settings =
            study.arms.iter().find(|of| of.name == arm.name).map(|of| of.settings()).unwrap_or_default();
        ComparedArm {
            name: arm.name.clone(),
            taught_by: arm.taught_by.clone(),
            series: arm.series.clone(),
            axis: arm.axis.as_ref().map(|axis| ArmAxis { key: axis.key.clone(), value: axis.value }),
            settings,
            steps: arm.steps,
            seconds: (arm.steps > 0).then_some(arm.seconds),
            missing_seeds: arm.missing_seeds.clone(),
            interrupted: !arm.interrupted_seeds.is_empty(),
            scores: shown_scores(comparison, arm, shown),
        }
    };
    comparison.arms.iter().map(arm).collect()
}

/// What `arm` has of the metrics that are `shown` of each data set, under their names.
fn shown_scores(
    comparison: &Comparison,
    arm: &ArmComparison,
    shown: impl Fn(&String) -> Vec<Metric>,
) -> Vec<ShownScore> {
    let against = arm.against.clone().filter(|against| *against != comparison.reference);
    let on_data = |data: &String| {
        let of_metric = |metric: Metric| {
            let difference = arm.minus_reference.get(data).and_then(|by_metric| by_metric.get(&metric.key));
            Some(ShownScore {
                data: data.clone(),
                minus: difference.map(|of| MinusArm { against: against.clone(), difference: of.clone() }),
                score: ArmScore { metric: metric.clone(), ..arm.scores.get(data)?.get(&metric.key)?.clone() },
            })
        };
        shown(data).into_iter().filter_map(of_metric).collect::<Vec<_>>()
    };
    comparison.data.iter().flat_map(on_data).collect()
}

fn pairs(comparison: &Comparison) -> Vec<PairTable> {
    let of_data = |data: &String| {
        let metric = headlines(comparison, data).into_iter().next()?;
        let of_data = comparison.pairs.iter().filter(|pair| pair.data == *data && pair.measure == metric.key);
        let pairs: Vec<ArmPair> = of_data
            .map(|pair| ArmPair {
                arm: pair.arm.clone(),
                other: pair.other.clone(),
                difference: pair.difference.clone(),
            })
            .collect();
        (!pairs.is_empty()).then(|| PairTable { data: data.clone(), metric, pairs })
    };
    comparison.data.iter().filter_map(of_data).collect()
}

fn planned(contrast: &Contrast) -> PlannedContrast {
    PlannedContrast {
        name: contrast.name.clone(),
        of: contrast.of.clone(),
        data: contrast.data.clone(),
        sum: contrast.sum.clone(),
        says: contrast.verdict(),
        better: contrast.better(),
    }
}

fn recovered(comparison: &Comparison) -> Vec<RecoveredShare> {
    let share = |(data, recovered): (&String, &super::Recovered)| RecoveredShare {
        data: data.clone(),
        metric: linear::metric(),
        share: recovered.share,
        interval: recovered.low.zip(recovered.high),
        real: recovered.arms.real.clone(),
        synthetic: recovered.arms.synthetic.clone(),
        views: recovered.arms.views.clone(),
    };
    // Without an interval the gap is not significantly different from 0, and a share of it says nothing.
    comparison.recovered.iter().filter(|(_, recovered)| recovered.low.is_some()).map(share).collect()
}

/// The views of each arm's first finished seed.
fn views(study: &Study) -> Vec<ArmViews> {
    let of_arm = |arm: &super::study::StudyArm| {
        let first = study.config.seeds.iter().map(|&seed| study.run_folder(arm, seed).join("views.png"));
        let png = first.filter_map(|file| std::fs::read(file).ok()).next()?;
        Some(ArmViews { arm: arm.name.clone(), png, caption: arm.taught_by.clone() })
    };
    study.arms.iter().filter_map(of_arm).collect()
}

/// The losses of each trained arm's first finished seed.
fn arm_losses(study: &Study) -> Vec<ArmLosses> {
    let of_arm = |arm: &super::study::StudyArm| {
        let finished = |&seed: &u64| Some((seed, study.finished(arm, seed)?.steps));
        let (seed, steps) = study.config.seeds.iter().find_map(finished).filter(|(_, steps)| *steps > 0)?;
        let (losses, problem) = losses(&study.run_folder(arm, seed), steps);
        if let Some(problem) = &problem {
            tracing::warn!("arm {}: the plot of its loss is not whole: {problem}", arm.name);
        }
        Some(ArmLosses { arm: arm.name.clone(), losses, problem })
    };
    study.arms.iter().filter_map(of_arm).collect()
}

/// The generators that arms learn from, each with the number of its classes where it is asked for one.
fn generators(study: &Study) -> BTreeMap<String, Option<usize>> {
    let seed = study.config.seeds.first().copied().unwrap_or_default();
    let sources = study.arms.iter().filter_map(|arm| Some(study.arm(arm, seed).ok()?.recipe.source));
    let names = sources.filter(|source| source.kind == SourceKind::Generator).flat_map(|source| {
        source.generator.into_iter().chain(source.generators.into_iter().map(|share| share.generator))
    });
    let classes = |name: &str| Manifest::find(name, &[]).ok().and_then(|manifest| manifest.classes());
    names.map(|name| (name.clone(), classes(&name))).collect()
}

/// Curves of the headline measures, where arms were judged on the way.
fn progress(comparison: &Comparison) -> Vec<ProgressFigure> {
    let mut figures = Vec::new();
    for data in &comparison.data {
        for metric in headlines(comparison, data) {
            let of_arm = |arm: &ArmComparison| {
                let points = arm.progress.get(data).into_iter().flatten().filter_map(|point| {
                    let score = point.scores.get(&metric.key)?;
                    Some(ProgressPoint {
                        steps: point.steps,
                        seconds: Some(point.seconds),
                        value: score.mean,
                        interval: score.interval(),
                    })
                });
                ArmProgress { arm: arm.name.clone(), points: points.collect() }
            };
            let arms: Vec<ArmProgress> =
                comparison.arms.iter().map(of_arm).filter(|arm| !arm.points.is_empty()).collect();
            if !arms.is_empty() {
                figures.push(ProgressFigure { data: data.clone(), metric, arms });
            }
        }
    }
    figures
}

/// The headline measures of all arms at the reference's training time.
fn equal_time(comparison: &Comparison) -> Option<EqualTimeTable> {
    let at = comparison.equal_time.as_ref()?;
    let of_arm = |arm: &ArmComparison| {
        let scores = shown_scores(comparison, arm, |data| headlines(comparison, data));
        (arm.name.clone(), arm.steps, scores)
    };
    Some(EqualTimeTable { seconds: at.seconds, arms: at.arms.iter().map(of_arm).collect() })
}

/// For the first seed that all arms with results have, a few test images and their nearest training images.
fn neighbours(
    study: &Study,
    comparison: &Comparison,
    data_dir: Option<&Path>,
) -> Result<Vec<ComparedNeighbours>, ExperimentError> {
    let finished = |seed: u64| -> Vec<(&str, CellResult)> {
        let of_arm = |arm: &'_ super::study::StudyArm| study.finished(arm, seed);
        study.arms.iter().filter_map(|arm| Some((arm.name.as_str(), of_arm(arm)?))).collect()
    };
    // Of the seeds with most finished arms, the first.
    let mut cells: Vec<(&str, CellResult)> = Vec::new();
    for &seed in &study.config.seeds {
        let of_seed = finished(seed);
        if of_seed.len() > cells.len() {
            cells = of_seed;
        }
    }
    let mut parts = Vec::new();
    for data in &comparison.data {
        let rows: Vec<(&str, Vec<QueryNeighbours>)> = cells
            .iter()
            .filter_map(|(arm, cell)| Some((*arm, cell.sets.get(data)?.evaluation.neighbours.clone())))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let seen = comparison.judged_at.get(data).and_then(|all| all.first());
        let options = LoadOptions {
            data_dir: data_dir.map(Path::to_owned),
            size: seen.and_then(|seen| seen.view.side()),
            color: seen.and_then(|seen| seen.view.color).unwrap_or_default(),
            max_reject_share: study.config.evaluation.max_reject_share,
            classes: study.config.evaluation.class_list().map(Path::to_owned),
            ..LoadOptions::default()
        };
        // As they were measured.
        let Comparable { train, test, .. } =
            comparable(load(data, Split::Train, &options)?, load(data, Split::Test, &options)?);
        let arms: Vec<(&str, &[QueryNeighbours])> =
            rows.iter().map(|(arm, neighbours)| (*arm, neighbours.as_slice())).collect();
        let n_train = cells
            .iter()
            .find_map(|(_, cell)| Some(cell.sets.get(data)?.evaluation.n_train))
            .unwrap_or_default();
        parts.push(ComparedNeighbours {
            data: data.clone(),
            n_train,
            figure: neighbour_figure(&arms, &train, &test)?,
        });
    }
    Ok(parts)
}

fn configs(study: &Study) -> Vec<ConfigText> {
    let mut files: Vec<PathBuf> = vec![study.path.clone()];
    for file in study.arms.iter().map(super::study::StudyArm::recipe_file) {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    let text = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).ok().or_else(|| Some(shipped(&file)?.text.to_owned()))?;
        Some(ConfigText { title: file.display().to_string(), text })
    };
    files.into_iter().filter_map(text).collect()
}

/// The machines that cells were computed on, with the number of their cells.
fn machines(study: &Study) -> Vec<CellMachine> {
    let mut machines: Vec<CellMachine> = Vec::new();
    for arm in &study.arms {
        for &seed in &study.config.seeds {
            let file = study.run_folder(arm, seed).join("environment.json");
            let Ok(said) = read_run_json::<serde_json::Value>(&file) else { continue };
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let machine = CellMachine {
                device: text(&said["device"]["name"]),
                platform: text(&said["platform"]),
                threads: said["threads"].as_u64().unwrap_or(0) as usize,
                zview: text(&said["zview"]),
                burn: text(&said["burn"]),
                cells: None,
            };
            let same = |known: &&mut CellMachine| CellMachine { cells: None, ..(**known).clone() } == machine;
            match machines.iter_mut().find(same) {
                Some(known) => known.cells = known.cells.map(|cells| cells + 1),
                None => machines.push(CellMachine { cells: Some(1), ..machine }),
            }
        }
    }
    machines
}
