//! An evaluation in a few lines of text.

use std::fmt::Write;

use crate::{FewShotScore, FineTuneScore};
use zview_report::numbers::{precise_percent, with_interval};
use zview_report::text_table::text_table;
use zview_runtime::words::counted;

use super::comparison::{ArmComparison, ArmSummary};
use super::run::{EncoderEvaluation, SuiteEvaluation};
use super::set_evaluation::{Beside, SetEvaluation, unreadable};
use crate::suite::intervals::too_few;
use zview_data::short_name;

fn ends_in_percent(value: f64, low: Option<f64>, high: Option<f64>) -> String {
    with_interval(value, low.zip(high), precise_percent)
}

/// ` (two seeds: no interval)`
fn in_brackets(no_interval: Option<&str>) -> String {
    no_interval.map_or_else(String::new, |why| format!(" ({why})"))
}

/// Everything in text: one block for a single encoder on a single data set, else a table with a row for each.
#[must_use]
pub fn in_words(suite: &SuiteEvaluation) -> String {
    let single = suite.encoders.len() == 1 && suite.encoders[0].sets.len() == 1;
    let mut text = if single { String::new() } else { rows(&suite.encoders) };
    for encoder in &suite.encoders {
        for set in &encoder.sets {
            if !single {
                let _ = writeln!(text, "\n{} on {}", encoder.encoder.display(), set.data);
            }
            block(&mut text, set);
        }
    }
    for arm in &suite.arms {
        summary(&mut text, arm);
    }
    for comparison in &suite.comparisons {
        difference(&mut text, comparison);
    }
    text
}

/// A row per encoder and data set, a column per protocol that any of them has.
fn rows(encoders: &[EncoderEvaluation]) -> String {
    let columns = columns(encoders);
    let all = || encoders.iter().flat_map(|encoder| &encoder.sets).map(|set| set.data.as_str());
    let mut table = vec![["encoder", "data", "images", "n train", "n test"].map(str::to_owned).to_vec()];
    table[0].extend(columns.iter().cloned());
    for encoder in encoders {
        let name = name(encoder);
        for set in &encoder.sets {
            let mut row = vec![
                name.clone(),
                short_name(&set.data, all()).to_owned(),
                set.judged_at.in_words(),
                set.base.n_train.to_string(),
                set.base.n_test.to_string(),
            ];
            let cells = scores(set);
            let cell = |column: &String| {
                cells
                    .iter()
                    .find(|(name, _)| name == column)
                    .map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
            };
            row.extend(columns.iter().map(cell));
            table.push(row);
        }
    }
    for row in rows_beside(encoders, &columns) {
        table.push(row);
    }
    format!("accuracies in %\n{}", text_table(&table, None))
}

fn name(encoder: &EncoderEvaluation) -> String {
    encoder.encoder.file_name().unwrap_or(encoder.encoder.as_os_str()).to_string_lossy().into_owned()
}

/// Below them what is beside them: a row for the untrained encoder of each data set, and of each architecture where there
/// are several, and one for chance.
fn rows_beside(encoders: &[EncoderEvaluation], columns: &[String]) -> Vec<Vec<String>> {
    let all = || encoders.iter().flat_map(|encoder| encoder.sets.iter().map(move |set| (name(encoder), set)));
    let mut beside: Vec<(String, &SetEvaluation, &Beside)> = Vec::new();
    for (name, set) in all() {
        let Some(of) = &set.beside else { continue };
        if !beside.iter().any(|(_, known, stands)| known.data == set.data && *stands == of) {
            beside.push((name, set, of));
        }
    }
    let row = |name: &str, set: &SetEvaluation, value: &dyn Fn(&str) -> Option<f64>| {
        let data = short_name(&set.data, all().map(|(_, set)| set.data.as_str())).to_owned();
        let (train, test) = (set.base.n_train.to_string(), set.base.n_test.to_string());
        let value = |column: &String| value(column).map_or_else(|| "-".to_owned(), precise_percent);
        let head = [name.to_owned(), data, set.judged_at.view.in_words(), train, test];
        head.into_iter().chain(columns.iter().map(value)).collect()
    };
    let mut rows = Vec::new();
    for (encoder, set, of) in &beside {
        let Some(untrained) = &of.untrained else { continue };
        let alike = beside.iter().filter(|(_, other, _)| other.data == set.data).count();
        let name = if alike == 1 { "untrained".to_owned() } else { format!("untrained as {encoder}") };
        rows.push(row(&name, set, &|column| untrained.score(column)));
    }
    let mut chances: Vec<&str> = Vec::new();
    for (_, set, of) in &beside {
        if !chances.contains(&&*set.data) {
            chances.push(&set.data);
            rows.push(row("chance", set, &|_| Some(of.chance)));
        }
    }
    rows
}

fn columns(encoders: &[EncoderEvaluation]) -> Vec<String> {
    let mut columns = Vec::new();
    for (name, _) in encoders.iter().flat_map(|encoder| &encoder.sets).flat_map(scores) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    columns
}

/// The main accuracy of each protocol.
fn scores(set: &SetEvaluation) -> Vec<(String, String)> {
    let mut scores = Vec::new();
    let mut add = |name: String, value: f64| scores.push((name, precise_percent(value)));
    if let Some(linear) = &set.base.linear {
        add("linear".to_owned(), linear.top1);
    }
    if let Some(sgd) = &set.sgd {
        add("sgd".to_owned(), sgd.top1);
    }
    for (k, score) in set.base.knn.iter().flatten() {
        add(format!("{k}-nn"), score.top1);
    }
    for (labels, score) in set.base.few_shot.iter().flatten() {
        add(format!("{labels}/class"), score.mean);
    }
    for (share, score) in set.few_shot_shares.iter().flatten() {
        add(share.clone(), score.mean);
    }
    if let Some(score) = &set.fine_tune {
        add("fine-tune".to_owned(), score.mean);
    }
    if let Some(score) = &set.scratch {
        add("scratch".to_owned(), score.mean);
    }
    scores
}

fn block(text: &mut String, set: &SetEvaluation) {
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<18} {value}");
    };
    let base = &set.base;
    line(
        "images",
        format!(
            "{} training and {} test images of {}, {} features; accuracies in %, 95 % intervals {}",
            base.n_train,
            base.n_test,
            set.judged_at.in_words(),
            base.feature_dimension,
            set.intervals.in_words()
        ),
    );
    if !set.classes_only_in_test.is_empty() {
        let images: usize = set.classes_only_in_test.values().sum();
        let classes = set.classes_only_in_test.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        line("  not judged", format!("{images} test images of classes without a training image: {classes}"));
    }
    if !set.rejects.is_empty() {
        line("  left out", unreadable(&set.rejects));
    }
    if let Some(linear) = &base.linear {
        let how = match linear.validation.len() {
            0 => "given".to_owned(),
            tried => format!("picked from {tried} on a validation split"),
        };
        let top1 = ends_in_percent(linear.top1, Some(linear.low), Some(linear.high));
        let top5 = linear.top5.map_or_else(String::new, |top5| format!(", {} top-5", precise_percent(top5)));
        line("linear probe", format!("{top1} top-1{top5} (penalty {:.1e}, {how})", linear.penalty));
    }
    if let Some(beside) = &set.beside {
        let untrained = beside.untrained.as_ref().map_or_else(String::new, |untrained| {
            let knn =
                untrained.knn.iter().map(|(k, top1)| format!(", {} by {k}-nearest", precise_percent(*top1)));
            let linear =
                untrained.linear.map_or_else(String::new, |top1| format!(" {} top-1", precise_percent(top1)));
            let few = untrained.few_shot.iter();
            let few =
                few.map(|(labels, mean)| format!(", {} with {labels} per class", precise_percent(*mean)));
            let shares = untrained.few_shot_shares.iter();
            let shares = shares
                .map(|(share, mean)| format!(", {} with {share} of the labels", precise_percent(*mean)));
            let all = knn.chain(few).chain(shares).collect::<String>();
            let all = if linear.is_empty() { all.replacen(',', "", 1) } else { all };
            format!("; the same encoder untrained{linear}{all}")
        });
        line("  beside it", format!("chance {}{untrained}", precise_percent(beside.chance)));
    }
    if let Some(without) = set.linear_without_copies {
        let (top1, images) = (precise_percent(without.top1), without.n_test);
        line("  without copies", format!("{top1} top-1 on the {images} test images that have no copy"));
    }
    if let Some(sgd) = &set.sgd {
        let top1 = ends_in_percent(sgd.top1, Some(sgd.low), Some(sgd.high));
        line("linear by SGD", format!("{top1} (rate {}, picked on a validation split)", sgd.learning_rate));
    }
    for (k, score) in base.knn.iter().flatten() {
        line(&format!("{k}-nearest"), ends_in_percent(score.top1, Some(score.low), Some(score.high)));
    }
    let few = |score: &FewShotScore| {
        let (draws, labels) = (counted(score.draws.len(), "draw"), counted(score.labels, "label"));
        format!("{} over {draws} of {labels}", ends_in_percent(score.mean, score.low, score.high))
    };
    for (labels, score) in base.few_shot.iter().flatten() {
        line(&format!("{labels} per class"), few(score));
    }
    for (share, score) in set.few_shot_shares.iter().flatten() {
        line(&format!("{share} of the labels"), few(score));
    }
    for point in set.label_curve.iter().flat_map(|curve| &curve.points) {
        let name = point
            .labels_per_class
            .map_or_else(|| "curve, all".to_owned(), |labels| format!("curve, {labels}"));
        line(&name, ends_in_percent(point.mean, point.low, point.high));
    }
    for note in &set.left_out {
        line("  left out", note.clone());
    }
    let tuned = |score: &FineTuneScore| {
        // Of one seed there is an interval over test images alone.
        let (low, high, over) = match score.seeds.as_slice() {
            [only] => (Some(only.low), Some(only.high), "one seed (interval over test images)".to_owned()),
            seeds => (score.low, score.high, counted(seeds.len(), "seed")),
        };
        let none = in_brackets(too_few(score.seeds.len()));
        let updates = counted(usize::try_from(score.steps).unwrap_or(usize::MAX), "update");
        format!(
            "{}{none} over {over}, {}, {updates}",
            ends_in_percent(score.mean, low, high),
            counted(score.n_train, "labelled image"),
        )
    };
    if let Some(score) = &set.fine_tune {
        line("fine-tuned", tuned(score));
    }
    for file in &set.fine_tuned_networks {
        line("  kept", file.display().to_string());
    }
    if let Some(score) = &set.scratch {
        line("from scratch", tuned(score));
    }
    if let Some(gain) = &set.fine_tune_gain {
        let (low, high, note) = match gain.seeds.as_slice() {
            [only] => (Some(only.low), Some(only.high), Some("one seed: interval over test images")),
            seeds => (gain.low, gain.high, too_few(seeds.len())),
        };
        line("  difference", ends_in_percent(gain.mean, low, high) + &in_brackets(note));
    }
    if let Some(calibration) = &set.calibration {
        let interval = calibration.ece_interval;
        let value = ends_in_percent(calibration.ece, Some(interval.low), Some(interval.high));
        line("calibration", format!("error {value} (ECE, 15 bins by default)"));
    }
    if let Some(confusion) = &set.confusion {
        let worst = confusion.classes.iter().filter_map(|class| Some((class.accuracy?, &class.class)));
        if let Some((accuracy, class)) = worst.min_by(|a, b| a.0.total_cmp(&b.0)) {
            line("worst class", format!("{class}: {}", precise_percent(accuracy)));
        }
    }
    if let Some(robust) = &set.robustness {
        let corrupted = robust.corrupted_interval;
        let value = ends_in_percent(robust.corrupted, Some(corrupted.low), Some(corrupted.high));
        line(
            "corrupted",
            format!("{value}, {} clean, {} test images", precise_percent(robust.clean), robust.n_test),
        );
    }
    if let Some(outliers) = &set.outliers {
        let found = &outliers.detection;
        let softmax = found
            .max_softmax
            .as_ref()
            .map_or_else(String::new, |score| format!(", softmax {:.3}", score.auroc));
        line(
            "outliers",
            format!(
                "AUROC against {}: neighbours {:.3}, Mahalanobis {:.3}{softmax} ({} images)",
                short_name(&outliers.data, []),
                found.nearest_neighbour.auroc,
                found.mahalanobis.auroc,
                found.n_outliers
            ),
        );
    }
    if let Some(spectrum) = &set.spectrum {
        let (rank, rank_me) = (spectrum.effective_rank, spectrum.rank_me);
        line("spectrum", format!("effective rank {rank:.1} of {}, RankMe {rank_me:.1}", spectrum.dimension));
    }
    if let Some(clusters) = &set.clusters {
        let silhouette =
            clusters.silhouette.map_or_else(String::new, |value| format!("silhouette {value:.3}, "));
        line(
            "clusters",
            format!(
                "{} found without labels: {silhouette}see --json for agreement with the labels",
                clusters.clusters
            ),
        );
    }
    if let Some(overlap) = &set.overlap {
        let near = overlap.near.map_or_else(String::new, |near| format!(", {near} near-duplicates"));
        let differ = match overlap.labels_differ {
            0 => String::new(),
            pairs => format!("; labels differ in {pairs} pairs"),
        };
        line(
            "overlap",
            format!("{} of {} test images are training images{near}{differ}", overlap.exact, overlap.n_test),
        );
    }
}

fn summary(text: &mut String, arm: &ArmSummary) {
    let _ = writeln!(
        text,
        "\n{} arm on {}: {}, {} test images",
        arm.arm,
        arm.data,
        counted(arm.seeds, "encoder"),
        arm.n_test
    );
    if let Some(linear) = arm.linear {
        let _ = writeln!(
            text,
            "{:<18} {}{} over encoders",
            "linear probe",
            ends_in_percent(linear.mean, linear.low, linear.high),
            in_brackets(linear.no_interval)
        );
    }
    for (labels, split) in &arm.few_shot {
        let _ = writeln!(
            text,
            "{:<18} {} over {} x {}; standard deviation of encoders {}, of draws {}, of the rest {}",
            format!("{labels} per class"),
            ends_in_percent(split.mean, split.low, split.high) + &in_brackets(too_few(split.seeds)),
            counted(split.seeds, "encoder"),
            counted(split.draws, "draw"),
            precise_percent(split.std_of_seeds),
            precise_percent(split.std_of_draws),
            precise_percent(split.std_of_rest)
        );
    }
}

fn difference(text: &mut String, comparison: &ArmComparison) {
    let [a, b] = comparison.seeds;
    let _ = writeln!(
        text,
        "\nfirst - versus on {}: {a} against {b} encoders, {} test images",
        comparison.data, comparison.n_test
    );
    let p = match (comparison.mcnemar, comparison.p_holm) {
        (Some(test), Some(p_holm)) => {
            format!(
                " (only first {}, only versus {}; McNemar p {:.2e}, {p_holm:.2e} after Holm)",
                test.only_first, test.only_second, test.p_value
            )
        }
        _ => String::new(),
    };
    let value = ends_in_percent(comparison.difference, comparison.low, comparison.high);
    let none = in_brackets(comparison.no_interval);
    let _ = writeln!(text, "{:<18} {value}{none}{p}", "linear probe");
    for (labels, few) in &comparison.few_shot {
        let value = ends_in_percent(few.mean, few.low, few.high) + &in_brackets(few.no_interval);
        let _ = writeln!(text, "{:<18} {value} over {}", format!("{labels} per class"), few.over);
    }
}
