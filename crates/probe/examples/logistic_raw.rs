//! The whole range of penalties on raw features, for a comparison with another program:
//! `logistic_raw FEATURES LABELS PENALTIES OUT`.
//!
//! FEATURES: f32, (N, D), already standardised. LABELS: one byte each. PENALTIES: l2 values, separated by commas. OUT gets
//! a line of JSON for each penalty, largest first, with loss and steps, and the weights of each as f64, (C, D + 1), are
//! beside it in `OUT.weights`. The last line has the seconds from features in memory to the last optimum.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fmt::Write;
use std::time::Instant;

use zview_features::Features;
use zview_probe::linear::{LogisticConfig, LogisticPath, LogisticProblem};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&arguments[1]).unwrap();
    let values = bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    let labels: Vec<u32> = std::fs::read(&arguments[2]).unwrap().into_iter().map(u32::from).collect();
    let classes = labels.iter().max().unwrap() + 1;
    let dimension = bytes.len() / 4 / labels.len();
    let names = (0..classes).map(|class| class.to_string()).collect();
    let features = Features::new(values, dimension, labels, names).unwrap();
    let mut penalties: Vec<f64> = arguments[3].split(',').map(|text| text.parse().unwrap()).collect();
    penalties.sort_by(|a, b| b.total_cmp(a));

    let started = Instant::now();
    let problem = LogisticProblem::new(&features).unwrap();
    let mut path = LogisticPath::default();
    let (mut lines, mut weights) = (String::new(), Vec::new());
    for l2 in penalties {
        let fit = problem.fit(LogisticConfig::with_l2(l2), path.start(l2).as_ref()).unwrap();
        writeln!(
            lines,
            "{{\"l2\": {l2:e}, \"loss\": {:e}, \"steps\": {}, \"converged\": {}}}",
            fit.loss,
            fit.iterations,
            fit.converged()
        )
        .unwrap();
        for (row, bias) in fit.model.weights().chunks_exact(dimension).zip(fit.model.bias()) {
            weights.extend(row.iter().chain([bias]).flat_map(|value| value.to_le_bytes()));
        }
        path.reached(l2, fit.model);
    }
    writeln!(lines, "{{\"seconds\": {:.3}}}", started.elapsed().as_secs_f64()).unwrap();
    std::fs::write(&arguments[4], lines).unwrap();
    std::fs::write(format!("{}.weights", arguments[4]), weights).unwrap();
}
