//! `zview export`: an encoder for Python.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use zview_encoder::{ExportError, ExportFormat, Exported, export_encoder, read_encoder};
use zview_runtime::device::cpu;

use super::encoder_options::EncoderFileOptions;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::file_kinds::{Wanted, refuse_other_kind};
use crate::output;
use crate::output_file::{check_ending, check_output_file};

/// What to write, and where.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Run folder, or an encoder file (.safetensors, .pth, .pt).
    encoder: PathBuf,
    /// Whose modules the printed program takes; each library that has the encoder's architecture where it is not given.
    #[arg(long, value_name = "LIBRARY")]
    format: Option<Library>,
    /// The .safetensors file to write.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    file: EncoderFileOptions,
}

/// Python libraries of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Library {
    /// ResNets.
    Torchvision,
    /// ResNets and Vision Transformers.
    Timm,
    /// `conv`, as an nn.Sequential of PyTorch alone.
    Sequential,
}

impl From<Library> for ExportFormat {
    fn from(library: Library) -> Self {
        match library {
            Library::Torchvision => Self::Torchvision,
            Library::Timm => Self::Timm,
            Library::Sequential => Self::Sequential,
        }
    }
}

pub fn run(arguments: &ExportArguments, common: &Common) -> Result<(), Failure> {
    refuse_other_kind(&arguments.encoder, Wanted::Encoder)?;
    check_output_file("--out", &arguments.out, &[&arguments.encoder])?;
    check_ending("--out", &arguments.out, &["safetensors"])?;
    // Nothing is computed: the CPU will do whatever `--device` says.
    let device = cpu("an export computes nothing").device;
    let loaded = read_encoder(&arguments.encoder, &arguments.file.read(), &device)?;
    loaded.tell();
    if let Some(expected) = &loaded.expected_pixels {
        tracing::warn!(
            "{}: the export will say that pixels are those from 0 to 1; the file most likely expects {}, {}",
            arguments.encoder.display(),
            expected.name,
            expected.why
        );
    }
    let encoder = loaded.encoder.encoder();
    let format = arguments.format.map(ExportFormat::from);
    let exported = export_encoder(encoder, loaded.head.as_ref(), format, &arguments.out)?;
    output::result(common.json, &exported, in_words)
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Format { .. } => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

fn in_words(exported: &Exported) -> String {
    let mut text = format!(
        "{}: {} tensors, {} features, sha256 {}\n",
        exported.file.display(),
        exported.keys.len(),
        exported.feature_dimension,
        exported.sha256
    );
    for difference in &exported.differences {
        let _ = writeln!(text, "not torchvision's own: {difference}");
    }
    let view = exported.view.as_ref().map_or_else(String::new, |view| {
        format!(" of images of {} pixels, as it was trained on", view.size_in_words())
    });
    let (mean, std) = (exported.pixel_mean, exported.pixel_std);
    let _ = writeln!(text, "It takes (pixels - {mean}) / {std} of pixels in 0..1{view}.");
    for program in &exported.programs {
        let _ = write!(text, "\nIn Python, with {}:\n\n{}", program.format.library(), program.text);
    }
    text
}
