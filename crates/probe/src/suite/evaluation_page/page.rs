//! The page as a whole.

use maud::{Markup, html};
use zview_report::ReportError;
use zview_report::numbers::{percent, shown_with_interval, thousands};
use zview_report::page::{Page, page, sections};
use zview_report::table::{Row, Table, or_dash, table};
use zview_runtime::run_folder::Environment;

use super::paired::paired_tests;
use super::{PairedTest, SetPage};
use crate::suite::evaluation_page::machine::machine;

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
const MAIN: [&str; 7] = [
    "Linear",
    "Linear by SGD",
    "20-NN",
    "10 labels per class",
    "10% of the labels",
    "Fine-tuned",
    "From scratch",
];

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
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn render(&self) -> Result<String, ReportError> {
        let names: Vec<&str> = self.sets.iter().map(|set| set.data.as_str()).collect();
        let sets = self.sets.iter().enumerate().map(|(number, set)| set_part(number, set));
        let sets: Vec<Markup> = sets.collect::<Result<_, _>>()?;
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
        Ok(page(&Page {
            title: &format!("zview evaluation: {} on {}", self.encoder.name, names.join(", ")),
            styles: &[EVALUATION_STYLE],
            class: Some("evaluation"),
            header,
            main: html! { @for set in &sets { (set) } (sections(&more)) },
        }))
    }

    /// A row per data set, a column per protocol that any of them has.
    fn overview(&self) -> Markup {
        let mut protocols: Vec<&str> = Vec::new();
        for row in self.sets.iter().flat_map(|set| &set.scores) {
            if !protocols.contains(&row.protocol.as_str()) {
                protocols.push(&row.protocol);
            }
        }
        if protocols.len() > MAX_COLUMNS {
            protocols.retain(|protocol| MAIN.contains(protocol));
        }
        let cell = |set: &SetPage, protocol: &str| {
            let row = set.scores.iter().find(|row| row.protocol == protocol);
            or_dash(row.map(|row| shown_with_interval(row.accuracy, row.interval, percent)))
        };
        let row = |(number, set): (usize, &SetPage)| {
            let name = html! { a href={ "#set-" (number) } { (set.data) } };
            Row::new(name, protocols.iter().map(|protocol| cell(set, protocol)))
        };
        table(&Table {
            caption: Some(html! { "Top-1 accuracy in % on test images; in brackets 95 % intervals." }),
            headers: std::iter::once("Data").chain(protocols.iter().copied()).collect(),
            rows: self.sets.iter().enumerate().map(row).collect(),
            ..Table::default()
        })
    }
}

fn set_part(number: usize, set: &SetPage) -> Result<Markup, ReportError> {
    let sections = set.sections()?;
    Ok(html! {
        section id={ "set-" (number) } {
            h2 { (set.data) }
            p.protocol { (set.protocol_line()) }
            @if let Some(path) = &set.path { p.protocol { "Images of " code { (path) } "." } }
            @for sentence in &set.left_out { p.protocol { "Left out: " (sentence) "." } }
            @for (heading, content) in &sections {
                section { h3 { (heading) } (content) }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use zview_report::pictures::{LabelledImage, NeighbourFigure};
    use zview_runtime::device::cpu;

    use super::super::*;
    use super::*;

    fn image(label: &str) -> LabelledImage {
        LabelledImage { png: vec![1, 2, 3], label: label.to_owned() }
    }

    fn protocol() -> Protocol {
        Protocol {
            n_train: 5_000,
            n_test: 30,
            images: "28x28 grey".to_owned(),
            decisions: "penalty picked on <held-out> images".to_owned(),
        }
    }

    /// A set with every section.
    fn full(data: &str) -> SetPage {
        let classes = vec!["A".to_owned(), "<b>".to_owned(), "C".to_owned()];
        let labels: Vec<u32> = (0..30).map(|image| image % 3).collect();
        let predicted: Vec<u32> = (0..30).map(|image| if image < 4 { 0 } else { image % 3 }).collect();
        let points = vec![CurvePoint { labels: 1.0, accuracy: 0.4, interval: Some((0.3, 0.5)) }];
        SetPage {
            scores: vec![ScoreRow {
                protocol: "Linear <1>".to_owned(),
                accuracy: 0.9,
                untrained: None,
                interval: Some((0.8, 0.95)),
                interval_over: "test images".to_owned(),
                n_train: 5_000,
                n_test: 30,
                note: "penalty 0.01".to_owned(),
            }],
            overlap: Some(OverlapFigure {
                exact: 1,
                near: 0,
                near_means: "distance below 0.01".to_owned(),
                n_train: 5_000,
                n_test: 30,
                pairs: vec![OverlapPair { test: image("A"), train: image("<b>"), note: "<same>".to_owned() }],
            }),
            confusion: Some(ConfusionFigure::count(classes.clone(), &labels, &predicted, "linear probe")),
            reliability: Some(ReliabilityFigure {
                bins: vec![ReliabilityBin { range: (0.8, 0.9), confidence: 0.85, accuracy: 0.9, count: 30 }],
                expected_calibration_error: 0.05,
                over_equal_counts: 0.06,
                classifier: "linear probe".to_owned(),
                more: Vec::new(),
            }),
            label_curve: Some(LabelCurveFigure {
                unit: "labels per class".to_owned(),
                curves: vec![LabelCurve { name: "linear".to_owned(), points }],
                band: "over draws".to_owned(),
            }),
            corruptions: Some(CorruptionFigure {
                clean: 0.9,
                classifier: "linear probe".to_owned(),
                n_test: 30,
                rows: vec![CorruptionRow {
                    corruption: "<blur>".to_owned(),
                    accuracies: vec![0.8, 0.4],
                    pngs: vec![vec![1], vec![2]],
                }],
                clean_png: Some(vec![3]),
            }),
            outliers: Some(OutlierFigure {
                rows: vec![OutlierRow {
                    other: "<noise>".to_owned(),
                    score: "nearest neighbour".to_owned(),
                    auroc: 0.97,
                    interval: None,
                    false_positives_at_95: Some(0.1),
                    n_outside: 100,
                }],
                n_inside: 30,
            }),
            spectrum: Some(SpectrumFigure {
                variances: vec![2.0, 1.0],
                effective_rank: None,
                decay_exponent: None,
                images: 30,
            }),
            maps: Some(MapFigure {
                classes,
                labels,
                drawn_from: (30, "test images".to_owned()),
                panels: vec![MapPanel {
                    title: "PCA <2>".to_owned(),
                    points: (0..30).map(|at| [f64::from(at), f64::from(at * at)]).collect(),
                    caption: "two <directions>".to_owned(),
                }],
            }),
            neighbours: Some(NeighbourFigure {
                queries: vec![image("A")],
                arms: vec![("encoder".to_owned(), vec![vec![image("A"), image("<b>")]])],
            }),
            mistakes: Some(MistakesFigure {
                mistakes: vec![Mistake {
                    image: image("<b>"),
                    index: 7,
                    name: None,
                    predicted: "<A>".to_owned(),
                    confidence: 0.99,
                    label_probability: 0.01,
                }],
                wrong: 3,
                n_test: 30,
                classifier: "linear probe".to_owned(),
            }),
            ..SetPage::new(data, protocol())
        }
    }

    fn page(sets: Vec<SetPage>) -> EvaluationPage {
        EvaluationPage {
            encoder: EvaluatedEncoder {
                name: "runs/<encoder>".to_owned(),
                description: "A <tiny> network.".to_owned(),
                feature_dimension: 512,
                sha256: "abc".to_owned(),
            },
            sets,
            paired: vec![PairedTest {
                data: "glyphs".to_owned(),
                protocol: "Linear".to_owned(),
                encoder: "<one>".to_owned(),
                other: "two".to_owned(),
                difference: -0.02,
                interval: Some((-0.03, -0.01)),
                no_interval: None,
                p_value: Some(0.0001),
                n_test: 30,
            }],
            command: Some("zview probe 'a<b>'".to_owned()),
            environment: Some(Environment::of(&cpu("test"))),
        }
    }

    #[test]
    fn the_page_needs_nothing_beside_itself() {
        let page = page(vec![full("glyphs"), full("mnist")]).render().unwrap();
        assert!(page.starts_with("<!DOCTYPE html>"));
        for outside in ["http:", "https:", "//", "<script", "<link", "url(", "@import", "<iframe", " on"] {
            let found = page.match_indices(outside).find(|(at, found)| {
                // Words begin with "on"; attributes that run scripts end with "=".
                *found != " on"
                    || page[at + 3..].chars().take_while(|letter| letter.is_ascii_lowercase()).count() > 0
                        && page[at + 3..]
                            .trim_start_matches(|letter: char| letter.is_ascii_lowercase())
                            .starts_with('=')
            });
            assert!(
                found.is_none(),
                "{outside}: {:?}",
                found.map(|(at, _)| &page[at.saturating_sub(40)..at + 40])
            );
        }
        assert_eq!(page.matches("<img").count(), page.matches("src=\"data:image/png;base64,").count());
        assert_eq!(page.matches("<img").count(), page.matches(" alt=\"").count());
        assert_eq!(
            page.matches("<svg").count(),
            page.matches("aria-label=").count() + page.matches("<li><svg").count()
        );
    }

    #[test]
    fn what_comes_from_elsewhere_is_escaped() {
        let page = page(vec![full("<glyphs>")]).render().unwrap();
        for name in [
            "b",
            "A",
            "same",
            "blur",
            "noise",
            "encoder",
            "tiny",
            "one",
            "glyphs",
            "1",
            "2",
            "held-out",
            "directions",
        ] {
            assert!(page.contains(&format!("&lt;{name}&gt;")), "{name} is shown");
            // Maud's own bold text is the only <b> of the page.
            assert!(name == "b" || !page.contains(&format!("<{name}>")), "{name} is escaped");
        }
    }

    #[test]
    fn what_was_not_measured_leaves_no_trace() {
        let full = page(vec![full("glyphs")]).render().unwrap();
        let empty = EvaluationPage {
            paired: Vec::new(),
            command: None,
            environment: None,
            ..page(vec![SetPage::new("glyphs", protocol())])
        };
        let empty = empty.render().unwrap();
        for heading in [
            "Result",
            "Overlap of training and test images",
            "Label efficiency",
            "Confusion matrix",
            "Accuracy of each class",
            "Worst mistakes",
            "Calibration",
            "Robustness to corruptions",
            "Outliers",
            "Maps of the features",
            "Feature spectrum",
            "Nearest neighbours",
        ] {
            let heading = format!("<h3>{heading}</h3>");
            assert!(full.contains(&heading) && !empty.contains(&heading), "{heading}");
        }
        for heading in ["Against other encoders", "Repeat it", "Where this was computed"] {
            assert!(full.contains(heading) && !empty.contains(heading), "{heading}");
        }
        assert!(!empty.contains("<svg") && !empty.contains("<img") && !empty.contains("NaN"));
        assert!(empty.contains(
            "5,000 training, 30 test images of 28x28 grey, penalty picked on &lt;held-out&gt; images."
        ));
        assert!(EvaluationPage { sets: Vec::new(), ..page(Vec::new()) }.render().is_ok());
    }

    #[test]
    fn several_sets_have_a_table_in_common() {
        let mut second = full("mnist");
        second.scores[0].protocol = "20-NN".to_owned();
        let page = page(vec![full("glyphs"), second]).render().unwrap();
        assert!(page.contains("href=\"#set-1\"") && page.contains("id=\"set-1\""));
        assert!(page.contains("–"), "a protocol that only one set has");
    }
}
