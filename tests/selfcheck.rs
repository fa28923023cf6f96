//! `zview selfcheck`: a device against the CPU, on whatever adapter there is, a software one too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod support;

use support::{run, run_json, stderr, write_generator, write_recipe};

#[test]
fn every_operation_and_a_step_agree_with_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let devices = run_json(folder, &["devices", "--device", "cpu"]);
    if devices["devices"].as_array().unwrap().is_empty() {
        println!("skipped: this machine has no graphics adapter, not even a software one");
        return;
    }
    write_generator(folder);
    write_recipe(folder);
    let small = ["--set", "encoder.width=2", "--set", "train.batch=4", "--device", "wgpu"];
    let result = run_json(folder, &[&["selfcheck", "recipe.toml"][..], &small[..]].concat());
    let checks = result["checks"].as_array().unwrap();
    for check in checks {
        let (name, number) = (check["name"].as_str().unwrap(), |key: &str| check[key].as_f64().unwrap());
        println!("{name:<32} {:.1e} of {:.0e}", number("error"), number("tolerance"));
        assert_eq!(check["holds"], true, "{check}");
        assert!(number("error") <= number("tolerance"), "{check}");
    }
    let named = |name: &str| checks.iter().any(|check| check["name"] == name);
    for name in ["conv2d 3x3, stride 2", "NT-Xent", "Adam, two steps", "step: views", "step: encoder"] {
        assert!(named(name), "{name} is compared");
    }
    assert!(checks.iter().any(|check| check["name"] == result["worst"]["name"]));
    assert!(
        checks.iter().any(|check| check["error"].as_f64().unwrap() > 0.0),
        "a device that rounds exactly as the CPU is the CPU"
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (arguments, words) in [
        (&["selfcheck", "--device", "cpu"][..], ["nothing to compare", "zview devices"]),
        (&["selfcheck", "--set", "train.batchh=4", "--device", "cpu"], ["configs/demo.toml", "`batch`"]),
        (&["selfcheck", "--set", "train.batch=1", "--device", "cpu"], ["train.batch", "2 or more"]),
        (&["selfcheck", "absent.toml"], ["absent.toml", "cannot read"]),
    ] {
        let output = run(folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "a refusal prints no result");
        for word in words {
            assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
        }
    }
}
