//! The whole page: what is on it, that it needs nothing else, and that names from elsewhere are escaped.

use zview_probe::suite::arms::{ArmScore, Difference};
use zview_probe::suite::metric::Metric;
use zview_probe::suite::protocols::linear;
use zview_report::pictures::{LabelledImage, NeighbourFigure};

use super::super::*;
use super::*;

fn metric() -> Metric {
    Metric { title: "<Linear>".to_owned(), ..linear::metric() }
}

pub(in crate::pages::comparison_page) fn score(
    data: &str,
    accuracy: f64,
    reference: Option<f64>,
) -> ShownScore {
    let seeds = vec![accuracy - 0.005, accuracy + 0.005];
    let score = ArmScore::over_seeds(seeds.clone(), metric(), [0, 0]);
    let minus = |reference: f64| Difference {
        low: Some(accuracy - reference - 0.01),
        high: Some(accuracy - reference + 0.01),
        p_holm: Some(0.02),
        ..Difference::over_seeds(&seeds, &[reference; 2], metric())
    };
    ShownScore {
        data: data.to_owned(),
        score: ArmScore { low: Some(accuracy - 0.01), high: Some(accuracy + 0.01), ..score },
        minus: reference.map(|reference| MinusArm { against: None, difference: minus(reference) }),
    }
}

fn arm(name: &str, axis: Option<f64>, accuracy: f64) -> ComparedArm {
    let reference = (name != "real").then_some(0.9);
    ComparedArm {
        name: name.to_owned(),
        taught_by: "samples <of> gan".to_owned(),
        series: name.split('-').next().unwrap().to_owned(),
        axis: axis.map(|value| ArmAxis { key: "views.<std>".to_owned(), value }),
        settings: vec![("a.<key>".to_owned(), "<value>".to_owned())],
        steps: 400,
        seconds: Some(50.0 * accuracy),
        missing_seeds: Vec::new(),
        interrupted: name == "<walk>",
        scores: vec![score("<mnist>", accuracy, reference), score("glyphs", accuracy - 0.2, reference)],
    }
}

/// A page with every section.
fn full() -> ComparisonPage {
    let image = |label: &str| LabelledImage { png: vec![1], label: label.to_owned() };
    ComparisonPage {
        question: "Do I need <real> images?".to_owned(),
        answer: "No <answer>. -1.0 points.".to_owned(),
        conditions: "The same <recipe>.".to_owned(),
        reference: "real".to_owned(),
        seeds: vec![0, 1],
        intervals: "95 % intervals over <seeds>".to_owned(),
        differences: "paired by <seed>".to_owned(),
        p_values: "by <Holm>".to_owned(),
        significant: "p below <0.05>".to_owned(),
        without_p: "Without p: <few>; it is not kept.".to_owned(),
        arms: vec![
            arm("real", None, 0.9),
            arm("gaussian-0.1", Some(0.1), 0.85),
            arm("gaussian-0.5", Some(0.5), 0.88),
            arm("<walk>", None, 0.8),
        ],
        contrasts: vec![PlannedContrast {
            name: "the <step>".to_owned(),
            of: "<far> minus real".to_owned(),
            data: "<mnist>".to_owned(),
            sum: Difference::over_seeds(&[0.8, 0.9, 0.9], &[0.7; 3], metric()),
            says: "no <difference> was found".to_owned(),
            better: None,
        }],
        families: "All of the <file>".to_owned(),
        could_find: vec!["3 <seeds> find 1 point".to_owned()],
        picks: vec![("<mnist>".to_owned(), "held-out picks <0.1>".to_owned())],
        pairs: vec![PairTable {
            data: "<mnist>".to_owned(),
            metric: metric(),
            pairs: vec![ArmPair {
                arm: "<walk>".to_owned(),
                other: "real".to_owned(),
                difference: Difference::over_seeds(&[0.5], &[0.4], metric()),
            }],
        }],
        losses: vec![ArmLosses { arm: "<walk>".to_owned(), losses: vec![3.0, 2.0], problem: None }],
        generated: true,
        class_generators: vec![("<gan>".to_owned(), 26)],
        recovered: vec![RecoveredShare {
            data: "<mnist>".to_owned(),
            metric: metric(),
            share: 0.78,
            interval: Some((0.5, f64::INFINITY)),
            real: "real".to_owned(),
            synthetic: "<walk>".to_owned(),
            views: "gaussian-0.5".to_owned(),
        }],
        progress: vec![ProgressFigure {
            data: "<mnist>".to_owned(),
            metric: metric(),
            arms: vec![ArmProgress {
                arm: "<walk>".to_owned(),
                points: [100, 200]
                    .map(|steps| ProgressPoint { steps, seconds: Some(9.0), value: 0.5, interval: None })
                    .to_vec(),
            }],
        }],
        equal_time: Some(EqualTimeTable {
            seconds: 31.4,
            arms: vec![("<walk>".to_owned(), 183, arm("<walk>", None, 0.7).scores)],
        }),
        views: vec![ArmViews { arm: "<walk>".to_owned(), png: vec![1, 2], caption: "a <grid>".to_owned() }],
        neighbours: vec![ComparedNeighbours {
            data: "<mnist>".to_owned(),
            n_train: 10,
            figure: NeighbourFigure {
                queries: vec![image("<A>")],
                arms: vec![("real".to_owned(), vec![vec![image("<B>")]])],
            },
        }],
        failed: vec![FailedCell {
            cell: 3,
            arm: "<walk>".to_owned(),
            seed: 1,
            error: "no <weights>".to_owned(),
        }],
        missing: vec![MissingCell {
            cell: 4,
            arm: "<walk>".to_owned(),
            seed: 0,
            state: "<begun>".to_owned(),
        }],
        configs: vec![ConfigText { title: "<study>.toml".to_owned(), text: "question = \"<x>\"".to_owned() }],
        commands: vec![RepeatCommand {
            purpose: "All <of> it".to_owned(),
            command: "zview compare '<x>.toml'".to_owned(),
        }],
        machines: vec![CellMachine { device: "<CPU>".to_owned(), cells: Some(8), ..CellMachine::default() }],
    }
}

#[test]
fn the_page_needs_nothing_beside_itself() {
    let page = full().render().unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"));
    for outside in
        ["http:", "https:", "//", "<script", "<link", "url(", "@import", "<iframe", "onload", "href"]
    {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<img").count(), page.matches("src=\"data:image/png;base64,").count());
    assert_eq!(page.matches("<img").count(), page.matches(" alt=\"").count());
    assert_eq!(
        page.matches("<svg").count(),
        page.matches("aria-label=").count() + page.matches("aria-hidden=").count()
    );
    assert!(!page.contains("NaN"));
}

#[test]
fn what_comes_from_elsewhere_is_escaped() {
    let page = full().render().unwrap();
    let names = [
        "real",
        "answer",
        "recipe",
        "seeds",
        "seed",
        "Holm",
        "few",
        "of",
        "mnist",
        "Linear",
        "std",
        "key",
        "value",
        "step",
        "far",
        "difference",
        "file",
        "walk",
        "grid",
        "A",
        "B",
        "weights",
        "begun",
        "study",
        "x",
        "CPU",
        "gan",
        "0.05",
    ];
    for name in names {
        assert!(page.contains(&format!("&lt;{name}&gt;")), "{name} is shown");
        assert!(!page.contains(&format!("<{name}>")), "{name} is escaped");
    }
}

const HEADINGS: [&str; 17] = [
    "Planned contrasts",
    "Result",
    "Cells without a result",
    "Differences between all arms",
    "Share of the gap that views recover",
    "Accuracy over a setting",
    "Accuracy by arm",
    "Accuracy against training time",
    "Accuracy during training",
    "What so many seeds find",
    "Loss",
    "What each encoder saw",
    "Nearest neighbours",
    "Limits",
    "Configuration",
    "Repeat it",
    "Where this was computed",
];

#[test]
fn what_there_is_not_leaves_no_trace() {
    let shown = full().render().unwrap();
    let empty = ComparisonPage { question: "Why?".to_owned(), ..ComparisonPage::default() }.render().unwrap();
    for heading in HEADINGS {
        let heading = format!("<h2>{heading}</h2>");
        assert!(shown.contains(&heading) && !empty.contains(&heading), "{heading}");
    }
    assert!(
        !empty.contains("<svg") && !empty.contains("<table") && !empty.contains("class=\"answer\""),
        "{empty}"
    );
    // Curves of no points are no curves, and one arm makes no series.
    let mut page = full();
    page.progress[0].arms[0].points.clear();
    page.arms.remove(1);
    let shown = page.render().unwrap();
    assert!(!shown.contains("Accuracy during training") && !shown.contains("Accuracy over a setting"));
}

#[test]
fn a_damaged_log_of_losses_is_said_beside_the_plot() {
    let shown = |losses: Vec<f32>| {
        let mut page = full();
        page.losses[0] = ArmLosses {
            arm: "<walk>".to_owned(),
            losses,
            problem: Some("a <log> of 2 of 3 steps".to_owned()),
        };
        page.render().unwrap()
    };
    for page in [shown(vec![3.0, 2.0]), shown(Vec::new())] {
        assert!(page.contains("⚠ &lt;walk&gt;: a &lt;log&gt; of 2 of 3 steps."), "{page}");
    }
    assert!(!full().render().unwrap().contains("&lt;log&gt;"));
}

#[test]
fn the_range_of_a_series_decides_its_axis() {
    let even = full().render().unwrap();
    assert!(!even.contains("logarithmic"));
    let mut page = full();
    page.arms[1].axis = Some(ArmAxis { key: "views.<std>".to_owned(), value: 0.02 });
    assert!(page.render().unwrap().contains("</code> (logarithmic axis)"));
}

#[test]
fn equal_updates_are_read_from_the_arms() {
    let mut page = full();
    assert!(
        page.render().unwrap().contains("Every trained arm takes 400 updates, with seeds 0 and 1. The same")
    );
    page.arms[1].steps = 1_200;
    assert!(page.render().unwrap().contains("400 to 1,200 updates, which are not equal"));
    page.arms[1].missing_seeds = vec![1];
    assert!(page.render().unwrap().contains("⚠ without seed 1"));
}

#[test]
fn a_score_that_is_missing_is_a_dash() {
    let mut page = full();
    page.arms[3].scores.pop();
    page.arms[3].seconds = None;
    let page = page.render().unwrap();
    assert!(page.contains("data-label=\"&lt;Linear&gt;\"><span>–</span>"));
    assert!(page.contains("Without a training time: &lt;walk&gt;."));
    assert!(page.contains("▼ −5.0") && page.contains("class=\"reference\""));
}

#[test]
fn numbers_that_have_no_place_are_left_out_of_the_plots() {
    let mut page = full();
    for arm in &mut page.arms {
        arm.scores[0].score.high = Some(f64::INFINITY);
        arm.scores[1].score.seeds = vec![f64::NAN];
    }
    page.arms[2].scores[0].score.mean = f64::NAN;
    page.arms[3].seconds = Some(0.0);
    page.progress[0].arms[0].points[0].interval = Some((f64::NEG_INFINITY, 0.5));
    let page = page.render().unwrap();
    for svg in page.split("<svg").skip(1) {
        let svg = &svg[svg.find('>').unwrap()..svg.find("</svg>").unwrap()];
        assert!(!svg.contains("NaN") && !svg.contains("2147483"), "{svg}");
    }
}
