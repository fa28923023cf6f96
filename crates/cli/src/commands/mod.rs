//! One file per command.

pub mod bench;
pub mod compare;
pub mod data;
pub mod demo;
mod device_check;
mod devices;
pub mod embed;
mod encoder_options;
pub mod export;
pub mod generator;
pub mod log;
pub mod named;
pub mod pack;
pub mod predict;
pub mod pretrain;
pub mod probe;
pub mod recipe;
pub mod sample;
mod sample_output;
pub mod selfcheck;
mod warm;

use std::process::ExitCode;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

/// Does what was asked.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let common = &arguments.common;
    match &arguments.command {
        Command::Devices => devices::run(common),
        Command::Data(command) => return data::run(command, common),
        Command::Generator(command) => return generator::run(command, common),
        Command::Recipe(command) => recipe::run(command, common),
        Command::Sample(arguments) => sample::run(arguments, common),
        Command::Pretrain(arguments) => return pretrain::run(arguments, common),
        Command::Probe(arguments) => probe::run(arguments, common),
        Command::Embed(arguments) => embed::run(arguments, common),
        Command::Predict(arguments) => predict::run(arguments, common),
        Command::Demo(arguments) => return demo::run(arguments, common),
        Command::Compare(arguments) => return compare::run(arguments, common),
        Command::Export(arguments) => export::run(arguments, common),
        Command::Log(arguments) => log::run(arguments, common),
        Command::Bench(arguments) => bench::run(arguments, common),
        Command::Selfcheck(arguments) => selfcheck::run(arguments, common),
    }
    .map(|()| ExitCode::SUCCESS)
}
