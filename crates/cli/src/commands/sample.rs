//! `zview sample`: views from a generator as a picture grid, an image folder, or view shards.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use zview_data::ImageShape;
use zview_data::picture::unit_floats_to_u8;
use zview_data::view_shards::ShardContent;
use zview_generator::{
    AnchorsConfig, AnySampler, Generator, LatentSampler, LatentSpace, Manifest, ViewKind, ViewsConfig,
    sample_latents_of,
};
use zview_runtime::device::{choose, read_floats};
use zview_runtime::progress::Progress;
use zview_selfcheck::Workload;

use super::device_check::checked;
use super::sample_output::{Rendered, Rows, SampleOutput, Sink};
use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;

/// What to draw.
#[derive(Debug, Args)]
pub struct SampleArguments {
    /// Manifest, its folder, or its name.
    #[arg(long)]
    generator: String,
    /// Weights file, where it is not the manifest's.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Kind of views: gaussian, angular, uniform-ball, radii, interpolate, steered, adaptive, independent or same.
    #[arg(long, default_value = "gaussian")]
    kind: String,
    /// What --kind was called in earlier versions.
    #[arg(long, hide = true, conflicts_with = "kind")]
    views: Option<String>,
    /// Standard deviation of the step from anchor to view, per latent dimension; several, such as 0.1,0.25,0.5, are drawn
    /// in one picture, a block of rows each with its std above. Where it is not given: 0.2 without classes, 1 with them.
    #[arg(long, value_delimiter = ',')]
    std: Vec<f32>,
    /// Space in which views are neighbours: z, or w where the generator has an intermediate space.
    #[arg(long, default_value = "z")]
    space: String,
    /// Of steered views: factorised, principal, or a file that `zview generator directions` has written.
    #[arg(long, value_name = "DIRECTIONS")]
    directions: Option<String>,
    /// Of steered views: how many of the directions, first ones first.
    #[arg(long, value_name = "COUNT")]
    direction_count: Option<usize>,
    /// Latents are truncated at plus and minus this.
    #[arg(long, default_value_t = 2.0)]
    truncation: f32,
    /// How many anchors.
    #[arg(long, default_value_t = 8)]
    anchors: usize,
    /// Views of each anchor; the first is the anchor itself.
    #[arg(long, default_value_t = 8)]
    per_anchor: usize,
    /// This class for every anchor of a conditional generator, instead of drawn ones: its number or, where the manifest
    /// has `condition.names`, its name.
    #[arg(long)]
    class: Option<String>,
    /// Seed of all draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Anchors that are drawn and rendered at once: views are those of a run whose `train.batch` this is.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// A .png file for a grid with a row per anchor, a .tar file for view shards in one archive, or a folder for single
    /// images or, with --shards, for view shards. A device or a pipe gets the grid.
    #[arg(long)]
    out: PathBuf,
    /// Write a folder of view shards, which `[source] kind = "shards"` reads.
    #[arg(long)]
    shards: bool,
    /// Write into a folder that holds something: what an earlier `zview sample` wrote there is replaced, the rest stays.
    #[arg(long)]
    overwrite: bool,
    /// Anchors of one shard.
    #[arg(long, default_value_t = 1000, requires = "shards")]
    anchors_per_shard: usize,
}

#[derive(Serialize)]
struct Sampled {
    out: PathBuf,
    images: usize,
    images_per_second: f64,
    /// The blocks of the picture from the top, or the one std of all views; empty where views take no step.
    stds: Vec<StdBlock>,
    /// Why this std, where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    std_is_default_for: Option<&'static str>,
}

/// Views with one std.
#[derive(Serialize)]
struct StdBlock {
    std: f32,
    /// First and last row of a picture, counted from 1.
    rows: [usize; 2],
}

pub fn run(arguments: &SampleArguments, common: &Common) -> Result<(), Failure> {
    let anchors_per_shard = arguments.shards.then_some(arguments.anchors_per_shard);
    let output = SampleOutput::of(&arguments.out, anchors_per_shard, arguments.overwrite)?;
    refuse_other_kind(Path::new(&arguments.generator), Wanted::Manifest)?;
    let manifest = Manifest::find(&arguments.generator, &[])?;
    let class = class_of(arguments.class.as_deref(), &manifest)?;
    let kind = view_kind(arguments)?;
    let (stds, default_for) = stds(arguments, kind, manifest.classes().is_some());
    let configs =
        stds.iter().map(|&std| views_config(arguments, kind, std)).collect::<Result<Vec<_>, _>>()?;
    if configs.len() > 1 && output != SampleOutput::Grid {
        return Err(Failure::usage(format!(
            "--std: {} of them are drawn in one picture; take --out with the ending .png, or one --std at a time",
            configs.len()
        )));
    }
    let Some(views) = configs.first() else {
        return Err(Failure::usage("--std: expected a number, got nothing"));
    };
    let shape = {
        let output = &manifest.output;
        ImageShape { channels: output.channels, height: output.height, width: output.width }
    };
    let labels: Vec<String> = match stds.as_slice() {
        [_] => Vec::new(),
        several => several.iter().map(|std| format!("std {std}")).collect(),
    };
    let anchors = arguments.anchors.saturating_mul(configs.len());
    let rows = Rows { anchors, per_anchor: views.per_anchor, labels: &labels };
    output.check_size(&arguments.out, shape, rows)?;
    let weights = arguments.weights.as_deref();
    let first = {
        let (latent, classes) = (&manifest.latent, manifest.classes());
        sample_latents_of(views, latent, classes, arguments.seed, 0, arguments.batch.min(arguments.anchors))
    };
    let workload = Workload::Rendering { manifest: &manifest, weights, latents: &first };
    let device = checked(choose(common.device)?, &workload, common)?.device;
    let generator = Generator::load(&manifest, weights, &device)?;
    let samplers =
        configs.iter().map(|views| LatentSampler::new(views, AnchorsConfig::default(), &generator));
    let mut samplers = samplers.collect::<Result<Vec<_>, _>>()?;
    let content = ShardContent {
        generator: Some(manifest.name.clone()),
        source: Some(drawn_as(arguments, class, views)),
        shape,
        classes: generator.classes(),
        latent_dimension: samplers.first().map(LatentSampler::latent_dimension),
    };
    let mut progress = Progress::new("sampling", anchors as u64);
    let mut rendering_seconds = 0.0;
    let render = |sink: &mut Sink<'_>| {
        for (block, sampler) in samplers.iter_mut().enumerate() {
            for (batch, first_anchor) in (0..arguments.anchors).step_by(arguments.batch).enumerate() {
                let anchors = arguments.batch.min(arguments.anchors - first_anchor);
                let mut latents = sampler.sample(&generator, arguments.seed, batch as u64, (0, anchors))?;
                if let Some(class) = class {
                    latents = latents.with_class(class);
                }
                let started = Instant::now();
                let values = read_floats(generator.render(&latents)?).map_err(Failure::failed)?;
                let pixels = unit_floats_to_u8(&values);
                rendering_seconds += started.elapsed().as_secs_f64();
                sink(Rendered {
                    first_anchor,
                    pixels,
                    classes: latents.condition,
                    latents: latents.latents,
                })?;
                progress.update((block * arguments.anchors + first_anchor + anchors) as u64, "");
            }
        }
        Ok(())
    };
    output.write(&arguments.out, &content, rows, render)?;
    progress.finish();
    let images = anchors * views.per_anchor;
    let steps = kind.takes_step();
    let block = |(number, &std): (usize, &f32)| StdBlock {
        std,
        rows: [number * arguments.anchors + 1, (number + 1) * arguments.anchors],
    };
    let sampled = Sampled {
        out: arguments.out.clone(),
        images,
        images_per_second: images as f64 / rendering_seconds,
        stds: if steps { stds.iter().enumerate().map(block).collect() } else { Vec::new() },
        std_is_default_for: default_for.filter(|_| steps),
    };
    output::result(common.json, &sampled, in_words)
}

fn in_words(sampled: &Sampled) -> String {
    let mut text = format!(
        "{} images in {}, {:.0} images/s",
        sampled.images,
        sampled.out.display(),
        sampled.images_per_second
    );
    match sampled.stds.as_slice() {
        [] => {}
        [only] => {
            let why = sampled.std_is_default_for.map_or_else(String::new, |of| {
                format!(" (the default of {of}; --std 0.1,0.25,0.5 draws several in one picture)")
            });
            let _ = write!(text, "; std {}{why}", only.std);
        }
        blocks => {
            for StdBlock { std, rows: [first, last] } in blocks {
                let _ = write!(text, "\nrows {first} to {last}: std {std}");
            }
        }
    }
    text
}

/// The kind that `--kind` names.
fn view_kind(arguments: &SampleArguments) -> Result<ViewKind, Failure> {
    let given = arguments.views.as_ref().unwrap_or(&arguments.kind);
    if arguments.views.is_some() {
        tracing::warn!("--views is called --kind by now, as views.kind of a recipe");
    }
    let known = || ViewKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>();
    ViewKind::ALL
        .iter()
        .find(|kind| kind.name() == given)
        .copied()
        .ok_or_else(|| Failure::usage(format!("--kind {given}: expected one of {}", known().join(", "))))
}

/// A step that stays near the anchor where nothing else keeps the class of views together.
const STD_WITHOUT_CLASSES: f32 = 0.2;

/// The stds to draw, and what the one is the default of where none was given. A class is kept by a conditional
/// generator itself, however long the step; steered views have directions that are told apart at a longer one.
fn stds(arguments: &SampleArguments, kind: ViewKind, classes: bool) -> (Vec<f32>, Option<&'static str>) {
    if !arguments.std.is_empty() {
        return (arguments.std.clone(), None);
    }
    let default = vec![ViewsConfig::of(kind).std];
    match kind {
        ViewKind::Steered => (default, Some("steered views")),
        _ if !kind.takes_step() => (default, None),
        ViewKind::Adaptive => (default, Some("adaptive views, which find their own")),
        _ if classes => (default, Some("a generator with classes, which keep views alike")),
        _ => (
            vec![STD_WITHOUT_CLASSES],
            Some("a generator without classes, where only a short step keeps views alike"),
        ),
    }
}

fn views_config(arguments: &SampleArguments, kind: ViewKind, std: f32) -> Result<ViewsConfig, Failure> {
    let spaces = [LatentSpace::Z, LatentSpace::W];
    let space = spaces.into_iter().find(|space| space.name() == arguments.space);
    let mut views = ViewsConfig {
        std,
        space: space
            .ok_or_else(|| Failure::usage(format!("--space {}: expected z or w", arguments.space)))?,
        truncation: arguments.truncation,
        per_anchor: arguments.per_anchor,
        ..ViewsConfig::of(kind)
    };
    let mut problems = Vec::new();
    match &mut views.kind {
        AnySampler::Steered(keys) => {
            keys.directions.clone_from(&arguments.directions);
            keys.direction_count = arguments.direction_count;
        }
        other => {
            let given = [
                ("directions", arguments.directions.is_some()),
                ("direction_count", arguments.direction_count.is_some()),
            ];
            let told = |key| format!("`{key}`: not used by kind \"{}\"; remove it", other.name());
            problems.extend(given.into_iter().filter(|(_, given)| *given).map(|(key, _)| told(key)));
        }
    }
    problems.extend(views.validate());
    // One view per anchor teaches nothing, but a picture of anchors alone is fine.
    problems.retain(|problem| arguments.per_anchor != 1 || !problem.contains("per_anchor"));
    for (option, got) in [("--anchors", arguments.anchors), ("--batch", arguments.batch)] {
        if got == 0 {
            problems.push(format!("{option}: expected 1 or more, got 0"));
        }
    }
    if !arguments.std.is_empty() && !kind.takes_step() {
        problems.push(format!("--std: {} views take no step from their anchor; remove it", kind.name()));
    }
    if problems.is_empty() { Ok(views) } else { Err(Failure::usage(problems.join("; "))) }
}

/// The number of the class that `--class` names by its number or its name.
fn class_of(given: Option<&str>, manifest: &Manifest) -> Result<Option<i32>, Failure> {
    const SHOWN: usize = 8;
    let Some(given) = given else { return Ok(None) };
    let (name, names) = (&manifest.name, manifest.class_names());
    let Some(classes) = manifest.classes() else {
        return Err(Failure::usage(format!(
            "--class {given}: {name} has no classes (its manifest has no [condition]); leave --class out"
        )));
    };
    let last = classes.saturating_sub(1);
    let named = names.iter().position(|name| name == given);
    match (given.parse::<i64>(), named) {
        (Ok(number), _) if (0..classes as i64).contains(&number) => Ok(i32::try_from(number).ok()),
        (_, Some(number)) => Ok(i32::try_from(number).ok()),
        (Ok(number), None) => Err(Failure::usage(format!(
            "--class: expected 0 to {last} ({name} has {classes} classes), got {number}"
        ))),
        (Err(_), None) if names.is_empty() => Err(Failure::usage(format!(
            "--class {given}: {name} does not say what its classes are called (condition.names of its manifest); give a \
             number, 0 to {last}"
        ))),
        (Err(_), None) => {
            let more = if classes > SHOWN { format!(" and {} more", classes - SHOWN) } else { String::new() };
            let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            Err(Failure::usage(format!(
                "--class {given}: {name} has no class of that name, but {shown}{more}; give one of them, or a number, 0 \
                 to {last}"
            )))
        }
    }
}

/// For the manifest of shards: what to write to have the same views again.
fn drawn_as(arguments: &SampleArguments, class: Option<i32>, views: &ViewsConfig) -> String {
    let class = class.map_or_else(String::new, |class| format!(", class {class}"));
    format!(
        "zview {}: views {} in {}, std {}, truncation {}, seed {}, batch {}{class}",
        env!("CARGO_PKG_VERSION"),
        views.kind.name(),
        views.space.name(),
        views.std,
        views.truncation,
        arguments.seed,
        arguments.batch
    )
}
