//! A panic ends with a message and an exit code like any other failure. The graphics framework panics where a
//! device is lost between two checks of it.

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Mutex;

use zview_runtime::device::ReadError;

use crate::failure::Failure;

/// The first panic: its message and where it happened.
static FIRST: Mutex<Option<(String, String)>> = Mutex::new(None);

/// Words with which the graphics framework panics.
const OF_THE_DEVICE: [&str; 2] = ["wgpu error", "wgpu device"];

/// Runs `work`; a panic of any of its threads that reaches it is reported instead of printed raw.
pub fn caught(work: impl FnOnce() -> Result<ExitCode, Failure>) -> Result<ExitCode, Failure> {
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("no message").to_owned();
        let place = info.location().map_or_else(String::new, ToString::to_string);
        tracing::debug!("panic at {place}: {message}");
        if let Ok(mut first) = FIRST.lock() {
            first.get_or_insert((message, place));
        }
    }));
    let ended = panic::catch_unwind(AssertUnwindSafe(work));
    let first = || FIRST.lock().ok().and_then(|mut first| first.take());
    match ended {
        Ok(Ok(code)) => Ok(code),
        // A panic of the framework's own thread reaches this one as an error.
        Ok(Err(failure)) => Err(match first() {
            Some((message, _)) => failure.with_remark(&format!("before that: {}", in_one_line(&message))),
            None => failure,
        }),
        Err(_) => {
            let (message, place) =
                first().unwrap_or_else(|| ("unknown".to_owned(), "an unknown place".to_owned()));
            Err(Failure::failed(explain(&message, &place)))
        }
    }
}

fn in_one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

fn explain(message: &str, place: &str) -> String {
    let message = in_one_line(message);
    if OF_THE_DEVICE.iter().any(|words| message.contains(words)) {
        // Whatever the framework complains about, it only panics on a device that it cannot use any more.
        return match ReadError::classify(&message, false) {
            error @ (ReadError::OutOfMemory { .. } | ReadError::BufferTooLarge { .. }) => error.to_string(),
            _ => ReadError::Lost { message }.to_string(),
        };
    }
    format!(
        "a fault of zview itself at {place}: {message}; what was saved before is intact, and a run goes on from its \
         last checkpoint with `--resume`. Please report this with the command"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_device_names_the_remedy() {
        let lost = "wgpu error: Validation Error\n\nCaused by:\n  In Queue::write_buffer\n    Buffer with '' label is invalid";
        let text = explain(lost, "somewhere");
        for words in ["the device was lost", "Queue::write_buffer", "--resume", "--device cpu"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let full = explain("wgpu error: Out of Memory", "somewhere");
        assert!(full.contains("memory is full") && full.contains("train.batch"), "{full}");
    }

    #[test]
    fn any_other_panic_is_a_fault_with_its_place() {
        let text = explain("index out of bounds", "crates/x/src/y.rs:1:2");
        for words in ["a fault of zview itself", "crates/x/src/y.rs:1:2", "index out of bounds", "--resume"] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn a_panic_becomes_a_failure() {
        let previous = panic::take_hook();
        let result = caught(|| panic!("on purpose"));
        panic::set_hook(previous);
        assert_eq!(result.unwrap_err().report(), ExitCode::from(1));
    }
}
