//! What is shown of one data set.

use zview_data::short_name;
use zview_report::neighbours::neighbours;
use zview_report::numbers::thousands;

use super::scores::score_table;
use crate::maps::feature_maps;
use crate::suite::SuiteError;
use crate::suite::figures::maps::{MapFigure, maps};
use crate::suite::metric::{Score, Unit};
use crate::suite::neighbour_figure;
use crate::suite::protocol::{Bench, Section};
use crate::suite::set_evaluation::{SetEvaluation, unreadable};

/// One data set.
#[derive(Debug)]
pub struct SetPage {
    /// What it is called.
    pub data: String,
    /// Where it is, if its name does not say it.
    pub path: Option<String>,
    /// How many images there are, and how decisions were made.
    pub protocol: String,
    /// Accuracies.
    pub scores: Vec<Score>,
    /// What is not among the images, one sentence each: files that cannot be read.
    pub left_out: Vec<String>,
    /// The sections, in their order.
    pub sections: Vec<Section>,
}

impl SetPage {
    /// What `set` found, with pictures of its images.
    ///
    /// # Errors
    /// A picture or a plot that cannot be drawn.
    pub fn new(set: &SetEvaluation, bench: &Bench<'_>) -> Result<Self, SuiteError> {
        let data = short_name(&set.data, bench.config.data.iter().map(String::as_str));
        let test = bench.images.test;
        let shown = |score: &Score| score.metric.unit == Unit::Accuracy && !score.metric.is_on_validation();
        let scores: Vec<Score> = set.scores().into_iter().filter(shown).collect();
        let section = |place, heading, content| Section { place, heading, content };
        let mut sections = set.found.sections(bench, set)?;
        if !scores.is_empty() {
            sections.push(section(0, "Result", score_table(&scores, data, set.beside.as_ref())));
        }
        // A handful of images has no map worth looking at.
        match feature_maps(&bench.encoded.test, &bench.config.maps) {
            Ok(of) => {
                let figure = MapFigure::new(&of, &test.classes, (set.n_test, "test images".to_owned()));
                sections.push(section(50, "Maps of the features", maps(&figure)));
            }
            Err(error) => tracing::warn!(%error, "no maps on the page"),
        }
        let figure = neighbour_figure(&[("nearest", &set.neighbours)], bench.images.train, test)?;
        sections.push(section(80, "Nearest neighbours", neighbours(&figure, set.n_train, data)));
        sections.sort_by_key(|section| section.place);
        let left_out = (!set.rejects.is_empty()).then(|| unreadable(&set.rejects));
        Ok(Self {
            data: data.to_owned(),
            path: (data != set.data).then(|| set.data.clone()),
            protocol: format!(
                "{} training, {} test images of {}, {}.",
                thousands(set.n_train),
                thousands(set.n_test),
                set.judged_in_words(),
                set.protocol.join("; ")
            ),
            scores,
            left_out: left_out.into_iter().collect(),
            sections,
        })
    }
}
