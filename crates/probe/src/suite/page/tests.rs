//! The page of made-up results.

use maud::html;
use zview_runtime::device::cpu;

use super::*;
use crate::suite::arms::Difference;
use crate::suite::figures::class_scores::class_scores;
use crate::suite::figures::confusion::{ConfusionFigure, confusion};
use crate::suite::figures::corruptions::{CorruptionFigure, CorruptionRow, corruptions};
use crate::suite::metric::Metric;
use crate::suite::page::scores::score_table;
use crate::suite::protocol::Section;
use crate::suite::protocols::linear;
use crate::suite::set_evaluation::Beside;

/// A set with a table, drawings and pictures.
fn full(data: &str) -> SetPage {
    let classes = vec!["A".to_owned(), "<b>".to_owned(), "C".to_owned()];
    let labels: Vec<u32> = (0..30).map(|image| image % 3).collect();
    let predicted: Vec<u32> = (0..30).map(|image| if image < 4 { 0 } else { image % 3 }).collect();
    let figure = ConfusionFigure::count(classes, &labels, &predicted, "linear probe");
    let heat = corruptions(&CorruptionFigure {
        clean: 0.9,
        classifier: "linear probe".to_owned(),
        n_test: 30,
        rows: vec![CorruptionRow {
            corruption: "<blur>".to_owned(),
            accuracies: vec![0.8, 0.4],
            pngs: vec![vec![1], vec![2]],
        }],
        clean_png: Some(vec![3]),
    });
    let metric =
        Metric::accuracy("linear".to_owned(), "Linear <1>".to_owned(), "linear".to_owned(), (0, 0.0));
    let scores = vec![Score {
        metric,
        value: 0.9,
        interval: Some((0.8, 0.95)),
        over: "test images".to_owned(),
        n_train: 5_000,
        n_test: 30,
        note: "penalty 0.01".to_owned(),
        right: None,
        draws: Vec::new(),
    }];
    let beside = Beside { chance: 0.25, untrained: Some([("linear".to_owned(), 0.5)].into()) };
    let section = |place, heading, content| Section { place, heading, content };
    SetPage {
        data: data.to_owned(),
        path: None,
        protocol: "5,000 training, 30 test images, penalty picked on <held-out> images.".to_owned(),
        left_out: Vec::new(),
        sections: vec![
            section(0, "Result", score_table(&scores, data, Some(&beside))),
            section(20, "Confusion matrix", confusion(&figure)),
            section(21, "Accuracy of each class", class_scores(&figure.class_scores())),
            section(30, "Robustness to corruptions", heat),
        ],
        scores,
    }
}

fn page_of(sets: Vec<SetPage>) -> EvaluationPage {
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
            encoder: "<one>".to_owned(),
            other: "two".to_owned(),
            difference: Difference {
                low: Some(-0.03),
                high: Some(-0.01),
                p_holm: Some(0.0001),
                ..Difference::over_seeds(&[0.7], &[0.72], linear::metric())
            },
            n_test: 30,
        }],
        command: Some("zview probe 'a<b>'".to_owned()),
        environment: Some(Environment::of(&cpu("test"))),
    }
}

#[test]
fn the_page_needs_nothing_beside_itself() {
    let page = page_of(vec![full("glyphs"), full("mnist")]).render();
    assert!(page.starts_with("<!DOCTYPE html>"));
    for outside in ["http:", "https:", "//", "<script", "<link", "url(", "@import", "<iframe"] {
        let at = page.find(outside);
        assert!(at.is_none(), "{outside}: {:?}", at.map(|at| &page[at.saturating_sub(40)..at + 40]));
    }
    // Attributes that run scripts.
    let words = page.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '=');
    assert!(!words.clone().any(|word| word.starts_with("on") && word.contains('=')));
    assert_eq!(page.matches("<img").count(), page.matches("src=\"data:image/png;base64,").count());
    assert_eq!(page.matches("<img").count(), page.matches(" alt=\"").count());
}

#[test]
fn what_comes_from_elsewhere_is_escaped() {
    let page = page_of(vec![full("<glyphs>")]).render();
    for name in ["b", "blur", "encoder", "tiny", "one", "glyphs", "1", "held-out"] {
        assert!(page.contains(&format!("&lt;{name}&gt;")), "{name} is shown");
        // Maud's own bold text is the only <b> of the page.
        assert!(name == "b" || !page.contains(&format!("<{name}>")), "{name} is escaped");
    }
}

#[test]
fn what_was_not_measured_leaves_no_trace() {
    let full_page = page_of(vec![full("glyphs")]).render();
    let set = SetPage { scores: Vec::new(), sections: Vec::new(), ..full("glyphs") };
    let empty = EvaluationPage { paired: Vec::new(), command: None, environment: None, ..page_of(vec![set]) };
    let empty = empty.render();
    for heading in ["Result", "Confusion matrix", "Accuracy of each class", "Robustness to corruptions"] {
        let heading = format!("<h3>{heading}</h3>");
        assert!(full_page.contains(&heading) && !empty.contains(&heading), "{heading}");
    }
    for heading in ["Against other encoders", "Repeat it", "Where this was computed"] {
        assert!(full_page.contains(heading) && !empty.contains(heading), "{heading}");
    }
    assert!(!empty.contains("<svg") && !empty.contains("<img") && !empty.contains("NaN"));
    assert!(!page_of(Vec::new()).render().is_empty());
}

#[test]
fn several_sets_have_a_table_in_common() {
    let mut second = full("mnist");
    second.scores[0].metric =
        Metric::accuracy("knn_20".to_owned(), "20-NN".to_owned(), "20-nn".to_owned(), (1, 20.0));
    let page = page_of(vec![full("glyphs"), second]).render();
    assert!(page.contains("href=\"#set-1\"") && page.contains("id=\"set-1\""));
    assert!(page.contains("–"), "a metric that only one set has");
}

#[test]
fn chance_and_the_untrained_encoder_stand_beside_the_accuracy() {
    let text = html! { (full("x").sections[0].content) }.into_string();
    assert!(text.contains("gives <b>25.0</b>") && text.contains("<span>50.0</span>"), "{text}");
}
