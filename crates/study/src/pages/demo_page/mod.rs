//! The page of a demonstration: arms compared at equal updates.

mod notes;
mod pictures;
mod results_table;

use maud::{Markup, PreEscaped, html};
use zview_contrastive::train::Recipe;
use zview_report::ReportError;
use zview_report::figures::plot_beside;
use zview_report::numbers::thousands;
use zview_report::page::{Page, page, sections};
use zview_report::pictures::NeighbourFigure;
use zview_report::plots::{DotRow, LossCurve, dot_plot, loss_plot};
use zview_report::words::minus;
use zview_runtime::run_folder::Environment;

use self::notes::{commands, expectations, limits, machine};
use self::pictures::pictures;
use self::results_table::{differences, results_table};
use crate::answer::{QUESTION, answer};
use crate::demo::DemoSummary;
use crate::probing::{DRAWS, LABELS_PER_CLASS};
use crate::results::{ArmResult, Comparison};
use crate::table::K;
use zview_report::neighbours::neighbours;

/// An arm as the page shows it.
#[derive(Debug)]
pub struct PageArm<'a> {
    /// Its numbers.
    pub result: &'a ArmResult,
    /// What its encoder saw: PNG, a row per anchor.
    pub views_png: Vec<u8>,
    /// The command that trains it again.
    pub train_command: String,
    /// The command that probes it again.
    pub probe_command: String,
}

/// Everything on the page.
#[derive(Debug)]
pub struct DemoPage<'a> {
    /// The result.
    pub summary: &'a DemoSummary,
    /// The recipe that the arms follow from.
    pub recipe: &'a Recipe,
    /// Where it was computed.
    pub environment: Environment,
    /// The command that made the page.
    pub command: String,
    /// Its options but for place, seed and output, as a shell takes them.
    pub more: Vec<String>,
    /// A command that draws more views.
    pub sample_command: String,
    /// The generator.
    pub generator: &'a str,
    /// Its classes, if it is asked for one.
    pub generator_classes: Option<usize>,
    /// Images of the data set that training draws from.
    pub train_images: usize,
    /// Real images: PNG grid.
    pub real_png: Vec<u8>,
    /// Generated images: PNG grid.
    pub generated_png: Vec<u8>,
    /// The arms.
    pub arms: Vec<PageArm<'a>>,
    /// Nearest neighbours of a few test images.
    pub neighbours: NeighbourFigure,
}

impl DemoPage<'_> {
    /// The HTML file.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn render(&self) -> Result<String, ReportError> {
        let comparison = &self.summary.comparison;
        let result = html! {
            (results_table(comparison))
            (accuracies(comparison)?)
            (differences(comparison))
        };
        let found = neighbours(&self.neighbours, comparison.n_train, &comparison.data);
        Ok(page(&Page {
            title: "zview demo: generated against real images",
            styles: &[],
            class: None,
            header: html! {
                h1 { (QUESTION) }
                p.answer { (minus(&answer(comparison))) }
                p.fine { (self.equal_updates()) }
            },
            main: sections(&[
                ("Result", result),
                ("What each encoder saw", pictures(self)),
                ("Loss", losses(comparison)?),
                ("Nearest neighbours", found),
                ("How the differences would grow", expectations(self)),
                ("Limits", limits(self)),
                ("Repeat it, and see more", commands(self)),
                ("Where this was computed", machine(self)),
            ]),
        }))
    }

    fn equal_updates(&self) -> String {
        let (train, encoder) = (&self.recipe.train, &self.recipe.encoder);
        let arch = serde_json::to_value(encoder.arch).unwrap_or_default();
        format!(
            "Every trained encoder is a {} of width {} that begins with the same weights and takes {} steps of \
             {} anchors with {} views each; only where the views come from differs. Tx is pixel augmentation \
             (crop, brightness, contrast); Gaussian {} is the step in latent space between the views of an \
             anchor. Then the encoder is frozen, and a linear classifier is learnt on its features of {} \
             labelled real images and tested on {} held-out ones.",
            arch.as_str().unwrap_or_default(),
            encoder.width,
            thousands(train.steps as usize),
            train.batch,
            self.recipe.views.per_anchor,
            self.recipe.views.std,
            thousands(self.summary.comparison.n_train),
            thousands(self.summary.comparison.n_test),
        )
    }
}

/// An accuracy and the ends of its interval.
type Score = (f64, Option<(f64, f64)>);

fn accuracies(comparison: &Comparison) -> Result<Markup, ReportError> {
    let rows = |value: &dyn Fn(&ArmResult) -> Option<Score>| -> Vec<DotRow> {
        let row = |arm: &ArmResult| {
            let (value, interval) = value(arm)?;
            let interval = interval.map(|(low, high)| (100.0 * low, 100.0 * high));
            Some(DotRow { name: arm.name.clone(), value: 100.0 * value, interval })
        };
        comparison.arms.iter().filter_map(row).collect()
    };
    let linear = rows(&|arm| {
        let probe = &arm.linear.probe;
        Some((arm.linear.mean, Some((probe.low, probe.high))))
    });
    let knn = rows(&|arm| arm.knn.get(&K).map(|score| (score.top1, Some((score.low, score.high)))));
    let few = rows(&|arm| {
        let score = arm.few_shot.get(&LABELS_PER_CLASS)?;
        Some((score.mean, score.low.zip(score.high)))
    });
    let over = comparison.intervals.in_words();
    let plots = [
        ("Linear probe", linear, format!("{} labels; 95 % intervals {over}", thousands(comparison.n_train))),
        ("Nearest neighbours", knn, format!("{K}-NN, no training; 95 % intervals {over}")),
        (
            "Few labels",
            few,
            format!(
                "linear, {LABELS_PER_CLASS} labels per class; mean of {DRAWS} draws, 95 % t intervals over draws"
            ),
        ),
    ];
    let mut figures = Vec::new();
    for (title, rows, caption) in plots {
        let description = format!("{title}: {}", spoken(&rows));
        figures.push((title, dot_plot("accuracies", &description, &rows)?, caption));
    }
    Ok(html! {
        div.figures {
            @for (title, svg, caption) in &figures {
                figure { h3 { (title) } (PreEscaped(svg)) figcaption { (caption) } }
            }
        }
    })
}

/// The rows of a plot, for people who do not see it.
fn spoken(rows: &[DotRow]) -> String {
    let row = |row: &DotRow| {
        let interval =
            row.interval.map_or_else(String::new, |(low, high)| format!(" (interval {low:.1} to {high:.1})"));
        format!("{} {:.1} %{interval}", row.name, row.value)
    };
    rows.iter().map(row).collect::<Vec<_>>().join(", ")
}

fn losses(comparison: &Comparison) -> Result<Markup, ReportError> {
    let curves: Vec<LossCurve<'_>> = comparison
        .arms
        .iter()
        .enumerate()
        .filter(|(_, arm)| !arm.training.losses.is_empty())
        .map(|(position, arm)| LossCurve { name: &arm.name, position, losses: &arm.training.losses })
        .collect();
    let longest = curves.iter().map(|curve| curve.losses.len()).max().unwrap_or(0);
    let window = (longest / 20).max(1);
    let ends: Vec<String> = curves
        .iter()
        .filter_map(|curve| {
            Some(format!("{} from {:.2} to {:.2}", curve.name, curve.losses.first()?, curve.losses.last()?))
        })
        .collect();
    let svg = loss_plot(&format!("Loss by step: {}", ends.join(", ")), &curves, window)?;
    let caption = html! {
        "NT-Xent loss of each step"
        @if window > 1 { " (mean over the last " (window) " steps)" }
        ". A lower loss is not a better encoder: views that differ more are harder to match, and can teach more."
    };
    Ok(plot_beside(&svg, &caption))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::probing::tests::comparison;
    use zview_report::pictures::LabelledImage;
    use zview_runtime::device::cpu;

    pub(in crate::pages) fn summary() -> DemoSummary {
        let comparison = comparison(500, 800, 820, 860);
        DemoSummary {
            answer: answer(&comparison),
            comparison,
            report: "runs/demo/report.html".into(),
            device: "CPU".to_owned(),
            seconds: 30.0,
            stopped: false,
        }
    }

    fn rendered() -> String {
        let (summary, recipe) = (summary(), crate::arms::tests::base());
        let image = |label: &str| LabelledImage { png: vec![1, 2], label: label.to_owned() };
        let arms = |result| PageArm {
            result,
            views_png: vec![1],
            train_command: "zview pretrain 'a b'".to_owned(),
            probe_command: "zview probe x".to_owned(),
        };
        DemoPage {
            arms: summary.comparison.arms.iter().map(arms).collect(),
            summary: &summary,
            recipe: &recipe,
            environment: Environment::of(&cpu("test")),
            command: "zview demo".to_owned(),
            more: Vec::new(),
            sample_command: "zview sample".to_owned(),
            generator: "gan",
            generator_classes: None,
            train_images: 5_000,
            real_png: vec![1],
            generated_png: vec![2],
            neighbours: NeighbourFigure {
                queries: vec![image("A")],
                arms: vec![("real".to_owned(), vec![vec![image("A"), image("<B>")]])],
            },
        }
        .render()
        .unwrap()
    }

    #[test]
    fn the_page_needs_nothing_beside_itself() {
        let page = rendered();
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        for outside in ["http:", "https:", "<script", "<link", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<img").count(), page.matches("src=\"data:image/png;base64,").count());
        assert_eq!(page.matches("<img").count(), page.matches(" alt=\"").count());
    }

    #[test]
    fn what_comes_from_elsewhere_is_escaped_and_what_is_wrong_is_marked_by_more_than_colour() {
        let page = rendered();
        assert!(page.contains("images &lt;of&gt; real") && !page.contains("<of>"), "taught_by");
        assert!(page.contains("&lt;B&gt;") && page.contains('✗'), "neighbours");
        assert!(page.contains("Yes, it does better here") && page.contains("expected"), "answer and outlook");
    }
}
