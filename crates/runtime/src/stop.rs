//! Stop signals: the first asks for an orderly end, the second ends at once.

use std::io::{IsTerminal, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Exit code of a run that was stopped by a signal (after saving, where there was something to save).
pub const EXIT_STOPPED: i32 = 130;

/// What a first stop signal is answered with.
const ANSWER: &str = "stopping after this step, then saving; again to stop at once without saving";

/// Whether somebody asked the process to stop. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    requested: Arc<AtomicBool>,
}

/// What the process listens with: handlers are installed once.
static LISTENING: OnceLock<StopSignal> = OnceLock::new();

impl StopSignal {
    /// The signal that listens to Ctrl-C and SIGTERM, the same one whoever asks. The first is answered on stderr at once,
    /// and the step under way is finished; the second exits with [`EXIT_STOPPED`] without saving. Where handlers cannot
    /// be installed (there already are others), it never fires.
    #[must_use]
    pub fn listen() -> Self {
        LISTENING.get_or_init(Self::installed).clone()
    }

    fn installed() -> Self {
        let signal = Self::default();
        let requested = Arc::clone(&signal.requested);
        let installed = ctrlc::set_handler(move || {
            if requested.swap(true, Ordering::SeqCst) {
                std::process::exit(EXIT_STOPPED);
            }
            // The handler has a thread of its own. A bar ends before the answer begins.
            let mut stderr = std::io::stderr();
            let bar = if stderr.is_terminal() { "\n" } else { "" };
            let _ = writeln!(stderr, "{bar}{ANSWER}"); // a closed stderr must not keep the run from stopping
        });
        if let Err(error) = installed {
            tracing::warn!("Ctrl-C will end the process without saving: {error}");
        }
        signal
    }

    /// Asks for a stop, as a signal would.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// Asks for a stop when `input` ends: a pipe does when whoever holds its other end closes it, or is killed.
    pub fn request_at_end_of(&self, mut input: impl Read + Send + 'static) {
        let signal = self.clone();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut input, &mut std::io::sink()); // an error is an end too
            signal.request();
        });
    }

    /// True once a stop was asked for.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }
}
