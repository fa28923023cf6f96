//! `zview generator`: manifests, what one loads, and training one.

mod directions;
mod train;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use zview_generator::{Inspection, Manifest, embedded_generators, inspect, list_manifests};
use zview_runtime::device::choose;

use crate::arguments::{Common, RunArguments};
use crate::failure::Failure;
use crate::output;

/// Commands on generators.
#[derive(Debug, Subcommand)]
pub enum GeneratorCommand {
    /// List the embedded generators and the manifests in configs/generators and other folders.
    List(ListArguments),
    /// Load a generator; show its keys, shapes and hash, and compare it with a reference file.
    Inspect(InspectArguments),
    /// Train a small generator (GAN or VAE) on a data set; the run folder is then the generator's.
    Train(RunArguments),
    /// Find directions in the latent space: from weights, from samples, or trained for known edits.
    Directions(directions::DirectionsArguments),
}

/// Where to look.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Further folders with manifests.
    folders: Vec<PathBuf>,
}

/// What to inspect.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Manifest, its folder, or its name.
    manifest: String,
    /// Weights file, where it is not the manifest's.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// safetensors file with `z`, `x` and, for a conditional generator, `y`.
    #[arg(long)]
    reference: Option<PathBuf>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    manifest: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub fn run(command: &GeneratorCommand, common: &Common) -> Result<ExitCode, Failure> {
    match command {
        GeneratorCommand::Train(arguments) => return train::run(arguments, common),
        GeneratorCommand::Directions(arguments) => directions::run(arguments, common),
        GeneratorCommand::List(arguments) => {
            let mut folders = vec![PathBuf::from("configs/generators")];
            folders.extend(arguments.folders.iter().cloned());
            let embedded = embedded_generators().iter().map(|embedded| Listed {
                name: embedded.name.to_owned(),
                manifest: PathBuf::from("(embedded)"),
                problem: None,
            });
            let listed: Vec<Listed> =
                embedded.chain(list_manifests(&folders).into_iter().map(describe)).collect();
            output::result(common.json, &listed, |listed| {
                let line = |one: &Listed| {
                    let problem = one.problem.as_deref().unwrap_or_default();
                    format!("{:<24} {} {problem}", one.name, one.manifest.display())
                };
                listed.iter().map(line).collect::<Vec<_>>().join("\n")
            })
        }
        GeneratorCommand::Inspect(arguments) => {
            let manifest = Manifest::find(&arguments.manifest, &[])?;
            let device = choose(common.device)?.device;
            let found =
                inspect(&manifest, arguments.weights.as_deref(), arguments.reference.as_deref(), &device)?;
            output::result(common.json, &found, in_words)
        }
    }
    .map(|()| ExitCode::SUCCESS)
}

fn describe(path: PathBuf) -> Listed {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match Manifest::read(&path) {
        Ok(manifest) => Listed { name: manifest.name, manifest: path, problem: None },
        Err(error) => Listed { name: stem(&path), manifest: path, problem: Some(error.to_string()) },
    }
}

fn in_words(found: &Inspection) -> String {
    let output = &found.output;
    let mut text = format!(
        "{}: {}, {} parameters\nsource {}, licence {}\nlatent {} dimensions, {}\nimages {}x{}x{} in {:?}\nweights {}, sha256 {}\n",
        found.name,
        found.architecture,
        found.parameters,
        found.source,
        found.licence,
        found.latent.dimension,
        found.condition.as_ref().map_or("unconditional".to_owned(), |c| format!("{} classes", c.classes)),
        output.channels,
        output.height,
        output.width,
        output.range,
        found.weights.display(),
        found.sha256,
    );
    for key in &found.keys {
        let unused = if key.used { "" } else { "  (not used)" };
        let _ = writeln!(text, "  {:<40} {:?} {}{unused}", key.key, key.shape, key.element_type);
    }
    if let Some(reference) = &found.reference {
        let _ = writeln!(
            text,
            "reference: {} images, largest difference {:.2e}",
            reference.images, reference.max_abs_error
        );
    }
    text
}
