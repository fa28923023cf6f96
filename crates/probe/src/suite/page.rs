//! An evaluation as a page.

use std::collections::BTreeMap;

use crate::{
    Corruption, FewShotScore, FineTuneScore, IntervalOver, LabelCurve, Overlap, Robustness, corrupt,
    feature_maps,
};
use zview_data::ImageSet;
use zview_report::pictures::NeighbourFigure;
use zview_runtime::words::counted;

use super::config::SuiteConfig;
use super::measure::{Images, Measured};
use super::set_evaluation::{QueryNeighbours, SetEvaluation, unreadable};
use crate::suite::SuiteError;
use crate::suite::evaluation_page::{
    ClusterFigure, ConfusionFigure, CorruptionFigure, CorruptionRow, CurvePoint, LabelCurveFigure, MapFigure,
    OutlierFigure, OutlierRow, OverlapFigure, OverlapPair, Protocol, ReliabilityBin, ReliabilityFigure,
    ScoreRow, SetPage, SpectrumFigure, worst_mistakes,
};
use crate::suite::examples::{draw_queries, labelled_image};
use zview_data::short_name;

const MISTAKES: usize = 16;
const SHOWN_PAIRS: usize = 8;
const CLASSIFIER: &str = "linear probe";

/// The sections of one data set.
pub(super) fn set_page(
    measured: &Measured,
    images: &Images<'_>,
    config: &SuiteConfig,
) -> Result<SetPage, SuiteError> {
    let Measured { evaluation, encoded } = measured;
    let (test, n_test) = (images.test, evaluation.base.n_test);
    let protocol = Protocol {
        n_train: evaluation.base.n_train,
        n_test,
        images: evaluation.judged_at.in_words(),
        decisions: evaluation.protocol.join("; "),
    };
    let short = |data| short_name(data, config.data.iter().map(String::as_str));
    let mut page = SetPage::new(short(images.data), protocol);
    page.path = (page.data != images.data).then(|| images.data.to_owned());
    page.scores = scores(evaluation);
    page.chance = evaluation.beside.as_ref().map(|beside| beside.chance);
    if !evaluation.rejects.is_empty() {
        page.left_out.push(unreadable(&evaluation.rejects));
    }
    if let Some(overlap) = &evaluation.overlap {
        page.overlap = Some(overlap_figure(overlap, &encoded.pool, images, config)?);
    }
    if let Some(linear) = &evaluation.base.linear {
        let labels = encoded.test.labels();
        let predicted = &linear.predictions.classes;
        page.confusion = Some(ConfusionFigure::count(test.classes.clone(), labels, predicted, CLASSIFIER));
        page.mistakes = Some(worst_mistakes(&linear.predictions, test, MISTAKES, CLASSIFIER)?);
    }
    page.reliability = evaluation.calibration.as_ref().map(reliability);
    page.label_curve = evaluation.label_curve.as_ref().map(label_curve);
    if let Some(robustness) = &evaluation.robustness {
        page.corruptions = Some(corruptions(robustness, test, config.robustness.seed)?);
    }
    page.outliers = evaluation.outliers.as_ref().map(|outliers| {
        let found = &outliers.detection;
        let neighbours = format!("distance to neighbour {}", found.neighbours);
        let mut scores = vec![
            (neighbours, &found.nearest_neighbour),
            ("Mahalanobis distance to the nearest class".to_owned(), &found.mahalanobis),
        ];
        scores.extend(
            found.max_softmax.as_ref().map(|score| ("how unsure the linear probe is".to_owned(), score)),
        );
        let rows = scores.into_iter().map(|(name, score)| OutlierRow {
            other: short_name(&outliers.data, []).to_owned(),
            score: name,
            auroc: score.auroc,
            interval: Some((score.interval.low, score.interval.high)),
            false_positives_at_95: Some(score.fpr_at_95_tpr),
            n_outside: found.n_outliers,
        });
        OutlierFigure { rows: rows.collect(), n_inside: found.n_test }
    });
    page.spectrum = evaluation.spectrum.as_ref().map(|spectrum| SpectrumFigure {
        variances: spectrum.eigenvalues.clone(),
        effective_rank: Some(spectrum.effective_rank),
        decay_exponent: spectrum.power_law.as_ref().map(|law| law.alpha),
        images: spectrum.images,
    });
    page.clusters = evaluation.clusters.as_ref().map(clusters);
    // A handful of images has no map worth looking at.
    match feature_maps(&encoded.test, &config.maps) {
        Ok(maps) => {
            page.maps = Some(MapFigure::new(&maps, &test.classes, (n_test, "test images".to_owned())))
        }
        Err(error) => tracing::warn!(%error, "no maps on the page"),
    }
    page.neighbours =
        Some(neighbour_figure(&[("nearest", &evaluation.neighbours)], images.train, images.test)?);
    Ok(page)
}

fn scores(evaluation: &SetEvaluation) -> Vec<ScoreRow> {
    let base = &evaluation.base;
    let untrained = evaluation.beside.as_ref().and_then(|beside| beside.untrained.as_ref());
    let over = evaluation.intervals.in_words();
    let over = over.trim_start_matches("over ").to_owned();
    let row = |protocol: String, accuracy, interval, interval_over: String, n_train, note: String| ScoreRow {
        protocol,
        accuracy,
        untrained: None,
        interval,
        interval_over,
        n_train,
        n_test: base.n_test,
        note,
    };
    let mut rows = Vec::new();
    if let Some(linear) = &base.linear {
        let note = match linear.validation.len() {
            0 => format!("penalty {:.1e}, given", linear.penalty),
            tried => {
                format!("penalty {:.1e}, picked from {tried} on held-out training images", linear.penalty)
            }
        };
        let interval = Some((linear.low, linear.high));
        let row = row("Linear".to_owned(), linear.top1, interval, over.clone(), linear.n_train, note);
        rows.push(ScoreRow { untrained: untrained.and_then(|of| of.linear), ..row });
    }
    if let Some(without) = evaluation.linear_without_copies {
        let note = "test images that have no copy among the training images".to_owned();
        let name = "Linear, no copies".to_owned();
        let score = row(name, without.top1, None, "–".to_owned(), base.n_train, note);
        rows.push(ScoreRow { n_test: without.n_test, ..score });
    }
    if let Some(sgd) = &evaluation.sgd {
        let note =
            format!("rate {}, picked on held-out training images; {} epochs", sgd.learning_rate, sgd.epochs);
        let interval = Some((sgd.low, sgd.high));
        rows.push(row(
            "Linear by SGD".to_owned(),
            sgd.top1,
            interval,
            "test images".to_owned(),
            sgd.n_train,
            note,
        ));
    }
    for (&k, score) in base.knn.iter().flatten() {
        let interval = Some((score.low, score.high));
        let note = "cosine similarity, weighted votes".to_owned();
        let row = row(format!("{k}-NN"), score.top1, interval, over.clone(), base.n_train, note);
        rows.push(ScoreRow { untrained: untrained.and_then(|of| of.knn.get(&k).copied()), ..row });
    }
    let mut few = |name: String, score: &FewShotScore, untrained: Option<f64>| {
        let over = format!("{} of the labels", counted(score.draws.len(), "draw"));
        let note = "linear".to_owned();
        let row = row(name, score.mean, score.low.zip(score.high), over, score.labels, note);
        rows.push(ScoreRow { untrained, ..row });
    };
    for (labels, score) in base.few_shot.iter().flatten() {
        let untrained = untrained.and_then(|of| of.few_shot.get(labels).copied());
        few(format!("{labels} label{} per class", if *labels == 1 { "" } else { "s" }), score, untrained);
    }
    for (share, score) in evaluation.few_shot_shares.iter().flatten() {
        let untrained = untrained.and_then(|of| of.few_shot_shares.get(share).copied());
        few(format!("{share} of the labels"), score, untrained);
    }
    let mut tuned = |name: &str, score: &Option<FineTuneScore>| {
        if let Some(score) = score {
            let (interval, over) = match score.seeds.as_slice() {
                [only] => (Some((only.low, only.high)), "test images, one seed".to_owned()),
                seeds => (score.low.zip(score.high), counted(seeds.len(), "seed")),
            };
            let note = format!("{} updates, rate picked on held-out training images", score.steps);
            rows.push(row(name.to_owned(), score.mean, interval, over, score.n_train, note));
        }
    };
    tuned("Fine-tuned", &evaluation.fine_tune);
    tuned("From scratch", &evaluation.scratch);
    rows
}

fn overlap_figure(
    overlap: &Overlap,
    pool: &[usize],
    images: &Images<'_>,
    config: &SuiteConfig,
) -> Result<OverlapFigure, SuiteError> {
    let pair = |pair: &crate::OverlapPair| -> Result<OverlapPair, SuiteError> {
        let how = if pair.exact {
            "the same bytes".to_owned()
        } else {
            format!("correlation {:.3}", pair.correlation)
        };
        let note = if pair.same_label == Some(false) { format!("{how}, another class") } else { how };
        Ok(OverlapPair {
            test: labelled_image(images.test, pair.test)?,
            train: labelled_image(images.train, pool[pair.train])?,
            note,
        })
    };
    Ok(OverlapFigure {
        exact: overlap.exact,
        near: overlap.near.unwrap_or(0),
        near_means: format!(
            "thumbnails correlate by {} or more, and the nearest training image is closer than {} of the usual distance",
            config.overlap.correlation, config.overlap.ratio
        ),
        n_train: overlap.n_train,
        n_test: overlap.n_test,
        pairs: overlap.pairs.iter().take(SHOWN_PAIRS).map(pair).collect::<Result<_, _>>()?,
    })
}

fn reliability(calibration: &crate::Calibration) -> ReliabilityFigure {
    let bin = |bin: &crate::ReliabilityBin| ReliabilityBin {
        range: (bin.low, bin.high),
        confidence: bin.confidence.unwrap_or(0.0),
        accuracy: bin.accuracy.unwrap_or(0.0),
        count: bin.images,
    };
    let more = [
        ("Negative log likelihood", calibration.negative_log_likelihood),
        ("Brier score of the most probable class", calibration.top_label_brier),
    ];
    ReliabilityFigure {
        bins: calibration.bins.iter().map(bin).collect(),
        expected_calibration_error: calibration.ece,
        over_equal_counts: calibration.adaptive_ece,
        classifier: CLASSIFIER.to_owned(),
        more: more.map(|(name, value)| (name.to_owned(), format!("{value:.4}"))).to_vec(),
    }
}

fn clusters(quality: &zview_features::clusters::ClusterQuality) -> ClusterFigure {
    let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let agreement = |of: &zview_features::clusters::ClusterAgreement| {
        [of.adjusted_rand, of.normalised_mutual_information, of.accuracy].map(|value| format!("{value:.3}"))
    };
    let (train, test) = (agreement(&quality.train), agreement(&quality.test));
    let names = ["adjusted Rand index", "normalised mutual information", "accuracy under the best matching"];
    let mut rows = vec![
        ("silhouette".to_owned(), share(quality.silhouette), "–".to_owned()),
        ("Davies-Bouldin index (lower is better)".to_owned(), share(quality.davies_bouldin), "–".to_owned()),
    ];
    rows.extend(
        names.iter().zip(train).zip(test).map(|((name, train), test)| ((*name).to_owned(), train, test)),
    );
    ClusterFigure { clusters: quality.clusters, n_train: quality.n_train, n_test: quality.n_test, rows }
}

fn label_curve(curve: &LabelCurve) -> LabelCurveFigure {
    let classes = curve
        .points
        .iter()
        .find_map(|point| Some(point.labels as f64 / point.labels_per_class? as f64))
        .unwrap_or(1.0);
    let points = curve.points.iter().map(|point| CurvePoint {
        labels: point.labels_per_class.map_or(point.labels as f64 / classes, |labels| labels as f64),
        accuracy: point.mean,
        interval: point.low.zip(point.high),
    });
    let draws = curve.points.iter().map(|point| point.draws.len()).max().unwrap_or(0);
    let all = curve.points.iter().any(|point| point.interval_over == IntervalOver::TestImages);
    let last = if all { "; with all labels, over test images" } else { "" };
    LabelCurveFigure {
        unit: "labels per class".to_owned(),
        curves: vec![crate::suite::evaluation_page::LabelCurve {
            name: "Linear".to_owned(),
            points: points.collect(),
        }],
        band: format!("95 % t intervals over {} of the labels{last}", counted(draws, "draw")),
    }
}

fn corruptions(robustness: &Robustness, test: &ImageSet, seed: u64) -> Result<CorruptionFigure, SuiteError> {
    let example = test.select(&draw_queries(seed, test.len(), 1));
    let mut by_corruption: BTreeMap<String, (Corruption, Vec<(u8, f64)>)> = BTreeMap::new();
    for score in &robustness.scores {
        let name = serde_json::to_value(score.corruption).unwrap_or_default();
        let name = name.as_str().unwrap_or_default().replace('-', " ");
        let (_, row) = by_corruption.entry(name).or_insert((score.corruption, Vec::new()));
        row.push((score.severity, score.top1));
    }
    let mut rows = Vec::new();
    for (corruption, (kind, scores)) in by_corruption {
        let mut pngs = Vec::new();
        for &(severity, _) in &scores {
            let corrupted = corrupt(&example, kind, severity, seed)
                .map_err(|error| SuiteError::from((CLASSIFIER, test.name.as_str(), error)))?;
            pngs.push(labelled_image(&corrupted, 0)?.png);
        }
        rows.push(CorruptionRow {
            corruption,
            accuracies: scores.iter().map(|(_, top1)| *top1).collect(),
            pngs,
        });
    }
    Ok(CorruptionFigure {
        clean: robustness.clean,
        classifier: CLASSIFIER.to_owned(),
        n_test: robustness.n_test,
        rows,
        clean_png: Some(labelled_image(&example, 0)?.png),
    })
}

/// The images of `neighbours` as pictures, `arm` being the name of their row.
///
/// # Errors
/// Where an image is no picture.
pub fn neighbour_figure(
    arms: &[(&str, &[QueryNeighbours])],
    train: &ImageSet,
    test: &ImageSet,
) -> Result<NeighbourFigure, SuiteError> {
    let queries = arms.first().map_or(&[][..], |(_, neighbours)| *neighbours);
    let row = |of: &QueryNeighbours| -> Result<Vec<_>, SuiteError> {
        of.train.iter().map(|&image| Ok(labelled_image(train, image)?)).collect()
    };
    let rows = |&(arm, neighbours): &(&str, &[QueryNeighbours])| -> Result<_, SuiteError> {
        Ok((arm.to_owned(), neighbours.iter().map(row).collect::<Result<_, _>>()?))
    };
    Ok(NeighbourFigure {
        queries: queries.iter().map(|of| labelled_image(test, of.test)).collect::<Result<_, _>>()?,
        arms: arms.iter().map(rows).collect::<Result<_, _>>()?,
    })
}
