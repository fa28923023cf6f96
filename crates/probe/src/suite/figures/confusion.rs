//! Which classes are taken for which.

use maud::{Markup, html};
use zview_report::numbers::{percent, thousands};
use zview_report::words::shortened;

use super::class_scores::ClassScore;

/// Classes up to which cells hold numbers and rows hold names.
const NUMBERED_MAX: usize = 30;
/// Classes up to which the matrix is drawn at all.
const DRAWN_MAX: usize = 120;
/// Pairs listed.
const PAIRS: usize = 10;
/// Characters of a class name beside the matrix.
const NAME_MAX: usize = 12;

/// How often images of each class were given each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionFigure {
    /// The classes, (C).
    pub classes: Vec<String>,
    /// Test images by true class (row) and predicted class (column), (C, C) row by row.
    pub counts: Vec<usize>,
    /// What predicted: `linear probe`.
    pub classifier: String,
}

/// Two classes and how often images of one were given the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Confusion {
    truth: usize,
    predicted: usize,
    count: usize,
}

impl ConfusionFigure {
    /// Counts `predicted` (N) against `labels` (N); a label beyond the classes is left out.
    #[must_use]
    pub fn count(classes: Vec<String>, labels: &[u32], predicted: &[u32], classifier: &str) -> Self {
        let size = classes.len();
        let mut counts = vec![0; size * size];
        for (&label, &predicted) in labels.iter().zip(predicted) {
            let (row, column) = (label as usize, predicted as usize);
            if row < size && column < size {
                counts[row * size + column] += 1;
            }
        }
        Self { classes, counts, classifier: classifier.to_owned() }
    }

    /// Test images in all.
    #[must_use]
    pub fn images(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Right and all test images of each class, (C).
    #[must_use]
    pub fn class_scores(&self) -> Vec<ClassScore> {
        let score = |(class, row): (usize, &[usize])| ClassScore {
            class: self.classes[class].clone(),
            correct: row[class],
            n_test: row.iter().sum(),
        };
        self.rows().enumerate().map(score).collect()
    }

    fn rows(&self) -> impl Iterator<Item = &[usize]> {
        self.counts.chunks_exact(self.classes.len().max(1)).take(self.classes.len())
    }

    /// Pairs of different classes, the most frequent first.
    fn confusions(&self) -> Vec<Confusion> {
        let mut pairs: Vec<Confusion> = self
            .rows()
            .enumerate()
            .flat_map(|(truth, row)| {
                row.iter().enumerate().map(move |(predicted, &count)| Confusion { truth, predicted, count })
            })
            .filter(|pair| pair.truth != pair.predicted && pair.count > 0)
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count));
        pairs
    }
}

/// The matrix, and the pairs most often taken for each other.
pub fn confusion(figure: &ConfusionFigure) -> Markup {
    let classes = figure.classes.len();
    let pairs = figure.confusions();
    let wrong: usize = pairs.iter().map(|pair| pair.count).sum();
    html! {
        div.matrix-and-pairs {
            @if classes > 0 && classes <= DRAWN_MAX {
                figure {
                    div.wide { (matrix(figure, &pairs)) }
                    figcaption {
                        "Rows are true classes, columns what the " (figure.classifier) " says; "
                        (thousands(figure.images())) " test images. Blue is right, orange wrong; a darker cell is a "
                        "larger share of its row (wrong cells by the square root of the share)."
                        @if classes > NUMBERED_MAX { " Too many classes for names and numbers." }
                    }
                }
            }
            div {
                h4 { "Most often confused" }
                @if pairs.is_empty() {
                    p { "No test image is wrong." }
                } @else {
                    table.plain {
                        thead { tr { th scope="col" { "True" } th scope="col" { "Taken for" } th scope="col" { "Images" } th scope="col" { "Of its class" } } }
                        tbody {
                            @for pair in pairs.iter().take(PAIRS) {
                                tr {
                                    td { (figure.classes[pair.truth]) }
                                    td { (figure.classes[pair.predicted]) }
                                    td { (thousands(pair.count)) }
                                    td { (percent(share(figure, pair))) " %" }
                                }
                            }
                        }
                    }
                    p.fine { (thousands(wrong)) " of " (thousands(figure.images())) " test images are wrong." }
                }
            }
        }
    }
}

fn share(figure: &ConfusionFigure, pair: &Confusion) -> f64 {
    let classes = figure.classes.len();
    let row = &figure.counts[pair.truth * classes..(pair.truth + 1) * classes];
    pair.count as f64 / row.iter().sum::<usize>().max(1) as f64
}

fn matrix(figure: &ConfusionFigure, pairs: &[Confusion]) -> Markup {
    let classes = figure.classes.len();
    let named = classes <= NUMBERED_MAX;
    let cell = match classes {
        0..=12 => 42,
        13..=NUMBERED_MAX => 24,
        _ => (720 / classes).max(4),
    };
    let names: Vec<String> = figure.classes.iter().map(|name| shortened(name, NAME_MAX)).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let label = if named { 8 * longest + 12 } else { 20 };
    // Names of one or two characters stand upright above their column, longer ones are turned.
    let upright = longest <= 2;
    let top = if named && upright { 20 } else { label };
    let (width, height) = (label + classes * cell + 2, top + classes * cell + 2);
    let description = description(figure, pairs);
    let font = if classes <= 12 { 14 } else { 11 };
    html! {
        svg.matrix viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(description)
            style={ "width:" (width) "px;" @if named { "min-width:" (width.min(600)) "px" } } font-size=(font) {
            @if named {
                @for (class, name) in names.iter().enumerate() {
                    @let middle = label + class * cell + cell / 2;
                    text x=(label - 6) y=(top + class * cell + cell / 2 + 4) text-anchor="end" { (name) }
                    @if upright {
                        text x=(middle) y=(top - 6) text-anchor="middle" { (name) }
                    } @else {
                        text transform={ "translate(" (middle + 4) " " (top - 6) ") rotate(-90)" } { (name) }
                    }
                }
            } @else {
                text x=(label + classes * cell / 2) y="14" text-anchor="middle" { "predicted" }
                text transform={ "translate(14 " (top + classes * cell / 2) ") rotate(-90)" } text-anchor="middle" { "true" }
            }
            @for (truth, row) in figure.rows().enumerate() {
                @let all = row.iter().sum::<usize>().max(1) as f64;
                @for (predicted, &count) in row.iter().enumerate().filter(|&(_, &count)| count > 0) {
                    @let (colour, ink) = shade(count as f64 / all, truth == predicted);
                    @let (x, y) = (label + predicted * cell, top + truth * cell);
                    rect x=(x) y=(y) width=(cell) height=(cell) fill=(colour) {}
                    @if named {
                        text x=(x + cell / 2) y=(y + cell / 2 + 4) text-anchor="middle" fill=(ink)
                            font-size=(digits_size(count, cell)) { (count) }
                    }
                }
            }
            path.lines d=(grid(label, top, classes, cell, named)) fill="none" {}
        }
    }
}

/// Lines between cells; only the frame where cells are small.
fn grid(left: usize, top: usize, classes: usize, cell: usize, inner: bool) -> String {
    let side = classes * cell;
    let step = if inner { 1 } else { classes };
    let lines = (0..=classes).step_by(step).map(|line| {
        let at = line * cell;
        format!("M{left} {}h{side}M{} {top}v{side}", top + at, left + at)
    });
    lines.collect()
}

/// Numbers of more digits are smaller.
fn digits_size(count: usize, cell: usize) -> usize {
    let digits = count.max(1).ilog10() as usize + 1;
    (cell * 3 / 2 / digits.max(2)).clamp(7, 13)
}

/// Fill of a cell and of the number in it.
fn shade(share: f64, right: bool) -> (String, &'static str) {
    let (depth, full) = if right { (share, [0x00, 0x55, 0x8c]) } else { (share.sqrt(), [0xD5, 0x5E, 0x00]) };
    let depth = 0.08 + 0.92 * depth.clamp(0.0, 1.0);
    let mix = |channel: i32| (255.0 + (f64::from(channel) - 255.0) * depth).round() as u8;
    let [red, green, blue] = full.map(mix);
    let dark = if right { depth > 0.55 } else { depth > 0.95 };
    (format!("#{red:02x}{green:02x}{blue:02x}"), if dark { "#fff" } else { "#1a1a1a" })
}

fn description(figure: &ConfusionFigure, pairs: &[Confusion]) -> String {
    let right: usize = figure.class_scores().iter().map(|score| score.correct).sum();
    let most: Vec<String> = pairs
        .iter()
        .take(3)
        .map(|pair| {
            format!(
                "{} taken for {} {} times",
                figure.classes[pair.truth], figure.classes[pair.predicted], pair.count
            )
        })
        .collect();
    let most = if most.is_empty() { String::new() } else { format!("; most often {}", most.join(", ")) };
    format!("Confusion matrix: {right} of {} test images on the diagonal{most}", figure.images())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(classes: usize, images: usize) -> ConfusionFigure {
        let names = (0..classes).map(|class| format!("<class {class}>")).collect();
        let labels: Vec<u32> = (0..images).map(|image| (image % classes) as u32).collect();
        let predicted: Vec<u32> =
            labels.iter().enumerate().map(|(at, &label)| if at % 7 == 0 { 0 } else { label }).collect();
        ConfusionFigure::count(names, &labels, &predicted, "linear probe")
    }

    #[test]
    fn the_matrix_sums_to_the_test_images_and_its_rows_to_the_classes() {
        let figure = figure(4, 70);
        assert_eq!(figure.images(), 70);
        let scores = figure.class_scores();
        assert_eq!(scores.iter().map(|score| score.n_test).sum::<usize>(), 70);
        // Of the ten images whose prediction was set to class 0, those of class 0 are right.
        let wrong = (0..70).filter(|at| at % 7 == 0 && at % 4 != 0).count();
        assert_eq!(figure.confusions().iter().map(|pair| pair.count).sum::<usize>(), wrong);
        assert_eq!(scores.iter().map(|score| score.correct).sum::<usize>(), 70 - wrong);
    }

    #[test]
    fn numbers_stand_in_the_cells_up_to_thirty_classes_and_names_are_escaped() {
        let text = confusion(&figure(4, 70)).into_string();
        assert!(
            text.contains("70 test images") && text.contains("&lt;class 1&gt;") && !text.contains("<class")
        );
        assert!(text.contains("<svg") && text.contains("on the diagonal"), "{text}");
        let many = confusion(&figure(60, 600)).into_string();
        assert!(many.contains("Too many classes") && !many.contains("font-size=\"9\""), "{many}");
        // Too many even for cells: the pairs stay.
        let most = confusion(&figure(300, 900)).into_string();
        assert!(!most.contains("<svg") && most.contains("Most often confused"));
    }

    #[test]
    fn a_perfect_classifier_confuses_nothing() {
        let perfect = ConfusionFigure::count(vec!["a".into(), "b".into()], &[0, 1], &[0, 1], "20-NN");
        assert!(confusion(&perfect).into_string().contains("No test image is wrong"));
        let empty = ConfusionFigure::count(vec![], &[], &[], "20-NN");
        assert_eq!((empty.images(), empty.class_scores().len()), (0, 0));
        assert!(!confusion(&empty).into_string().contains("<svg"));
    }
}
