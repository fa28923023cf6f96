//! Test images that have copies among the training images.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use zview_report::numbers::{percent, precise_percent, thousands};
use zview_report::pictures::{LabelledImage, png_uri};

use super::Outcomes;
use crate::ProbeError;
use crate::overlap::{Overlap as Found, OverlapPair, find_overlap};
use crate::suite::SuiteError;
use crate::suite::examples::labelled_image;
use crate::suite::metric::{Metric, Score};
use crate::suite::protocol::{Bench, Protocol, Section};
use crate::suite::set_evaluation::SetEvaluation;

/// Pairs on the page.
const SHOWN_PAIRS: usize = 8;

/// Byte by byte, and nearly.
pub struct Overlap;

/// What it finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// The copies.
    pub overlap: Found,
    /// The linear probe on the test images that have no copy; absent where none has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear_without_copies: Option<WithoutCopies>,
}

/// Accuracy on the test images that have no copy among the training images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WithoutCopies {
    /// Top-1 accuracy.
    pub top1: f64,
    /// How many test images these are.
    pub n_test: usize,
}

impl Protocol for Overlap {
    type Outcome = Outcome;
    const KEY: &'static str = "overlap";
    const READS: &'static [&'static str] = &["overlap"];

    fn run(bench: &Bench<'_>, before: &Outcomes) -> Result<Option<Outcome>, ProbeError> {
        let overlap = find_overlap(bench.labelled(), bench.images.test, &bench.config.overlap)?;
        let linear_without_copies = before.linear.as_ref().and_then(|linear| {
            let top1 = overlap.accuracy_without_copies(&linear.linear.correct)?;
            Some(WithoutCopies { top1, n_test: overlap.is_copy.iter().filter(|&&is_copy| !is_copy).count() })
        });
        Ok(Some(Outcome { overlap, linear_without_copies }))
    }

    fn scores(found: &Outcome, set: &SetEvaluation) -> Vec<Score> {
        let without = found.linear_without_copies.map(|without| {
            let (key, title) = ("linear_without_copies".to_owned(), "Linear, no copies".to_owned());
            Score {
                over: "–".to_owned(),
                n_test: without.n_test,
                note: "test images that have no copy among the training images".to_owned(),
                ..set.score(Metric::accuracy(key, title, String::new(), (0, 1.0)), without.top1)
            }
        });
        without.into_iter().collect()
    }

    fn lines(found: &Outcome) -> Vec<(String, String)> {
        let overlap = &found.overlap;
        let near = overlap.near.map_or_else(String::new, |near| format!(", {near} near-duplicates"));
        let differ = match overlap.labels_differ {
            0 => String::new(),
            pairs => format!("; labels differ in {pairs} pairs"),
        };
        let text =
            format!("{} of {} test images are training images{near}{differ}", overlap.exact, overlap.n_test);
        let without = found.linear_without_copies.map(|WithoutCopies { top1, n_test }| {
            let top1 = precise_percent(top1);
            let text = format!("{top1} top-1 on the {n_test} test images that have no copy");
            ("  without copies".to_owned(), text)
        });
        std::iter::once(("overlap".to_owned(), text)).chain(without).collect()
    }

    fn sections(found: &Outcome, bench: &Bench<'_>, _: &SetEvaluation) -> Result<Vec<Section>, SuiteError> {
        let content = figure(&shown(&found.overlap, bench)?);
        Ok(vec![Section { place: 5, heading: "Overlap of training and test images", content }])
    }
}

fn shown(overlap: &Found, bench: &Bench<'_>) -> Result<OverlapFigure, SuiteError> {
    let (images, config) = (bench.images, &bench.config.overlap);
    let pair = |pair: &OverlapPair| -> Result<ShownPair, SuiteError> {
        let how = if pair.exact {
            "the same bytes".to_owned()
        } else {
            format!("correlation {:.3}", pair.correlation)
        };
        let note = if pair.same_label == Some(false) { format!("{how}, another class") } else { how };
        Ok(ShownPair {
            test: labelled_image(images.test, pair.test)?,
            train: labelled_image(images.train, bench.encoded.pool[pair.train])?,
            note,
        })
    };
    Ok(OverlapFigure {
        exact: overlap.exact,
        near: overlap.near.unwrap_or(0),
        near_means: format!(
            "thumbnails correlate by {} or more, and the nearest training image is closer than {} of the usual distance",
            config.correlation, config.ratio
        ),
        n_train: overlap.n_train,
        n_test: overlap.n_test,
        pairs: overlap.pairs.iter().take(SHOWN_PAIRS).map(pair).collect::<Result<_, _>>()?,
    })
}

/// Overlap of the training images with the test images.
#[derive(Debug, Clone, PartialEq)]
struct OverlapFigure {
    /// Test images that are training images too, byte by byte.
    exact: usize,
    /// Further test images that are nearly a training image.
    near: usize,
    /// What counts as nearly the same: `mean difference of at most 2 grey levels`.
    near_means: String,
    /// Training images compared.
    n_train: usize,
    /// Test images compared.
    n_test: usize,
    /// A few of the pairs.
    pairs: Vec<ShownPair>,
}

/// A test image and the training image it repeats.
#[derive(Debug, Clone, PartialEq)]
struct ShownPair {
    /// The test image.
    test: LabelledImage,
    /// The training image.
    train: LabelledImage,
    /// How near they are: `the same bytes`, `difference 0.4`.
    note: String,
}

/// The counts and a few pairs.
fn figure(figure: &OverlapFigure) -> Markup {
    let share = |count: usize| percent(count as f64 / figure.n_test.max(1) as f64);
    html! {
        p {
            b { (thousands(figure.exact)) } " of " (thousands(figure.n_test)) " test images (" (share(figure.exact))
            " %) are among the " (thousands(figure.n_train)) " training images, byte by byte; "
            b { (thousands(figure.near)) } " more (" (share(figure.near)) " %) nearly so (" (figure.near_means) "). "
            @if figure.exact + figure.near == 0 { "The test images are new to the classifier." }
            @else { "Accuracy on these says how well they are remembered, not how well the features generalise." }
        }
        @if !figure.pairs.is_empty() {
            div.pairs {
                @for pair in &figure.pairs {
                    figure.pair {
                        img.pixels src=(png_uri(&pair.test.png)) alt={ "Test image, " (pair.test.label) };
                        img.pixels src=(png_uri(&pair.train.png)) alt={ "Training image, " (pair.train.label) };
                        figcaption { (pair.test.label) " | " (pair.train.label) br; (pair.note) }
                    }
                }
            }
            p.fine { "Left the test image, right the training image, with their labels." }
        }
    }
}
