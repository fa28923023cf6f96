//! A thread that makes the next items of a run while the run works on the last ones.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Items that wait for the run at most, beside the one that is being made.
const AHEAD: usize = 3;
/// How long is waited before somebody is told what for.
const PATIENCE: Duration = Duration::from_secs(20);

type Make<T, E> = dyn Fn(u64, u64) -> Result<T, E> + Send + Sync;

/// Items of a run, each a pure function of (run seed, number). A thread works ahead of the run by at most four of them.
pub struct ReadAhead<T, E> {
    make: Arc<Make<T, E>>,
    /// What is waited for, asked when it takes long.
    waits_for: Box<dyn Fn() -> Option<String> + Send + Sync>,
    running: Option<Running<T, E>>,
    waited: Duration,
}

struct Running<T, E> {
    run_seed: u64,
    /// The number of the item that comes next.
    next: u64,
    /// `None` only while it is dropped.
    items: Option<Receiver<Result<T, E>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T, E> fmt::Debug for ReadAhead<T, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ReadAhead").field("waited", &self.waited).finish_non_exhaustive()
    }
}

impl<T: Send + 'static, E: Send + 'static> ReadAhead<T, E> {
    /// Items that `make` gives for (run seed, number). `waits_for` names what it is at, for a reader who waits long.
    pub fn new(
        make: impl Fn(u64, u64) -> Result<T, E> + Send + Sync + 'static,
        waits_for: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { make: Arc::new(make), waits_for: Box::new(waits_for), running: None, waited: Duration::ZERO }
    }

    /// How long [`Self::get`] waited in all.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The item of that number. Numbers one after the other are made ahead; another one is made while the caller waits.
    /// After an error nothing is made ahead until the next call.
    ///
    /// # Errors
    /// What making it gives; `on_end` of a message where no thread can be had, or it ended.
    pub fn get(&mut self, run_seed: u64, number: u64, on_end: impl Fn(String) -> E) -> Result<T, E> {
        let started = Instant::now();
        let item = self.next_item(run_seed, number, on_end);
        self.waited += started.elapsed();
        item
    }

    fn next_item(&mut self, run_seed: u64, number: u64, on_end: impl Fn(String) -> E) -> Result<T, E> {
        let place = self.running.as_ref().map(|running| (running.run_seed, running.next));
        // Asked for again, for a picture: what was made ahead stays good.
        if place == Some((run_seed, number.wrapping_add(1))) {
            return (self.make)(run_seed, number);
        }
        if place != Some((run_seed, number)) {
            self.running = None; // ends the thread before another one begins
        }
        let running = match &mut self.running {
            Some(running) => running,
            slot => {
                let running = Running::start(&self.make, run_seed, number);
                slot.insert(running.map_err(|error| on_end(error.to_string()))?)
            }
        };
        let item = match running.items.as_ref().and_then(|items| patiently(items, &self.waits_for)) {
            Some(item) => item,
            None => Err(on_end("it ended".to_owned())),
        };
        running.next = number.wrapping_add(1);
        if item.is_err() {
            self.running = None;
        }
        item
    }
}

/// The next item; `None` where the thread ended. Says what it waits for where that takes long.
fn patiently<I>(items: &Receiver<I>, waits_for: &dyn Fn() -> Option<String>) -> Option<I> {
    let started = Instant::now();
    loop {
        match items.recv_timeout(PATIENCE) {
            Ok(item) => return Some(item),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                let of = waits_for().map_or_else(String::new, |what| format!(" ({what})"));
                let seconds = started.elapsed().as_secs();
                tracing::warn!("images have been waited for {seconds} s{of}; the run goes on when they come");
            }
        }
    }
}

impl<T: Send + 'static, E: Send + 'static> Running<T, E> {
    fn start(make: &Arc<Make<T, E>>, run_seed: u64, first: u64) -> std::io::Result<Self> {
        let (sender, items) = sync_channel(AHEAD);
        let make = Arc::clone(make);
        let work = move || {
            for number in first.. {
                let item = make(run_seed, number);
                let ends = item.is_err();
                if sender.send(item).is_err() || ends {
                    return; // nobody waits any more
                }
            }
        };
        let thread = thread::Builder::new().name("read-ahead".to_owned()).spawn(work)?;
        Ok(Self { run_seed, next: first, items: Some(items), thread: Some(thread) })
    }
}

impl<T, E> Drop for Running<T, E> {
    fn drop(&mut self) {
        self.items = None; // its next item is not taken, which ends the thread
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there has been told as a thread that ended
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn items_come_in_any_order_and_are_made_ahead_once_each() {
        let made = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&made);
        let make = move |seed, number| {
            log.lock().unwrap().push((seed, number));
            if number == 9 { Err("nine".to_owned()) } else { Ok(seed * 100 + number) }
        };
        let mut items = ReadAhead::new(make, || None);
        let mut get = |seed, number| items.get(seed, number, |problem| problem);
        assert_eq!([get(1, 0), get(1, 1), get(1, 2)], [Ok(100), Ok(101), Ok(102)]);
        assert_eq!(get(1, 2), Ok(102), "asked for again");
        assert_eq!([get(1, 3), get(1, 7), get(1, 8)], [Ok(103), Ok(107), Ok(108)]);
        assert_eq!(get(1, 9), Err("nine".to_owned()));
        assert_eq!([get(2, 4), get(2, 5)], [Ok(204), Ok(205)], "it goes on after an error");
        drop(items);
        let made = made.lock().unwrap();
        let of_first: Vec<u64> = made.iter().filter(|item| item.0 == 1).map(|item| item.1).take(4).collect();
        assert!(of_first.starts_with(&[0, 1]), "{of_first:?}");
        assert!(made.iter().all(|item| *item != (1, 10)), "nothing after an error");
    }
}
