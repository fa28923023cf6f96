//! Which device computes: the request a user writes, the adapters there are, and the choice.

mod adapters;
mod choice;
#[cfg_attr(not(feature = "wgpu"), path = "no_graphics.rs")]
mod graphics;
#[cfg_attr(not(feature = "wgpu"), path = "no_launches.rs")]
mod launches;
mod memory;
mod memory_limit;
mod outcome;
mod peak;
mod read;
mod request;
mod shader_compiler;
mod test_devices;

pub use adapters::{Adapter, AdapterKind, GraphicsApi};
pub use choice::{ChosenDevice, DeviceError, choose, cpu, is_cpu, name_of};
pub use graphics::list_adapters;
pub use launches::LaunchCounter;
pub use memory::MemoryUse;
pub use memory_limit::MemoryLimit;
pub use outcome::SelfcheckOutcome;
pub use peak::PeakRates;
pub use read::{ReadError, read_floats};
pub use request::{DeviceRequest, ParseDeviceError, RequestedBackend};
pub use shader_compiler::ShaderCompiler;
#[doc(hidden)]
pub use test_devices::{on_test_adapter, on_test_devices};
