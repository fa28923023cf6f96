//! Accuracy of each class.

use maud::{Markup, html};
use zview_report::numbers::{percent, thousands};

/// Classes shown; of more, those of lowest accuracy.
const CLASSES_MAX: usize = 40;

/// How many test images of a class are classified right.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassScore {
    /// The class.
    pub class: String,
    /// Test images of it that are right, or expected to be.
    pub correct: usize,
    /// Test images of it.
    pub n_test: usize,
}

impl ClassScore {
    /// The share that is right; `None` without test images.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        (self.n_test > 0).then(|| self.correct as f64 / self.n_test as f64)
    }
}

/// A bar per class, the lowest accuracy first.
pub fn class_scores(scores: &[ClassScore]) -> Markup {
    let mut order: Vec<(&ClassScore, f64)> =
        scores.iter().filter_map(|score| Some((score, score.accuracy()?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let shown = order.len().min(CLASSES_MAX);
    let without: Vec<&str> =
        scores.iter().filter(|score| score.n_test == 0).map(|score| score.class.as_str()).collect();
    html! {
        p.fine {
            "Share of each class's test images that is right, lowest first"
            @if shown < order.len() { " (the lowest " (shown) " of " (thousands(order.len())) " classes)" }
            "; behind it right and all test images of the class."
        }
        ul.bars {
            @for (score, accuracy) in &order[..shown] {
                li {
                    span.bar-name { (score.class) }
                    span.bar-room aria-hidden="true" {
                        span.bar style={ "width:" (percent(*accuracy)) "%" } {}
                    }
                    span.bar-value { b { (percent(*accuracy)) } " % " small { (score.correct) "/" (score.n_test) } }
                }
            }
        }
        @if !without.is_empty() {
            p.fine { "Without test images, so without an accuracy: " (without.join(", ")) "." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_class_comes_first_and_one_without_images_is_named() {
        let score = |class: &str, correct, n_test| ClassScore { class: class.to_owned(), correct, n_test };
        let text =
            class_scores(&[score("good", 9, 10), score("none", 0, 0), score("<bad>", 1, 10)]).into_string();
        assert!(text.find("&lt;bad&gt;").unwrap() < text.find("good").unwrap(), "{text}");
        assert!(text.contains("an accuracy: none.") && text.contains("width:10.0%"), "{text}");
        let many: Vec<ClassScore> = (0..100).map(|k| score("c", k, 100)).collect();
        assert!(class_scores(&many).into_string().contains("the lowest 40 of 100 classes"));
    }
}
