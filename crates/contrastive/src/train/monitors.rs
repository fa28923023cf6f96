//! What is watched beside the losses: read from the device with them, logged with them.

use burn::tensor::Tensor;
use serde_json::{Value, json};
use zview_network::training::TrainingError;
use zview_runtime::device::{ReadError, read_floats};
use zview_runtime::run_folder::EventLog;

use super::error::PretrainError;
use super::recipe::Recipe;
use super::trainer::{StepOutcome, Trainer};
use crate::watch::{Collapse, CollapseWatch, Measures, OnlineProbe};
use zview_features::views::FeatureRows;

/// The features that are to be measured, and whether they were collapsed before.
#[derive(Debug, Default)]
pub(super) struct Monitors {
    /// Those of the first step, (N, D), on the device.
    first: Option<Tensor<2>>,
    /// Those of the last step, where they are to be measured.
    features: Option<Tensor<2>>,
    asked: Pending,
    collapse: CollapseWatch,
}

/// What was put at the end of a transfer.
#[derive(Debug, Default)]
struct Pending {
    feature_dimension: Option<usize>,
    probe_examples: Option<usize>,
}

impl Monitors {
    /// Keeps the features of the step just taken where they are to be measured.
    pub(super) fn keep(&mut self, outcome: &StepOutcome, step: u64, recipe: &Recipe) {
        let measured = |due: bool| due.then(|| measured(&outcome.features, recipe));
        self.first = measured(step == 1 && recipe.watch.every > 0);
        self.features = measured(recipe.watch.due(step, recipe.train.steps));
    }

    /// Whether there are features to be measured now.
    pub(super) fn is_due(&self) -> bool {
        self.features.is_some()
    }

    /// What the features of the first step are, which the encoder gave before it learnt anything; `None` where nothing is
    /// watched.
    ///
    /// # Errors
    /// [`ReadError`] where the device cannot be read.
    pub(super) fn take_first(&mut self, recipe: &Recipe) -> Result<Option<Measures>, ReadError> {
        let Some(features) = self.first.take() else { return Ok(None) };
        let dimension = features.dims()[1];
        let values = read_floats(features.reshape([-1]))?.into_iter().map(f64::from).collect();
        let rows = FeatureRows::new(values, recipe.views.per_anchor, dimension);
        Ok(rows.map(|features| Measures::of(&features)))
    }

    /// What is to be read from the device with the losses.
    pub(super) fn ask(&mut self, trainer: &mut Trainer) -> Vec<Tensor<1>> {
        let features = self.features.take();
        let counts = trainer.online_probe.as_mut().map(OnlineProbe::take_counts);
        let (correct, probe_examples) = counts.unzip();
        self.asked = Pending {
            feature_dimension: features.as_ref().map(|features| features.dims()[1]),
            probe_examples,
        };
        let features = features.map(|features| features.reshape([-1]));
        correct.into_iter().chain(features).collect()
    }

    /// Adds to `event` what `values`, read for [`Self::ask`], say; gives a collapse that is new.
    pub(super) fn add_to(
        &mut self,
        event: &mut Value,
        values: &[f32],
        trainer: &Trainer,
        recipe: &Recipe,
    ) -> Option<Collapse> {
        if let Some(std) = trainer.views.source.view_std() {
            event["view_std"] = json!(std);
        }
        let mut values = values;
        if let (Some(examples), Some((&correct, rest))) = (self.asked.probe_examples, values.split_first()) {
            event["online_probe"] = OnlineProbe::event(correct, examples);
            values = rest;
        }
        let features = values.iter().map(|&value| f64::from(value)).collect();
        let features = FeatureRows::new(features, recipe.views.per_anchor, self.asked.feature_dimension?)?;
        let measures = Measures::of(&features);
        event["watch"] = json!(measures);
        self.collapse.judge(&measures, trainer.step, &recipe.watch)
    }
}

/// The features of the views that are measured, (N, D).
fn measured(features: &Tensor<2>, recipe: &Recipe) -> Tensor<2> {
    let [views, dimension] = features.dims();
    let measured = FeatureRows::measured_views(views, recipe.views.per_anchor);
    features.clone().slice([0..measured, 0..dimension])
}

/// Logs a collapse and warns of it.
///
/// # Errors
/// The collapse, where the recipe wants the run to end.
pub(super) fn tell(collapse: Collapse, recipe: &Recipe, events: &mut EventLog) -> Result<(), PretrainError> {
    let event = json!({ "event": "collapsed", "step": collapse.step, "message": collapse.to_string() });
    events.append(&event).map_err(TrainingError::from)?;
    if recipe.watch.stop_on_collapse {
        return Err(collapse.into());
    }
    tracing::warn!("{collapse}");
    Ok(())
}
