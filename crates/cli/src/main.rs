//! zview: learn image representations from a generator, and see whether the data set was needed.

mod arguments;
mod colours;
mod commands;
mod failure;
mod file_kinds;
mod help;
mod other_words;
mod output;
mod output_file;
mod output_folder;
mod panics;
mod shipped_recipes;

use std::process::ExitCode;

use clap::FromArgMatches;
use tracing_subscriber::EnvFilter;
use zview_runtime::autotune::keep_autotune_cache_in;
use zview_runtime::cache_folder;

use arguments::Arguments;

/// What the command line says; ends the process where it is wrong.
fn arguments() -> Arguments {
    let matches = help::command().try_get_matches();
    let arguments = matches.and_then(|matches| Arguments::from_arg_matches(&matches));
    arguments.unwrap_or_else(|error| other_words::with_our_words(error).exit())
}

fn main() -> ExitCode {
    zview_runtime::allocator::keep_freed_memory();
    let arguments = arguments();
    commands::named::ship_recipes();
    arguments.common.set_reading();
    let filter = EnvFilter::try_from_env("ZVIEW_LOG").unwrap_or_else(|_| {
        EnvFilter::new(
            "zview=warn,zview_encoder=info,zview_encoder::augment=info,zview_runtime::config=info,error",
        )
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours::on_stderr())
        .without_time()
        .init();
    keep_autotune_cache_in(cache_folder().map(|folder| folder.join("autotune")));
    match panics::caught(|| commands::run(&arguments)) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
