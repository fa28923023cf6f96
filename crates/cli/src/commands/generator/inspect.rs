//! `zview generator inspect`: what one loads, what it draws and how fast.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use zview_generator::{
    Draft, InspectOptions, Inspection, Manifest, REFERENCE_TOLERANCE, inspect, weights_at,
};
use zview_runtime::atomic::is_stream;
use zview_runtime::device::choose;

use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::check_output_file;

/// What to inspect.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Manifest, its folder, or its name; of a weights file, a manifest is drafted.
    manifest: String,
    /// Weights file, where it is not the manifest's.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// safetensors file with `z`, `x` and, for a conditional generator, `y`. Without it reference.safetensors beside
    /// the weights, if it is there.
    #[arg(long)]
    reference: Option<PathBuf>,
    /// The largest difference of a raw value from the reference; beyond it the exit code is 3.
    #[arg(long, default_value_t = REFERENCE_TOLERANCE)]
    tolerance: f32,
    /// Draw a contact sheet into this .png file: eight images in each row, a row for each class.
    #[arg(long)]
    sheet: Option<PathBuf>,
    /// Images rendered at once.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// About how long to measure images per second (three batches at least); 0 is not at all.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

pub fn run(arguments: &InspectArguments, common: &Common) -> Result<(), Failure> {
    if let Some(sheet) = &arguments.sheet
        && !sheet.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
        && !is_stream(sheet)
    {
        return Err(Failure::usage(format!("--sheet {}: expected a .png file", sheet.display())));
    }
    if let Some(sheet) = &arguments.sheet {
        check_output_file("--sheet", sheet, &[])?;
    }
    if !(1..=1 << 16).contains(&arguments.batch) {
        return Err(Failure::usage(format!("--batch: expected 1 to 65536, got {}", arguments.batch)));
    }
    if !(arguments.seconds.is_finite() && arguments.seconds >= 0.0) {
        return Err(Failure::usage(format!("--seconds: expected 0 or above, got {}", arguments.seconds)));
    }
    if !(arguments.tolerance.is_finite() && arguments.tolerance >= 0.0) {
        return Err(Failure::usage(format!("--tolerance: expected 0 or above, got {}", arguments.tolerance)));
    }
    let given = Path::new(&arguments.manifest);
    refuse_other_kind(given, Wanted::Manifest)?;
    if let Some(what) = weights_at(given) {
        return draft(given, what, common);
    }
    let manifest = Manifest::find(&arguments.manifest, &[])?;
    let device = choose(common.device)?;
    let options = InspectOptions {
        weights: arguments.weights.as_deref(),
        reference: arguments.reference.as_deref(),
        tolerance: arguments.tolerance,
        sheet: arguments.sheet.as_deref(),
        batch: arguments.batch,
        seconds: arguments.seconds,
    };
    let found = inspect(&manifest, &options, &device.device)?;
    output::result(common.json, &found, |found| in_words(found, &device.name))?;
    match (&found.reference, &found.reference_file, found.reference_equal) {
        (Some(reference), Some(file), Some(false)) => Err(Failure::check(format!(
            "the images of `{}` differ from {} by up to {:.2e}, more than {:e}: the manifest's layers are not its \
             network's (--tolerance is what is allowed)",
            found.name,
            file.display(),
            reference.max_abs_error,
            arguments.tolerance
        ))),
        _ => Ok(()),
    }
}

/// Weights in place of a manifest: what they hold, and a manifest to begin with.
fn draft(path: &Path, what: &str, common: &Common) -> Result<(), Failure> {
    let draft = Draft::of(path).map_err(|error| {
        let path = path.display();
        Failure::usage(format!(
            "{path} is {what}, and no manifest: give a manifest that names it (docs/generators.md); no draft of one: \
             {error}"
        ))
    })?;
    tracing::warn!(
        "{} is {what}, and no manifest: what follows is a draft of one, to be completed (docs/generators.md)",
        path.display()
    );
    output::result(common.json, &draft, |draft| {
        let mut text = String::new();
        for key in &draft.keys {
            let _ = writeln!(text, "#   {:<40} {:?} {}", key.key, key.shape, key.element_type);
        }
        format!("{text}{}", draft.manifest)
    })
}

fn in_words(found: &Inspection, device: &str) -> String {
    let output = &found.output;
    let mut text = format!(
        "{}: {}, {} parameters\nsource {}, licence {}\nlatent {} dimensions, {}; {}\nimages {}x{}x{} in {:?}\nweights {}, sha256 {}\n",
        found.name,
        found.architecture,
        found.parameters,
        found.source,
        found.licence,
        found.latent.dimension,
        found.latent.in_words(),
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
    for unneeded in &found.unneeded {
        let _ = writeln!(
            text,
            "not used: `{}`, {}: {}",
            unneeded.prefix,
            unneeded.count_in_words(),
            unneeded.reason
        );
    }
    if let (Some(reference), Some(file)) = (&found.reference, &found.reference_file) {
        let _ = writeln!(
            text,
            "reference {}: {} images, largest difference {:.2e}, {} (tolerance {:e})",
            file.display(),
            reference.images,
            reference.max_abs_error,
            if found.reference_equal == Some(true) { "equal" } else { "NOT equal" },
            found.tolerance.unwrap_or_default()
        );
    }
    if let Some(problem) = &found.reference_problem {
        let _ = writeln!(text, "not compared: {problem}");
    }
    if let Some(speed) = &found.throughput {
        let _ = writeln!(
            text,
            "{} images/s on {device} in batches of {} (median of {}; {} to {})",
            rate(speed.images_per_second),
            speed.batch,
            speed.batches,
            rate(speed.slowest),
            rate(speed.fastest)
        );
    }
    if let Some(sheet) = &found.sheet {
        let _ = write!(text, "{} images in {}", sheet.images, sheet.path.display());
        let classes: Vec<String> = sheet.classes.iter().map(usize::to_string).collect();
        let rows = if classes.is_empty() {
            String::new()
        } else {
            format!(", a row for each of the classes {}", classes.join(", "))
        };
        let _ = writeln!(text, "{rows}");
    }
    text
}

/// Two decimals where they say something.
fn rate(images_per_second: f64) -> String {
    let digits = if images_per_second < 100.0 { 2 } else { 0 };
    format!("{images_per_second:.digits$}")
}
