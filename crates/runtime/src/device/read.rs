//! From the device to the host.

use burn::backend::ExecutionError;
use burn::tensor::{Device, Tensor};

/// What to do about a device that has too little room.
const SMALLER: &str = "a smaller train.batch, encoder.width or image size needs less (`zview devices` lists the \
     limits); what was saved before is intact, and `--device cpu` uses the machine's own memory";

/// Words with which drivers and the framework say that a device is gone; the last where the framework panicked
/// over it between two kernels.
const LOST: [&str; 4] =
    ["device is poisoned", "device is lost", "device lost", "was torn down before it could say"];

/// Characters of the framework's message that are repeated.
const LONGEST_MESSAGE: usize = 800;

/// The device did not give a tensor's values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A single buffer is larger than the adapter allows.
    #[error("the device cannot hold one buffer of {}: {SMALLER}", mebibytes(*.bytes))]
    BufferTooLarge {
        /// What was asked for.
        bytes: u64,
    },
    /// The device's memory is full.
    #[error("the device's memory is full ({message}): {SMALLER}")]
    OutOfMemory {
        /// What the framework said.
        message: String,
    },
    /// The adapter is gone: a driver reset, a timeout, a GPU that was unplugged.
    #[error(
        "the device was lost ({message}): start again with `--resume`, which goes on from the last checkpoint; \
         if it happens again, try a smaller train.batch (a driver ends work that takes too long) or `--device cpu`"
    )]
    Lost {
        /// What the driver said.
        message: String,
    },
    /// Anything else.
    #[error("cannot read from the device: {message}")]
    Failed {
        /// What the framework said.
        message: String,
    },
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

impl ReadError {
    /// What the framework's `message` comes down to; `lost` where it knows that the device is gone.
    #[must_use]
    pub fn classify(message: &str, lost: bool) -> Self {
        // One failure makes every kernel after it fail: the first cause is named, not the chain.
        let one_line = || message.lines().map(str::trim).filter(|line| !line.is_empty());
        let lower = message.to_lowercase();
        if lost || LOST.iter().any(|words| lower.contains(words)) {
            let says = |line: &&str| LOST.iter().any(|words| line.to_lowercase().contains(words));
            let shown = match one_line().position(|line| says(&line)) {
                Some(first) => one_line().skip(first).collect::<Vec<_>>(),
                None => one_line().collect(),
            };
            let told =
                |line: &&str| !["backtrace", "asked at"].iter().any(|w| line.to_lowercase().contains(w));
            return Self::Lost { message: shown.into_iter().filter(told).collect::<Vec<_>>().join("; ") };
        }
        let refused = message.split("can't allocate buffer of size:").nth(1);
        let bytes = refused.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        if let Some(bytes) = bytes {
            return Self::BufferTooLarge { bytes };
        }
        let about_memory = ["out of memory", "outofmemory", "not enough memory"];
        if about_memory.iter().any(|words| lower.contains(words)) {
            let says = |line: &&str| about_memory.iter().any(|words| line.to_lowercase().contains(words));
            return Self::OutOfMemory { message: one_line().find(says).unwrap_or_default().to_owned() };
        }
        let message = one_line().collect::<Vec<_>>().join("; ");
        // Compilers quote whole programs.
        let message = match message.char_indices().nth(LONGEST_MESSAGE) {
            Some((end, _)) => format!("{} ...", &message[..end]),
            None => message,
        };
        Self::Failed { message }
    }
}

impl From<ExecutionError> for ReadError {
    fn from(error: ExecutionError) -> Self {
        Self::classify(error.reason(), error.is_device_poisoned())
    }
}

/// The values of a tensor in row-major order; waits until the device has computed them.
///
/// # Errors
/// [`ReadError`] where the device fails.
pub fn read_floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ReadError> {
    let data = tensor.try_into_data()?;
    // The transfer itself may fail here, where the framework tells it as a matter of storage.
    data.try_into_vec::<f32>().map_err(|error| ReadError::classify(&error.to_string(), false))
}

/// Waits until the device has done everything that was asked of it.
///
/// # Errors
/// [`ReadError`] where the device fails.
pub(super) fn wait(device: &Device) -> Result<(), ReadError> {
    Ok(device.sync()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_over_the_limit_names_its_size_and_the_setting() {
        let framework = "Several failures at once\nCaused by:\n  The bytes were never written (failure #1)\n  \
             skipped `ReduceKernel`\nCaused by:\n  An IO error happened\nCaused by:\n  \
             can't allocate buffer of size: 209715200\nNo backtrace available";
        let error = ReadError::classify(framework, false);
        assert_eq!(error, ReadError::BufferTooLarge { bytes: 209_715_200 });
        for words in ["200.0 MiB", "train.batch", "zview devices", "--device cpu"] {
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn full_memory_and_a_lost_device_are_told_apart() {
        let full =
            ReadError::classify("An IO error happened\nCaused by:\n  out of memory: 3 GiB asked", false);
        assert!(matches!(&full, ReadError::OutOfMemory { message } if message.contains("3 GiB")), "{full}");
        let lost = ReadError::classify("Unknown: the GPU was reset", true);
        assert!(
            lost.to_string().contains("GPU was reset") && lost.to_string().contains("--resume"),
            "{lost}"
        );
        let poisoned =
            ReadError::classify("The device is poisoned\nCaused by:\n  Destroyed:\nBacktrace:\n", false);
        assert!(
            matches!(&poisoned, ReadError::Lost { message } if message.ends_with("Destroyed:")),
            "{poisoned}"
        );
        let torn = "Several failures at once\n  skipped `X`\nCaused by:\n  The work writing this buffer was torn down \
                    before it could say what went wrong: a panic mid-launch explains";
        let torn = ReadError::classify(torn, false);
        assert!(matches!(&torn, ReadError::Lost { message } if message.starts_with("The work")), "{torn}");
        let other = ReadError::classify("first\n  second\n", false);
        assert_eq!(other.to_string(), "cannot read from the device: first; second");
    }
}
