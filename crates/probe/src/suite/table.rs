//! An evaluation in a few lines of text.

use std::fmt::Write;

use zview_report::numbers::{precise_percent, with_interval};
use zview_report::text_table::text_table;
use zview_runtime::words::counted;

use super::metric::{Metric, how_to_read};
use super::run::{EncoderEvaluation, SuiteEvaluation};
use super::set_evaluation::{Beside, SetEvaluation, unreadable};
use super::versus::{ArmSummary, Versus};
use zview_data::short_name;

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
    table[0].extend(columns.iter().map(|metric| metric.column.clone()));
    for encoder in encoders {
        let name = name(encoder);
        for set in &encoder.sets {
            let mut row = vec![
                name.clone(),
                short_name(&set.data, all()).to_owned(),
                set.judged_in_words(),
                set.n_train.to_string(),
                set.n_test.to_string(),
            ];
            let cells = scores(set);
            let cell = |column: &Metric| {
                let cell = cells.iter().find(|(metric, _)| metric.key == column.key);
                cell.map_or_else(|| "-".to_owned(), |(_, value)| precise_percent(*value))
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
fn rows_beside(encoders: &[EncoderEvaluation], columns: &[Metric]) -> Vec<Vec<String>> {
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
        let (train, test) = (set.n_train.to_string(), set.n_test.to_string());
        let value = |column: &Metric| value(&column.key).map_or_else(|| "-".to_owned(), precise_percent);
        let head = [
            name.to_owned(),
            data,
            set.judged_at.as_ref().map_or_else(String::new, |at| at.view.in_words()),
            train,
            test,
        ];
        head.into_iter().chain(columns.iter().map(value)).collect()
    };
    let mut rows = Vec::new();
    for (encoder, set, of) in &beside {
        let Some(untrained) = &of.untrained else { continue };
        let alike = beside.iter().filter(|(_, other, _)| other.data == set.data).count();
        let name = if alike == 1 { "untrained".to_owned() } else { format!("untrained as {encoder}") };
        rows.push(row(&name, set, &|key| untrained.get(key).copied()));
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

/// A column for each metric that any encoder has, in their order.
fn columns(encoders: &[EncoderEvaluation]) -> Vec<Metric> {
    let mut columns: Vec<Metric> = Vec::new();
    for (metric, _) in encoders.iter().flat_map(|encoder| &encoder.sets).flat_map(scores) {
        if !columns.contains(&metric) {
            columns.push(metric);
        }
    }
    columns.sort_by(Metric::in_order);
    columns
}

/// The accuracies that have a column.
fn scores(set: &SetEvaluation) -> Vec<(Metric, f64)> {
    let scores = set.scores().into_iter();
    scores.filter(|score| !score.metric.column.is_empty()).map(|score| (score.metric, score.value)).collect()
}

fn block(text: &mut String, set: &SetEvaluation) {
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<18} {value}");
    };
    line(
        "images",
        format!(
            "{} training and {} test images of {}, {} features; accuracies in %, 95 % intervals {}",
            set.n_train,
            set.n_test,
            set.judged_in_words(),
            set.feature_dimension,
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
    let mut beside = set.beside.as_ref().map(|beside| beside_in_words(set, beside));
    for lines in set.found.lines() {
        for (name, value) in lines {
            line(&name, value);
        }
        // After the first, which is the one to be held against it.
        if let Some(beside) = beside.take() {
            line("  beside it", beside);
        }
    }
    if let Some(beside) = beside {
        line("  beside it", beside);
    }
}

/// Chance, and the untrained encoder by every accuracy that the encoder itself has.
fn beside_in_words(set: &SetEvaluation, beside: &Beside) -> String {
    let untrained = beside.untrained.iter().flat_map(|untrained| {
        let known = |(metric, _): (Metric, f64)| Some((untrained.get(&metric.key).copied()?, metric.title));
        scores(set).into_iter().filter_map(known).collect::<Vec<_>>()
    });
    let untrained: Vec<String> =
        untrained.map(|(value, title)| format!("{} {title}", precise_percent(value))).collect();
    let chance = format!("chance {}", precise_percent(beside.chance));
    if untrained.is_empty() {
        chance
    } else {
        format!("{chance}; the same encoder untrained {}", untrained.join(", "))
    }
}

fn summary(text: &mut String, arm: &ArmSummary) {
    let encoders = counted(arm.seeds, "encoder");
    let _ = writeln!(text, "\n{} arm on {}: {encoders}, {} test images", arm.arm, arm.data, arm.n_test);
    let scores = arm.in_order();
    let width = width(scores.iter().map(|score| &score.metric));
    for score in scores {
        let unit = score.metric.unit;
        let value = with_interval(score.mean, score.interval(), unit.precise(score.mean));
        let none = in_brackets(score.no_interval);
        let over = score.split.as_ref().map_or_else(
            || "over encoders".to_owned(),
            |split| {
                let draws = counted(split.draws, "draw");
                let [seeds, draw, rest] = [split.std_of_seeds, split.std_of_draws, split.std_of_rest]
                    .map(|std| unit.precise(std)(std));
                format!(
                    "over {encoders} x {draws}; standard deviation of encoders {seeds}, of draws {draw}, of the rest {rest}"
                )
            },
        );
        let _ = writeln!(text, "{:<width$} {value}{none} {over}", score.metric.title);
    }
    read(text, arm.in_order().into_iter().map(|score| &score.metric));
}

/// How those that are no accuracies are to be read.
fn read<'a>(text: &mut String, metrics: impl Iterator<Item = &'a Metric>) {
    let how = how_to_read(metrics);
    if !how.is_empty() {
        let _ = writeln!(text, "{how}");
    }
}

fn width<'a>(metrics: impl Iterator<Item = &'a Metric>) -> usize {
    metrics.map(|metric| metric.title.chars().count()).fold(18, usize::max)
}

fn difference(text: &mut String, comparison: &Versus) {
    let [a, b] = comparison.seeds;
    let _ = writeln!(
        text,
        "\nfirst - versus on {}: {a} against {b} encoders, {} test images",
        comparison.data, comparison.n_test
    );
    let differences = comparison.in_order();
    let width = width(differences.iter().map(|difference| &difference.metric));
    for difference in differences {
        let value = with_interval(difference.difference, difference.interval(), difference.precise());
        let none = in_brackets(difference.no_interval);
        let over = difference.over.map_or_else(String::new, |over| format!(" over {over}"));
        let p = match (difference.mcnemar, difference.p_holm) {
            (Some(test), Some(p_holm)) => format!(
                " (only first {}, only versus {}; McNemar p {:.2e}, {p_holm:.2e} after Holm)",
                test.only_first, test.only_second, test.p_value
            ),
            _ => String::new(),
        };
        let _ = writeln!(text, "{:<width$} {value}{none}{over}{p}", difference.metric.title);
    }
    read(text, comparison.in_order().into_iter().map(|difference| &difference.metric));
}
