//! What the linear probe and the nearest neighbours of many features take, in a mapped file or, with `--in-memory`, in
//! memory: seconds, memory, and a hash of the weights, which must be the same both ways.
//!
//! `large_features [IMAGES] [DIMENSION] [CLASSES] [--in-memory]`; Linux tells the memory.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use zview_features::{FeatureError, Features, pieces};
use zview_probe::linear::{LogisticConfig, LogisticProblem, Standardiser};
use zview_probe::neighbours::{KnnConfig, knn};
use zview_runtime::hash::sha256_of_bytes;
use zview_runtime::seed::{Purpose, Stream};

/// Standard deviation of the classes' centres; the images' around theirs is 1.
const CENTRE_STD: f32 = 0.02;
const PENALTY: f64 = 1e-2;
const TEST_IMAGES: usize = 1_000;
/// Images that are made at once.
const PART: usize = 4_096;

/// Most kilobytes of memory that belonged to no file.
static MOST_ANONYMOUS: AtomicU64 = AtomicU64::new(0);

struct Clouds {
    dimension: usize,
    centres: Vec<f32>,
    draw: u64,
}

impl Clouds {
    fn new(dimension: usize, classes: usize, draw: u64) -> Self {
        let mut stream = Stream::new(0, Purpose::Check, 400, 0);
        let centres = (0..classes * dimension).map(|_| CENTRE_STD * stream.normal()).collect();
        Self { dimension, centres, draw }
    }

    fn row(&self, image: usize) -> Vec<f32> {
        let classes = self.centres.len() / self.dimension;
        let centre = &self.centres[image % classes * self.dimension..][..self.dimension];
        let mut stream = Stream::new(self.draw, Purpose::Check, 401, image as u64);
        centre.iter().map(|mean| mean + stream.normal()).collect()
    }

    fn features(&self, images: usize, in_memory: bool) -> Result<Features, FeatureError> {
        let classes = self.centres.len() / self.dimension;
        let labels: Vec<u32> = (0..images).map(|image| (image % classes) as u32).collect();
        let names = (0..classes).map(|class| class.to_string()).collect();
        let rows_of = |part: std::ops::Range<usize>| -> Vec<f32> {
            part.into_par_iter().flat_map_iter(|image| self.row(image)).collect()
        };
        if in_memory {
            return Features::new(rows_of(0..images), self.dimension, labels, names);
        }
        Features::in_temporary_file(self.dimension, labels, names, |writer| {
            pieces(0..images, PART).into_iter().try_for_each(|part| writer.push(&rows_of(part)))
        })
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let number = |at: usize, default: usize| numbers.get(at).copied().unwrap_or(default);
    let (images, dimension, classes) = (number(0, 50_000), number(1, 512), number(2, 10));
    let in_memory = std::env::args().any(|argument| argument == "--in-memory");
    std::thread::spawn(|| {
        loop {
            MOST_ANONYMOUS.fetch_max(kilobytes("RssAnon"), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(20));
        }
    });

    println!("{images} images x {dimension} features, {classes} classes, in memory: {in_memory}");
    let mut last = Instant::now();
    let train = Clouds::new(dimension, classes, 0).features(images, in_memory).expect("features");
    let test = Clouds::new(dimension, classes, 1).features(TEST_IMAGES, in_memory).expect("features");
    tell("made", &mut last);

    let standardiser = Standardiser::fit(&train);
    let standardised = standardiser.apply(&train);
    tell("standardised", &mut last);
    let problem = LogisticProblem::new(&standardised).expect("every class has images");
    tell("prepared", &mut last);
    let fit = problem.fit(LogisticConfig::with_l2(PENALTY), None).expect("a positive penalty");
    tell("fitted", &mut last);
    let bytes: Vec<u8> = fit.model.weights().iter().flat_map(|weight| weight.to_le_bytes()).collect();
    println!("loss {:.15}, {} iterations, {:?}", fit.loss, fit.iterations, fit.stop);
    println!("weights {}", sha256_of_bytes(&bytes));
    let right = fit.model.top_k_correct(&standardiser.apply(&test), 1);
    println!("linear probe: {right} of {TEST_IMAGES} right");
    drop(standardised);

    last = Instant::now();
    let config = KnnConfig { k: Some(vec![20]), ..KnnConfig::default() };
    let scores = knn(&train, &test, &config).expect("sets that fit together");
    println!("nearest neighbours: {} of 1", scores[&20].top1);
    tell("neighbours found", &mut last);
}

/// Says how long `what` took and what memory it needs.
fn tell(what: &str, last: &mut Instant) {
    let megabytes = |field| kilobytes(field) / 1024;
    println!(
        "{what}: {:.1} s; now {} MiB of no file and {} of files, at most {} of no file and {} of all",
        last.elapsed().as_secs_f64(),
        megabytes("RssAnon"),
        megabytes("RssFile"),
        MOST_ANONYMOUS.load(Ordering::Relaxed) / 1024,
        megabytes("VmHWM"),
    );
    *last = Instant::now();
}

/// A field of `/proc/self/status`; 0 where there is none.
fn kilobytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
