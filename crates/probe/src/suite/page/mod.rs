//! The page of an evaluation: one encoder on one or more data sets.

pub mod machine;
mod paired;
mod scores;
mod set;

use maud::{Markup, html};
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::page::{Page, page, sections};
use zview_report::table::{Row, Table, or_dash, table};
use zview_runtime::run_folder::Environment;

use self::machine::machine;
pub use self::paired::PairedTest;
use self::paired::paired_tests;
pub use self::set::SetPage;
use super::metric::Score;

/// The encoder that is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluatedEncoder {
    /// What it is called, mostly its run folder's name.
    pub name: String,
    /// What it is, in a sentence: `ResNet-18 of width 64, trained for 2,000 steps on views of gan-mnist.`
    pub description: String,
    /// D, the number of features.
    pub feature_dimension: usize,
    /// SHA-256 of its weights and statistics, the same before and after.
    pub sha256: String,
}

/// What the page adds to the style of all.
pub const EVALUATION_STYLE: &str = include_str!("style.css");

/// Columns of the overview; of more, only the main ones.
const MAX_COLUMNS: usize = 7;
const MAIN: [&str; 7] = ["linear", "sgd", "knn_20", "few_shot_10", "few_shot_10%", "fine_tune", "scratch"];

/// Everything on the page.
#[derive(Debug)]
pub struct EvaluationPage {
    /// The encoder.
    pub encoder: EvaluatedEncoder,
    /// The data sets, in the order of the page.
    pub sets: Vec<SetPage>,
    /// Comparisons with other encoders.
    pub paired: Vec<PairedTest>,
    /// The command that makes the page again.
    pub command: Option<String>,
    /// Where it was computed.
    pub environment: Option<Environment>,
}

impl EvaluationPage {
    /// The HTML file, which needs nothing beside itself.
    #[must_use]
    pub fn render(&self) -> String {
        let names: Vec<&str> = self.sets.iter().map(|set| set.data.as_str()).collect();
        let header = html! {
            h1 { "Features of " (self.encoder.name) }
            @if !self.encoder.description.is_empty() { p { (self.encoder.description) } }
            p.fine {
                (thousands(self.encoder.feature_dimension)) " features; the encoder is frozen"
                @if !self.encoder.sha256.is_empty() {
                    ", SHA-256 of its weights and statistics before and after "
                    code.hash { (self.encoder.sha256) }
                }
                "."
            }
            @if self.sets.len() > 1 { (self.overview()) }
        };
        let mut more = Vec::new();
        if !self.paired.is_empty() {
            more.push(("Against other encoders", paired_tests(&self.paired)));
        }
        if let Some(command) = &self.command {
            more.push(("Repeat it", html! { pre { (command) } }));
        }
        if let Some(environment) = &self.environment {
            more.push(("Where this was computed", machine(environment)));
        }
        page(&Page {
            title: &format!("zview evaluation: {} on {}", self.encoder.name, names.join(", ")),
            styles: &[EVALUATION_STYLE],
            class: Some("evaluation"),
            header,
            main: html! { @for (number, set) in self.sets.iter().enumerate() { (set_part(number, set)) } (sections(&more)) },
        })
    }

    /// A row per data set, a column per metric that any of them has.
    fn overview(&self) -> Markup {
        let mut metrics: Vec<(&str, &str)> = Vec::new();
        for Score { metric, .. } in self.sets.iter().flat_map(|set| &set.scores) {
            if !metrics.iter().any(|(key, _)| *key == metric.key) {
                metrics.push((&metric.key, &metric.title));
            }
        }
        if metrics.len() > MAX_COLUMNS {
            metrics.retain(|(key, _)| MAIN.contains(key));
        }
        let cell = |set: &SetPage, key: &str| {
            let score = set.scores.iter().find(|score| score.metric.key == key);
            or_dash(score.map(|score| shown_with_interval(score.value, score.interval, percent)))
        };
        let row = |(number, set): (usize, &SetPage)| {
            let name = html! { a href={ "#set-" (number) } { (set.data) } };
            Row::new(name, metrics.iter().map(|(key, _)| cell(set, key)))
        };
        table(&Table {
            caption: Some(html! { "Top-1 accuracy in % on test images; in brackets 95 % intervals." }),
            headers: std::iter::once("Data").chain(metrics.iter().map(|(_, title)| *title)).collect(),
            rows: self.sets.iter().enumerate().map(row).collect(),
            ..Table::default()
        })
    }
}

fn set_part(number: usize, set: &SetPage) -> Markup {
    html! {
        section id={ "set-" (number) } {
            h2 { (set.data) }
            p.protocol { (set.protocol) }
            @if let Some(path) = &set.path { p.protocol { "Images of " code { (path) } "." } }
            @for sentence in &set.left_out { p.protocol { "Left out: " (sentence) "." } }
            @for part in &set.sections {
                section { h3 { (part.heading) } (part.content) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
