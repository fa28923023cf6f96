//! The nearest training rows of each test row, read from and written to raw little-endian files.
//!
//!     nearest_raw TRAIN TEST DIMENSION K OUT
//!
//! TRAIN and TEST are (N, D) f32 row by row. OUT becomes (N, K) u32 row numbers, nearest first, and
//! after them (N, K) f32 similarities. Prints one JSON object: seconds of the search alone, and the
//! process's peak memory where the system tells it. `scripts/knn_against_sklearn.py` runs it.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use zview_features::{Features, nearest_neighbours};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, test, dimension, k, out] = arguments.as_slice() else {
        return Err("usage: nearest_raw TRAIN TEST DIMENSION K OUT".into());
    };
    let (dimension, k): (usize, usize) = (dimension.parse()?, k.parse()?);
    let (train, test) = (read(train, dimension)?, read(test, dimension)?);
    let started = Instant::now();
    let neighbours = nearest_neighbours(&train, &test, k)?;
    let seconds = started.elapsed().as_secs_f64();
    let images = neighbours.iter().flatten().flat_map(|neighbour| (neighbour.image as u32).to_le_bytes());
    let similarities = neighbours.iter().flatten().flat_map(|neighbour| neighbour.similarity.to_le_bytes());
    let bytes: Vec<u8> = images.chain(similarities).collect();
    zview_runtime::atomic::write_file(out.as_ref(), &bytes)?;
    let result = serde_json::json!({ "seconds": seconds, "peak_mebibytes": peak_mebibytes() });
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}

/// Rows of one class: neighbours need no labels.
fn read(path: &str, dimension: usize) -> Result<Features, Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(format!("{path}: {} bytes are no whole number of f32", bytes.len()).into());
    }
    let values: Vec<f32> = numbers.iter().map(|&number| f32::from_le_bytes(number)).collect();
    let rows = values.len() / dimension;
    Ok(Features::new(values, dimension, vec![0; rows], vec!["any".to_owned()])?)
}

/// VmHWM: the most memory that the process has had, on Linux.
fn peak_mebibytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes / 1024.0)
}
