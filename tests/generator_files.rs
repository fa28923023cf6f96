//! Other people's weights at the command line: what stands in place of a manifest, a hash, a class or a reference.

use crate::support::{manifest, noise, run, run_json, stderr, write_generator, write_safetensors};

#[test]
fn weights_in_place_of_a_manifest_give_its_draft_or_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    let weights = "generator/weights.safetensors";
    let output = run(folder.path(), &["generator", "inspect", weights]);
    let message = stderr(&output);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("is a weights file (safetensors), and no manifest"), "{message}");
    let draft = String::from_utf8(output.stdout).unwrap();
    assert!(draft.contains("fc.weight") && draft.contains("kind = \"linear\""), "{draft}");
    // The draft is TOML; with what no weights file says, it loads.
    let text = draft.replace("channels = 3", "channels = 1").replace("= 64\n", "= 16\n");
    let text = text.replace("[-1.0, 1.0]", "[0.0, 1.0]");
    let end = "\n[[layers]]\nkind = \"sigmoid\"\n[[layers]]\nkind = \"reshape\"\nshape = [1, 16, 16]\n";
    std::fs::write(folder.path().join("generator/generator.toml"), text + end).unwrap();
    run_json(folder.path(), &["generator", "inspect", "generator", "--seconds", "0", "--device", "cpu"]);
    let output = run(folder.path(), &["sample", "--generator", weights, "--out", "a.png", "--device", "cpu"]);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("give a manifest that names it") && !message.contains("UTF-8"), "{message}");
}

#[test]
fn a_class_of_a_generator_without_classes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    for (generator, class, words) in [
        ("generator", "3", "tiny has no classes (its manifest has no [condition]); leave --class out"),
        ("glyphs-gan-conditional", "26", "expected 0 to 25 (glyphs-gan-conditional has 26 classes)"),
        ("glyphs-gan-conditional", "-1", "expected 0 to 25 (glyphs-gan-conditional has 26 classes)"),
    ] {
        let class = format!("--class={class}");
        let output = run(
            folder.path(),
            &["sample", "--generator", generator, &class, "--out", "a.png", "--device", "cpu"],
        );
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(words) && message.contains("--class"), "{message}");
        assert!(!folder.path().join("a.png").exists());
    }
}

#[test]
fn a_hash_to_be_computed_is_printed_and_another_network_in_the_file_told() {
    let folder = tempfile::tempdir().unwrap();
    let generator = write_generator(folder.path());
    std::fs::write(generator.join("generator.toml"), manifest("compute")).unwrap();
    let weights = generator.join("weights.safetensors");
    let tensors: [(&str, &[usize], &[f32]); 3] = [
        ("fc.weight", &[256, 6], &noise(1536, 1)),
        ("fc.bias", &[256], &noise(256, 1)),
        ("discriminator.0.weight", &[1, 2], &noise(2, 1)),
    ];
    write_safetensors(&weights, &tensors);
    let inspect = ["generator", "inspect", "generator", "--seconds", "0", "--device", "cpu"];
    let output = run(folder.path(), &inspect);
    let message = stderr(&output);
    assert!(output.status.success(), "{message}");
    let hash = zview_runtime::hash::sha256_of_file(&weights).unwrap();
    assert!(message.contains(&format!("sha256 = \"{hash}\"")), "{message}");
    assert!(message.contains("`discriminator.` (1 tensor) is not used: another network"), "{message}");
    assert_eq!(run_json(folder.path(), &inspect)["sha256"], hash.as_str());
    write_safetensors(&weights, &[tensors[0], tensors[1], ("fc2.weight", &[2], &noise(2, 1))]);
    let output = run(folder.path(), &inspect);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("`fc2.` (weight [2])"), "{message}");
}

#[test]
fn a_reference_that_differs_ends_with_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let generator = write_generator(folder.path());
    write_safetensors(
        &generator.join("weights.safetensors"),
        &[("fc.weight", &[256, 6], &[0.0; 1536]), ("fc.bias", &[256], &[0.0; 256])],
    );
    std::fs::write(generator.join("generator.toml"), manifest("compute")).unwrap();
    let reference = folder.path().join("r.safetensors");
    // sigmoid(0) is 0.5.
    write_safetensors(&reference, &[("z", &[1, 6], &[1.0; 6]), ("x", &[1, 1, 16, 16], &[0.501; 256])]);
    let inspect = |tolerance: &[&str]| {
        let arguments = ["generator", "inspect", "generator", "--seconds", "0", "--device", "cpu", "--json"];
        let named = ["--reference", "r.safetensors"];
        run(folder.path(), &[&arguments[..], &named, tolerance].concat())
    };
    let output = inspect(&[]);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("by up to 1.00e-3, more than 1e-4"), "{message}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["reference_equal"], false);
    assert!((found["reference"]["max_abs_error"].as_f64().unwrap() - 0.001).abs() < 1e-6);
    let output = inspect(&["--tolerance", "0.01"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(inspect(&["--tolerance=-1"]).status.code(), Some(2));
}
