//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use zview_contrastive::train::automatic::short_name;
use zview_data::{Reading, set_reading};
use zview_runtime::config::shipped;
use zview_runtime::device::DeviceRequest;

use crate::commands;
use crate::commands::named::Named;

/// Learn image representations from a pretrained generator instead of a data set, and measure by
/// linear probe whether that rivals training on real images.
///
/// Results go to stdout; progress, logs and warnings to stderr. Exit codes: 0 done, 1 failed, 2 wrong
/// usage or configuration, 3 a check did not hold, 130 stopped by a signal after saving.
#[derive(Debug, Parser)]
#[command(name = "zview", version)]
pub struct Arguments {
    /// What every command understands.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// Where to compute: auto, vulkan, metal, wgpu or cpu, with an optional index such as vulkan:1.
    /// `auto` takes a real GPU if there is one; a software adapter is used only when named.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceRequest,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Where named data sets are looked up first; then $ZVIEW_DATA, then the user's cache folder.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Memory that decoded images may take, such as 4GiB; data sets that need more are read while they are used. The result
    /// is the same bits. A third of the machine's where it is not given.
    #[arg(long, global = true, value_name = "BYTES", value_parser = bytes_from_text)]
    pub memory: Option<u64>,
    /// Threads that read and decode images ahead of the device; the result is the same bits. All but one, at most 16,
    /// where it is not given.
    #[arg(long, global = true, value_name = "THREADS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Before computing on a graphics adapter, compare it with the CPU (seconds, once per driver, build and shape).
    #[arg(long, global = true, default_value = "require", value_name = "HOW")]
    pub selfcheck: SelfcheckMode,
    /// Let an operation err in the comparison, to see that found.
    #[arg(long, global = true, value_name = "OPERATION", hide = true)]
    pub plant_fault: Option<String>,
}

impl Common {
    /// Tells those who read images what they may take of the machine.
    pub fn set_reading(&self) {
        let usual = Reading::default();
        set_reading(Reading {
            memory: self.memory.unwrap_or(usual.memory),
            workers: self.workers.map_or(usual.workers, usize::from),
        });
    }
}

/// Bytes as they are written: 4GiB, 512 MiB, 2G, 1000000.
fn bytes_from_text(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic() || letter == ' ');
    let power = match text[number.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err("expected a number with a unit, such as 4GiB or 512MiB".to_owned()),
    };
    let number: f64 =
        number.trim().parse().map_err(|_| "expected a number with a unit, such as 4GiB".to_owned())?;
    let bytes = number * 1024f64.powi(power);
    if (1.0..=2f64.powi(60)).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err("expected 1 byte or more".to_owned())
    }
}

/// What a device that does not agree with the CPU leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SelfcheckMode {
    /// Stop with exit code 3 before anything is written.
    Require,
    /// Say what differs and go on.
    Warn,
    /// Do not compare.
    Skip,
}

/// Options of every command that trains from a recipe into a run folder.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Recipe: a TOML file, or the name of one that comes with zview (`zview recipe list`). `pretrain` also takes images
    /// (photos/, cifar10) or a generator (glyphs-gan), and makes a recipe for them.
    #[arg(value_name = "RECIPE")]
    pub config: PathBuf,
    /// Change a value of the recipe, such as train.steps=100; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Run folder; `runs/<recipe>-seed<seed>` where it is not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue the run in the run folder from its newest intact checkpoint.
    #[arg(long)]
    pub resume: bool,
}

impl RunArguments {
    /// The run folder of a run with this seed.
    pub fn out(&self, seed: u64) -> PathBuf {
        let name = || PathBuf::from("runs").join(format!("{}-seed{seed}", self.run_name()));
        self.out.clone().unwrap_or_else(name)
    }

    /// The folder of the run that is to be continued, where what is named is no recipe.
    pub fn begun(&self) -> Option<PathBuf> {
        let given = |change: &String| change.strip_prefix("seed=").and_then(|seed| seed.trim().parse().ok());
        let seed = self.overrides.iter().rev().find_map(given).unwrap_or(0);
        (self.resume && Named::of(&self.config) != Named::Recipe).then(|| self.out(seed))
    }

    fn run_name(&self) -> String {
        match shipped(&self.config).filter(|_| !self.config.exists()) {
            Some(file) => file.name.rsplit('/').next().unwrap_or(file.name).to_owned(),
            None if Named::of(&self.config) == Named::Recipe => {
                self.config.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
            None => short_name(&self.config),
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare an encoder taught by a generator with one taught by real images, on built-in data.
    Demo(commands::demo::DemoArguments),
    /// List the devices of this machine and say which one `auto` takes.
    Devices,
    /// Labelled images: list known data sets, inspect one, pack one into a file.
    #[command(subcommand)]
    Data(commands::data::DataCommand),
    /// Generators: list manifests, inspect one, train one.
    #[command(subcommand)]
    Generator(commands::generator::GeneratorCommand),
    /// Recipes: list and print those that come with zview, and the keys that one may have.
    #[command(subcommand)]
    Recipe(commands::recipe::RecipeCommand),
    /// Draw views from a generator, as a picture grid or an image folder.
    Sample(commands::sample::SampleArguments),
    /// Train an encoder from a recipe, or from images for which one is made.
    Pretrain(commands::pretrain::PretrainArguments),
    /// Evaluate a frozen encoder on labelled images.
    Probe(Box<commands::probe::ProbeArguments>),
    /// Write the features of images to a file: .npy, .safetensors or .csv.
    Embed(commands::embed::EmbedArguments),
    /// Name the class of each image: by a fine-tuned network, or an encoder and labelled images.
    Predict(commands::predict::PredictArguments),
    /// Compare arms (real, generated, any recipe) over seeds at equal updates, on the same test images.
    Compare(commands::compare::CompareArguments),
    /// Write an encoder or a fine-tuned network for Python: torchvision, timm, or PyTorch alone.
    Export(commands::export::ExportArguments),
    /// Say what a run measured, and make CSV and TensorBoard files of its log.
    Log(commands::log::LogArguments),
    /// Say where a training step's time goes.
    Bench(commands::bench::BenchArguments),
    /// Compare the device with the CPU: every operation, and a training step.
    Selfcheck(commands::selfcheck::SelfcheckArguments),
}
