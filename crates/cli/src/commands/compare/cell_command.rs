//! The command of one cell, for a process of its own.

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use super::CompareArguments;
use crate::arguments::Common;

/// The command of one cell, with every option of this process that a cell listens to.
pub fn cell_command(
    program: &Path,
    cell: usize,
    arguments: &CompareArguments,
    out: &Path,
    common: &Common,
) -> Command {
    let mut command = Command::new(program);
    command.arg("compare").arg(&arguments.config).arg("--out").arg(out);
    command.args(["--cell", &cell.to_string(), "--until-stdin-ends"]);
    command.args(["--device", &common.device.to_string()]);
    if let Some(mode) = common.selfcheck.to_possible_value() {
        command.args(["--selfcheck", mode.get_name()]);
    }
    if let Some(operation) = &common.plant_fault {
        command.args(["--plant-fault", operation]);
    }
    for change in &arguments.overrides {
        command.args(["--set", change]);
    }
    for folder in &arguments.reuse {
        command.arg("--reuse").arg(folder);
    }
    if let Some(folder) = &common.data_dir {
        command.arg("--data-dir").arg(folder);
    }
    command
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command as Subcommand};

    fn parsed<'a>(line: impl IntoIterator<Item = &'a str>) -> (CompareArguments, Common) {
        let arguments = Arguments::try_parse_from(line).unwrap();
        let Subcommand::Compare(compare) = arguments.command else { unreachable!() };
        (compare, arguments.common)
    }

    /// `--selfcheck warn` was not: with `--jobs` every cell on a device that errs failed all the same.
    #[test]
    fn a_cell_is_told_every_option_that_the_comparison_was_given() {
        let (arguments, common) = parsed([
            "zview",
            "compare",
            "study.toml",
            "--set=seeds=[0]",
            "--set=data=[\"glyphs\"]",
            "--reuse=runs",
            "--jobs=3",
            "--device=vulkan:1",
            "--data-dir=data",
            "--selfcheck=warn",
            "--plant-fault=convolution",
        ]);
        let command = cell_command(Path::new("zview"), 7, &arguments, Path::new("out"), &common);
        let line = std::iter::once("zview").chain(command.get_args().map(|word| word.to_str().unwrap()));
        let (of_cell, common_of_cell) = parsed(line);
        assert_eq!((of_cell.cell, of_cell.until_stdin_ends, of_cell.jobs), (Some(7), true, 1));
        assert_eq!(of_cell.out.as_deref(), Some(Path::new("out")));
        assert_eq!(of_cell.config, arguments.config);
        assert_eq!(of_cell.overrides, arguments.overrides);
        assert_eq!(of_cell.reuse, arguments.reuse);
        assert_eq!(format!("{common_of_cell:?}"), format!("{common:?}"));
    }
}
