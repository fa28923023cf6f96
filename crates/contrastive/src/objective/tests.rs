//! Every method: its keys, its gradients through a whole network, and what it keeps from step to step.

use std::path::Path;

use burn::tensor::{Device, Gradients};
use zview_network::NamedTensors;
use zview_runtime::config::parse_toml;
use zview_runtime::device::read_floats;

use super::*;
use crate::train::{Recipe, Trainer};

fn parse(text: &str) -> Result<ObjectiveConfig, String> {
    parse_toml(Path::new("objective.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn every_kind_has_defaults_that_are_valid_and_read_back() {
    for kind in ObjectiveKind::ALL {
        let config = parse(&format!("kind = \"{}\"", kind.name())).unwrap();
        assert_eq!((config.kind.which(), config.problems()), (*kind, Vec::new()));
        assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    }
    assert_eq!(parse("").unwrap(), ObjectiveConfig::default());
}

#[test]
fn keys_of_other_methods_and_unknown_kinds_are_refused_with_the_nearest_name() {
    let error = parse("kind = \"vicreg\"\ntemperature = 0.2").unwrap_err();
    assert!(error.contains("temperature: not used by kind \"vicreg\""), "{error}");
    let error = parse("temperatur = 0.2").unwrap_err();
    assert!(error.contains("did you mean `temperature`?"), "{error}");
    let error = parse("kind = \"simclip\"").unwrap_err();
    assert!(error.contains("did you mean `simclr`?"), "{error}");
    assert!(parse("kind = 7").unwrap_err().contains("kind: expected text in quotes, got 7"));
}

/// A trainer of method `kind` with a narrow encoder, on conditional views.
fn trainer(kind: &str, keys: &str) -> Trainer {
    let arch = if kind == "i-jepa" { VIT } else { "width = 2" };
    let text = format!(
        "[source]\nkind = \"generator\"\ngenerator = \"glyphs-gan-conditional\"\n[augment]\nsize = 16\n\
         [encoder]\n{arch}\n[train]\nbatch = 8\nsteps = 10\n[objective]\nkind = \"{kind}\"\n{keys}"
    );
    let recipe: Recipe = parse_toml(Path::new("test"), &text).unwrap();
    Trainer::open(&recipe, None, &Device::flex()).unwrap()
}

const VIT: &str = "arch = \"vit\"\nwidth = 16\ndepth = 1\nheads = 2\npatch = 4\npool = \"mean\"";

/// Moves every parameter whose name begins with `part` along its gradient, `by` times.
struct Along<'a> {
    gradients: &'a Gradients,
    part: &'a str,
    by: f32,
    squares: f64,
}

impl StateVisitor for Along<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        if let Some(gradient) = tensor.grad(self.gradients).filter(|_| name.starts_with(self.part)) {
            let values = read_floats(gradient.clone()).unwrap();
            self.squares += values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
            *tensor = (tensor.clone().inner() + gradient * self.by).autodiff().require_grad();
        }
    }
    fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
    fn counter(&mut self, _: &str, _: &mut u64) {}
}

#[test]
fn sizes_that_no_memory_holds_are_refused_before_anything_is_made() {
    for (keys, names) in [
        ("kind = \"byol\"\nprojector = [99999999999]", "objective.projector"),
        ("kind = \"simsiam\"\npredictor = [64, 0]", "objective.predictor"),
        ("kind = \"moco-v3\"\nqueue = 99999999999", "objective.queue"),
        ("kind = \"lejepa\"\ndirections = 99999999999", "objective.directions"),
        ("kind = \"i-jepa\"\npredictor_width = 99999999996", "objective.predictor_width"),
        ("kind = \"inverter\"\nhidden = [99999999999]", "objective.hidden"),
    ] {
        let problems = parse(keys).unwrap().problems();
        assert!(problems.iter().any(|problem| problem.starts_with(names)), "{keys}: {problems:?}");
    }
}

#[test]
fn one_view_per_anchor_is_refused_by_methods_that_compare_views() {
    for kind in ObjectiveKind::ALL.iter().map(|kind| kind.name()) {
        let text = format!(
            "[source]\nkind = \"generator\"\ngenerator = \"glyphs-gan-conditional\"\n[views]\nper_anchor = 1\n\
             [augment]\nsize = 16\n[encoder]\n{VIT}\n[train]\nbatch = 4\n[objective]\nkind = \"{kind}\""
        );
        let recipe: Recipe = parse_toml(Path::new("test"), &text).unwrap();
        match Trainer::open(&recipe, None, &Device::flex()) {
            Err(error) => assert!(error.to_string().contains("views.per_anchor"), "{kind}: {error}"),
            Ok(mut trainer) => {
                assert!(["i-jepa", "inverter", "cross-entropy"].contains(&kind), "{kind}");
                assert!(read_floats(trainer.train_step().unwrap().loss).unwrap()[0].is_finite(), "{kind}");
            }
        }
    }
}

#[test]
fn gradients_of_whole_networks_are_finite_differences() {
    for kind in ObjectiveKind::ALL.iter().map(|kind| kind.name()) {
        let mut trainer = trainer(kind, "");
        let views = trainer.augmented_views(0).unwrap();
        let weights = (trainer.learner.encoder.clone(), trainer.learner.objective.clone());
        let gradients = trainer.learner.forward(&views).loss.backward();
        // SimSiam's targets are its own projections, whose gradient is stopped: only its predictor is judged.
        let parts: &[&str] = if kind == "simsiam" { &["predictor"] } else { &["encoder.", ""] };
        for part in parts {
            // The change of the loss is to be well above its rounding, and small against its curvature.
            let mut moved = |by: f32| -> (f64, f64) {
                (trainer.learner.encoder, trainer.learner.objective) = weights.clone();
                let mut along = Along { gradients: &gradients, part, by, squares: 0.0 };
                if *part == "encoder." {
                    trainer.learner.encoder.visit("encoder.", &mut along);
                } else {
                    trainer.learner.objective.visit("", &mut along);
                }
                let squares = along.squares;
                (f64::from(read_floats(trainer.learner.forward(&views).loss.inner()).unwrap()[0]), squares)
            };
            let (loss, squares) = moved(0.0);
            if squares == 0.0 {
                assert!(kind == "i-jepa" || !part.is_empty(), "{kind} trains nothing");
                continue;
            }
            let by = 2e-4 * loss.abs().max(0.1) / squares;
            let slope = (moved(by as f32).0 - moved(-by as f32).0) / (2.0 * by);
            let error = (slope - squares).abs() / squares;
            assert!(error < 0.05, "{kind} {part}: {slope} against {squares}, error {error:.3}");
        }
    }
}

#[test]
fn a_checkpoint_keeps_all_that_a_method_moves() {
    for (kind, keys) in [("moco-v3", "queue = 24"), ("byol", ""), ("latent-step", ""), ("barlow-twins", "")] {
        let folder = tempfile::tempdir().unwrap();
        let tensors = |trainer: &Trainer| NamedTensors::of_network(&trainer.learner.objective, "").unwrap();
        let mut first = trainer(kind, keys);
        let fresh = format!("{:?}", tensors(&first));
        first.train_step().unwrap();
        first.train_step().unwrap();
        assert_ne!(format!("{:?}", tensors(&first)), fresh);
        let checkpoint = first.snapshot().unwrap().write(folder.path()).unwrap();
        let mut second = trainer(kind, keys);
        second.restore(&checkpoint).unwrap();
        assert_eq!(format!("{:?}", tensors(&first)), format!("{:?}", tensors(&second)), "{kind}");
        let [a, b] = [&mut first, &mut second].map(|trainer| {
            read_floats(trainer.train_step().unwrap().loss).unwrap();
            format!("{:?}", tensors(trainer))
        });
        assert_eq!(a, b, "{kind}: the next step is the same, bit for bit");
    }
}

#[test]
fn what_the_views_do_not_have_is_asked_for_by_name() {
    let recipe = |source: &str, kind: &str| -> Recipe {
        let text = format!("[source]\n{source}\n[encoder]\nwidth = 2\n[objective]\nkind = \"{kind}\"");
        parse_toml(Path::new("test"), &text).unwrap()
    };
    let refused = |source: &str, kind: &str| {
        Trainer::open(&recipe(source, kind), None, &Device::flex()).err().map(|error| error.to_string())
    };
    let unconditional = "kind = \"generator\"\ngenerator = \"glyphs-gan\"";
    let real = "kind = \"real\"\ndata = \"glyphs\"";
    for (source, kind, needs) in [
        (unconditional, "supcon", "needs labels"),
        (unconditional, "cross-entropy", "needs labels"),
        (real, "inverter", "needs the latents"),
        (real, "latent-step", "needs the latents"),
    ] {
        let error = refused(source, kind).unwrap();
        assert!(error.contains("objective.kind") && error.contains(needs), "{error}");
    }
    assert_eq!(refused(real, "supcon"), None, "real images have labels");
    assert_eq!(refused(unconditional, "latent-step"), None);
}
