//! `zview devices`: adapters, and which one `auto` takes and why.

use std::fmt::Write;

use serde::Serialize;
use zview_runtime::build_features;
use zview_runtime::device::{Adapter, ChosenDevice, ShaderCompiler, choose, list_adapters};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;

#[derive(Serialize)]
struct Devices {
    build_features: Vec<&'static str>,
    devices: Vec<Adapter>,
    chosen: ChosenDevice,
}

pub fn run(common: &Common) -> Result<(), Failure> {
    let found = Devices {
        build_features: build_features(),
        devices: list_adapters(),
        chosen: choose(common.device)?,
    };
    output::result(common.json, &found, |found| {
        let mut text = String::from("cpu          the processor, always there\n");
        for adapter in &found.devices {
            let kind = if adapter.kind.is_real_gpu() { "" } else { ", used only when named" };
            let _ = writeln!(
                text,
                "{:<12} {} ({:?}{kind}), driver {}, f16 {}, largest buffer {} MiB",
                adapter.request,
                adapter.name,
                adapter.kind,
                adapter.driver,
                if adapter.f16 { "yes" } else { "no" },
                adapter.max_storage_binding_bytes >> 20,
            );
        }
        let shaders = found.chosen.shader_compiler.map_or("", |compiler| match compiler {
            ShaderCompiler::Wgsl => ", with shaders in WGSL",
            ShaderCompiler::Spirv => ", with shaders in SPIR-V",
            ShaderCompiler::Msl => ", with shaders in MSL",
        });
        let _ = writeln!(
            text,
            "\n--device {} takes {}: {}{shaders}\nbuild features: {}",
            common.device,
            found.chosen.request,
            found.chosen.reason,
            found.build_features.join(", ")
        );
        text
    })
}
