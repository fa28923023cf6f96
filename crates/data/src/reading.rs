//! What reading images may take of the machine: memory and threads. Neither changes a bit of what is read.

use std::sync::OnceLock;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};
use zview_runtime::device::MemoryLimit;

/// Most threads that read where nobody says how many.
const WORKERS_MAX: usize = 16;
/// Of the machine's memory, what pixels may take where nobody says how much: one part in so many.
const PART_OF_MEMORY: u64 = 3;
/// What is taken for a third of the memory of a machine that does not tell.
const UNKNOWN_MEMORY: u64 = 4 << 30;
/// Sets that are held at once: to train on, to test on, outliers, and what is made of one.
const SETS: u64 = 4;

/// What reading may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Bytes of decoded images in memory, of all sets; what needs more is read from disk when it is wanted.
    pub memory: u64,
    /// Threads that read, decode and resize ahead of the device.
    pub workers: usize,
}

impl Default for Reading {
    /// A third of the machine's memory, and its threads but one.
    fn default() -> Self {
        let memory =
            MemoryLimit::of_main_memory().map_or(UNKNOWN_MEMORY, |limit| limit.total / PART_OF_MEMORY);
        let threads = available_parallelism().map_or(1, |threads| threads.get() - 1);
        Self { memory, workers: threads.clamp(1, WORKERS_MAX) }
    }
}

impl Reading {
    /// Bytes of decoded images that one set may have in memory.
    pub(crate) fn memory_of_a_set(self) -> u64 {
        self.memory / SETS
    }
}

static READING: OnceLock<Reading> = OnceLock::new();
static WORKERS: OnceLock<Option<ThreadPool>> = OnceLock::new();

/// Says what reading may take in this process; the first to say it, before anything is read, is heard.
pub fn set_reading(reading: Reading) {
    let _first_is_heard = READING.set(reading);
}

/// What reading may take in this process.
#[must_use]
pub fn reading() -> Reading {
    *READING.get_or_init(Reading::default)
}

/// Does `work` with the threads that read; where there are none to be had, with those of the caller.
pub(crate) fn with_workers<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let pool = WORKERS.get_or_init(|| {
        let builder = ThreadPoolBuilder::new().num_threads(reading().workers.max(1));
        builder.thread_name(|number| format!("reader-{number}")).build().ok()
    });
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
