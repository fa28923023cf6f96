//! How much memory is in use.

use burn::tensor::Device;
use serde::Serialize;

/// Memory in use at one moment, in bytes; `None` where it cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MemoryUse {
    /// What tensors on the graphics device take.
    pub device_in_use: Option<u64>,
    /// What the framework has reserved there, pages kept for reuse included.
    pub device_reserved: Option<u64>,
    /// The process's resident set in main memory (Linux only).
    pub resident: Option<u64>,
}

impl MemoryUse {
    /// The memory in use now.
    #[must_use]
    pub fn now(device: &Device) -> Self {
        let pools = device.memory_pool_usage();
        Self {
            device_in_use: pools.map(|pools| pools.bytes_in_use),
            device_reserved: pools.map(|pools| pools.bytes_reserved),
            resident: std::fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_of),
        }
    }
}

/// The field `VmRSS` of `/proc/self/status`, which counts kB of 1024 bytes.
fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;

    #[test]
    fn reads_the_resident_set_and_nothing_else() {
        assert_eq!(resident_of("Name:\tzview\nVmHWM:\t   9 kB\nVmRSS:\t   12 kB\n"), Some(12 * 1024));
        assert_eq!(resident_of("Name:\tzview\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_tensor_shows_in_the_resident_set() {
        let device = Device::flex();
        let tensor = Tensor::<1>::ones([64 << 18], &device) * 2.0; // 64 MiB
        let resident = MemoryUse::now(&device).resident.unwrap();
        assert!((64 << 20..1 << 40).contains(&resident), "{resident}");
        drop(tensor);
    }
}
