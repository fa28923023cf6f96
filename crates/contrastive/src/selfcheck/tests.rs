//! Planted faults are found; the CPU plays the device.

use burn::tensor::Tensor;
use zview_network::{Network, StateVisitor, track_gradients};
use zview_runtime::config::parse_toml;

use super::*;

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

fn trainer() -> Trainer {
    let text = "[source]\nkind = \"generator\"\ngenerator = \"glyphs-gan-conditional\"\n[encoder]\nwidth = 2\n\
                [objective]\nprojector = [8, 4]\n[train]\nbatch = 4\nwarmup_steps = 1\n";
    let recipe: Recipe = parse_toml(std::path::Path::new("test"), text).unwrap();
    let device = Device::flex();
    let how = OpenSource { anchors: recipe.train.batch, data_dir: None, device: &device };
    let source = open_source(&recipe.source, &recipe.views, &how).unwrap();
    Trainer::new(&recipe, source, &device, true)
}

#[test]
fn a_step_agrees_with_itself_and_not_with_other_weights() {
    let checks = step::check_step(&mut trainer(), &mut trainer(), |_| ()).unwrap();
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
    other.projector.visit("", &mut Shift);
    track_gradients(&mut other.projector);
    let checks = step::check_step(&mut trainer(), &mut other, |_| ()).unwrap();
    let broken = broken(&checks);
    assert!(broken.contains(&"step: loss") && broken.contains(&"step: projector"), "{checks:?}");
    assert!(!broken.contains(&"step: views"), "{checks:?}");
}

#[test]
fn the_cpu_is_not_compared_with_itself() {
    let recipe = parse_toml(
        std::path::Path::new("test"),
        "[source]\nkind = \"generator\"\ngenerator = \"glyphs-gan\"\n",
    )
    .unwrap();
    let error = selfcheck(&recipe, &cpu("asked for"), None).unwrap_err().to_string();
    assert!(error.contains("asked for") && error.contains("zview devices"), "{error}");
}
