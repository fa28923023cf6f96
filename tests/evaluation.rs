//! Evaluating encoders: several data sets and encoders at once, what is kept, what test images may not decide (R14), what
//! stays untouched (R13), and input that cannot be evaluated.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{copy_folder, run, run_json, stderr, write_generator, write_idx, write_recipe};

const QUICK: &str = r#"
[linear]
penalties = [1e-4, 1e-3, 1e-2, 0.1, 1.0]
[sgd]
epochs = 2
learning_rates = [0.1, 1.0]
[few_shot]
labels_per_class = [2, 5]
draws = 3
[label_curve]
labels_per_class = [2, 5]
draws = 3
[fine_tune]
labels_per_class = 10
length = { steps = 3 }
batch = 8
learning_rates = [0.001, 0.01]
layer_decays = [1.0]
seeds = [0, 1]
[robustness]
images = 30
severities = [1, 5]
[maps]
images = 50
[clusters]
restarts = 2
"#;

/// A folder with encoders `run` and `other`, data `shapes` and the file `quick.toml`.
fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_idx(folder.path(), 150, 60);
    write_recipe(folder.path());
    std::fs::write(folder.path().join("quick.toml"), QUICK).unwrap();
    for (out, seed) in [("run", "seed=3"), ("other", "seed=4")] {
        let pretrain = ["pretrain", "recipe.toml", "--device", "cpu", "--out", out, "--set", seed];
        let output = run(folder.path(), &pretrain);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    folder
}

/// `probe run --data ./shapes` and more.
fn probe(folder: &Path, more: &[&str]) -> Value {
    let common = ["probe", "run", "--device", "cpu", "--config", "quick.toml", "--train-pool", "150"];
    run_json(folder, &[&common[..], more].concat())
}

fn without_seconds(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.remove("seconds");
            fields.values_mut().for_each(|field| *field = without_seconds(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_seconds(item.take())),
        _ => {}
    }
    value
}

fn refused(folder: &Path, more: &[&str], code: i32, words: &[&str]) {
    let output =
        run(folder, &[&["probe", "run", "--device", "cpu", "--config", "quick.toml"], more].concat());
    let message = stderr(&output);
    assert!(output.status.code() == Some(code) && output.stdout.is_empty(), "{more:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    for word in words {
        assert!(message.contains(word), "{more:?} does not say `{word}`: {message}");
    }
}

/// Rewrites the labels of `shapes`: `kind` is `train` or `t10k`.
fn relabel(data: &Path, kind: &str, of: impl Fn(usize, u8) -> u8) {
    let file = data.join(format!("{kind}-labels-idx1-ubyte"));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.iter_mut().skip(8).enumerate().for_each(|(image, label)| *label = of(image, *label));
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn every_protocol_on_two_data_sets_in_one_table_and_on_one_page() {
    let folder = trained();
    let folder = folder.path();
    copy_folder(&folder.join("shapes"), &folder.join("others"));
    relabel(&folder.join("others"), "train", |_, label| 2 - label);
    relabel(&folder.join("others"), "t10k", |_, label| 2 - label);
    let weights = std::fs::read(folder.join("run/encoder.safetensors")).unwrap();
    let everything = ["--protocol", "all", "--outliers", "./others", "--report", "page é.html"];
    let two = ["--data", "./shapes", "--data", "./others", "--versus", "other"];
    let suite = probe(folder, &[&everything[..], &two[..]].concat());

    let sets = suite["encoders"][0]["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 2);
    for set in sets {
        for pointer in [
            "/linear/top1",
            "/linear/penalty",
            "/knn/20/top1",
            "/few_shot/5/mean",
            "/few_shot_shares/10%/mean",
            "/label_curve/points/1/mean",
            "/sgd/learning_rate",
            "/fine_tune/mean",
            "/scratch/mean",
            "/fine_tune_gain/mean",
            "/confusion/matrix/0/0",
            "/calibration/ece",
            "/robustness/corrupted",
            "/outliers/nearest_neighbour/auroc",
            "/spectrum/effective_rank",
            "/clusters/train/adjusted_rand",
            "/overlap/exact",
            "/protocol/0",
            "/intervals/units",
        ] {
            assert!(set.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer} in {set}");
        }
        assert_eq!((set["n_train"].as_u64(), set["n_test"].as_u64()), (Some(150), Some(60)));
    }
    // The same test images with other names for the classes: all that matters is the same.
    assert_eq!(sets[0]["knn"]["10"]["top1"], sets[1]["knn"]["10"]["top1"]);
    // Every metric of every protocol is compared.
    let differences = &suite["comparisons"][0]["differences"];
    for key in ["linear", "knn_20"] {
        let of = &differences[key];
        assert!(of["low"].as_f64() <= of["difference"].as_f64() && of["over"] == "test images", "{of}");
        assert!(of["p_holm"].as_f64() >= of["mcnemar"]["p_value"].as_f64(), "{of}");
    }
    assert!(
        differences["few_shot_5"]["over"] == "draws and test images"
            && differences["label_curve_5"]["over"] == "draws"
    );
    let metrics = suite["metrics"].as_array().unwrap();
    let units: Vec<&str> = ["linear", "ece", "effective_rank"]
        .into_iter()
        .map(|key| metrics.iter().find(|metric| metric["key"] == key).unwrap()["unit"].as_str().unwrap())
        .collect();
    assert_eq!(units, ["accuracy", "share", "number"]);
    // A power law is not found in every spectrum.
    for metric in metrics.iter().filter(|metric| metric["key"] != "power_law") {
        let difference = &differences[metric["key"].as_str().unwrap()]["difference"];
        assert!(difference.is_number(), "{metric} in {differences}");
    }

    let page = std::fs::read_to_string(folder.join("page é.html")).unwrap();
    for section in [
        "Confusion matrix",
        "Robustness",
        "t-SNE",
        "Clusters",
        "Worst mistakes",
        "Overlap",
        "other",
        "RankMe",
    ] {
        assert!(page.contains(section), "{section}");
    }
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"));
    // R13: fine-tuning and all the rest leave the encoder as it is.
    assert!(std::fs::read(folder.join("run/encoder.safetensors")).unwrap() == weights);
    let state = &sets[0]["extractor_sha256"];
    assert!(
        *state == sets[1]["extractor_sha256"] && *state == sets[0]["fine_tune"]["encoder_sha256"],
        "{state}"
    );
}

#[test]
fn features_are_computed_once_and_damage_to_what_is_kept_changes_nothing() {
    let folder = trained();
    let folder = folder.path();
    let arguments = ["--data", "./shapes", "--protocol", "linear", "--protocol", "knn"];
    let first = without_seconds(probe(folder, &arguments));
    let kept = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder.join("cache/zview/features")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let files = kept();
    // Of a first result also those of the untrained encoder beside it.
    assert_eq!(files.len(), 4, "training and test images of two encoders");
    assert_eq!(without_seconds(probe(folder, &arguments)), first);
    for file in &files {
        let mut bytes = std::fs::read(file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 0x40;
        std::fs::write(file, bytes).unwrap();
    }
    assert_eq!(without_seconds(probe(folder, &arguments)), first);
    assert_eq!(kept(), files);
    assert_eq!(without_seconds(probe(folder, &[&arguments[..], &["--no-cache"]].concat())), first);
    // One pixel more in one training image is other data.
    let images = folder.join("shapes/train-images-idx3-ubyte");
    let mut bytes = std::fs::read(&images).unwrap();
    bytes[40] ^= 0xff;
    std::fs::write(&images, bytes).unwrap();
    probe(folder, &arguments);
    assert_eq!(kept().len(), 6, "test images are what they were");
}

#[test]
fn r14_test_labels_decide_nothing_and_a_planted_leak_is_found() {
    let folder = trained();
    let folder = folder.path();
    let arguments: Vec<&str> = ["linear", "sgd", "fine-tune", "overlap"]
        .iter()
        .flat_map(|protocol| ["--protocol", protocol])
        .chain(["--data", "./shapes"])
        .collect();
    let honest = probe(folder, &arguments);
    let decided = |value: &Value| {
        let rates: Vec<Value> = value["fine_tune"]["seeds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| [run["learning_rate"].clone(), run["validation"].clone()].into())
            .collect();
        let linear = [value["linear"]["penalty"].clone(), value["linear"]["validation"].clone()];
        (linear, [value["sgd"]["learning_rate"].clone(), value["sgd"]["rates"].clone()], rates)
    };
    relabel(&folder.join("shapes"), "t10k", |image, label| (label + (image % 2) as u8) % 3);
    let relabelled = probe(folder, &arguments);
    assert_eq!(decided(&honest), decided(&relabelled));
    assert_ne!(honest["linear"]["top1"], relabelled["linear"]["top1"], "the test labels did change");

    // The first ten test images, with their labels, become training images.
    write_idx(folder, 150, 60);
    for (kind, header, each) in [("images-idx3", 16, 256), ("labels-idx1", 8, 1)] {
        let file = |part: &str| folder.join("shapes").join(format!("{part}-{kind}-ubyte"));
        let test = std::fs::read(file("t10k")).unwrap();
        let mut train = std::fs::read(file("train")).unwrap();
        train[header..header + 10 * each].copy_from_slice(&test[header..header + 10 * each]);
        std::fs::write(file("train"), train).unwrap();
    }
    let leaking = probe(folder, &arguments);
    let found = |value: &Value| -> Vec<u64> {
        let pairs = value["overlap"]["pairs"].as_array().unwrap().iter();
        let exact = pairs.filter(|pair| pair["exact"] == true && pair["same_label"] == true);
        let same = exact.filter(|pair| pair["test"] == pair["train"]);
        same.map(|pair| pair["test"].as_u64().unwrap()).filter(|&image| image < 10).collect()
    };
    assert_eq!(found(&leaking), (0..10).collect::<Vec<_>>(), "{}", leaking["overlap"]);
    // Images of `shapes` repeat now and then.
    assert!(found(&honest).len() < 5 && leaking["linear_without_copies"]["top1"].is_number());
    let exact = leaking["overlap"]["exact"].as_u64().unwrap();
    let output =
        run(folder, &["probe", "run", "--device", "cpu", "--data", "./shapes", "--train-pool", "150"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{exact} of 60 test images are training images")), "{text}");
}

#[test]
fn input_that_cannot_be_evaluated_is_refused_or_has_a_defined_result() {
    let folder = trained();
    let folder = folder.path();
    let shapes = folder.join("shapes");
    // Fewer labels than asked for, unknown names, nothing to tell outliers from.
    refused(
        folder,
        &["--data", "./shapes", "--labels-per-class", "400"],
        1,
        &["400 are needed", "labels_per_class"],
    );
    refused(folder, &["--data", "./shapes", "--protocol", "k-means"], 2, &["k-means", "clusters", "all"]);
    refused(folder, &["--data", "./shapes", "--protocol", "outliers"], 2, &["--outlier-data"]);
    refused(folder, &["--data", "./shapes", "--set", "knn.ks=[3]"], 2, &["ks", "k"]);
    refused(
        folder,
        &["--data", "./shapes", "--pixels", "imagenet"],
        2,
        &["--pixels imagenet", "leave it out"],
    );
    refused(folder, &["--data", "./shapes", "--color", "rgb"], 2, &["1 channels", "got 3 channels"]);
    std::fs::create_dir(folder.join("nothing")).unwrap();
    refused(folder, &["--data", "./nothing"], 1, &["nothing"]);
    // NaN weights.
    copy_folder(&folder.join("run"), &folder.join("broken"));
    let broken = folder.join("broken/encoder.safetensors");
    let mut bytes = std::fs::read(&broken).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for value in bytes[8 + header..].chunks_exact_mut(4) {
        value.copy_from_slice(&f32::NAN.to_le_bytes());
    }
    std::fs::write(&broken, bytes).unwrap();
    let output = run(folder, &["probe", "broken", "--device", "cpu", "--data", "./shapes"]);
    let message = stderr(&output);
    assert!(
        output.status.code() == Some(1) && message.contains("36 values that are not finite"),
        "{message}"
    );

    // A class without test images has no accuracy; the others have theirs.
    relabel(&shapes, "t10k", |_, label| label.min(1));
    let partial = probe(folder, &["--data", "./shapes", "--protocol", "linear"]);
    assert!(
        partial["linear"]["per_class"][2].is_null() && partial["linear"]["per_class"][0].is_number(),
        "{partial}"
    );
    assert!(partial["confusion"]["classes"][2]["accuracy"].is_null());
    // A class without training images cannot be named: its test images are counted apart, the others judged.
    relabel(&shapes, "train", |_, label| label.min(1));
    relabel(&shapes, "t10k", |image, label| if image == 0 { 2 } else { label });
    let apart = probe(folder, &["--data", "./shapes", "--protocol", "linear"]);
    assert_eq!(apart["classes_only_in_test"], serde_json::json!({ "2": 1 }), "{apart}");
    assert_eq!(apart["n_test"].as_u64(), Some(59), "{apart}");
    assert!(apart["linear"]["top1"].is_number(), "{apart}");
    assert_eq!(apart["confusion"]["classes"].as_array().map(Vec::len), Some(2), "{apart}");
    // One class only.
    relabel(&shapes, "train", |_, _| 0);
    relabel(&shapes, "t10k", |_, _| 0);
    refused(folder, &["--data", "./shapes"], 1, &["the only class", "two classes"]);
}

#[test]
fn the_page_has_chance_the_untrained_encoder_and_the_files_that_were_left_out() {
    let folder = trained();
    let folder = folder.path();
    for (number, out) in
        ["photos/train/a", "photos/train/b", "photos/test/a", "photos/test/b"].into_iter().enumerate()
    {
        let seed = number.to_string();
        let sample =
            ["sample", "--generator", "generator", "--device", "cpu", "--anchors", "12", "--seed", &seed];
        let output = run(folder, &[&sample[..], &["--out", out]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
    }
    std::fs::write(folder.join("photos/train/b/broken.jpg"), b"\xff\xd8\xff\xe0 not a jpeg").unwrap();
    let words = [
        "probe",
        "run",
        "--device",
        "cpu",
        "--data",
        "./photos",
        "--max-reject-share",
        "0.1",
        "--draws",
        "2",
    ];
    let output = run(folder, &[&words[..], &["--report", "page.html", "--labels-per-class", "2"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("one image file cannot be used and is left out"), "{told}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = run_json(folder, &[&words[..], &["--labels-per-class", "2"]].concat());
    assert!(value["rejects"][0]["path"].as_str().unwrap().ends_with("broken.jpg"), "{value}");
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    let beside = &value["beside"];
    let shown = |value: &Value, digits: usize| format!("{:.digits$}", 100.0 * value.as_f64().unwrap());
    assert!(page.contains(&format!("gives <b>{}</b>", shown(&beside["chance"], 1))), "{page}");
    for measure in ["linear", "few_shot_2"] {
        let untrained = beside.pointer(&format!("/untrained/{measure}")).unwrap();
        let cell = format!("data-label=\"Untrained in %\"><span>{}</span>", shown(untrained, 1));
        assert!(page.contains(&cell), "{measure}: {cell}");
        assert!(text.contains(&shown(untrained, 2)), "{measure}: {text}");
    }
    for of_text in [&page, &text] {
        assert!(of_text.contains("one image file that cannot be read: ") && of_text.contains("broken.jpg"));
    }
    assert!(page.contains(".png</span>") && !page.contains("no. 0<"), "mistakes go by their file");
}

/// They stood beside the result of one encoder alone.
#[test]
fn chance_and_the_untrained_encoder_stand_beside_several_encoders_too() {
    let folder = trained();
    let folder = folder.path();
    let words =
        ["probe", "run", "other", "--device", "cpu", "--data", "./shapes", "--protocol", "linear,knn"];
    let output = run(folder, &[&words[..], &["--report", "page.html"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let value = run_json(folder, &words);
    let beside = |encoder: usize| value["encoders"][encoder]["sets"][0]["beside"].clone();
    assert_eq!(beside(0), beside(1), "both are one architecture");
    let shown =
        |pointer: &str| format!("{:.2}", 100.0 * beside(0).pointer(pointer).unwrap().as_f64().unwrap());
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = |name: &str| table.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
    let [untrained] = row("untrained ")[..] else { panic!("{table}") };
    let [chance] = row("chance ")[..] else { panic!("{table}") };
    assert!(untrained.contains(&shown("/untrained/linear")), "{table}");
    assert!(chance.contains(&shown("/chance")), "{table}");
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("Untrained in %") && page.contains("Chance, which is"), "{page}");
}

#[test]
fn a_data_set_by_its_absolute_path_is_called_by_its_folder_in_tables_and_on_the_page() {
    let folder = trained();
    let folder = folder.path();
    let path = folder.join("shapes").canonicalize().unwrap().display().to_string();
    let words = ["probe", "run", "other", "--device", "cpu", "--protocol", "knn", "--data", &path];
    let output = run(folder, &[&words[..], &["--report", "page.html"]].concat());
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", stderr(&output));
    let row = table.lines().find(|line| line.starts_with("other ")).unwrap();
    assert!(row.contains("shapes") && !row.contains(&path), "{table}");
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("<h2>shapes</h2>"), "{page}");
    assert!(page.contains(&format!("Images of <code>{path}</code>")), "the path stands with the details");
}

#[test]
fn labels_per_class_named_alone_leave_shares_of_the_labels_out() {
    let folder = trained();
    let folder = folder.path();
    let words =
        ["probe", "run", "--device", "cpu", "--data", "./shapes", "--protocol", "few-shot", "--draws", "2"];
    let named = run_json(folder, &[&words[..], &["--labels-per-class", "3"]].concat());
    assert!(named["few_shot"]["3"].is_object() && named["few_shot_shares"].is_null(), "{named}");
    assert!(named["beside"]["untrained"]["few_shot_3"].is_f64(), "{named}");
    let asked = ["--labels-per-class", "3", "--set", "few_shot.shares=[0.1]"];
    assert!(run_json(folder, &[&words[..], &asked].concat())["few_shot_shares"]["10%"].is_object());
    let default = run_json(folder, &words);
    assert!(default["few_shot_shares"]["10%"].is_object(), "{default}");
    assert!(default["beside"]["untrained"]["few_shot_10%"].is_f64(), "{default}");
}

#[test]
fn fine_tuning_says_what_it_takes_and_is_made_shorter_by_steps_or_epochs() {
    let folder = trained();
    let folder = folder.path();
    let words = ["probe", "run", "--device", "cpu", "--data", "./shapes", "--protocol"];
    let output = run(folder, &[&words[..], &["fine-tune", "--steps", "5"]].concat());
    let told = stderr(&output);
    assert!(output.status.success(), "{told}");
    for said in [
        "fine-tuning: 45 steps (8 candidates and the best of them again, 5 each; one seed)",
        "forecast: ",
        " for 45 steps of ",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("fine-tuned")).unwrap();
    assert!(line.contains(" [") && line.contains("over one seed (interval over test images)"), "{line}");
    let one = ["--set", "fine_tune.learning_rates=[0.01]", "--set", "fine_tune.layer_decays=[1.0]"];
    let by_epochs = run_json(folder, &[&words[..], &["scratch", "--epochs", "2"], &one[..]].concat());
    assert_eq!(by_epochs["scratch"]["steps"], 4, "120 images in batches of 64, twice");
    for (option, other) in [("--steps", "--epochs"), ("--epochs", "--steps")] {
        let vain = run(folder, &[&words[..], &["linear", option, "5"]].concat());
        let told = stderr(&vain);
        assert!(vain.status.code() == Some(2) && told.contains(option), "{told}");
        assert!(told.contains("has no effect, as neither fine-tune nor scratch is measured"), "{told}");
        let both = run(folder, &[&words[..], &["fine-tune", option, "5", other, "5"]].concat());
        assert_eq!(both.status.code(), Some(2));
        let none = run(folder, &[&words[..], &["fine-tune", option, "0"]].concat());
        assert_eq!(none.status.code(), Some(2));
    }
}
