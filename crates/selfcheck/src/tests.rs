//! Planted faults are found; the CPU plays the device.

use burn::tensor::Tensor;
use zview_data::{ImageSet, ImageShape};
use zview_generator::training::GeneratorTraining;
use zview_generator::{Manifest, ViewsConfig, sample_latents};
use zview_kernels::LayerCall;
use zview_network::{Network, StateVisitor, track_gradients};
use zview_runtime::config::parse_toml;
use zview_runtime::device::{cpu, on_test_adapter};

use super::layers::convolve;
use super::*;
use zview_contrastive::objective::ObjectiveKind;
use zview_contrastive::train::Trainer;
use zview_encoder::augment::{Augment, AugmentConfig};

/// The checks of a device that is the CPU but for `change` of what the operation `name` computes.
fn with_fault(name: &str, change: fn(Tensor<1>) -> Tensor<1>) -> Vec<Check> {
    let cpu = Device::flex();
    let plant =
        |operation: Operation| if operation.name == name { operation.with_fault(change) } else { operation };
    let faulty: Vec<Operation> = operations().into_iter().map(plant).collect();
    check_operations(&operations(), &faulty, &cpu, &cpu, |_| ()).unwrap()
}

fn broken(checks: &[Check]) -> Vec<&str> {
    checks.iter().filter(|check| !check.holds).map(|check| check.name.as_str()).collect()
}

#[test]
fn a_fault_in_any_one_operation_is_found_and_named() {
    assert_eq!(broken(&with_fault("none of them", |x| x)), Vec::<&str>::new());
    for operation in operations() {
        let checks = with_fault(operation.name, |x| x * 1.001);
        assert_eq!(broken(&checks), [operation.name]);
        let error = checks.iter().find(|check| !check.holds).unwrap().error;
        assert!((error - 1e-3).abs() < 1e-4, "{}: {error}", operation.name);
    }
}

#[test]
fn a_fault_in_a_gradient_alone_is_found_and_named() {
    // The same value, and gradients that are a thousandth too large.
    let checks = with_fault("conv2d 3x3, stride 2", |x| x.clone() * 1.001 - x.detach() * 0.001);
    assert_eq!(broken(&checks), ["conv2d 3x3, stride 2"]);
    let what = &checks.iter().find(|check| !check.holds).unwrap().what;
    assert!(what.starts_with("gradient of"), "{what}");
}

#[test]
fn a_device_that_gives_not_a_number_is_found() {
    let checks = with_fault("relu", |x| x / 0.0);
    assert_eq!(broken(&checks), ["relu"]);
}

/// A small recipe of letters.
fn recipe(sections: &str) -> Recipe {
    let text = format!(
        "[source]\nkind = \"generator\"\ngenerator = \"glyphs-gan-conditional\"\n\
         [train]\nbatch = 4\n{sections}"
    );
    parse_toml(std::path::Path::new("test"), &text).unwrap()
}

const NARROW: &str = "[encoder]\nwidth = 2\n[objective]\nprojector = [8, 4]\n";

fn trainer() -> Trainer {
    trainer_of(&recipe(NARROW))
}

fn trainer_of(recipe: &Recipe) -> Trainer {
    Trainer::open(recipe, None, &Device::flex()).unwrap()
}

#[test]
fn a_step_agrees_with_itself_and_not_with_other_weights() {
    let checks = step::check_step(&mut trainer(), &mut trainer(), &mut trainer(), |_| ()).unwrap();
    assert_eq!(checks.len() as u64, step::CHECKS);
    assert!(checks.iter().all(|check| check.holds && check.error == 0.0), "{checks:?}");

    struct Shift;
    impl StateVisitor for Shift {
        fn parameter<const D: usize>(&mut self, _: &str, tensor: &mut Tensor<D>) {
            *tensor = tensor.clone() + 0.02;
        }
        fn buffer<const D: usize>(&mut self, _: &str, _: &mut Tensor<D>) {}
        fn counter(&mut self, _: &str, _: &mut u64) {}
    }
    let mut other = trainer();
    other.learner.objective.visit("", &mut Shift);
    track_gradients(&mut other.learner.objective);
    let checks = step::check_step(&mut trainer(), &mut trainer(), &mut other, |_| ()).unwrap();
    let broken = broken(&checks);
    assert!(broken.contains(&"step: loss") && broken.contains(&"step: objective"), "{checks:?}");
    assert!(!broken.contains(&"step: views"), "{checks:?}");
}

#[test]
fn an_optimizer_that_steps_too_far_is_found_by_the_loss_after_it_alone() {
    let mut other = recipe(NARROW);
    other.optimizer.lr *= 30.0;
    let mut far = trainer_of(&other);
    let checks = step::check_step(&mut trainer(), &mut trainer(), &mut far, |_| ()).unwrap();
    assert_eq!(broken(&checks), ["step: loss after it"], "{checks:?}");
}

#[test]
fn the_cpu_is_not_compared_with_itself() {
    let recipe = recipe(NARROW);
    let error = selfcheck(&recipe, &cpu("asked for"), None, None).unwrap_err().to_string();
    assert!(error.contains("asked for") && error.contains("zview devices"), "{error}");
}

/// The weight gradient misses the last image where the batch has `batch` of them; all else is right.
fn wrong_at(batch: usize) -> impl Fn(&LayerCall, Tensor<4>, Tensor<4>) -> Tensor<4> {
    move |call, input, weight| {
        if input.dims()[0] != batch {
            return convolve(call, input, weight);
        }
        let seen = convolve(call, input.clone().narrow(0, 0, batch - 1), weight.clone());
        let missed = convolve(call, input.narrow(0, batch - 1, 1), weight.inner().autodiff());
        Tensor::cat(vec![seen, missed], 0)
    }
}

#[test]
fn a_convolution_that_is_wrong_at_one_batch_only_is_found_at_that_batch() {
    let chosen = cpu("plays the device");
    let wrong = wrong_at(227);
    let mut agreement = Agreement::with_convolution(&chosen, &wrong);
    let call = |images: usize| LayerCall::Convolution {
        input: [images, 2, 6, 6],
        weight: [3, 2, 3, 3],
        stride: [1, 1],
        padding: [1, 1],
    };
    agreement.layers(&[226, 227, 228, 256].map(call), true).unwrap();
    let result = agreement.finish();
    assert_eq!(broken(&result.checks), ["conv2d 3x3, 2 to 3 channels, stride 1, to 6x6, 227 images"]);
    assert_eq!(result.worst.unwrap().what, "gradient of weight");
}

#[test]
fn the_short_form_finds_a_fault_in_one_operation_and_one_at_the_recipes_batch() {
    let chosen = cpu("plays the device");
    let recipe = recipe(NARROW);
    let workload = Workload::Recipe { recipe: &recipe, data_dir: None };
    let compare = |planted, wrong: &dyn Fn(&LayerCall, Tensor<4>, Tensor<4>) -> Tensor<4>| {
        let table = with_planted_fault(planted).unwrap();
        preflight::compare(&workload, Agreement::with_convolution(&chosen, wrong), &table).unwrap().checks
    };
    assert_eq!(broken(&compare(None, &convolve)), Vec::<&str>::new());
    assert_eq!(broken(&compare(Some("log_softmax"), &convolve)), ["log_softmax"]);
    let checks = compare(None, &wrong_at(8));
    let broken = broken(&checks);
    assert!(broken.len() > 5 && broken.iter().all(|name| name.contains(", 8 images")), "{broken:?}");
    let error = with_planted_fault(Some("conv")).unwrap_err().to_string();
    assert!(error.contains("`conv`") && error.contains("log_softmax; "), "{error}");
}

#[test]
fn a_step_that_is_too_large_for_the_cpu_is_taken_at_fewer_anchors() {
    let chosen = cpu("plays the device");
    let mut agreement = Agreement::new(&chosen);
    recipe::check_recipe(&mut agreement, &recipe(NARROW), None, 0.0).unwrap();
    let result = agreement.finish();
    assert!(result.holds, "{:?}", result.worst);
    let names: Vec<&str> = result.checks.iter().map(|check| check.name.as_str()).collect();
    for name in ["batch_norm, 2 channels, 28x28, 8 images", "views of 4 anchors", "step: loss after it"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

#[test]
fn the_key_is_made_of_what_decides_shapes() {
    let key = |sections: &str, change: fn(&mut Recipe)| {
        let mut recipe = recipe(sections);
        change(&mut recipe);
        Workload::Recipe { recipe: &recipe, data_dir: None }.key().unwrap()
    };
    let first = key(NARROW, |_| ());
    assert_eq!(first, key(NARROW, |recipe| recipe.seed = 7));
    assert_eq!(first, key(NARROW, |recipe| recipe.train.steps = 7));
    let changes: [fn(&mut Recipe); 5] = [
        |recipe| recipe.train.batch = 5,
        |recipe| recipe.encoder.width = 3,
        |recipe| recipe.views.per_anchor = 3,
        |recipe| {
            let augment = recipe.augment.of_images(1);
            recipe.augment = Augment::of(AugmentConfig { size: Some(20), ..augment });
        },
        |recipe| recipe.source.generator = Some("glyphs-gan".to_owned()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_ne!(first, key(NARROW, change), "change {number}");
    }
}

/// Every check of `workload` but the operations, on an adapter.
fn assert_agrees(chosen: &ChosenDevice, what: &str, workload: &Workload<'_>) {
    let mut agreement = Agreement::new(chosen);
    workload.check(&mut agreement).unwrap();
    let result = agreement.finish();
    assert!(result.holds && result.checks.len() > 3, "{what}: {:?}", result.worst);
}

#[test]
fn every_encoder_agrees_on_an_adapter() {
    on_test_adapter(|chosen| {
        for (arch, stem) in [
            ("resnet18", "small"),
            ("resnet18", "imagenet"),
            ("resnet34", "imagenet"),
            ("resnet50", "small"),
            ("resnet50", "imagenet"),
        ] {
            // Narrower ones have channels that are constant, whose batch norm is nothing but rounding.
            let sections = format!(
                "[encoder]\narch = \"{arch}\"\nstem = \"{stem}\"\nwidth = 4\n[objective]\nprojector = [8, 4]\n\
                 [augment]\nsize = 32\n"
            );
            let recipe = recipe(&sections);
            assert_agrees(chosen, &sections, &Workload::Recipe { recipe: &recipe, data_dir: None });
        }
    });
}

const VIT: &str = "arch = \"vit\"\nwidth = 16\ndepth = 1\nheads = 2\npatch = 4\npool = \"mean\"";

#[test]
fn every_objective_agrees_on_an_adapter() {
    on_test_adapter(|chosen| {
        for kind in ObjectiveKind::ALL.iter().map(|kind| kind.name()) {
            let encoder = if kind == "i-jepa" { VIT } else { "arch = \"conv\"\nwidth = 4" };
            let sections = format!(
                "[encoder]\n{encoder}\n[objective]\nkind = \"{kind}\"\n[views]\nper_anchor = 3\n[augment]\nsize = 16\n"
            );
            let mut recipe = recipe(&sections);
            recipe.source.generator = Some("glyphs-gan-conditional".to_owned());
            recipe.train.batch = if kind == "i-jepa" { 4 } else { 16 };
            assert_agrees(chosen, kind, &Workload::Recipe { recipe: &recipe, data_dir: None });
        }
    });
}

#[test]
fn every_embedded_generator_and_every_way_to_train_one_agrees_on_an_adapter() {
    on_test_adapter(|chosen| {
        for embedded in zview_generator::embedded_generators() {
            let manifest = Manifest::find(embedded.name, &[]).unwrap();
            let (dimension, classes) = (manifest.latent.dimension, manifest.classes());
            let latents = sample_latents(&ViewsConfig::default(), dimension, classes, 0, 0, 5);
            let workload = Workload::Rendering { manifest: &manifest, weights: None, latents: &latents };
            assert_agrees(chosen, embedded.name, &workload);
        }
        let shape = ImageShape { channels: 1, height: 16, width: 16 };
        let pixels = (0..12 * 256).map(|pixel| (pixel * 37 % 251) as u8).collect();
        let labels = (0..12).map(|image| image % 3).collect();
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let images = ImageSet::new("noise", shape, pixels, Some(labels), names).unwrap();
        for method in ["gan", "vae"] {
            let text = format!(
                "name = \"tiny\"\nmethod = \"{method}\"\n[source]\ndata = \"noise\"\n\
                 [generator]\nlatent_dimension = 4\nwidth = 8\nconditional = true\nclass_dimension = 3\n\
                 [gan]\ndiscriminator_width = 4\n[vae]\nencoder_width = 4\n[train]\nbatch = 6\n"
            );
            let training: GeneratorTraining = parse_toml(std::path::Path::new("test"), &text).unwrap();
            let workload = Workload::GeneratorTraining { training: &training, images: &images };
            assert_agrees(chosen, method, &workload);
        }
    });
}
