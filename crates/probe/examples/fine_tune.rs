//! What a pretrained encoder gains over training from scratch, and over a linear probe, with few labels.
//!
//! ```text
//! cargo run --release -p zview-probe --example fine_tune -- DATA LABELS_PER_CLASS ENCODER...
//! ```
//!
//! `ENCODER` is a run folder or an encoder file; encoder i is fine-tuned with seed i, beside a network of the same
//! architecture from random weights and a linear probe of the frozen encoder on the same labelled images. Prints one
//! line per seed and the means with 95 % t-intervals over seeds.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use burn::tensor::Device;
use zview_data::{LoadOptions, Split, load};
use zview_encoder::augment::AugmentConfig;
use zview_encoder::load_encoder;
use zview_features::{extract, extract_some};
use zview_numerics::statistics::mean_interval;
use zview_probe::fine_tune::{FineTuneConfig, FineTuneScore, Length, Start, fine_tune, labelled_subset};
use zview_probe::linear::{LinearProbeConfig, linear_probe};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, labels, encoders @ ..] = arguments.as_slice() else {
        return Err("expected DATA LABELS_PER_CLASS ENCODER...".into());
    };
    let labels_per_class = Some(labels.parse()?);
    let data_dir = std::env::var_os("ZVIEW_DATA").map(Into::into);
    let options = LoadOptions { data_dir, ..LoadOptions::default() };
    let (train, test) = (load(data, Split::Train, &options)?, load(data, Split::Test, &options)?);
    let device = Device::flex();
    let [mut tuned, mut scratch, mut linear] = [Vec::new(), Vec::new(), Vec::new()];
    println!("{data}, {labels} labels per class");
    for (seed, path) in (0..).zip(encoders) {
        let config = FineTuneConfig {
            labels_per_class,
            length: Length::Steps(300),
            batch: 32,
            learning_rates: vec![3e-3, 1e-2, 3e-2],
            layer_decays: vec![0.65, 1.0],
            augment: AugmentConfig {
                crop_scale: [0.6, 1.0],
                crop_ratio: [0.75, 4.0 / 3.0],
                ..AugmentConfig::none()
            },
            seeds: vec![seed],
            ..FineTuneConfig::default()
        };
        let path = Path::new(path);
        let encoder = load_encoder(path, &device)?;
        let chosen = labelled_subset(&train, labels_per_class, seed)?;
        let features = extract_some(&encoder, &train, &chosen, 256)?;
        let probing = LinearProbeConfig { seed, validation_share: 0.2, ..LinearProbeConfig::default() };
        let probe = linear_probe(&features, &extract(&encoder, &test, 256)?, &probing)?;
        let architecture = encoder.config().clone();
        let [a, b] = [Start::Pretrained(path), Start::Scratch(&architecture)]
            .map(|start| fine_tune(start, &train, &test, &config, &device));
        let (a, b) = (a?, b?);
        println!("seed {seed}: linear probe {:.4}, {}, {}", probe.top1, line(&a), line(&b));
        tuned.push(a.mean);
        scratch.push(b.mean);
        linear.push(probe.top1);
    }
    let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
    for (name, values) in [
        ("fine-tuned", tuned.clone()),
        ("from scratch", scratch.clone()),
        ("linear probe", linear.clone()),
        ("fine-tuned - from scratch", difference(&tuned, &scratch)),
        ("fine-tuned - linear probe", difference(&tuned, &linear)),
    ] {
        let summary = mean_interval(&values);
        let interval = summary.interval.map_or(String::new(), |i| format!(" [{:.4}, {:.4}]", i.low, i.high));
        println!("{name}: {:.4}{interval}", summary.mean);
    }
    Ok(())
}

/// One seed of one arm.
fn line(score: &FineTuneScore) -> String {
    let (run, fits) = (&score.seeds[0], score.seeds[0].validation.len() + 1);
    let FineTuneScore { start, n_train, n_test, .. } = score;
    format!(
        "{start} {:.4} (rate {}, decay {}; {n_train} labels, {n_test} test images, {:.1} s a fit)",
        run.top1,
        run.learning_rate,
        run.layer_decay,
        run.seconds / fits as f64
    )
}
