//! Finding and starting graphics adapters, in a build that can.

use burn::backend::{Backend, Dispatch};
use burn::tensor::{Device, DeviceKind};
use burn_wgpu::{WgpuBackend, wgpu};

use super::adapters::{Adapter, AdapterKind, GraphicsApi};
use super::shader_compiler::ShaderCompiler;

/// Every adapter of this machine, interface by interface; empty where there is none or no driver.
#[must_use]
pub fn list_adapters() -> Vec<Adapter> {
    GraphicsApi::ALL.into_iter().flat_map(adapters_through).collect()
}

fn adapters_through(api: GraphicsApi) -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: instance_backends(api),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = pollster::block_on(instance.enumerate_adapters(instance_backends(api)));
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

fn instance_backends(api: GraphicsApi) -> wgpu::Backends {
    match api {
        GraphicsApi::Vulkan => wgpu::Backends::VULKAN,
        GraphicsApi::Metal => wgpu::Backends::METAL,
        GraphicsApi::Dx12 => wgpu::Backends::DX12,
    }
}

/// Starts the adapter that the framework calls `selector`.
pub(super) fn start(api: GraphicsApi, selector: DeviceKind) -> Result<Device, String> {
    let backend = match api {
        GraphicsApi::Vulkan => WgpuBackend::Vulkan,
        GraphicsApi::Metal => WgpuBackend::Metal,
        GraphicsApi::Dx12 => WgpuBackend::Dx12,
    };
    Device::wgpu_options()
        .graphics_api(backend)
        .device_kind(selector)
        .init()
        .map_err(|error| error.to_string())
}

/// The compiler that the framework uses on `device`, which depends on the build and on what the adapter supports.
pub(super) fn shader_compiler(device: &Device) -> Option<ShaderCompiler> {
    ShaderCompiler::in_backend_name(&Dispatch::name(device.as_dispatch()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::on_test_adapter;

    /// On whatever adapter there is, a software one too.
    #[test]
    fn a_started_adapter_has_the_compiler_that_the_build_allows() {
        on_test_adapter(|chosen| {
            let compiler = shader_compiler(&chosen.device).unwrap();
            assert_eq!(chosen.shader_compiler, Some(compiler));
            match chosen.adapter.as_ref().unwrap().api {
                GraphicsApi::Vulkan if cfg!(feature = "vulkan") => {
                    assert!(matches!(compiler, ShaderCompiler::Spirv | ShaderCompiler::Wgsl));
                }
                GraphicsApi::Metal if cfg!(feature = "metal") => assert_eq!(compiler, ShaderCompiler::Msl),
                _ => assert_eq!(compiler, ShaderCompiler::Wgsl),
            }
        });
    }
}
