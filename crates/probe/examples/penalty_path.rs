//! Times the whole range of penalties on features in a raw file, and prints every optimum's loss.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::time::Instant;
use zview_probe::{Features, LogisticConfig, LogisticProblem, Standardiser};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&arguments[1]).unwrap();
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let labels: Vec<u32> = std::fs::read(&arguments[2]).unwrap().iter().map(|&l| l.into()).collect();
    let count: usize = arguments[3].parse().unwrap();
    let dimension = values.len() / labels.len();
    let rows: usize = arguments.get(4).map_or(labels.len(), |t| t.parse().unwrap());
    let features = Features::new(values[..rows * dimension].to_vec(), dimension, labels[..rows].to_vec(), (0..10).map(|c| c.to_string()).collect()).unwrap();
    let features = Standardiser::fit(&features).apply(&features);
    let started = Instant::now();
    let problem = LogisticProblem::new(&features).unwrap();
    println!("moments {:.2}", started.elapsed().as_secs_f64());
    let mut start = None;
    let mut total = 0;
    for i in 0..count {
        let l2 = 10f64.powf(1.0 - 7.0 * i as f64 / (count - 1).max(1) as f64);
        let t = Instant::now();
        let fit = problem.fit(LogisticConfig { l2, max_iterations: 5_000, gradient_tolerance: 1e-6 }, start.as_ref()).unwrap();
        total += fit.iterations;
        println!("{l2:.4e} {:.10} {} {:.2e} {:?} {:.2}s", fit.loss, fit.iterations, fit.gradient_norm, fit.stop, t.elapsed().as_secs_f64());
        start = Some(fit.model);
    }
    println!("{total} iterations, {:.2} s", started.elapsed().as_secs_f64());
}
