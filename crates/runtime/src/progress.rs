//! Progress of long work on stderr, by the clock: a bar on a terminal; elsewhere a plain line after the first second
//! and every ten seconds, also while a single step takes longer than that.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// When plain lines come.
#[derive(Debug, Clone, Copy)]
struct Pace {
    first: Duration,
    every: Duration,
}

const PLAIN: Pace = Pace { first: Duration::from_secs(1), every: Duration::from_secs(10) };
const BAR_EVERY: Duration = Duration::from_millis(250);

/// How far the work is.
#[derive(Debug, Clone)]
struct State {
    label: String,
    /// Done before this process began.
    before: u64,
    done: u64,
    total: u64,
    message: String,
    ended: bool,
}

/// What the thread that writes lines shares with the one that works.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The progress of one piece of work of known length. Its display ends with it.
#[derive(Debug)]
pub struct Progress {
    shared: Arc<Shared>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress over `total` steps of `label` (a noun such as `pretraining`).
    #[must_use]
    pub fn new(label: &str, total: u64) -> Self {
        Self::going_on(label, 0, total)
    }

    /// The same, of which `before` steps were done earlier.
    #[must_use]
    pub fn going_on(label: &str, before: u64, total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::in_lines(label, before, total, PLAIN, std::io::stderr());
        }
        let bar = ProgressBar::new(total).with_prefix(label.to_owned()).with_position(before);
        let template = "{prefix} {percent:>3} % {wide_bar} {pos}/{len} {msg} [{elapsed} < {eta}]";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.reset_eta();
        bar.enable_steady_tick(BAR_EVERY);
        Self { shared: shared(label, before, total), bar: Some(bar) }
    }

    fn in_lines(label: &str, before: u64, total: u64, pace: Pace, out: impl Write + Send + 'static) -> Self {
        let shared = shared(label, before, total);
        let seen = Arc::clone(&shared);
        // Without a thread there are no lines; the work goes on all the same.
        let _ = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || write_lines(&seen, pace, out));
        Self { shared, bar: None }
    }

    /// Adds `steps` to the length of the work.
    pub fn lengthen(&mut self, steps: u64) {
        let mut state = self.shared.state();
        state.total += steps;
        if let Some(bar) = &self.bar {
            bar.set_length(state.total);
        }
    }

    /// Says that `done` steps are done; `message` is a few words such as the loss. Cheap enough for every step.
    pub fn update(&mut self, done: u64, message: &str) {
        let mut state = self.shared.state();
        state.done = done;
        if state.message != message {
            message.clone_into(&mut state.message);
            if let Some(bar) = &self.bar {
                bar.set_message(message.to_owned());
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Says that `done` steps are done, and leaves the message.
    pub fn step(&mut self, done: u64) {
        self.shared.state().done = done;
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Writes a line of its own.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => say(line),
        }
    }

    /// Ends the display.
    pub fn finish(&self) {
        self.shared.state().ended = true;
        self.shared.ended.notify_all();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Writes a line to stderr.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}"); // a closed stderr must not end the work
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn shared(label: &str, before: u64, total: u64) -> Arc<Shared> {
    let state =
        State { label: label.to_owned(), before, done: before, total, message: String::new(), ended: false };
    Arc::new(Shared { state: Mutex::new(state), ended: Condvar::new() })
}

/// Writes a line whenever it is time, until the work has ended.
fn write_lines(shared: &Shared, pace: Pace, mut out: impl Write) {
    let started = Instant::now();
    let mut wait = pace.first;
    let mut state = shared.state();
    loop {
        let woken = shared.ended.wait_timeout_while(state, wait, |state| !state.ended);
        state = woken.unwrap_or_else(PoisonError::into_inner).0;
        if state.ended {
            return;
        }
        let line = line(&state, started.elapsed().as_secs_f64());
        let _ = writeln!(out, "{line}"); // a closed stderr must not end the work
        wait = pace.every;
    }
}

/// `pretraining: 12 %, 48/400, loss 4.1234, 1200 views/s, 6 s so far, 44 s left`
fn line(state: &State, elapsed: f64) -> String {
    let State { label, before, done, total, message, .. } = state;
    let percent = done * 100 / total.max(&1);
    let message = if message.is_empty() { String::new() } else { format!(", {message}") };
    let taken = done.saturating_sub(*before);
    let left = match (taken, total.saturating_sub(*done)) {
        (0, _) => "the first step is under way".to_owned(),
        (taken, left) => format!("{} left", duration(elapsed / taken as f64 * left as f64)),
    };
    format!("{label}: {percent} %, {done}/{total}{message}, {} so far, {left}", duration(elapsed))
}

/// `48 s`, `12 min`, `3 h 20 min`, `2 days 5 h`
#[must_use]
pub fn duration(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    let (minutes, hours) = ((seconds / 60.0).round() as u64, (seconds / 3600.0).round() as u64);
    let and = |number: u64, unit: &str| if number == 0 { String::new() } else { format!(" {number} {unit}") };
    match seconds {
        ..9.95 => format!("{seconds:.1} s"),
        ..119.5 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{minutes} min"),
        ..172_800.0 => format!("{} h{}", minutes / 60, and(minutes % 60, "min")),
        _ => format!("{} days{}", hours / 24, and(hours % 24, "h")),
    }
}

/// `about a second`, `about 7 s`, `about 12 min`: of an estimate tenths of a second say nothing.
#[must_use]
pub fn about(seconds: f64) -> String {
    match seconds {
        ..1.5 => "about a second".to_owned(),
        1.5..9.95 => format!("about {seconds:.0} s"),
        _ => format!("about {}", duration(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn state(before: u64, done: u64, message: &str) -> State {
        State { label: "pretraining".into(), before, done, total: 400, message: message.into(), ended: false }
    }

    #[test]
    fn progress_goes_by_the_clock_while_a_step_is_under_way() {
        let written = Written::default();
        let pace = Pace { first: Duration::from_millis(5), every: Duration::from_millis(5) };
        let mut progress = Progress::in_lines("pretraining", 0, 400, pace, written.clone());
        let text = || String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let wait_for = |wanted: &str| {
            let started = Instant::now();
            while !text().contains(wanted) && started.elapsed().as_secs() < 60 {
                std::thread::sleep(Duration::from_millis(2));
            }
            assert!(text().contains(wanted), "{}", text());
        };
        wait_for("pretraining: 0 %, 0/400, 0.0 s so far, the first step is under way\n");
        progress.step(100);
        wait_for("25 %, 100/400");
        progress.update(200, "loss 1.5");
        wait_for("50 %, 200/400, loss 1.5, 0.");
        progress.finish();
    }

    #[test]
    fn what_is_left_counts_the_steps_of_this_process_alone() {
        assert_eq!(
            line(&state(0, 100, "loss 2.0"), 50.0),
            "pretraining: 25 %, 100/400, loss 2.0, 50 s so far, 3 min left"
        );
        // 100 steps in 50 s, and 100 are left.
        assert!(line(&state(200, 300, ""), 50.0).ends_with("75 %, 300/400, 50 s so far, 50 s left"));
        assert!(line(&state(200, 200, ""), 5.0).ends_with("5.0 s so far, the first step is under way"));
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let said = [0.04, 48.2, 110.0, 720.0, 12_000.0, 7_200.0, 190_000.0, 172_800.0].map(duration);
        let expected = ["0.0 s", "48 s", "110 s", "12 min", "3 h 20 min", "2 h", "2 days 5 h", "2 days"];
        assert_eq!(said, expected);
    }

    #[test]
    fn one_second_of_an_estimate_is_no_plural() {
        let said = [0.0, 0.04, 1.0, 1.7, 48.2, 720.0].map(about);
        let expected = ["a second", "a second", "a second", "2 s", "48 s", "12 min"];
        assert_eq!(said, expected.map(|expected| format!("about {expected}")));
    }
}
