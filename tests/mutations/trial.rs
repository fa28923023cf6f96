//! Many cases of one reader, and what must hold for each.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zview_runtime::hash::sha256_of_bytes;
use zview_runtime::seed::{Purpose, Stream};

use crate::corpus::Golden;
use crate::damage::damaged;
use crate::memory::most_held;

/// What must hold.
const MOST_SECONDS: f64 = 1.0;
const MOST_BYTES: usize = 256 << 20;
/// After this a case counts as one that never ends.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// Cases of each reader in the suite.
const IN_THE_SUITE: u64 = 2_000;

/// A reader under trial.
pub struct Reader {
    /// The files that cases begin with.
    pub corpus: Vec<Golden>,
    /// Whether they are text.
    pub text: bool,
    /// Damages a file in a way of its own, or puts checksums right after damage.
    pub finish: fn(&Golden, &mut Vec<u8>, &[&[u8]], &mut Stream),
    /// Writes a case into the folder and reads it: whether the reader took it.
    pub read: Read,
}

/// Reads a case that lies at a path: whether the reader took it.
pub type Read = Box<dyn FnMut(&Path, &Golden, &[u8]) -> bool>;

/// Panics of any thread, with what they said.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One reader at a time: memory is counted for the process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// When the case under way began, in milliseconds since the first, plus one; 0 between cases.
static UNDER_WAY: AtomicU64 = AtomicU64::new(0);

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect(variable))
}

/// Runs the cases of a reader.
pub fn hold(name: &str, reader: &mut Reader) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    collect_panics();
    let seed = u64::from_str_radix(&sha256_of_bytes(name.as_bytes())[..15], 16).unwrap();
    let first = number_of("ZVIEW_MUTATION_FIRST").unwrap_or(0);
    let cases = number_of("ZVIEW_MUTATIONS").unwrap_or(IN_THE_SUITE);
    let folder = in_memory();
    assert!(!reader.corpus.is_empty(), "{name}: no golden files");
    let mut intact = 0;
    for golden in reader.corpus.clone() {
        let taken = (reader.read)(folder.path(), &golden, &golden.bytes);
        intact += usize::from(taken);
        if !taken {
            println!("{name}: {} is refused as it is", golden.name);
        }
    }
    assert!(intact * 2 > reader.corpus.len(), "{name}: most intact files are refused");
    assert_eq!(PANICS.lock().unwrap().split_off(0), Vec::<String>::new(), "{name}: intact files");
    let corpus = reader.corpus.clone();
    let everything: Vec<&[u8]> = corpus.iter().map(|golden| golden.bytes.as_slice()).collect();
    let mut figures = Figures::default();
    let started = Instant::now();
    for case in first..first + cases {
        let mut random = Stream::new(seed, Purpose::Check, 0, case);
        let golden = &corpus[random.below(corpus.len() as u64) as usize];
        let mut bytes = damaged(&golden.bytes, &everything, reader.text, &mut random);
        (reader.finish)(golden, &mut bytes, &everything, &mut random);
        let tried = trial(reader, folder.path(), golden, &bytes);
        if let Some(problem) = tried.problem() {
            let kept = keep(name, case, golden, &bytes);
            panic!("{name}: case {case} (of {}), kept as {}: {problem}", golden.name, kept.display());
        }
        figures.add(&tried);
    }
    println!(
        "{name}: {cases} mutations of {} files in {:.0} s, {} taken; longest {:.3} s, most memory {:.1} MiB",
        corpus.len(),
        started.elapsed().as_secs_f64(),
        figures.taken,
        figures.seconds,
        figures.bytes as f64 / f64::from(1 << 20),
    );
}

/// What one case did.
struct Tried {
    taken: bool,
    seconds: f64,
    bytes: usize,
    panics: Vec<String>,
}

impl Tried {
    fn problem(&self) -> Option<String> {
        if !self.panics.is_empty() {
            return Some(format!("panicked: {}", self.panics.join("; ")));
        }
        if self.seconds > MOST_SECONDS {
            return Some(format!("took {:.2} s", self.seconds));
        }
        (self.bytes > MOST_BYTES).then(|| format!("held {} MiB", self.bytes >> 20))
    }
}

#[derive(Default)]
struct Figures {
    taken: u64,
    seconds: f64,
    bytes: usize,
}

impl Figures {
    fn add(&mut self, tried: &Tried) {
        self.taken += u64::from(tried.taken);
        self.seconds = self.seconds.max(tried.seconds);
        self.bytes = self.bytes.max(tried.bytes);
    }
}

fn trial(reader: &mut Reader, folder: &Path, golden: &Golden, bytes: &[u8]) -> Tried {
    let mut once = || {
        let started = Instant::now();
        UNDER_WAY.store(since_start() + 1, Relaxed);
        let (read, held) =
            most_held(|| catch_unwind(AssertUnwindSafe(|| (reader.read)(folder, golden, bytes))));
        UNDER_WAY.store(0, Relaxed);
        let panics = PANICS.lock().unwrap().split_off(0);
        Tried { taken: read.unwrap_or(false), seconds: started.elapsed().as_secs_f64(), bytes: held, panics }
    };
    let mut tried = once();
    // Another process may have had the machine: what is slow is slow again.
    for _ in 0..3 {
        if tried.seconds <= MOST_SECONDS || !tried.panics.is_empty() {
            break;
        }
        let again = once();
        tried.seconds = tried.seconds.min(again.seconds);
    }
    tried
}

fn since_start() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u64
}

/// Collects panics instead of printing them, and ends the process where a case never ends.
fn collect_panics() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if UNDER_WAY.load(Relaxed) == 0 {
                return usual(info);
            }
            let place = info.location().map_or_else(String::new, ToString::to_string);
            let message = info.payload_as_str().unwrap_or("no message");
            PANICS
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push(format!("{message} at {place}"));
        }));
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let began = UNDER_WAY.load(Relaxed);
                if began > 0 && since_start().saturating_sub(began) > HANGS_AFTER.as_millis() as u64 {
                    println!(
                        "a case takes more than {HANGS_AFTER:?}; its files lie under {}",
                        root().display()
                    );
                    std::process::abort();
                }
            }
        });
    });
}

/// Where cases are written: in memory where the system has a place for that.
fn root() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}

fn in_memory() -> TempDir {
    tempfile::Builder::new().prefix("zview-mutations-").tempdir_in(root()).unwrap()
}

/// Keeps the bytes of a case that failed.
fn keep(name: &str, case: u64, golden: &Golden, bytes: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join("zview-mutations-failed");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}-{case}-{}", golden.name));
    fs::write(&path, bytes).unwrap();
    path
}
