//! Which device computes: the request a user writes, the adapters there are, and the choice.

mod adapters;
mod choice;
#[cfg_attr(not(feature = "wgpu"), path = "no_graphics.rs")]
mod graphics;
mod read;
mod request;
mod shader_compiler;

pub use adapters::{Adapter, AdapterKind, GraphicsApi};
pub use choice::{ChosenDevice, DeviceError, choose, cpu};
pub use graphics::list_adapters;
pub use read::{ReadError, read_floats};
pub use request::{DeviceRequest, ParseDeviceError, RequestedBackend};
pub use shader_compiler::ShaderCompiler;
