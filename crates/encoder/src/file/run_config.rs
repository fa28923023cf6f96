//! What the configuration of a run, `config.toml` in its folder, says of its encoder: every other key is for those who
//! train it.

use std::path::Path;

use serde::Deserialize;
use zview_runtime::config::{ConfigError, read_toml};

use crate::EncoderConfig;

/// A run's configuration, as far as it concerns the encoder.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunConfig {
    /// What was trained.
    pub(super) encoder: EncoderConfig,
    augment: Size,
    source: Size,
    train: Steps,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Size {
    size: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Steps {
    steps: Option<u64>,
}

impl RunConfig {
    /// That of the run in the folder `run`.
    pub(super) fn of(run: &Path) -> Result<Self, ConfigError> {
        read_toml(&run.join("config.toml"))
    }

    /// The side in pixels that it asks of images, if any.
    pub(super) fn side(&self) -> Option<usize> {
        self.augment.size.or(self.source.size)
    }

    /// How many steps it asks for.
    pub(super) fn steps(&self) -> Option<u64> {
        self.train.steps
    }
}
