//! The page as a whole.

use maud::{Markup, html};
use zview_report::ReportError;
use zview_report::numbers::thousands;
use zview_report::page::{Page, page, sections};
use zview_report::words::minus;

use super::arm::{data_sets, metrics};
use super::axis::axis_parts;
use super::cells::cells_without_result;
use super::config::{config_texts, repeat_commands, settings_table};
use super::contrasts::{PlannedContrast, contrast_table, could_find};
use super::dots::dot_plots;
use super::equal_time::equal_time_tables;
use super::limits::limits;
use super::losses::losses;
use super::machines::machines;
use super::pairs::pair_tables;
use super::pictures::{neighbour_cards, view_grids};
use super::progress::progress;
use super::recovered::recovered_table;
use super::results::{result_tables, seeds};
use super::training_time::training_time;
use super::{
    ArmLosses, ArmViews, CellMachine, ComparedArm, ComparedNeighbours, ConfigText, EqualTimeTable,
    FailedCell, MissingCell, PairTable, ProgressFigure, RecoveredShare, RepeatCommand,
};
use zview_probe::suite::metric::Unit;
use zview_probe::suite::page::EVALUATION_STYLE;

pub(in crate::pages) const COMPARISON_STYLE: &str = include_str!("style.css");

/// Everything on the page.
#[derive(Debug, Default)]
pub struct ComparisonPage {
    /// The question of the study.
    pub question: String,
    /// Its answer, in two sentences.
    pub answer: String,
    /// What is the same in all arms, in a sentence; may be empty.
    pub conditions: String,
    /// Name of the arm that the others are compared with.
    pub reference: String,
    /// Seeds of each arm.
    pub seeds: Vec<u64>,
    /// What an interval is: `95 % intervals over seeds and test images`.
    pub intervals: String,
    /// What an interval of a difference is, after "those of differences": `paired by seed`; may be empty.
    pub differences: String,
    /// What a probability is, after "p": `with Holm's correction over the arms of a column`; empty where there is none.
    pub p_values: String,
    /// Which differences are significant: those `with p below 0.05`.
    pub significant: String,
    /// Which differences have no probability, and why, in a sentence; may be empty.
    pub without_p: String,
    /// What held-out training images pick along an axis, by data set.
    pub picks: Vec<(String, String)>,
    /// The arms, in the order of the study.
    pub arms: Vec<ComparedArm>,
    /// What the study asks, which stands first; may be empty.
    pub contrasts: Vec<PlannedContrast>,
    /// What is tested and corrected together, in a sentence.
    pub families: String,
    /// What the seeds find, a line for each measure and data set.
    pub could_find: Vec<String>,
    /// Every arm minus every other, by data set.
    pub pairs: Vec<PairTable>,
    /// Shares of the gap between real and synthetic images.
    pub recovered: Vec<RecoveredShare>,
    /// Scores during training.
    pub progress: Vec<ProgressFigure>,
    /// The arms at equal training time.
    pub equal_time: Option<EqualTimeTable>,
    /// Losses of a seed of each trained arm.
    pub losses: Vec<ArmLosses>,
    /// What the encoders saw.
    pub views: Vec<ArmViews>,
    /// What the encoders hold for similar.
    pub neighbours: Vec<ComparedNeighbours>,
    /// Cells that ended with an error.
    pub failed: Vec<FailedCell>,
    /// Cells that are not finished.
    pub missing: Vec<MissingCell>,
    /// The study's file and the recipes that it names.
    pub configs: Vec<ConfigText>,
    /// What to type to repeat it.
    pub commands: Vec<RepeatCommand>,
    /// Whether an arm learns from generated images.
    pub generated: bool,
    /// Generators that are asked for a class, with the number of these.
    pub class_generators: Vec<(String, usize)>,
    /// Where the cells were computed.
    pub machines: Vec<CellMachine>,
}

impl ComparisonPage {
    /// The HTML file, which needs nothing beside itself.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn render(&self) -> Result<String, ReportError> {
        Ok(page(&Page {
            title: &format!("zview comparison: {}", self.question),
            styles: &[EVALUATION_STYLE, COMPARISON_STYLE],
            class: Some("evaluation comparison"),
            header: html! {
                h1 { (self.question) }
                @if !self.answer.is_empty() { p.answer { (minus(&self.answer)) } }
                p.fine { (self.equal_updates()) }
            },
            main: sections(&self.sections()?),
        }))
    }

    /// Headings and contents of what there is.
    fn sections(&self) -> Result<Vec<(&'static str, Markup)>, ReportError> {
        let mut sections = Vec::new();
        let scored = !data_sets(&self.arms).is_empty();
        let accuracies = metrics(&self.arms, None).iter().all(|metric| metric.unit == Unit::Accuracy);
        let of_unit = |accuracy, other| if accuracies { accuracy } else { other };
        if !self.families.is_empty() {
            sections.push(("Planned contrasts", contrast_table(self)));
        }
        if scored {
            sections.push(("Result", result_tables(self)));
        }
        if !self.failed.is_empty() || !self.missing.is_empty() {
            sections.push(("Cells without a result", cells_without_result(self)));
        }
        if !self.pairs.is_empty() {
            sections.push(("Differences between all arms", pair_tables(self)));
        }
        if !self.recovered.is_empty() {
            sections.push(("Share of the gap that views recover", recovered_table(self)));
        }
        if let Some(parts) = axis_parts(self)? {
            sections.push((of_unit("Accuracy over a setting", "Scores over a setting"), parts));
        }
        if scored {
            sections.push((of_unit("Accuracy by arm", "Scores by arm"), dot_plots(self)?));
        }
        if let Some(figures) = training_time(self)? {
            let heading = of_unit("Accuracy against training time", "Scores against training time");
            sections.push((heading, figures));
        }
        if let Some(table) = &self.equal_time {
            sections.push(("At equal training time", equal_time_tables(table, self)));
        }
        if let Some(figures) = progress(self)? {
            sections.push((of_unit("Accuracy during training", "Scores during training"), figures));
        }
        if !self.could_find.is_empty() {
            sections.push(("What so many seeds find", could_find(self)));
        }
        if !self.losses.is_empty() {
            sections.push(("Loss", losses(self)?));
        }
        if !self.views.is_empty() {
            sections.push(("What each encoder saw", view_grids(self)));
        }
        if !self.neighbours.is_empty() {
            sections.push(("Nearest neighbours", neighbour_cards(self)));
        }
        if scored {
            sections.push(("Limits", limits(self)));
        }
        if !self.configs.is_empty() || self.arms.iter().any(|arm| !arm.settings.is_empty()) {
            sections.push(("Configuration", html! { (settings_table(self)) (config_texts(self)) }));
        }
        if !self.commands.is_empty() {
            sections.push(("Repeat it", repeat_commands(self)));
        }
        if !self.machines.is_empty() {
            sections.push(("Where this was computed", machines(self)));
        }
        Ok(sections)
    }

    /// What an interval is, with no line end before a percent sign.
    pub(super) fn intervals_text(&self) -> String {
        minus(&self.intervals)
    }

    /// Whether updates are equal is read from the arms, not asserted.
    fn equal_updates(&self) -> String {
        let trained = || self.arms.iter().map(|arm| arm.steps).filter(|&steps| steps > 0);
        let seeds = seeds(&self.seeds);
        let updates = match (trained().min(), trained().max()) {
            (Some(fewest), Some(most)) if fewest == most => {
                format!("Every trained arm takes {} updates, with {seeds}.", thousands(most as usize))
            }
            (Some(fewest), Some(most)) => format!(
                "The trained arms take {} to {} updates, which are not equal, with {seeds}.",
                thousands(fewest as usize),
                thousands(most as usize)
            ),
            _ => format!("No arm has been trained, with {seeds}."),
        };
        if self.conditions.is_empty() { updates } else { format!("{updates} {}", self.conditions) }
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
pub(super) mod tests;
