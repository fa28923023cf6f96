//! Progress of long work on stderr: a bar on a terminal, a plain line every ten seconds elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const PLAIN_LINE_EVERY: Duration = Duration::from_secs(10);

/// The progress of one piece of work of known length.
#[derive(Debug)]
pub struct Progress {
    label: String,
    total: u64,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress over `total` steps of `label` (a noun such as `pretraining`).
    #[must_use]
    pub fn new(label: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total).with_prefix(label.to_owned());
            let template = "{prefix} {wide_bar} {pos}/{len} {msg} [{elapsed} < {eta}]";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self { label: label.to_owned(), total, started: now, last_line: now, bar }
    }

    /// Adds `steps` to the length of the work.
    pub fn lengthen(&mut self, steps: u64) {
        self.total += steps;
        if let Some(bar) = &self.bar {
            bar.set_length(self.total);
        }
    }

    /// Says that `done` steps are done; `message` is a few words such as the loss.
    pub fn update(&mut self, done: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(message.to_owned());
        } else if self.last_line.elapsed() >= PLAIN_LINE_EVERY {
            self.last_line = Instant::now();
            let elapsed = self.started.elapsed().as_secs_f64();
            let left = elapsed / done.max(1) as f64 * self.total.saturating_sub(done) as f64;
            let line =
                format!("{}: {done}/{} {message} ({elapsed:.0} s, {left:.0} s left)", self.label, self.total);
            let _ = writeln!(std::io::stderr(), "{line}"); // a closed stderr must not end the work
        }
    }

    /// Ends the display.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
