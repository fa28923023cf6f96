//! `zview generator`: manifests, what one loads, and training one.

mod directions;
mod inspect;
mod train;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use zview_generator::{Manifest, embedded_generators, list_manifests};

use crate::arguments::{Common, RunArguments};
use crate::failure::Failure;
use crate::output;

/// Commands on generators.
#[derive(Debug, Subcommand)]
pub enum GeneratorCommand {
    /// List the embedded generators and the manifests in configs/generators and other folders.
    List(ListArguments),
    /// Load a generator; show its keys, shapes and hash, draw a contact sheet, measure images per second, and compare
    /// it with a reference file.
    Inspect(inspect::InspectArguments),
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
        GeneratorCommand::Inspect(arguments) => inspect::run(arguments, common),
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
