//! What a run may take of this machine.

use zview_runtime::device::{ChosenDevice, MemoryLimit};

/// The machine, as far as it decides how much is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Whether a graphics adapter computes.
    pub gpu: bool,
    /// Free main memory in bytes, where the system tells it.
    pub free_memory: Option<u64>,
}

/// What is assumed where nobody tells the memory, in bytes.
const ASSUMED_MEMORY: u64 = 8 << 30;

impl Machine {
    /// This machine, computing on `device`.
    #[must_use]
    pub fn of(device: &ChosenDevice) -> Self {
        let limit = MemoryLimit::of_main_memory();
        Self { gpu: device.is_gpu(), free_memory: limit.map(|limit| limit.available) }
    }

    /// Bytes that views may take while a step is computed.
    pub(super) fn for_a_step(&self) -> u64 {
        // What a graphics adapter has is not told by every driver.
        let memory = if self.gpu { ASSUMED_MEMORY } else { self.free_memory.unwrap_or(ASSUMED_MEMORY) };
        memory / 2
    }

    /// What computes, in words.
    pub(super) fn processor(&self) -> &'static str {
        if self.gpu { "the graphics adapter" } else { "the processor" }
    }
}
