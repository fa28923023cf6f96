//! `zview generator directions`: find directions in a generator's latent space.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use zview_generator::directions::{
    DirectionMethod, Directions, Edit, PrincipalConfig, WalkConfig, factorised_directions,
    learned_directions, principal_directions, strip_size, write_strip,
};
use zview_generator::{Generator, LatentSpace, Manifest};
use zview_runtime::device::choose;
use zview_runtime::progress::Progress;

use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::{check_ending, check_output_file};

/// Anchors in the picture.
const PICTURE_ANCHORS: usize = 1;

/// What to find, and where to write it.
#[derive(Debug, Args)]
pub struct DirectionsArguments {
    /// Manifest, its folder, or its name.
    generator: String,
    /// Weights file, where it is not the manifest's.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// How: from the first layer's weights, from samples, or trained for known edits.
    #[arg(long)]
    method: MethodName,
    /// How many directions, of `factorised` and `principal`.
    #[arg(long, default_value_t = 10, conflicts_with = "edits")]
    count: usize,
    /// What walks are trained for, of `learned`: zoom, shift-x, shift-y, rotation, brightness.
    #[arg(long, value_delimiter = ',', value_name = "EDIT,...")]
    edits: Vec<String>,
    /// The latent space: z, or w where the generator has one.
    #[arg(long, default_value = "z")]
    space: SpaceName,
    /// Seed of all draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Updates per walk, of `learned`.
    #[arg(long, default_value_t = WalkConfig::default().steps)]
    steps: u64,
    /// The file to write (safetensors).
    #[arg(long)]
    out: PathBuf,
    /// A picture: a row per direction, the anchor moved by -3 to 3 standard deviations in the columns.
    #[arg(long, value_name = "PNG")]
    picture: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodName {
    Factorised,
    Principal,
    Learned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SpaceName {
    Z,
    W,
}

impl From<SpaceName> for LatentSpace {
    fn from(space: SpaceName) -> Self {
        match space {
            SpaceName::Z => Self::Z,
            SpaceName::W => Self::W,
        }
    }
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    out: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<PathBuf>,
    method: DirectionMethod,
    space: LatentSpace,
    dimension: usize,
    directions: Vec<FoundDirection>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct FoundDirection {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    eigenvalue: Option<f32>,
    /// Units of the edit per unit of the latent.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    /// Error of the walk as a share of the error without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_ratio: Option<f64>,
}

pub fn run(arguments: &DirectionsArguments, common: &Common) -> Result<(), Failure> {
    let edits = edits(arguments)?;
    refuse_other_kind(Path::new(&arguments.generator), Wanted::Manifest)?;
    let manifest = Manifest::find(&arguments.generator, &[])?;
    check_outputs(arguments, &manifest, edits.len())?;
    let device = choose(common.device)?.device;
    let weights = arguments.weights.as_deref();
    let generator = match arguments.method {
        MethodName::Learned => Generator::load_differentiable(&manifest, weights, &device)?,
        _ => Generator::load(&manifest, weights, &device)?,
    };
    let (space, seed, count) = (arguments.space.into(), arguments.seed, arguments.count);
    let started = Instant::now();
    let mut loss_ratios = Vec::new();
    let directions = match arguments.method {
        MethodName::Factorised => factorised_directions(&generator, space, count)?,
        MethodName::Principal => principal_directions(
            &generator,
            space,
            &PrincipalConfig { count, seed, ..PrincipalConfig::default() },
        )?,
        MethodName::Learned => {
            let config =
                WalkConfig { edits: edits.clone(), steps: arguments.steps, seed, ..WalkConfig::default() };
            let mut progress = Progress::new("learning walks", edits.len() as u64 * config.steps);
            let learned =
                learned_directions(&generator, space, &config, &mut |done| progress.update(done, ""))?;
            progress.finish();
            loss_ratios = learned.quality.iter().map(|quality| quality.loss_ratio()).collect();
            learned.directions
        }
    };
    directions.save(&arguments.out)?;
    if let Some(picture) = &arguments.picture {
        write_strip(picture, &generator, &directions, PICTURE_ANCHORS, seed)?;
    }
    let found = found(arguments, &directions, &edits, &loss_ratios, started.elapsed().as_secs_f64());
    output::result(common.json, &found, in_words)
}

/// Refuses outputs that cannot be written, before directions are found.
fn check_outputs(arguments: &DirectionsArguments, manifest: &Manifest, edits: usize) -> Result<(), Failure> {
    let of_manifest = manifest.weights_path();
    let weights = arguments.weights.as_deref().unwrap_or(&of_manifest);
    let read = [weights, Path::new(&arguments.generator)];
    check_output_file("--out", &arguments.out, &read)?;
    if arguments.picture.as_ref() != Some(&arguments.out) {
        check_ending("--out", &arguments.out, &["safetensors"])?;
    }
    let Some(picture) = &arguments.picture else { return Ok(()) };
    check_output_file("--picture", picture, &read)?;
    if *picture == arguments.out {
        return Err(Failure::usage("--picture: --out names the same file; take another name"));
    }
    let directions = if edits > 0 { edits } else { arguments.count.min(manifest.latent.dimension) };
    strip_size(picture, &manifest.output, directions, PICTURE_ANCHORS).map(|_| ()).map_err(Failure::usage)
}

/// The edits that were asked for; every one where none is named.
fn edits(arguments: &DirectionsArguments) -> Result<Vec<Edit>, Failure> {
    let learned = arguments.method == MethodName::Learned;
    if !learned && !arguments.edits.is_empty() {
        return Err(Failure::usage(
            "--edits: only --method learned takes edits; --count says how many directions",
        ));
    }
    if learned && arguments.edits.is_empty() {
        return Ok(Edit::ALL.to_vec());
    }
    let names = Edit::ALL.iter().map(|edit| edit.name()).collect::<Vec<_>>().join(", ");
    let mut edits = Vec::new();
    for name in &arguments.edits {
        let edit = Edit::ALL.iter().find(|edit| edit.name() == name).copied();
        let edit = edit.ok_or_else(|| Failure::usage(format!("--edits {name}: expected some of {names}")))?;
        if edits.contains(&edit) {
            return Err(Failure::usage(format!("--edits {name}: named twice")));
        }
        edits.push(edit);
    }
    Ok(edits)
}

fn found(
    arguments: &DirectionsArguments,
    directions: &Directions,
    edits: &[Edit],
    loss_ratios: &[f64],
    seconds: f64,
) -> Found {
    let at = |values: &Option<Vec<f32>>, k: usize| values.as_ref().and_then(|values| values.get(k).copied());
    let one = |(k, name): (usize, &String)| FoundDirection {
        name: name.clone(),
        eigenvalue: at(&directions.eigenvalues, k),
        scale: at(&directions.scale, k),
        unit: edits.get(k).map(|edit| edit.unit()),
        loss_ratio: loss_ratios.get(k).copied(),
    };
    Found {
        out: arguments.out.clone(),
        picture: arguments.picture.clone(),
        method: directions.origin.method,
        space: directions.space,
        dimension: directions.dimension,
        directions: directions.names.iter().enumerate().map(one).collect(),
        seconds,
    }
}

fn in_words(found: &Found) -> String {
    let line = |one: &FoundDirection| {
        let mut line = format!("{:<16}", one.name);
        if let Some(eigenvalue) = one.eigenvalue {
            line.push_str(&format!(" eigenvalue {eigenvalue:.4}"));
        }
        if let (Some(scale), Some(unit), Some(ratio)) = (one.scale, one.unit, one.loss_ratio) {
            line.push_str(&format!(
                " error {ratio:.3} of that without a walk; a step of 1: {scale:.3} {unit}"
            ));
        }
        line
    };
    let lines: Vec<String> = found.directions.iter().map(line).collect();
    format!(
        "{}\n{} directions of {} dimensions in {}, in {:.1} s: {}",
        lines.join("\n"),
        found.directions.len(),
        found.dimension,
        found.space.name(),
        found.seconds,
        found.out.display()
    )
}
