//! What a graphics adapter is.

use burn::tensor::DeviceKind;
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
