//! Everything but accuracy about one encoder: per-class accuracy, calibration, corruptions, outliers, feature
//! spectrum and clusters, as one JSON object, with the seconds each took.
//!
//! cargo run --release -p zview-probe --example beyond_accuracy -- ENCODER DATA_SET OUTLIER_DATA_SET [IMAGES]
//!
//! IMAGES bounds the training images, the test images and the outliers (10,000 by default).

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;
use serde_json::{Map, Value, json};
use zview_data::{ColorMode, ImageSet, LoadOptions, Split, load};
use zview_encoder::load_encoder;
use zview_features::clusters::{ClusterConfig, cluster_quality};
use zview_features::extract;
use zview_features::spectrum::{SpectrumConfig, feature_spectrum};
use zview_probe::calibration::{CalibrationConfig, calibration};
use zview_probe::confusion::{ConfusionConfig, confusion};
use zview_probe::corruptions::{RobustnessConfig, robustness};
use zview_probe::encode;
use zview_probe::linear::{LinearProbe, LinearProbeConfig};
use zview_probe::outliers::{OutlierConfig, outlier_detection};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [encoder, data_set, outlier_set, rest @ ..] = arguments.as_slice() else {
        return Err("usage: beyond_accuracy ENCODER DATA_SET OUTLIER_DATA_SET [IMAGES]".into());
    };
    let images: usize = rest.first().map_or(Ok(10_000), |images| images.parse())?;
    let data_dir = std::env::var_os("ZVIEW_DATA").map(PathBuf::from);
    let read = |name: &str, split, size, color| -> Result<ImageSet, Box<dyn Error>> {
        let options = LoadOptions { data_dir: data_dir.clone(), size, color, ..LoadOptions::default() };
        let set = load(name, split, &options)?;
        let count = images.min(set.len());
        Ok(set.select(&(0..count).map(|image| image * set.len() / count).collect::<Vec<_>>()))
    };
    let (train, test) = (
        read(data_set, Split::Train, None, ColorMode::AsStored)?,
        read(data_set, Split::Test, None, ColorMode::AsStored)?,
    );
    let color = if test.shape.channels == 1 { ColorMode::Grey } else { ColorMode::Rgb };
    let outliers = read(outlier_set, Split::Test, Some(test.shape.height), color)?;

    let mut told = Map::new();
    let extractor = load_encoder(Path::new(encoder), &Device::flex())?;
    let started = Instant::now();
    let sets = encode(&extractor, &train, &test, None, 256)?;
    let outliers = extract(&extractor, &outliers, 256)?;
    told.insert("encoding_seconds".into(), json!(started.elapsed().as_secs_f64()));
    let probe = LinearProbe::fit(&sets.train, &LinearProbeConfig::default())?;
    let score = probe.score(&sets.test);
    told.insert("linear".into(), json!({ "top1": score.top1, "low": score.low, "high": score.high }));

    let mut add = |name: &str, started: Instant, figures: Value| {
        let seconds = started.elapsed().as_secs_f64();
        told.insert(name.into(), json!({ "seconds": seconds, "result": figures }));
    };
    let labels = sets.test.labels();
    let now = Instant::now();
    let names = sets.test.class_names();
    add("confusion", now, json!(confusion(&score.predictions, labels, names, &ConfusionConfig::default())?));
    let now = Instant::now();
    add("calibration", now, json!(calibration(&score.predictions, &CalibrationConfig::default())?));
    let now = Instant::now();
    let outlier_config = OutlierConfig::default();
    let detection = outlier_detection(&sets.train, &sets.test, &outliers, Some(&probe), &outlier_config)?;
    add("outliers", now, json!(detection));
    let now = Instant::now();
    add("spectrum", now, json!(feature_spectrum(&sets.test, &SpectrumConfig::default())?));
    let now = Instant::now();
    add("clusters", now, json!(cluster_quality(&sets.train, &sets.test, &ClusterConfig::default())?));
    let now = Instant::now();
    add("robustness", now, json!(robustness(&extractor, &probe, &test, &RobustnessConfig::default())?));
    println!("{}", serde_json::to_string_pretty(&told)?);
    Ok(())
}
