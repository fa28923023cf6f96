//! What is shown of one data set.

use maud::Markup;
use zview_report::ReportError;
use zview_report::numbers::thousands;
use zview_report::pictures::NeighbourFigure;

use super::class_scores::class_scores;
use super::clusters::clusters;
use super::confusion::confusion;
use super::corruptions::corruptions;
use super::label_curve::label_curve;
use super::maps::maps;
use super::mistakes::mistakes;
use super::outliers::outliers;
use super::overlap::overlap;
use super::reliability::reliability;
use super::scores::score_table;
use super::spectrum::spectrum;
use super::{
    ClassScore, ClusterFigure, ConfusionFigure, CorruptionFigure, LabelCurveFigure, MapFigure,
    MistakesFigure, OutlierFigure, OverlapFigure, ReliabilityFigure, ScoreRow, SpectrumFigure,
};
use zview_report::neighbours::neighbours;

/// How decisions were made, for the line under the title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// Labelled training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// Their size and colours, such as `32x32 rgb`.
    pub images: String,
    /// How settings were decided, and on which images: `penalty picked on a validation split of the training
    /// images, test looked at once`.
    pub decisions: String,
}

/// One data set; what was not measured is `None` or empty and leaves no trace on the page.
#[derive(Debug)]
pub struct SetPage {
    /// Name of the data set.
    pub data: String,
    /// Where it is, if its name does not say it.
    pub path: Option<String>,
    /// How decisions were made.
    pub protocol: Protocol,
    /// Accuracies.
    pub scores: Vec<ScoreRow>,
    /// Of naming the class of most training images always; none where it was not asked for.
    pub chance: Option<f64>,
    /// What is not among the images, one sentence each: files that cannot be read.
    pub left_out: Vec<String>,
    /// Training images that are test images too.
    pub overlap: Option<OverlapFigure>,
    /// Which classes are taken for which; gives the accuracy of each class too.
    pub confusion: Option<ConfusionFigure>,
    /// Accuracy of each class, where there is no confusion matrix to take it from.
    pub class_scores: Vec<ClassScore>,
    /// Confidence against accuracy.
    pub reliability: Option<ReliabilityFigure>,
    /// Accuracy over labels.
    pub label_curve: Option<LabelCurveFigure>,
    /// Accuracy on corrupted images.
    pub corruptions: Option<CorruptionFigure>,
    /// Other data sets told from this one.
    pub outliers: Option<OutlierFigure>,
    /// Variances of the features.
    pub spectrum: Option<SpectrumFigure>,
    /// Clusters found without labels.
    pub clusters: Option<ClusterFigure>,
    /// The features on a plane.
    pub maps: Option<MapFigure>,
    /// Nearest training images of a few test images.
    pub neighbours: Option<NeighbourFigure>,
    /// The surest wrong answers.
    pub mistakes: Option<MistakesFigure>,
}

impl SetPage {
    /// A data set of which nothing was measured yet.
    #[must_use]
    pub fn new(data: impl Into<String>, protocol: Protocol) -> Self {
        Self {
            data: data.into(),
            path: None,
            protocol,
            scores: Vec::new(),
            chance: None,
            left_out: Vec::new(),
            overlap: None,
            confusion: None,
            class_scores: Vec::new(),
            reliability: None,
            label_curve: None,
            corruptions: None,
            outliers: None,
            spectrum: None,
            clusters: None,
            maps: None,
            neighbours: None,
            mistakes: None,
        }
    }

    pub(super) fn protocol_line(&self) -> String {
        let Protocol { n_train, n_test, images, decisions } = &self.protocol;
        let decisions = if decisions.is_empty() { String::new() } else { format!(", {decisions}") };
        format!(
            "{} training, {} test images of {images}{decisions}.",
            thousands(*n_train),
            thousands(*n_test)
        )
    }

    /// The sections, each a heading and its content.
    pub(super) fn sections(&self) -> Result<Vec<(&'static str, Markup)>, ReportError> {
        let mut sections: Vec<(&'static str, Markup)> = Vec::new();
        if !self.scores.is_empty() {
            sections.push(("Result", score_table(&self.scores, &self.data, self.chance)));
        }
        if let Some(figure) = &self.overlap {
            sections.push(("Overlap of training and test images", overlap(figure)));
        }
        if let Some(figure) = &self.label_curve {
            sections.push(("Label efficiency", label_curve(figure)?));
        }
        if let Some(figure) = &self.confusion {
            sections.push(("Confusion matrix", confusion(figure)));
        }
        let scores = match &self.confusion {
            Some(figure) => figure.class_scores(),
            None => self.class_scores.clone(),
        };
        if !scores.is_empty() {
            sections.push(("Accuracy of each class", class_scores(&scores)));
        }
        if let Some(figure) = &self.mistakes {
            sections.push(("Worst mistakes", mistakes(figure)));
        }
        if let Some(figure) = &self.reliability {
            sections.push(("Calibration", reliability(figure)?));
        }
        if let Some(figure) = &self.corruptions {
            sections.push(("Robustness to corruptions", corruptions(figure)));
        }
        if let Some(figure) = &self.outliers {
            sections.push(("Outliers", outliers(figure, &self.data)));
        }
        if let Some(figure) = &self.maps {
            sections.push(("Maps of the features", maps(figure)));
        }
        if let Some(figure) = &self.spectrum {
            sections.push(("Feature spectrum", spectrum(figure)?));
        }
        if let Some(figure) = &self.clusters {
            sections.push(("Clusters", clusters(figure)));
        }
        if let Some(figure) = &self.neighbours {
            let cards = neighbours(figure, self.protocol.n_train, &self.data);
            sections.push(("Nearest neighbours", cards));
        }
        Ok(sections)
    }
}
