//! From a request and the adapters of the machine to one device.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use serde::Serialize;

use super::adapters::{Adapter, AdapterKind, GraphicsApi};
use super::graphics::{self, list_adapters};
use super::outcome::SelfcheckOutcome;
use super::request::{DeviceRequest, RequestedBackend};
use super::shader_compiler::ShaderCompiler;

const HAS_GRAPHICS: bool = cfg!(feature = "wgpu");

/// Why no device could be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The build can compute on the processor only.
    #[error(
        "`--device {request}`: this build has no graphics support; rebuild with `--features wgpu`, or use `--device cpu`"
    )]
    NoGraphics {
        /// What was asked for.
        request: DeviceRequest,
    },
    /// No adapter fits the request.
    #[error(
        "`--device {request}`: {reason}; `zview devices` lists what there is, and `--device cpu` always works"
    )]
    NotFound {
        /// What was asked for.
        request: DeviceRequest,
        /// Why nothing fits.
        reason: String,
    },
    /// The adapter is there but the framework could not bring it up.
    #[error("cannot start {name} ({api}): {message}; `--device cpu` always works")]
    Start {
        /// The adapter.
        name: String,
        /// The graphics interface's name.
        api: &'static str,
        /// What the framework said.
        message: String,
    },
}

/// A device ready to compute, and what to tell people about it.
#[derive(Debug, Clone, Serialize)]
pub struct ChosenDevice {
    /// What to write after `--device` to get the same one again.
    pub request: String,
    /// The adapter's name, or `CPU (N threads)`.
    pub name: String,
    /// Why this one was taken.
    pub reason: String,
    /// The adapter; `None` for the CPU.
    pub adapter: Option<Adapter>,
    /// What its shaders are written in; `None` for the CPU.
    pub shader_compiler: Option<ShaderCompiler>,
    /// Whether it was compared with the CPU.
    pub selfcheck: SelfcheckOutcome,
    /// The framework's handle, without gradient tracking.
    #[serde(skip)]
    pub device: Device,
}

impl ChosenDevice {
    /// True where tensors live on a graphics adapter (a software one counts).
    #[must_use]
    pub fn is_gpu(&self) -> bool {
        self.adapter.is_some()
    }
}

/// The processor.
#[must_use]
pub fn cpu(reason: &str) -> ChosenDevice {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ChosenDevice {
        request: "cpu".to_owned(),
        name: format!("CPU ({threads} threads)"),
        reason: reason.to_owned(),
        adapter: None,
        shader_compiler: None,
        selfcheck: SelfcheckOutcome::Reference,
        device: Device::flex(),
    }
}

/// The adapters that this process has started, by their names.
static STARTED: Mutex<Vec<(Device, String)>> = Mutex::new(Vec::new());

/// Whether tensors of `device` (without autodiff) live in the processor's memory.
#[must_use]
pub fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// What people call `device`: the adapter's name, or `CPU (N threads)`.
#[must_use]
pub fn name_of(device: &Device) -> String {
    if is_cpu(device) {
        return cpu("").name;
    }
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = started.iter().find(|(known, _)| known == device);
    known.map_or_else(|| "the graphics adapter".to_owned(), |(_, name)| name.clone())
}

/// Chooses and starts the device for `request`. A software adapter is taken only where a graphics
/// backend was named and no real GPU answers to it.
///
/// # Errors
/// [`DeviceError`] where nothing fits or the adapter does not start.
pub fn choose(request: DeviceRequest) -> Result<ChosenDevice, DeviceError> {
    if request.backend == RequestedBackend::Cpu {
        return Ok(cpu("asked for"));
    }
    if !HAS_GRAPHICS {
        return match request.backend {
            RequestedBackend::Auto => Ok(cpu("this build has no graphics support")),
            _ => Err(DeviceError::NoGraphics { request }),
        };
    }
    match pick(request, list_adapters())? {
        Some(adapter) => start(adapter, request),
        None => Ok(cpu("no GPU was found")),
    }
}

/// The adapter for `request` among `adapters`; `None` where `auto` should take the processor.
fn pick(request: DeviceRequest, adapters: Vec<Adapter>) -> Result<Option<Adapter>, DeviceError> {
    let not_found = |reason: String| DeviceError::NotFound { request, reason };
    let wanted_api = match request.backend {
        RequestedBackend::Vulkan => Some(GraphicsApi::Vulkan),
        RequestedBackend::Metal => Some(GraphicsApi::Metal),
        _ => None,
    };
    let mut candidates: Vec<Adapter> =
        adapters.into_iter().filter(|adapter| wanted_api.is_none_or(|api| adapter.api == api)).collect();
    if let Some(index) = request.index.filter(|_| request.backend != RequestedBackend::Auto) {
        let count = candidates.len();
        return match candidates.into_iter().nth(index) {
            Some(adapter) if adapter.selector.is_none() => {
                Err(not_found(format!("{} cannot be selected by the framework", adapter.name)))
            }
            Some(adapter) => Ok(Some(adapter)),
            None => Err(not_found(format!("there are {count} such adapters, counted from 0"))),
        };
    }
    candidates.retain(|adapter| adapter.selector.is_some());
    candidates.sort_by_key(|adapter| adapter.kind); // stable: the order of interfaces stays
    let best = candidates.into_iter().next();
    if request.backend == RequestedBackend::Auto {
        return Ok(best.filter(|adapter| adapter.kind.is_real_gpu()));
    }
    best.map(Some).ok_or_else(|| {
        if wanted_api == Some(GraphicsApi::Metal) && !cfg!(target_vendor = "apple") {
            return not_found(format!("this build is for {}, which has no Metal", std::env::consts::OS));
        }
        let api = wanted_api.map_or("graphics", GraphicsApi::name);
        not_found(format!("no {api} adapter was found (is a driver installed?)"))
    })
}

fn start(adapter: Adapter, request: DeviceRequest) -> Result<ChosenDevice, DeviceError> {
    let failed =
        |message: String| DeviceError::Start { name: adapter.name.clone(), api: adapter.api.name(), message };
    let selector = adapter.selector.clone().ok_or_else(|| failed("it cannot be selected".to_owned()))?;
    let device = graphics::start(adapter.api, selector).map_err(failed)?;
    let reason = match (request.backend, adapter.kind) {
        (RequestedBackend::Auto, _) => "the best real GPU".to_owned(),
        (_, AdapterKind::Software) => "a software adapter, because it was asked for".to_owned(),
        _ => "asked for".to_owned(),
    };
    STARTED.lock().unwrap_or_else(PoisonError::into_inner).push((device.clone(), adapter.name.clone()));
    Ok(ChosenDevice {
        request: adapter.request.clone(),
        name: adapter.name.clone(),
        reason,
        adapter: Some(adapter),
        shader_compiler: graphics::shader_compiler(&device),
        selfcheck: SelfcheckOutcome::Skipped,
        device,
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::DeviceKind;

    use super::*;

    fn adapter(name: &str, api: GraphicsApi, kind: AdapterKind) -> Adapter {
        Adapter {
            request: name.to_owned(),
            name: name.to_owned(),
            api,
            kind,
            driver: String::new(),
            f16: false,
            max_buffer_bytes: 0,
            max_storage_binding_bytes: 0,
            selector: Some(DeviceKind::DefaultDevice),
        }
    }

    fn picked(request: &str, adapters: Vec<Adapter>) -> Result<Option<String>, String> {
        pick(request.parse().unwrap(), adapters)
            .map(|adapter| adapter.map(|adapter| adapter.name))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn auto_never_takes_a_software_adapter() {
        let software = || adapter("lavapipe", GraphicsApi::Vulkan, AdapterKind::Software);
        assert_eq!(picked("auto", vec![software()]).unwrap(), None);
        assert_eq!(picked("wgpu", vec![software()]).unwrap().unwrap(), "lavapipe");
        assert_eq!(picked("vulkan", vec![software()]).unwrap().unwrap(), "lavapipe");
        let real = adapter("card", GraphicsApi::Vulkan, AdapterKind::DiscreteGpu);
        assert_eq!(picked("auto", vec![software(), real]).unwrap().unwrap(), "card");
    }

    #[test]
    fn prefers_discrete_over_integrated_and_obeys_an_index() {
        let list = || {
            vec![
                adapter("integrated", GraphicsApi::Vulkan, AdapterKind::IntegratedGpu),
                adapter("discrete", GraphicsApi::Vulkan, AdapterKind::DiscreteGpu),
                adapter("apple", GraphicsApi::Metal, AdapterKind::IntegratedGpu),
            ]
        };
        assert_eq!(picked("auto", list()).unwrap().unwrap(), "discrete");
        assert_eq!(picked("vulkan:0", list()).unwrap().unwrap(), "integrated");
        assert_eq!(picked("metal", list()).unwrap().unwrap(), "apple");
        assert!(picked("vulkan:7", list()).unwrap_err().contains("there are 2 such adapters"));
        assert!(picked("metal", vec![]).unwrap_err().contains("--device cpu"));
    }

    #[cfg(not(target_vendor = "apple"))]
    #[test]
    fn metal_is_refused_where_the_system_has_none() {
        assert!(picked("metal", vec![]).unwrap_err().contains("which has no Metal"));
    }

    #[cfg(not(feature = "wgpu"))]
    #[test]
    fn a_build_for_the_processor_names_the_feature_it_lacks() {
        for request in ["wgpu", "vulkan:1", "metal"] {
            let error = choose(request.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains("no graphics support") && error.contains("--features wgpu"), "{error}");
            assert!(error.contains(&format!("--device {request}`")), "{error}");
        }
        let chosen = choose("auto".parse().unwrap()).unwrap();
        assert!(!chosen.is_gpu() && chosen.reason.contains("no graphics support"), "{}", chosen.reason);
    }
}
