//! What is watched beside the losses: read from the device with them, logged with them.

use burn::tensor::Tensor;
use serde_json::{Value, json};
use zview_runtime::device::{MemoryUse, ReadError, read_floats};
use zview_runtime::run_folder::EventLog;

use super::pretrain::PretrainError;
use super::recipe::Recipe;
use super::trainer::{StepOutcome, Trainer};
use crate::watch::{Collapse, CollapseWatch, Measures, OnlineProbe};
use zview_features::views::FeatureRows;

/// The features of the last step that are to be measured, and whether they were collapsed before.
#[derive(Debug, Default)]
pub(super) struct Watched {
    features: Option<Tensor<2>>, // (N, D), on the device
    collapse: CollapseWatch,
}

/// What was put at the end of a transfer.
pub(super) struct Asked {
    tensors: Vec<Tensor<1>>,
    feature_dimension: Option<usize>,
    probe_examples: Option<usize>,
}

impl Asked {
    /// The tensors to read after the losses.
    pub(super) fn take_tensors(&mut self) -> Vec<Tensor<1>> {
        std::mem::take(&mut self.tensors)
    }
}

impl Watched {
    /// What the features of the first step are, which the encoder gave before it learnt anything; `None` where nothing is
    /// watched.
    ///
    /// # Errors
    /// [`ReadError`] where the device cannot be read.
    pub(super) fn first(outcome: &StepOutcome, recipe: &Recipe) -> Result<Option<Measures>, ReadError> {
        if recipe.watch.every == 0 {
            return Ok(None);
        }
        let features = measured(&outcome.features, recipe);
        let dimension = features.dims()[1];
        let values = read_floats(features.reshape([-1]))?.into_iter().map(f64::from).collect();
        Ok(FeatureRows::new(values, recipe.views.per_anchor, dimension)
            .map(|features| Measures::of(&features)))
    }

    /// Keeps the features of the step just taken where they are to be measured, and says so.
    pub(super) fn keep(&mut self, outcome: &StepOutcome, step: u64, recipe: &Recipe) -> bool {
        let due = recipe.watch.due(step, recipe.train.steps);
        self.features = due.then(|| measured(&outcome.features, recipe));
        self.features.is_some()
    }

    /// What is to be read from the device with the losses.
    pub(super) fn ask(&mut self, trainer: &mut Trainer) -> Asked {
        let features = self.features.take();
        let feature_dimension = features.as_ref().map(|features| features.dims()[1]);
        let counts = trainer.online_probe.as_mut().map(OnlineProbe::take_counts);
        let (correct, probe_examples) =
            counts.map_or((None, None), |(correct, count)| (Some(correct), Some(count)));
        let features = features.map(|features| features.reshape([-1]));
        Asked { tensors: correct.into_iter().chain(features).collect(), feature_dimension, probe_examples }
    }

    /// Adds to `event` what `values`, read for `asked`, and the memory in use say; gives a collapse that is new.
    pub(super) fn add_to(
        &mut self,
        event: &mut Value,
        asked: &Asked,
        values: &[f32],
        trainer: &Trainer,
        recipe: &Recipe,
    ) -> Option<Collapse> {
        if let Some(std) = trainer.views.source.view_std() {
            event["view_std"] = json!(std);
        }
        event["memory"] = json!(MemoryUse::now(trainer.device()));
        let mut values = values;
        if let (Some(examples), Some((&correct, rest))) = (asked.probe_examples, values.split_first()) {
            event["online_probe"] = OnlineProbe::event(correct, examples);
            values = rest;
        }
        let features = values.iter().map(|&value| f64::from(value)).collect();
        let features = FeatureRows::new(features, recipe.views.per_anchor, asked.feature_dimension?)?;
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
    events
        .append(&json!({ "event": "collapsed", "step": collapse.step, "message": collapse.to_string() }))?;
    if recipe.watch.stop_on_collapse {
        return Err(collapse.into());
    }
    tracing::warn!("{collapse}");
    Ok(())
}
