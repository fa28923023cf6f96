//! The test images that a classifier is most sure of and wrong about.

use crate::linear::Predictions;
use maud::{Markup, html};
use zview_data::ImageSet;
use zview_report::numbers::{percent, thousands};
use zview_report::pictures::LabelledImage;
use zview_report::pictures::png_uri;

use crate::suite::SuiteError;
use crate::suite::examples::labelled_image;

/// Wrong answers, the most confident first.
#[derive(Debug, Clone, PartialEq)]
pub struct MistakesFigure {
    /// The ones shown.
    pub mistakes: Vec<Mistake>,
    /// Wrong answers in all.
    pub wrong: usize,
    /// Test images.
    pub n_test: usize,
    /// Who is wrong: `linear probe`.
    pub classifier: String,
}

/// A test image and what it was taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// The image and its true class.
    pub image: LabelledImage,
    /// Which test image.
    pub index: usize,
    /// The file or member that it is of, where images have names.
    pub name: Option<String>,
    /// The class it was given.
    pub predicted: String,
    /// The probability of that class.
    pub confidence: f64,
    /// The probability of its true class.
    pub label_probability: f64,
}

/// The `count` test images that `predictions` are most sure of and wrong about; of equally sure ones the
/// first. `predictions` are those of all images of `test`.
///
/// # Errors
/// [`SuiteError::Picture`].
pub fn worst_mistakes(
    predictions: &Predictions,
    test: &ImageSet,
    count: usize,
    classifier: &str,
) -> Result<MistakesFigure, SuiteError> {
    let correct = predictions.correct();
    let mut wrong: Vec<usize> = (0..correct.len().min(test.len())).filter(|&image| !correct[image]).collect();
    wrong.sort_by(|&a, &b| predictions.confidence[b].total_cmp(&predictions.confidence[a]).then(a.cmp(&b)));
    let mistake = |&index: &usize| {
        let predicted = test.classes.get(predictions.classes[index] as usize).cloned().unwrap_or_default();
        Ok(Mistake {
            image: labelled_image(test, index)?,
            index,
            name: test.name_of(index).map(str::to_owned),
            predicted,
            confidence: f64::from(predictions.confidence[index]),
            label_probability: f64::from(predictions.label_probability[index]),
        })
    };
    Ok(MistakesFigure {
        mistakes: wrong.iter().take(count).map(mistake).collect::<Result<_, SuiteError>>()?,
        wrong: wrong.len(),
        n_test: correct.len(),
        classifier: classifier.to_owned(),
    })
}

/// The last part of a file's or a member's name.
fn file_of(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// A card per mistake.
pub fn mistakes(figure: &MistakesFigure) -> Markup {
    html! {
        p {
            "The " (figure.classifier) " is wrong about " (thousands(figure.wrong)) " of "
            (thousands(figure.n_test)) " test images; here the " (figure.mistakes.len())
            " it is most sure of. Some may be labelled wrong, or be unreadable to people too."
        }
        div.mistakes {
            @for mistake in &figure.mistakes {
                figure.mistake {
                    img.pixels src=(png_uri(&mistake.image.png))
                        alt={ "Test image " (mistake.index) ", " (mistake.image.label) ", taken for " (mistake.predicted) };
                    figcaption {
                        span.line { "is " b { (mistake.image.label) } " " small { (percent(mistake.label_probability)) " %" } }
                        span.line.wrong-sample { "✗ " (mistake.predicted) " " small { (percent(mistake.confidence)) " %" } }
                        @match &mistake.name {
                            Some(name) => span.line.index title=(name) { (file_of(name)) },
                            None => span.line.index { "no. " (mistake.index) },
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use zview_data::ImageShape;

    #[test]
    fn a_mistake_is_captioned_by_its_file_where_images_have_names() {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let classes = vec!["A".to_owned(), "B".to_owned()];
        let mut test = ImageSet::new("x", shape, vec![0], Some(vec![0]), classes).unwrap();
        let predictions = Predictions {
            classes: vec![1],
            confidence: vec![0.9],
            label_probability: vec![0.1],
            label_rank: vec![1],
        };
        let page = |test: &ImageSet| {
            mistakes(&worst_mistakes(&predictions, test, 1, "linear probe").unwrap()).into_string()
        };
        assert!(page(&test).contains("no. 0"));
        test = test.of_files(Path::new("photos"), [("photos/A/IMG_<64>.jpg".to_owned(), 1)]);
        let named = page(&test);
        assert!(named.contains("title=\"photos/A/IMG_&lt;64&gt;.jpg\">IMG_&lt;64&gt;.jpg<"), "{named}");
        assert!(!named.contains("no. 0"), "{named}");
    }

    #[test]
    fn the_surest_wrong_answers_come_first_and_right_ones_not_at_all() {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let classes = vec!["A".to_owned(), "B".to_owned()];
        let test = ImageSet::new("x", shape, vec![0, 50, 100, 150], Some(vec![0, 1, 0, 1]), classes).unwrap();
        let predictions = Predictions {
            classes: vec![1, 1, 1, 0],
            confidence: vec![0.7, 0.99, 0.9, 0.9],
            label_probability: vec![0.3, 0.99, 0.1, 0.1],
            label_rank: vec![1, 0, 1, 1],
        };
        let figure = worst_mistakes(&predictions, &test, 2, "linear probe").unwrap();
        assert_eq!((figure.wrong, figure.n_test), (3, 4));
        let found: Vec<(usize, &str)> =
            figure.mistakes.iter().map(|mistake| (mistake.index, mistake.predicted.as_str())).collect();
        assert_eq!(found, [(2, "B"), (3, "A")]);
        assert!(mistakes(&figure).into_string().contains("wrong about 3 of 4 test images"));
        assert!(worst_mistakes(&Predictions::default(), &test, 2, "x").unwrap().mistakes.is_empty());
    }
}
