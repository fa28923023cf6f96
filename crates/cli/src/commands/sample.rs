//! `zview sample`: views from a generator as a picture grid or an image folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use zview_contrastive::selfcheck::Subject;
use zview_data::ImageShape;
use zview_data::picture::{unit_floats_to_u8, write_grid, write_image};
use zview_generator::{
    AnchorsConfig, Generator, LatentSampler, LatentSpace, Manifest, ViewKind, ViewsConfig, sample_latents,
};
use zview_runtime::device::{choose, read_floats};
use zview_runtime::progress::Progress;

use super::compared::compared;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;

/// Anchors rendered at once.
const BATCH: usize = 64;
const GAP: usize = 2;

/// What to draw.
#[derive(Debug, Args)]
pub struct SampleArguments {
    /// Manifest, its folder, or its name.
    #[arg(long)]
    generator: String,
    /// Weights file, where it is not the manifest's.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Kind of views: gaussian, angular, uniform-ball, radii, interpolate, independent, same, ...
    #[arg(long, default_value = "gaussian")]
    views: String,
    /// Standard deviation of the step from anchor to view, per latent dimension.
    #[arg(long)]
    std: Option<f32>,
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
    /// This class for every anchor of a conditional generator, instead of drawn ones.
    #[arg(long)]
    class: Option<i32>,
    /// Seed of all draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A .png file for a grid with a row per anchor, or a folder for single images.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Serialize)]
struct Sampled {
    out: PathBuf,
    images: usize,
    images_per_second: f64,
}

pub fn run(arguments: &SampleArguments, common: &Common) -> Result<(), Failure> {
    let views = views_config(arguments)?;
    let extension = arguments.out.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let as_grid = match extension.as_deref() {
        Some("png") => true,
        None => false,
        Some(_) if arguments.out.is_dir() => false,
        Some(other) => {
            return Err(Failure::usage(format!(
                "--out {}: expected a .png file or a folder, got .{other}",
                arguments.out.display()
            )));
        }
    };
    let manifest = Manifest::find(&arguments.generator, &[])?;
    let weights = arguments.weights.as_deref();
    let first = {
        let (dimension, classes) = (manifest.latent.dimension, manifest.classes());
        sample_latents(&views, dimension, classes, arguments.seed, 0, BATCH.min(arguments.anchors))
    };
    let subject = Subject::Rendering { manifest: &manifest, weights, latents: &first };
    let device = compared(choose(common.device)?, &subject, common)?.device;
    let generator = Generator::load(&manifest, weights, &device)?;
    let mut sampler = LatentSampler::new(&views, AnchorsConfig::default(), &generator)?;
    let shape = {
        let output = generator.output();
        ImageShape { channels: output.channels, height: output.height, width: output.width }
    };
    let mut progress = Progress::new("sampling", arguments.anchors as u64);
    let mut rendering_seconds = 0.0;
    let mut grid = Vec::new();
    for (batch, first) in (0..arguments.anchors).step_by(BATCH).enumerate() {
        let anchors = BATCH.min(arguments.anchors - first);
        let mut latents = sampler.sample(&generator, arguments.seed, batch as u64, (0, anchors))?;
        if let Some(class) = arguments.class {
            latents = latents.with_class(class);
        }
        let started = Instant::now();
        let values = read_floats(generator.render(&latents)?).map_err(Failure::failed)?;
        let pixels = unit_floats_to_u8(&values);
        rendering_seconds += started.elapsed().as_secs_f64();
        if as_grid {
            grid.extend(pixels);
        } else {
            let class_of = |anchor: usize| latents.condition.as_ref().map(|y| y[anchor * views.per_anchor]);
            write_images(&arguments.out, &pixels, shape, first, views.per_anchor, class_of)?;
        }
        progress.update((first + anchors) as u64, "");
    }
    if as_grid {
        let images: Vec<&[u8]> = grid.chunks(shape.bytes()).collect();
        write_grid(&arguments.out, &images, shape, views.per_anchor, GAP).map_err(Failure::failed)?;
    }
    progress.finish();
    let images = arguments.anchors * views.per_anchor;
    let sampled =
        Sampled { out: arguments.out.clone(), images, images_per_second: images as f64 / rendering_seconds };
    output::result(common.json, &sampled, |sampled| {
        format!(
            "{} images in {}, {:.0} images/s",
            sampled.images,
            sampled.out.display(),
            sampled.images_per_second
        )
    })
}

fn views_config(arguments: &SampleArguments) -> Result<ViewsConfig, Failure> {
    let known = || ViewKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>();
    let kind =
        ViewKind::ALL.iter().find(|kind| kind.name() == arguments.views).copied().ok_or_else(|| {
            Failure::usage(format!("--views {}: expected one of {}", arguments.views, known().join(", ")))
        })?;
    let default = ViewsConfig { kind, ..ViewsConfig::default() };
    let spaces = [LatentSpace::Z, LatentSpace::W];
    let space = spaces.into_iter().find(|space| space.name() == arguments.space);
    let views = ViewsConfig {
        std: arguments.std.unwrap_or(kind.std_default()),
        space: space
            .ok_or_else(|| Failure::usage(format!("--space {}: expected z or w", arguments.space)))?,
        directions: arguments.directions.clone(),
        direction_count: arguments.direction_count,
        truncation: arguments.truncation,
        per_anchor: arguments.per_anchor,
        ..default
    };
    let mut problems = views.validate();
    // One view per anchor teaches nothing, but a picture of anchors alone is fine.
    problems.retain(|problem| arguments.per_anchor != 1 || !problem.contains("per_anchor"));
    if arguments.anchors == 0 {
        problems.push("--anchors: expected 1 or more, got 0".to_owned());
    }
    if problems.is_empty() { Ok(views) } else { Err(Failure::usage(problems.join("; "))) }
}

/// `<folder>/<class>/anchor-000000-view-0.png`, without the class folder for an unconditional generator.
fn write_images(
    folder: &Path,
    pixels: &[u8],
    shape: ImageShape,
    first_anchor: usize,
    per_anchor: usize,
    class_of: impl Fn(usize) -> Option<i32>,
) -> Result<(), Failure> {
    for (index, image) in pixels.chunks(shape.bytes()).enumerate() {
        let (anchor, view) = (index / per_anchor, index % per_anchor);
        let folder =
            class_of(anchor).map_or_else(|| folder.to_owned(), |class| folder.join(class.to_string()));
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::failed(format!("cannot make the folder {}: {error}", folder.display()))
        })?;
        let name = format!("anchor-{:06}-view-{view}.png", first_anchor + anchor);
        write_image(&folder.join(name), image, shape).map_err(Failure::failed)?;
    }
    Ok(())
}
