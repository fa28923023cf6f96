//! Where a run was computed.

use serde::Serialize;

use crate::build_features;
use crate::device::ChosenDevice;

/// What `environment.json` holds: enough to know what to expect of a repetition.
#[derive(Debug, Clone, Serialize)]
pub struct Environment {
    /// Version of zview.
    pub zview: String,
    /// Version of the tensor framework.
    pub burn: &'static str,
    /// Operating system and processor architecture.
    pub platform: String,
    /// Threads the system offers.
    pub threads: usize,
    /// The device, with its driver where it is an adapter.
    pub device: ChosenDevice,
    /// Build features, see [`build_features`].
    pub build_features: Vec<&'static str>,
    /// The command line.
    pub command: Vec<String>,
}

impl Environment {
    /// The environment of this process, computing on `device`.
    #[must_use]
    pub fn of(device: &ChosenDevice) -> Self {
        Self {
            zview: env!("CARGO_PKG_VERSION").to_owned(),
            burn: "0.22.1",
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            device: device.clone(),
            build_features: build_features(),
            command: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
        }
    }
}
