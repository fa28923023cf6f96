//! What a user asks for: `auto`, `vulkan`, `metal`, `wgpu` or `cpu`, with an optional `:index`.

use std::fmt;
use std::str::FromStr;

/// The part of a device request before the colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedBackend {
    /// A real GPU if there is one, else the CPU.
    Auto,
    /// An adapter reached through Vulkan.
    Vulkan,
    /// An adapter reached through Metal.
    Metal,
    /// An adapter reached through any graphics API.
    Wgpu,
    /// The processor, without any graphics API.
    Cpu,
}

/// A device as asked for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRequest {
    /// What kind of device.
    pub backend: RequestedBackend,
    /// Its place in `zview devices`' list for that backend; `None` takes the best one.
    pub index: Option<usize>,
}

/// A device request that is not of the form `auto|vulkan|metal|wgpu|cpu[:index]`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "device `{got}` is not one of auto, vulkan, metal, wgpu, cpu, with an optional index such as vulkan:1{}",
    of_another_tool(got)
)]
pub struct ParseDeviceError {
    got: String,
}

/// What a device of other tools is called here.
fn of_another_tool(got: &str) -> &'static str {
    match got.split(':').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "cuda" | "gpu" | "rocm" | "hip" => "; a GPU is `vulkan`, and `auto` takes one if there is one",
        "mps" => "; an Apple GPU is `metal`",
        _ => "",
    }
}

impl FromStr for DeviceRequest {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseDeviceError { got: text.to_owned() };
        let (backend, index) = match text.split_once(':') {
            Some((backend, index)) => (backend, Some(index.parse().map_err(|_| refused())?)),
            None => (text, None),
        };
        let backend = match backend {
            "auto" => RequestedBackend::Auto,
            "vulkan" => RequestedBackend::Vulkan,
            "metal" => RequestedBackend::Metal,
            "wgpu" => RequestedBackend::Wgpu,
            "cpu" => RequestedBackend::Cpu,
            _ => return Err(refused()),
        };
        // `auto` chooses by itself and the processor is one device: an index would mean nothing.
        let takes_index = !matches!(backend, RequestedBackend::Auto | RequestedBackend::Cpu);
        if index.is_some_and(|index| index > 0 && !takes_index) {
            return Err(refused());
        }
        Ok(Self { backend, index })
    }
}

impl fmt::Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backend = match self.backend {
            RequestedBackend::Auto => "auto",
            RequestedBackend::Vulkan => "vulkan",
            RequestedBackend::Metal => "metal",
            RequestedBackend::Wgpu => "wgpu",
            RequestedBackend::Cpu => "cpu",
        };
        match self.index {
            Some(index) => write!(f, "{backend}:{index}"),
            None => f.write_str(backend),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["auto", "vulkan", "vulkan:1", "metal:0", "wgpu:2", "cpu", "cpu:0"] {
            assert_eq!(text.parse::<DeviceRequest>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_anything_else_by_name() {
        for text in ["", "cuda", "vulkan:", "vulkan:x", "auto:1", "cpu:1", "Vulkan", "wgpu:-1"] {
            let error = text.parse::<DeviceRequest>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
