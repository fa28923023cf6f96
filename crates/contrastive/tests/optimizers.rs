//! Optimizers in the training loop: resuming, micro-batches, groups, and the norm of gradients in the event log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use serde_json::Value;
use zview_contrastive::train::{PretrainOptions, Recipe, Trainer, pretrain};
use zview_network::optimizer::NamedGradients;
use zview_network::{Network, StateVisitor};
use zview_runtime::config::parse_toml_with;
use zview_runtime::device::{cpu, read_floats};
use zview_runtime::stop::StopSignal;

const RECIPE: &str = r#"
[source]
kind = "generator"
generator = "glyphs-gan"
[encoder]
width = 2
[objective]
kind = "byol"
projector = [8, 4]
predictor = [8]
[train]
steps = 5
batch = 3
warmup_steps = 2
log_every = 2
checkpoint_every = 2
"#;

fn recipe(overrides: &[&str]) -> Recipe {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    let recipe: Recipe = parse_toml_with(Path::new("test"), RECIPE, &overrides).unwrap();
    recipe.validate(Path::new("test")).unwrap();
    recipe
}

fn trainer(recipe: &Recipe) -> Result<Trainer, String> {
    Trainer::open(recipe, None, &Device::flex()).map_err(|error| error.to_string())
}

fn values(gradients: &NamedGradients) -> BTreeMap<String, Vec<f32>> {
    gradients
        .iter()
        .map(|(name, gradient)| (name.to_owned(), read_floats(gradient.clone()).unwrap()))
        .collect()
}

fn train(recipe: &Recipe, out: &Path, resume: bool) {
    let stop = StopSignal::default();
    let device = &cpu("for a test");
    pretrain(
        recipe,
        &PretrainOptions {
            out,
            resume,
            device,
            data_dir: None,
            stop: &stop,
            decided: Vec::new(),
            epochs: None,
            beside: &[],
            tell: false,
        },
    )
    .unwrap();
}

/// Step, losses, learning rate and norm of every `train` event.
fn train_events(run: &Path) -> Vec<[Value; 4]> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let events = events.filter(|event| event["event"] == "train");
    events
        .map(|event| ["step", "losses", "learning_rate", "gradient_norm"].map(|key| event[key].clone()))
        .collect()
}

#[test]
fn a_run_that_is_resumed_ends_with_the_same_bits() {
    let group = "optimizer.groups=[{ prefix = \"predictor\", lr_scale = 10.0 }]";
    let recipes = [
        recipe(&["optimizer.kind=sgd", "optimizer.clip_norm=0.1"]),
        recipe(&["optimizer.kind=adamw", "train.accumulate=2", group]),
        recipe(&["optimizer.kind=lars", "optimizer.lr=2", "optimizer.final_lr_share=0.1"]),
    ];
    for recipe in recipes {
        let kind = recipe.optimizer.kind.name();
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        train(&recipe, &run, false);
        let encoder = std::fs::read(run.join("encoder.safetensors")).unwrap();
        let events = train_events(&run);
        let steps: Vec<&Value> = events.iter().map(|[step, ..]| step).collect();
        assert_eq!(steps, [2, 4, 5], "{kind}");
        for [step, losses, _, norm] in &events {
            assert!(norm.as_f64().unwrap() > 0.0, "{kind}, step {step}: {norm}");
            assert!(losses["loss"].as_array().unwrap().iter().all(Value::is_number), "{kind}: {losses}");
        }

        for later in ["step-00000004", "step-00000005"] {
            std::fs::remove_dir_all(run.join("checkpoints").join(later)).unwrap();
        }
        train(&recipe, &run, true);
        assert_eq!(train_events(&run), events, "{kind}");
        assert!(std::fs::read(run.join("encoder.safetensors")).unwrap() == encoder, "{kind}");
    }
}

#[test]
fn a_step_of_micro_batches_has_the_mean_of_their_losses_and_gradients() {
    let (mut twice, once) = (trainer(&recipe(&["train.accumulate=2"])).unwrap(), recipe(&[]));
    let mut sum = NamedGradients::default();
    let mut losses = Vec::new();
    let mut parts = Vec::new();
    for micro_batch in 0..2 {
        let views = twice.augmented_views(micro_batch).unwrap();
        let _ = twice.add_gradients(&views, &mut sum);
        let mut single = trainer(&once).unwrap();
        let mut part = NamedGradients::default();
        let loss = single.add_gradients(&views, &mut part).loss;
        losses.push(f64::from(read_floats(loss).unwrap()[0]));
        parts.push(values(&part));
    }
    for (name, sum) in values(&sum) {
        let largest = sum.iter().fold(1e-6f32, |most, value| most.max(value.abs()));
        for (index, sum) in sum.iter().enumerate() {
            let mean = (parts[0][&name][index] + parts[1][&name][index]) / 2.0;
            assert!((sum - mean).abs() < 1e-5 * largest, "{name}: {sum} {mean}");
        }
    }
    let mut whole = trainer(&recipe(&["train.accumulate=2"])).unwrap();
    let outcome = whole.train_step().unwrap();
    let loss = f64::from(read_floats(outcome.loss).unwrap()[0]);
    assert!((loss - (losses[0] + losses[1]) / 2.0).abs() < 1e-6, "{loss} {losses:?}");
    assert_ne!(losses[0], losses[1], "micro-batches have views of their own");
    // The next step goes on where this one ended.
    let (third, first) = (twice.augmented_views(2).unwrap(), twice.augmented_views(0).unwrap());
    assert_eq!((whole.step, third.step), (1, 2));
    assert_ne!(read_floats(third.images).unwrap(), read_floats(first.images).unwrap());
}

/// Parameters, without what a forward pass moves.
struct Parameters(Vec<Vec<f32>>);

impl StateVisitor for Parameters {
    fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
        self.0.push(read_floats(tensor.clone().inner()).unwrap());
    }
    fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

#[test]
fn a_group_of_the_encoder_alone_can_be_kept_as_it_is_and_one_without_parameters_is_named() {
    let frozen = recipe(&["optimizer.groups=[{ prefix = \"encoder.\", lr_scale = 0.0 }]"]);
    let mut trainer_of_rest = trainer(&frozen).unwrap();
    let parameters = |trainer: &Trainer| {
        let mut read = Parameters(Vec::new());
        trainer.learner.encoder.clone().visit("", &mut read);
        read.0
    };
    let before = parameters(&trainer_of_rest);
    trainer_of_rest.train_step().unwrap();
    assert_eq!(parameters(&trainer_of_rest), before);

    let error = trainer(&recipe(&["optimizer.groups=[{ prefix = \"head\" }]"])).unwrap_err();
    for part in ["optimizer.groups", "\"head\"", "\"encoder.\"", "\"predictor.\"", "\"projector.\""] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
