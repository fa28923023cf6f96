//! From a library's error to a message and an exit code.

use std::error::Error;
use std::process::ExitCode;

use miette::{MietteHandlerOpts, Report};
use zview_contrastive::source::SourceError;
use zview_contrastive::train::automatic::AutomaticError;
use zview_contrastive::train::{NoHalfPrecision, PretrainError, ProfileError};
use zview_data::view_shards::ShardError;
use zview_data::{DataError, PackError};
use zview_encoder::PretrainedError;
use zview_experiment::ExperimentError;
use zview_generator::GeneratorError;
use zview_generator::directions::DirectionsError;
use zview_generator::training::GeneratorTrainingError;
use zview_network::training::TrainingError;
use zview_probe::suite::SuiteError;
use zview_runtime::atomic::WriteError;
use zview_runtime::config::ConfigError;
use zview_runtime::device::DeviceError;
use zview_runtime::run_folder::RunFolderError;
use zview_selfcheck::SelfCheckError;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const CHECK: u8 = 3;

/// Why a command did not do what was asked, and the exit code for it.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// Something went wrong on the way.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code: FAILED, error: error.into() }
    }

    /// What was asked for cannot be done as asked.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code: USAGE, error: error.into() }
    }

    /// What was checked does not hold.
    pub fn check(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { code: CHECK, error: error.into() }
    }

    /// The same with a remark after the message.
    pub fn with_remark(self, remark: &str) -> Self {
        Self { code: self.code, error: format!("{}; {remark}", self.error).into() }
    }

    /// Prints the message on stderr and gives the exit code.
    pub fn report(self) -> ExitCode {
        // Paths must stay in one piece, so lines are not wrapped.
        let handler =
            || MietteHandlerOpts::new().wrap_lines(false).color(crate::colours::on_stderr()).build();
        let _ = miette::set_hook(Box::new(move |_| Box::new(handler()))); // set once, just here
        let report = Report::msg(self.error.to_string());
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("Error: {report:?}\n").as_bytes());
        ExitCode::from(self.code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        Self::usage(error)
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Unknown { .. } | DataError::NotFound { .. } | DataError::InvalidOption { .. } => {
                Self::usage(error)
            }
            error => Self::failed(error),
        }
    }
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        match error {
            PackError::Data(error) => error.into(),
            error @ (PackError::Exists { .. } | PackError::OtherPartial { .. } | PackError::InUse { .. }) => {
                Self::usage(error)
            }
            error => Self::failed(error),
        }
    }
}

impl From<ShardError> for Failure {
    fn from(error: ShardError) -> Self {
        match error {
            ShardError::NotRecognised { .. }
            | ShardError::TooFewViews { .. }
            | ShardError::TooFewAnchors { .. } => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::failed(error)
    }
}

impl From<GeneratorError> for Failure {
    fn from(error: GeneratorError) -> Self {
        match error {
            GeneratorError::Manifest(_)
            | GeneratorError::NoManifest { .. }
            | GeneratorError::NotAManifest { .. }
            | GeneratorError::NotNormal { .. }
            | GeneratorError::NoIntermediateSpace { .. } => Self::usage(error),
            GeneratorError::Directions(ref cause) => match **cause {
                DirectionsError::State(_) | DirectionsError::Device(_) => Self::failed(error),
                _ => Self::usage(error),
            },
            error => Self::failed(error),
        }
    }
}

impl From<DirectionsError> for Failure {
    fn from(error: DirectionsError) -> Self {
        match error {
            DirectionsError::Generator(error) => error.into(),
            error @ (DirectionsError::NoFirstLayer { .. }
            | DirectionsError::Setting { .. }
            | DirectionsError::Dimension { .. }) => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Data(error) => error.into(),
            SourceError::Shards(error) => error.into(),
            SourceError::Generator(error) => error.into(),
            SourceError::Encoder(error) => (*error).into(),
            error @ SourceError::Recipe { .. } => Self::usage(error),
            error @ SourceError::Device(_) => Self::failed(error),
        }
    }
}

impl From<AutomaticError> for Failure {
    fn from(error: AutomaticError) -> Self {
        match error {
            AutomaticError::Data(error) => error.into(),
            AutomaticError::Generator(error) => error.into(),
            error @ (AutomaticError::TooFew { .. } | AutomaticError::Shards { .. }) => Self::usage(error),
        }
    }
}

impl From<SelfCheckError> for Failure {
    fn from(error: SelfCheckError) -> Self {
        match error {
            SelfCheckError::Source(error) => error.into(),
            SelfCheckError::Generator(error) => error.into(),
            SelfCheckError::Encoder(error) => error.into(),
            SelfCheckError::GeneratorTraining(error) => error.into(),
            error @ (SelfCheckError::OnlyCpu { .. } | SelfCheckError::UnknownOperation { .. }) => {
                Self::usage(error)
            }
            error @ SelfCheckError::Device(_) => Self::failed(error),
        }
    }
}

impl From<NoHalfPrecision> for Failure {
    fn from(error: NoHalfPrecision) -> Self {
        Self::usage(error)
    }
}

impl From<RunFolderError> for Failure {
    fn from(error: RunFolderError) -> Self {
        match error {
            RunFolderError::Config(error) => error.into(),
            RunFolderError::Exists { .. }
            | RunFolderError::Occupied { .. }
            | RunFolderError::NoFolder { .. }
            | RunFolderError::NothingToResume { .. }
            | RunFolderError::Changed { .. }
            | RunFolderError::Edited { .. }
            | RunFolderError::OtherConfig { .. } => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<TrainingError> for Failure {
    fn from(error: TrainingError) -> Self {
        match error {
            TrainingError::Folder(error) => error.into(),
            error => Self::failed(error),
        }
    }
}

impl From<PretrainError> for Failure {
    fn from(error: PretrainError) -> Self {
        match error {
            PretrainError::Source(error) => error.into(),
            PretrainError::Training(error) => error.into(),
            error @ (PretrainError::Precision(_)
            | PretrainError::OtherImages { .. }
            | PretrainError::Shorter { .. }
            | PretrainError::Memory { .. }) => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Source(error) => error.into(),
            error @ ProfileError::Device(_) => Self::failed(error),
        }
    }
}

impl From<GeneratorTrainingError> for Failure {
    fn from(error: GeneratorTrainingError) -> Self {
        match error {
            GeneratorTrainingError::Config(error) => error.into(),
            GeneratorTrainingError::Training(error) => error.into(),
            error => Self::failed(error),
        }
    }
}

impl From<PretrainedError> for Failure {
    fn from(error: PretrainedError) -> Self {
        match error {
            PretrainedError::Recipe(error) => error.into(),
            PretrainedError::Missing { .. }
            | PretrainedError::Images(_)
            | PretrainedError::Unfinished { .. }
            | PretrainedError::Asked { .. }
            | PretrainedError::OtherEncoder { .. } => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<SuiteError> for Failure {
    fn from(error: SuiteError) -> Self {
        match error {
            SuiteError::Data(error) => error.into(),
            SuiteError::Encoder(error) => (*error).into(),
            SuiteError::ImagesDoNotFit { .. }
            | SuiteError::Pixels { .. }
            | SuiteError::Head { .. }
            | SuiteError::NotTrained { .. }
            | SuiteError::NotOneArm(_)
            | SuiteError::SameEncoder { .. }
            | SuiteError::Settings(_)
            | SuiteError::Groups { .. } => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Self {
        match error {
            ExperimentError::Config(error) => error.into(),
            ExperimentError::Data(error) => error.into(),
            ExperimentError::Source(error) => error.into(),
            ExperimentError::Suite(error) => error.into(),
            ExperimentError::Shapes { .. }
            | ExperimentError::OtherRecipe { .. }
            | ExperimentError::Changed { .. }
            | ExperimentError::OtherImages { .. } => Self::usage(error),
            ExperimentError::Train { ref source, .. }
                if matches!(**source, PretrainError::OtherImages { .. }) =>
            {
                Self::usage(error)
            }
            error => Self::failed(error),
        }
    }
}
