//! What can go wrong between a manifest and an image.

use std::path::PathBuf;

use zview_data::picture::PictureError;
use zview_runtime::config::ConfigError;

use zview_network::weights::WeightsError;

/// Why a generator could not be loaded or rendered from.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ConfigError),
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// There is no such generator.
    #[error(
        "no generator `{asked}`{hint}; looked for {}; give a manifest, its folder or a name",
        list(tried)
    )]
    NoManifest {
        /// What was asked for.
        asked: String,
        /// The files that would have been it.
        tried: Vec<PathBuf>,
        /// The nearest known names, or empty.
        hint: String,
    },
    /// What was given as a manifest is none.
    #[error(
        "{} is {what}, and no manifest: give a manifest that names it (`zview generator inspect {}` drafts one of a \
         weights file; docs/generators.md)", path.display(), path.display()
    )]
    NotAManifest {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Tensors of the weights file that no layer takes, and that nothing says are another network's.
    #[error(
        "{} holds tensors that no layer takes, so that images would not be its network's:\n  - {}\ncorrect the \
         manifest, or name what belongs to other networks in its `ignore`", path.display(), lines.join("\n  - ")
    )]
    Unaccounted {
        /// The file.
        path: PathBuf,
        /// A line for each tensor or group of them.
        lines: Vec<String>,
    },
    /// A prefix in `ignore` of a manifest that does not do what it says.
    #[error("{}: `ignore = [\"{prefix}\"]` of the manifest: {problem}", path.display())]
    Ignored {
        /// The file.
        path: PathBuf,
        /// From the manifest.
        prefix: String,
        /// What is wrong.
        problem: String,
    },
    /// A conditional generator was asked for images without classes.
    #[error("the generator `{name}` is conditional: expected a class (0 to {}) per latent, got none", classes - 1)]
    ConditionMissing {
        /// The generator.
        name: String,
        /// How many classes it has.
        classes: usize,
    },
    /// An unconditional generator was given classes.
    #[error("the generator `{name}` is unconditional: expected no classes, got some; leave them out")]
    ConditionUnexpected {
        /// The generator.
        name: String,
    },
    /// A class that the generator does not have.
    #[error("the generator `{name}` has classes 0 to {}, got {got}", classes - 1)]
    ConditionOutOfRange {
        /// The generator.
        name: String,
        /// How many classes it has.
        classes: usize,
        /// The class that was asked for.
        got: i64,
    },
    /// Latents, classes or a batch of a size that does not fit.
    #[error(
        "the generator `{name}`: {what}: expected {expected}, got {got}; draw the latents for this generator"
    )]
    Size {
        /// The generator.
        name: String,
        /// Which size.
        what: &'static str,
        /// The size that fits.
        expected: usize,
        /// The size that was given.
        got: usize,
    },
    /// Views in w of a generator that has no such space.
    #[error(
        "the generator `{name}` ({architecture}) has no intermediate latent space w; draw views in z (`space`)"
    )]
    NoIntermediateSpace {
        /// The generator.
        name: String,
        /// Its architecture.
        architecture: &'static str,
    },
    /// Directions in z of a generator whose z is not standard normal.
    #[error(
        "the latents of the generator `{name}` are not standard normal: steps along directions in z would leave the \
         values that they have; use views of another kind than \"steered\", or directions in w where there is one"
    )]
    NotNormal {
        /// The generator.
        name: String,
    },
    /// The directions of steered views cannot be used.
    #[error("[views] directions: {0}")]
    Directions(Box<crate::directions::DirectionsError>),
    /// A reference file that does not hold what is compared.
    #[error("{} cannot be compared with the generator `{name}`: {problem}; expected `z` (B, D), `x` or `image` (B, C, H, W) and, if conditional, integers `y` (B) of this generator", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// The generator.
        name: String,
        /// What does not fit.
        problem: String,
    },
    /// A contact sheet could not be drawn.
    #[error(transparent)]
    Sheet(#[from] PictureError),
    /// A network that runs outside the framework failed.
    #[error("the generator `{name}` did not render: {problem}")]
    Rendering {
        /// The generator.
        name: String,
        /// What happened.
        problem: String,
    },
    /// The device did not give its result.
    #[error(
        "the device did not return the images of the generator `{name}`: {reason}; try a smaller batch, or --device cpu"
    )]
    Device {
        /// The generator.
        name: String,
        /// What the device said.
        reason: String,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
