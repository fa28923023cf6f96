//! `zview devices`: adapters, and which one `auto` takes and why.

use std::fmt::Write;

use serde::Serialize;
use zview_runtime::device::{Adapter, ChosenDevice, choose, list_adapters};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::output;

#[derive(Serialize)]
struct Devices {
    devices: Vec<Adapter>,
    chosen: ChosenDevice,
}

pub fn run(common: &Common) -> Result<(), Failure> {
    let found = Devices { devices: list_adapters(), chosen: choose(common.device)? };
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
        let _ = writeln!(
            text,
            "\n--device {} takes {}: {}",
            common.device, found.chosen.request, found.chosen.reason
        );
        text
    })
}
