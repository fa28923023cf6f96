//! The devices that a unit test runs on.

use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use burn::tensor::Device;

use super::choice::choose;
use super::request::{DeviceRequest, RequestedBackend};

static ADAPTER: OnceLock<Option<(String, Device)>> = OnceLock::new();
/// Tests run side by side, and a device belongs to one thread at a time.
static IN_USE: Mutex<()> = Mutex::new(());

/// Runs `test` on the CPU, then on the best graphics adapter (a software one too), or says on stderr that there
/// is none. `test` is given the device's name, for messages. For tests only.
#[doc(hidden)]
pub fn on_test_devices(test: impl Fn(&str, &Device)) {
    test("cpu", &Device::flex());
    // A test that failed before this one has poisoned nothing that matters.
    let _one_at_a_time = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let adapter = ADAPTER.get_or_init(|| {
        let request = DeviceRequest { backend: RequestedBackend::Wgpu, index: None };
        choose(request).ok().map(|chosen| (chosen.name, chosen.device))
    });
    match adapter {
        Some((name, device)) => test(name, device),
        None => {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or_default();
            let _ = writeln!(std::io::stderr(), "{name}: skipped on wgpu, there is no adapter");
        }
    }
}
