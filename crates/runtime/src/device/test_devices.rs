//! The devices that a unit test runs on.

use std::sync::{Mutex, OnceLock, PoisonError};

use burn::tensor::Device;

use super::choice::{ChosenDevice, choose};
use super::request::{DeviceRequest, RequestedBackend};

static ADAPTER: OnceLock<Option<ChosenDevice>> = OnceLock::new();
/// Tests run side by side, and a device belongs to one thread at a time.
static IN_USE: Mutex<()> = Mutex::new(());

/// Runs `test` on the best graphics adapter, a software one too, as [`crate::testing`] says. For tests only.
#[doc(hidden)]
pub fn on_test_adapter(test: impl FnOnce(&ChosenDevice)) {
    // A test that failed before this one has left nothing behind that matters.
    let _one_at_a_time = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let adapter =
        ADAPTER.get_or_init(|| choose(DeviceRequest { backend: RequestedBackend::Wgpu, index: None }).ok());
    if let Some(chosen) = crate::testing::adapter(adapter.as_ref()) {
        test(chosen);
    }
}

/// Runs `test` on the CPU, then as [`on_test_adapter`] does; `test` is given the device's name, for messages. For
/// tests only.
#[doc(hidden)]
pub fn on_test_devices(test: impl Fn(&str, &Device)) {
    test("cpu", &Device::flex());
    on_test_adapter(|chosen| test(&chosen.name, &chosen.device));
}
