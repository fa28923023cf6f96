//! Writes the page of an evaluation: linear probe, nearest neighbours, few labels, maps, mistakes.
//!
//!     cargo run --release -p zview-study --example evaluation_page -- ENCODER OUT.html DATA...
//!
//! ENCODER is a run folder or a file of weights, DATA are names or paths of data sets (`glyphs`, `mnist`).
#![allow(clippy::print_stderr)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use zview_contrastive::encoder::{FrozenEncoder, load_encoder};
use zview_data::{LoadOptions, Split, load};
use zview_probe::{
    EncodedSets, FewShotConfig, FewShotScore, KnnConfig, LinearProbe, LinearProbeConfig, LinearScore,
    MapConfig, Predictions, PrincipalComponents, encode, feature_maps, few_shot, knn, nearest_neighbours,
};
use zview_runtime::device::cpu;
use zview_runtime::run_folder::Environment;
use zview_study::figures::{draw_queries, labelled_image};
use zview_study::report::{
    ConfusionFigure, CurvePoint, EvaluatedEncoder, EvaluationPage, LabelCurve, LabelCurveFigure, MapFigure,
    NeighbourFigure, Protocol, ReliabilityBin, ReliabilityFigure, ScoreRow, SetPage, SpectrumFigure,
    worst_mistakes,
};

const TRAIN_POOL: usize = 5_000;
const BINS: usize = 10;
const QUERIES: usize = 6;
const MISTAKES: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [encoder_path, out, sets @ ..] = arguments.as_slice() else {
        return Err("usage: evaluation_page ENCODER OUT.html DATA...".into());
    };
    let device = cpu("example");
    let encoder = load_encoder(Path::new(encoder_path), &device.device)?;
    let name = Path::new(encoder_path)
        .file_name()
        .map_or_else(|| encoder_path.clone(), |name| name.to_string_lossy().into_owned());
    let mut page = EvaluationPage {
        encoder: EvaluatedEncoder {
            name,
            description: String::new(),
            feature_dimension: encoder.feature_dimension(),
            sha256: String::new(),
        },
        sets: Vec::new(),
        paired: Vec::new(),
        command: None,
        environment: Some(Environment::of(&device)),
    };
    for set in sets {
        let start = Instant::now();
        let (set, sha256) = evaluated(&encoder, set)?;
        eprintln!("{}: {:.1} s", set.data, start.elapsed().as_secs_f64());
        page.encoder.sha256 = sha256;
        page.sets.push(set);
    }
    std::fs::write(out, page.render()?)?;
    Ok(())
}

fn evaluated(encoder: &FrozenEncoder, data: &str) -> Result<(SetPage, String), Box<dyn Error>> {
    let options =
        LoadOptions { data_dir: std::env::var_os("ZVIEW_DATA").map(Into::into), ..LoadOptions::default() };
    let (train, test) = (load(data, Split::Train, &options)?, load(data, Split::Test, &options)?);
    let sets = encode(encoder, &train, &test, Some(TRAIN_POOL), 256)?;
    let linear = LinearProbe::fit(&sets.train, &LinearProbeConfig::default())?.score(&sets.test);
    let labels_per_class = vec![1, 3, 10, 30, 100];
    let few =
        few_shot(&sets.train, &sets.test, &FewShotConfig { labels_per_class, ..FewShotConfig::default() })?;
    let protocol = Protocol {
        n_train: sets.train.len(),
        n_test: sets.test.len(),
        decisions: "penalty picked on a validation split of the training images, test looked at once"
            .to_owned(),
    };
    let mut page = SetPage::new(test.name.clone(), protocol);
    page.scores = scores(&sets, &linear, &few)?;
    page.confusion = Some(ConfusionFigure::count(
        test.classes.clone(),
        sets.test.labels(),
        &linear.predictions.classes,
        "linear probe",
    ));
    page.reliability = Some(reliability(&linear.predictions));
    page.label_curve = Some(label_curve(&few));
    let start = Instant::now();
    let maps = feature_maps(&sets.test, &MapConfig::default())?;
    eprintln!("maps of {} images: {:.1} s", maps.images.len(), start.elapsed().as_secs_f64());
    page.maps = Some(MapFigure::new(&maps, &test.classes, (test.len(), "test images".to_owned())));
    let spectrum = PrincipalComponents::fit(&sets.test, sets.test.dimension())?;
    page.spectrum = Some(SpectrumFigure {
        variances: spectrum.variances,
        effective_rank: None,
        decay_exponent: None,
        images: sets.test.len(),
    });
    page.mistakes = Some(worst_mistakes(&linear.predictions, &test, MISTAKES, "linear probe")?);
    let queries = draw_queries(0, test.len(), QUERIES);
    let nearest = nearest_neighbours(&sets.train, &sets.test.select(&queries), 5)?;
    let row = |row: &Vec<zview_probe::Neighbour>| {
        row.iter().map(|near| labelled_image(&train, sets.pool[near.image])).collect::<Result<Vec<_>, _>>()
    };
    page.neighbours = Some(NeighbourFigure {
        queries: queries.iter().map(|&image| labelled_image(&test, image)).collect::<Result<_, _>>()?,
        arms: vec![("nearest".to_owned(), nearest.iter().map(row).collect::<Result<_, _>>()?)],
    });
    Ok((page, sets.extractor_sha256))
}

fn scores(
    sets: &EncodedSets,
    linear: &LinearScore,
    few: &std::collections::BTreeMap<usize, FewShotScore>,
) -> Result<Vec<ScoreRow>, Box<dyn Error>> {
    let row = |protocol: String, accuracy, interval, over: &str, n_train, note: String| ScoreRow {
        protocol,
        accuracy,
        interval,
        interval_over: over.to_owned(),
        n_train,
        n_test: sets.test.len(),
        note,
    };
    let n_train = sets.train.len();
    let picked = format!("penalty {:e}, picked on held-out training images", linear.penalty);
    let mut rows = vec![row(
        "Linear".to_owned(),
        linear.top1,
        Some((linear.low, linear.high)),
        "test images",
        n_train,
        picked,
    )];
    for (k, score) in knn(&sets.train, &sets.test, &KnnConfig::default())? {
        let interval = Some((score.low, score.high));
        rows.push(row(
            format!("{k}-NN"),
            score.top1,
            interval,
            "test images",
            n_train,
            "cosine similarity".to_owned(),
        ));
    }
    for (&labels, score) in few {
        let name =
            if labels == 1 { "1 label per class".to_owned() } else { format!("{labels} labels per class") };
        let over = format!("{} draws of the labels", score.draws.len());
        let labels = labels * sets.train.class_names().len();
        rows.push(row(
            name,
            score.mean,
            score.low.zip(score.high),
            &over,
            labels,
            "linear, fixed penalty".to_owned(),
        ));
    }
    Ok(rows)
}

fn label_curve(few: &std::collections::BTreeMap<usize, FewShotScore>) -> LabelCurveFigure {
    let point = |(&labels, score): (&usize, &FewShotScore)| CurvePoint {
        labels: labels as f64,
        accuracy: score.mean,
        interval: score.low.zip(score.high),
    };
    LabelCurveFigure {
        unit: "labels per class".to_owned(),
        curves: vec![LabelCurve { name: "Linear".to_owned(), points: few.iter().map(point).collect() }],
        band: "95 % t intervals over 5 draws of the labels".to_owned(),
    }
}

fn reliability(predictions: &Predictions) -> ReliabilityFigure {
    let correct = predictions.correct();
    let bin = |number: usize| {
        let inside =
            |confidence: f32| ((f64::from(confidence) * BINS as f64) as usize).min(BINS - 1) == number;
        let images: Vec<usize> =
            (0..correct.len()).filter(|&image| inside(predictions.confidence[image])).collect();
        let count = images.len().max(1) as f64;
        let confidence =
            images.iter().map(|&image| f64::from(predictions.confidence[image])).sum::<f64>() / count;
        let accuracy = images.iter().filter(|&&image| correct[image]).count() as f64 / count;
        let range = (number as f64 / BINS as f64, (number + 1) as f64 / BINS as f64);
        ReliabilityBin { range, confidence, accuracy, count: images.len() }
    };
    let bins: Vec<ReliabilityBin> = (0..BINS).map(bin).collect();
    let error = bins.iter().map(|bin| bin.count as f64 * (bin.confidence - bin.accuracy).abs()).sum::<f64>();
    ReliabilityFigure {
        expected_calibration_error: error / correct.len().max(1) as f64,
        bins,
        classifier: "linear probe".to_owned(),
        more: Vec::new(),
    }
}
