//! The graphics adapters of this machine.

use burn::tensor::DeviceKind;
use burn::tensor::wgpu::{WgpuBackend, wgpu};
use serde::Serialize;

/// The graphics interface through which an adapter is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GraphicsApi {
    /// Vulkan.
    Vulkan,
    /// Metal.
    Metal,
    /// Direct3D 12.
    Dx12,
}

impl GraphicsApi {
    /// Every interface in the order in which `auto` and `wgpu` look at them.
    pub const ALL: [Self; 3] = [Self::Vulkan, Self::Metal, Self::Dx12];

    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Dx12 => "dx12",
        }
    }

    pub(super) fn framework(self) -> WgpuBackend {
        match self {
            Self::Vulkan => WgpuBackend::Vulkan,
            Self::Metal => WgpuBackend::Metal,
            Self::Dx12 => WgpuBackend::Dx12,
        }
    }

    fn wgpu(self) -> wgpu::Backends {
        match self {
            Self::Vulkan => wgpu::Backends::VULKAN,
            Self::Metal => wgpu::Backends::METAL,
            Self::Dx12 => wgpu::Backends::DX12,
        }
    }
}

/// What an adapter is, as its driver says. Ordered from the one to prefer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    DiscreteGpu,
    /// A GPU that shares the processor's memory.
    IntegratedGpu,
    /// A GPU lent by a virtual machine's host.
    VirtualGpu,
    /// A driver that does not say; never chosen unless named.
    Other,
    /// A driver that computes on the processor (lavapipe, SwiftShader, WARP); never chosen unless named.
    Software,
}

impl AdapterKind {
    /// True where the adapter is a GPU and not the processor in disguise.
    #[must_use]
    pub fn is_real_gpu(self) -> bool {
        matches!(self, Self::DiscreteGpu | Self::IntegratedGpu | Self::VirtualGpu)
    }
}

/// One adapter through one graphics interface.
#[derive(Debug, Clone, Serialize)]
pub struct Adapter {
    /// What to write after `--device` to get it.
    pub request: String,
    /// The vendor's name for it.
    pub name: String,
    /// The graphics interface.
    pub api: GraphicsApi,
    /// What it is.
    pub kind: AdapterKind,
    /// The driver's name and version.
    pub driver: String,
    /// Whether shaders can compute in f16.
    pub f16: bool,
    /// The largest buffer in bytes.
    pub max_buffer_bytes: u64,
    /// The largest storage buffer that one kernel can be given, in bytes.
    pub max_storage_binding_bytes: u64,
    /// How the framework selects it, or `None` where the framework cannot reach it.
    #[serde(skip)]
    pub(super) selector: Option<DeviceKind>,
}

/// Every adapter of this machine, interface by interface; empty where there is none or no driver.
#[must_use]
pub fn list_adapters() -> Vec<Adapter> {
    GraphicsApi::ALL.into_iter().flat_map(adapters_through).collect()
}

fn adapters_through(api: GraphicsApi) -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: api.wgpu(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = pollster::block_on(instance.enumerate_adapters(api.wgpu()));
    // The framework counts every kind from zero on its own, and knows one software adapter only.
    let mut seen_of_kind = [0usize; 5];
    found
        .iter()
        .enumerate()
        .map(|(index, adapter)| {
            let info = adapter.get_info();
            let limits = adapter.limits();
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => AdapterKind::DiscreteGpu,
                wgpu::DeviceType::IntegratedGpu => AdapterKind::IntegratedGpu,
                wgpu::DeviceType::VirtualGpu => AdapterKind::VirtualGpu,
                wgpu::DeviceType::Cpu => AdapterKind::Software,
                wgpu::DeviceType::Other => AdapterKind::Other,
            };
            let place = seen_of_kind[kind as usize];
            seen_of_kind[kind as usize] += 1;
            let selector = match kind {
                AdapterKind::DiscreteGpu => Some(DeviceKind::DiscreteGpu(place)),
                AdapterKind::IntegratedGpu => Some(DeviceKind::IntegratedGpu(place)),
                AdapterKind::VirtualGpu => Some(DeviceKind::VirtualGpu(place)),
                AdapterKind::Software if place == 0 => Some(DeviceKind::Cpu),
                AdapterKind::Software | AdapterKind::Other => None,
            };
            Adapter {
                request: format!("{}:{index}", if api == GraphicsApi::Dx12 { "wgpu" } else { api.name() }),
                name: info.name,
                api,
                kind,
                driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
                f16: adapter.features().contains(wgpu::Features::SHADER_F16),
                max_buffer_bytes: limits.max_buffer_size,
                max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
                selector,
            }
        })
        .collect()
}
