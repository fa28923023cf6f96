//! In place of `graphics` in a build without graphics support: there is no adapter.

use burn::tensor::{Device, DeviceKind};

use super::adapters::{Adapter, GraphicsApi};
use super::shader_compiler::ShaderCompiler;

/// Every adapter of this machine that this build can use: none.
#[must_use]
pub fn list_adapters() -> Vec<Adapter> {
    Vec::new()
}

/// Refused.
pub(super) fn start(_: GraphicsApi, _: DeviceKind) -> Result<Device, String> {
    Err("this build has no graphics support".to_owned())
}

/// None.
pub(super) fn shader_compiler(_: &Device) -> Option<ShaderCompiler> {
    None
}
