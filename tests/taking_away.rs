//! Taking things away: features, fine-tuned networks, classes of photographs, and programs for Python.

use std::fs;
use std::path::Path;

use crate::support::{run, run_json, stderr, write_generator, write_idx, write_recipe};

/// A folder with an encoder `run`, labelled `shapes`, and `photos` without labels.
fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    write_idx(folder.path(), 60, 30);
    let pretrain =
        ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run", "--set", "encoder.arch=conv"];
    run_json(folder.path(), &pretrain);
    let sample =
        ["sample", "--generator", "generator", "--device", "cpu", "--anchors", "3", "--per-anchor", "2"];
    run_json(folder.path(), &[&sample[..], &["--out", "photos"]].concat());
    folder
}

/// The rows of a .npy file.
fn npy(path: &Path) -> (String, Vec<f32>) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + length) % 64, 0, "NumPy aligns its header");
    let header = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
    let values =
        bytes[10 + length..].chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    (header, values.collect())
}

/// The rows of a .csv file with features: what comes before them, and they.
fn csv(path: &Path) -> (Vec<String>, Vec<f32>) {
    let text = fs::read_to_string(path).unwrap();
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        rows.push(fields[..4].join(","));
        values.extend(fields[4..].iter().map(|field| field.parse::<f32>().unwrap()));
    }
    (rows, values)
}

#[test]
fn features_are_the_same_in_every_format_and_say_what_each_row_is_of() {
    let folder = trained();
    let folder = folder.path();
    let embed = |out: &str, more: &[&str]| {
        let words = ["embed", "run", "--data", "./shapes", "--device", "cpu", "--out", out];
        run_json(folder, &[&words[..], more].concat())
    };
    let written = embed("all.npy", &[]);
    assert_eq!((written["images"].as_u64(), written["feature_dimension"].as_u64()), (Some(90), Some(32)));
    assert_eq!(written["splits"][0][0], "train");
    let (header, values) = npy(&folder.join("all.npy"));
    assert!(header.contains("'shape': (90, 32)") && header.contains("'<f4'"), "{header}");
    let beside = fs::read_to_string(folder.join("all.csv")).unwrap();
    assert_eq!(beside.lines().count(), 91);
    assert!(beside.starts_with("split,name,label,class\ntrain,0,0,"), "{beside}");
    embed("rows.csv", &[]);
    let (rows, of_csv) = csv(&folder.join("rows.csv"));
    assert!(rows[0].starts_with("train,0,0,") && rows[60].starts_with("test,0,"), "{rows:?}");
    assert_eq!(of_csv, values);
    embed("rows.safetensors", &["--split", "test", "--no-cache"]);
    let mut state = zview_network::weights::StateDict::read(&folder.join("rows.safetensors"), None).unwrap();
    let about: serde_json::Value = serde_json::from_str(state.metadata("zview-embedding").unwrap()).unwrap();
    assert_eq!(about["labels"].as_array().unwrap().len(), 30);
    assert_eq!(
        state.take("features", &[30, 32]).unwrap(),
        values[60 * 32..],
        "computed anew, without the cache"
    );
    // They are the probe's own: its features come from the cache that this filled, and its nearest neighbour is theirs.
    let probed = run_json(
        folder,
        &["probe", "run", "--data", "./shapes", "--device", "cpu", "--protocol", "knn", "--set", "knn.k=[1]"],
    );
    let row = |image: usize| &values[image * 32..][..32];
    let norm = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt();
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() / norm(a) / norm(b);
    let right = (60..90).filter(|&test| {
        let nearest =
            (0..60).max_by(|&a, &b| cosine(row(test), row(a)).total_cmp(&cosine(row(test), row(b)))).unwrap();
        rows[nearest].split(',').nth(2) == rows[test].split(',').nth(2)
    });
    let top1 = right.count() as f64 / 30.0;
    assert!((probed["knn"]["1"]["top1"].as_f64().unwrap() - top1).abs() < 0.04, "{top1}: {probed}");
}

#[test]
fn a_file_beside_the_output_that_the_command_does_not_name_is_not_written_over() {
    let folder = trained();
    let folder = folder.path();
    let embed = ["embed", "run", "--data", "./shapes", "--device", "cpu", "--out", "labels.npy"];
    fs::write(folder.join("labels.csv"), "mine").unwrap();
    let refused = run(folder, &embed);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("labels.csv, which is there already"), "{}", stderr(&refused));
    assert_eq!(fs::read_to_string(folder.join("labels.csv")).unwrap(), "mine");
    // What the same command wrote it may write anew; another command's names stay.
    fs::remove_file(folder.join("labels.csv")).unwrap();
    run_json(folder, &embed);
    run_json(folder, &embed);
    let predict = ["predict", "run", "--train", "./shapes", "--data", "./shapes", "--device", "cpu"];
    let refused = run(folder, &[&predict[..], &["--out", "labels.csv"]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("the names of the rows of labels.npy"), "{}", stderr(&refused));
}

#[test]
fn images_without_labels_are_embedded_by_their_names() {
    let folder = trained();
    let folder = folder.path();
    let output = run(folder, &["embed", "run", "--data", "photos", "--device", "cpu", "--out", "photos.csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let (rows, values) = csv(&folder.join("photos.csv"));
    assert_eq!((rows.len(), values.len()), (6, 6 * 32));
    assert!(rows.iter().all(|row| row.contains(".png") && row.ends_with(",,")), "{rows:?}");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(words.contains("6 rows of 32 features; images of 16x16 grey"), "{words}");
    assert!(words.contains("rows are in the data set's order: 6 of the train split"), "{words}");
}

#[test]
fn the_ending_of_an_output_decides_the_format_or_is_refused() {
    let folder = trained();
    let folder = folder.path();
    for words in [
        &["embed", "run", "--data", "./shapes", "--out", "x.parquet"][..],
        &["embed", "run", "--data", "./shapes", "--out", "x"],
        &["export", "run", "--out", "x.pt"],
        &["log", "run", "--csv", "x.txt"],
        &["probe", "run", "--report", "x.pdf"],
        &["predict", "run", "--data", "photos", "--train", "./shapes", "--out", "x.json"],
        &["sample", "--generator", "generator", "--out", "x.gif"],
        &["generator", "directions", "generator", "--method", "factorised", "--out", "x.npy"],
    ] {
        let output = run(folder, words);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {told}");
        let ending = words.last().unwrap().trim_start_matches('x');
        assert!(
            told.contains("expected") && told.contains(if ending.is_empty() { "none" } else { ending }),
            "{words:?}: {told}"
        );
        assert!(!folder.join(words.last().unwrap()).exists());
    }
}

#[test]
fn a_fine_tuned_network_is_kept_exported_and_names_classes() {
    let folder = trained();
    let folder = folder.path();
    fs::write(
        folder.join("quick.toml"),
        "[fine_tune]\nlength = { steps = 30 }\nbatch = 16\nlearning_rates = [0.01]\nlayer_decays = [1.0]\nseeds = [4]\n",
    )
    .unwrap();
    let probe = ["probe", "run", "--data", "./shapes", "--device", "cpu", "--protocol", "fine-tune"];
    let value = run_json(folder, &[&probe[..], &["--config", "quick.toml", "--keep", "kept"]].concat());
    let network = value["fine_tuned_networks"][0].as_str().unwrap();
    assert_eq!(network, "kept/run-shapes-seed4.safetensors");
    // It says what it was judged by: the same accuracy on the same test images.
    let test = ["predict", network, "--data", "./shapes", "--split", "test", "--device", "cpu"];
    let predicted = run_json(folder, &test);
    let images = predicted["images"].as_array().unwrap();
    let right = images.iter().filter(|image| image["class"] == image["label"]).count();
    assert_eq!(images.len(), 30);
    assert_eq!(right as f64 / 30.0, value["fine_tune"]["mean"].as_f64().unwrap());
    assert!(
        images.iter().all(|image| (1.0 / 3.0 - 1e-6..=1.0).contains(&image["probability"].as_f64().unwrap()))
    );
    // Photographs without labels, into a file.
    let output =
        run(folder, &["predict", network, "--data", "photos", "--device", "cpu", "-o", "classes.csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = fs::read_to_string(folder.join("classes.csv")).unwrap();
    assert!(text.starts_with("split,name,class,probability\n") && text.lines().count() == 7, "{text}");
    // It is an encoder too, and is exported with its head.
    run_json(folder, &["probe", network, "--data", "./shapes", "--device", "cpu", "--protocol", "knn"]);
    let exported = run_json(folder, &["export", network, "-o", "tuned.safetensors"]);
    assert_eq!(exported["classes"].as_array().unwrap().len(), 3);
    assert!(exported["load"].as_str().unwrap().contains("fc=torch.nn.Linear(32, 3)"), "{exported}");
    let twice = run(folder, &[&test[..], &["--train", "./shapes"]].concat());
    assert!(
        twice.status.code() == Some(2) && stderr(&twice).contains("leave --train out"),
        "{}",
        stderr(&twice)
    );
}

#[test]
fn an_encoder_names_classes_by_a_probe_on_labelled_images() {
    let folder = trained();
    let folder = folder.path();
    let without = run(folder, &["predict", "run", "--data", "photos", "--device", "cpu"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(stderr(&without).contains("--train DATA"), "{}", stderr(&without));
    let predict = ["predict", "run", "--train", "./shapes", "--device", "cpu", "--data"];
    let predicted = run_json(folder, &[&predict[..], &["./shapes", "--split", "test"]].concat());
    let images = predicted["images"].as_array().unwrap();
    let right = images.iter().filter(|image| image["class"] == image["label"]).count();
    let probe = ["probe", "run", "--data", "./shapes", "--device", "cpu", "--protocol", "linear"];
    let top1 = run_json(folder, &probe)["linear"]["top1"].as_f64().unwrap();
    assert_eq!(right as f64 / 30.0, top1, "the same probe on the same images");
    // What it was fitted on shows nothing of it.
    let all = run_json(folder, &[&predict[..], &["./shapes"]].concat());
    let all = all["images"].as_array().unwrap();
    assert!(all.iter().all(|image| image["split"] != "train" || image["fitted_on"] == true));
    let shown: Vec<_> = all.iter().filter(|image| image["fitted_on"].is_null()).collect();
    let right = shown.iter().filter(|image| image["class"] == image["label"]).count();
    let said = run(folder, &[&predict[..], &["./shapes", "--out", "all.csv"]].concat());
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let expected = format!(
        "{right} of {} labelled ones are right, {} that the probe was fitted on left out of that count",
        shown.len(),
        all.len() - shown.len()
    );
    assert!(shown.len() > 20 && said.contains(&expected), "{said}");
    let unlabelled =
        run(folder, &["predict", "run", "--train", "photos", "--data", "photos", "--device", "cpu"]);
    assert!(
        !unlabelled.status.success() && stderr(&unlabelled).contains("no labels"),
        "{}",
        stderr(&unlabelled)
    );
}

#[test]
fn printed_lines_name_file_size_colours_and_scale() {
    let folder = trained();
    let folder = folder.path();
    let output = run(folder, &["export", "run", "-o", "my encoder.safetensors"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in [
        "path = \"my encoder.safetensors\"",
        "torch.nn.Sequential(",
        "stage(1, 4, 1)",
        "resize((16, 16), Image.BICUBIC)",
        "convert(\"L\")",
        "(x - 0.5) / 0.5",
        "images of 16x16 pixels",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn printed_programs_turn_a_photograph_as_its_orientation_says() {
    let folder = trained();
    let folder = folder.path();
    let quick =
        "[fine_tune]\nlength = { steps = 2 }\nbatch = 8\nlearning_rates = [0.01]\nlayer_decays = [1.0]\n";
    fs::write(folder.join("quick.toml"), quick).unwrap();
    let probe = ["probe", "run", "--data", "./shapes", "--device", "cpu", "--protocol", "fine-tune"];
    run_json(folder, &[&probe[..], &["--config", "quick.toml", "--keep", "kept"]].concat());
    for encoder in ["run", "kept/run-shapes-seed0.safetensors"] {
        let exported = run_json(folder, &["export", encoder, "-o", "for-python.safetensors"]);
        let programs = exported["programs"].as_array().unwrap();
        assert!(!programs.is_empty());
        for program in programs {
            let text = program["text"].as_str().unwrap();
            for line in [
                "from PIL import Image, ImageOps\n",
                "image = ImageOps.exif_transpose(Image.open(image_file)).convert(",
            ] {
                assert!(text.contains(line), "{encoder}: {text}");
            }
        }
    }
}
