//! Nothing that was asked for is ignored: sizes, labels, changes, and one name for a thing.

use std::fs;
use std::path::Path;

use crate::support::study::study;
use crate::support::{run, run_json, stderr, write_idx};

/// A run on 16x16 images that are resized to 8x8, in `run`.
fn trained_at_8() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path(), 90, 45);
    let recipe = "[source]\nkind = \"real\"\ndata = \"./shapes\"\nsize = 8\n[encoder]\narch = \"conv\"\nwidth = 4\n\
                  [objective]\nprojector = [16, 8]\n[train]\nsteps = 4\nbatch = 8\nwarmup_steps = 1\nlog_every = 2\n\
                  checkpoint_every = 2\n[probe]\ndata = \"./shapes\"\ntrain_pool = 60\n";
    fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    run_json(folder.path(), &["pretrain", "recipe.toml", "--device", "cpu", "--out", "run"]);
    folder
}

const PROBE: [&str; 6] = ["probe", "run", "--device", "cpu", "--protocol", "knn"];

fn judged_at(folder: &Path, arguments: &[&str]) -> [u64; 2] {
    let at = run_json(folder, arguments)["judged_at"].clone();
    ["height", "width"].map(|side| at[side].as_u64().unwrap())
}

/// The header of a safetensors file without what it says of the views.
fn forget_views(path: &Path) {
    let bytes = fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let text = header["__metadata__"]["zview-encoder"].as_str().unwrap().to_owned();
    let mut own: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(own.as_object_mut().unwrap().remove("view").is_some(), "{text}");
    header["__metadata__"]["zview-encoder"] = own.to_string().into();
    let header = header.to_string();
    let mut without = (header.len() as u64).to_le_bytes().to_vec();
    without.extend(header.as_bytes());
    without.extend(&bytes[8 + length..]);
    fs::write(path, without).unwrap();
}

/// `source.size` was probed at the data set's own size without a word.
#[test]
fn a_run_is_judged_at_the_size_that_it_was_trained_at() {
    let folder = trained_at_8();
    let folder = folder.path();
    assert_eq!(judged_at(folder, &PROBE), [8, 8]);
    let report = [&PROBE[..], &["--report", "page.html"]].concat();
    let output = run(folder, &report);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("of 8x8 grey"), "{text}");
    assert!(fs::read_to_string(folder.join("page.html")).unwrap().contains("test images of 8x8 grey"));
    // What is asked for goes first, and is said.
    let own = [&PROBE[..], &["--size", "16"]].concat();
    assert_eq!(judged_at(folder, &own), [16, 16]);
    let text = String::from_utf8_lossy(&run(folder, &own).stdout).into_owned();
    assert!(text.contains("16x16 grey (trained at 8x8)"), "{text}");
    fs::create_dir(folder.join("other")).unwrap();
    fs::copy(folder.join("run/encoder.safetensors"), folder.join("other/encoder.safetensors")).unwrap();
    let table = run(folder, &[&PROBE[..], &["--versus", "other/encoder.safetensors"]].concat());
    assert!(String::from_utf8_lossy(&table.stdout).contains("8x8 grey"));
    // A checkpoint says it too, and so does the exported file.
    let checkpoint = ["probe", "run/checkpoints/step-00000002", "--device", "cpu", "--protocol", "knn"];
    assert_eq!(judged_at(folder, &checkpoint), [8, 8]);
    run_json(folder, &["export", "run", "-o", "exported.safetensors"]);
    let exported =
        ["probe", "exported.safetensors", "--data", "./shapes", "--device", "cpu", "--protocol", "knn"];
    assert_eq!(judged_at(folder, &exported), [8, 8]);
}

#[test]
fn an_encoder_that_does_not_say_its_size_is_judged_as_before_with_a_word() {
    let folder = trained_at_8();
    let folder = folder.path();
    forget_views(&folder.join("run/encoder.safetensors"));
    assert_eq!(judged_at(folder, &PROBE), [16, 16]);
    let told = stderr(&run(folder, &PROBE));
    assert!(told.contains("its recipe asks for images of 8x8 pixels") && told.contains("--size 8"), "{told}");
    let told = stderr(&run(folder, &[&PROBE[..], &["--size", "16"]].concat()));
    assert!(!told.contains("its recipe asks"), "{told}");
}

#[test]
fn an_evaluation_file_and_set_say_the_size_too() {
    let folder = trained_at_8();
    let folder = folder.path();
    fs::write(folder.join("e.toml"), "size = 12\ncolor = \"grey\"\nmax_reject_share = 0.1\n").unwrap();
    assert_eq!(judged_at(folder, &[&PROBE[..], &["--config", "e.toml"]].concat()), [12, 12]);
    assert_eq!(judged_at(folder, &[&PROBE[..], &["--config", "e.toml", "--size", "10"]].concat()), [10, 10]);
    // Without a file.
    let set = run_json(folder, &[&PROBE[..], &["--set", "size=9", "--set", "knn.k=[3]"]].concat());
    assert!(set["judged_at"]["height"] == 9 && set["knn"].as_object().unwrap().contains_key("3"), "{set}");
    // The recipe's pool holds unless another is asked for.
    assert_eq!((set["n_train"].as_u64(), set["n_test"].as_u64()), (Some(60), Some(45)));
    let pool = run_json(folder, &[&PROBE[..], &["--set", "train_pool=45"]].concat());
    assert_eq!(pool["n_train"], 45);
    let wrong = run(folder, &[&PROBE[..], &["--set", "knn.kk=3"]].concat());
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("--set knn.kk=3"), "{}", stderr(&wrong));
}

#[test]
fn labels_per_class_reach_every_protocol_that_has_the_notion() {
    let folder = trained_at_8();
    let folder = folder.path();
    fn probe<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["probe", "run", "--device", "cpu"][..], more].concat()
    }
    let both =
        ["--protocol", "few-shot", "--protocol", "label-curve", "--labels-per-class", "2,4", "--draws", "2"];
    let value = run_json(folder, &probe(&both));
    let of_few: Vec<&String> = value["few_shot"].as_object().unwrap().keys().collect();
    assert_eq!(of_few, ["2", "4"]);
    let points = value["label_curve"]["points"].as_array().unwrap();
    assert!(points.iter().any(|point| point["labels_per_class"] == 2), "{points:?}");
    assert!(
        points.iter().all(|point| [2, 4].iter().any(|n| point["labels_per_class"] == *n)
            || point["labels_per_class"].is_null()),
        "{points:?}"
    );
    let tuned = ["--protocol", "fine-tune", "--labels-per-class", "5", "--set", "fine_tune.length={steps=2}"];
    let few = [
        "--set",
        "fine_tune.learning_rates=[0.01]",
        "--set",
        "fine_tune.layer_decays=[1.0]",
        "--set",
        "fine_tune.seeds=[0]",
    ];
    let value = run_json(folder, &probe(&[&tuned[..], &few].concat()));
    assert_eq!(value["fine_tune"]["n_train"], 15, "{value}");
    let several = run(folder, &probe(&["--protocol", "fine-tune", "--labels-per-class", "5,10"]));
    let told = stderr(&several);
    assert_eq!(several.status.code(), Some(2));
    assert!(told.contains("--set fine_tune.labels_per_class=10"), "{told}");
}

#[test]
fn an_old_name_is_read_with_a_word() {
    let folder = trained_at_8();
    let folder = folder.path();
    let old = run(folder, &[&PROBE[..], &["--outliers", "./shapes"]].concat());
    assert!(old.status.success() && stderr(&old).contains("--outlier-data"), "{}", stderr(&old));
    let new = run(folder, &[&PROBE[..], &["--outlier-data", "./shapes"]].concat());
    assert!(new.status.success() && !stderr(&new).contains("outlier"), "{}", stderr(&new));
    assert_eq!(new.stdout, old.stdout);
    crate::support::write_generator(folder);
    let sample = |option: &str, out: &str| {
        let words = ["sample", "--generator", "generator", "--device", "cpu", "--anchors", "2"];
        run(folder, &[&words[..], &["--per-anchor", "3", "--out", out, option, "angular"]].concat())
    };
    let (old, new) = (sample("--views", "old.png"), sample("--kind", "new.png"));
    assert!(
        old.status.success() && stderr(&old).contains("--views is called --kind by now"),
        "{}",
        stderr(&old)
    );
    assert!(new.status.success() && !stderr(&new).contains("called"), "{}", stderr(&new));
    assert_eq!(fs::read(folder.join("old.png")).unwrap(), fs::read(folder.join("new.png")).unwrap());
}

/// Of two lengths the first was dropped in silence, whatever it said, and nobody looked for `probe.data`.
#[test]
fn what_is_said_twice_and_images_that_are_not_there_are_told() {
    let folder = trained_at_8();
    let folder = folder.path();
    let pretrain = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "again"];
    for (more, words) in [
        (&["--steps", "5", "--set", "train.steps=7.5"][..], "--steps 5 and --set train.steps=7.5: both say"),
        (&["--epochs", "1", "--set", "train.steps=7"], "--epochs 1 and --set train.steps=7: both say"),
        (&["--set", "probe.data=../nope"], "--set probe.data=../nope: "),
    ] {
        let refused = run(folder, &[&pretrain[..], more].concat());
        assert_eq!(refused.status.code(), Some(2), "{more:?}");
        assert!(stderr(&refused).contains(words), "{}", stderr(&refused));
        assert!(!folder.join("again").exists());
    }
    let recipe = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let elsewhere = recipe.replace("[probe]\ndata = \"./shapes\"", "[probe]\ndata = \"elsewhere\"");
    fs::write(folder.join("recipe.toml"), elsewhere).unwrap();
    let twice = ["--set", "train.log_every=3", "--set", "train.log_every=1"];
    let taken = run(folder, &[&pretrain[..], &twice].concat());
    let told = stderr(&taken);
    assert!(taken.status.success(), "{told}");
    assert!(told.contains("--set train.log_every=1 takes the place of --set train.log_every=3"), "{told}");
    assert!(told.contains("probe.data: ") && told.contains("elsewhere"), "{told}");
}

/// The size of `[evaluation]` was refused, and a change of a recipe's section was an unknown key.
#[test]
fn a_comparison_is_judged_at_the_size_asked_for_and_a_change_reaches_every_arm() {
    let folder = study();
    let folder = folder.path();
    let changes = ["train.steps=2", "train.warmup_steps=0", "evaluation.size=8", "seeds=[0]"];
    let mut words = vec!["compare", "study.toml", "--device", "cpu", "--out", "short"];
    changes.iter().for_each(|change| words.extend(["--set", change]));
    let comparison = run_json(folder, &words);
    for arm in comparison["arms"].as_array().unwrap() {
        assert_eq!(arm["steps"], 2, "{arm}");
    }
    assert_eq!(comparison["judged_at"]["./shapes"][0]["height"], 8, "{comparison}");
    let markdown = fs::read_to_string(folder.join("short/comparison.md")).unwrap();
    assert!(markdown.contains("of 8x8 grey"), "{markdown}");
    assert!(fs::read_to_string(folder.join("short/report.html")).unwrap().contains("8x8 grey"));
    // What an arm sets itself stays, and is said.
    let kept = run(folder, &["compare", "study.toml", "--plan", "--untimed", "--set", "views.std=0.3"]);
    assert!(stderr(&kept).contains("does not reach arm gaussian"), "{}", stderr(&kept));
}

#[test]
fn a_class_without_test_images_and_a_stopped_run_are_said() {
    let folder = trained_at_8();
    let folder = folder.path();
    let result = folder.join("run/result.json");
    let text = fs::read_to_string(&result).unwrap().replace("\"stopped\": false", "\"stopped\": true");
    fs::write(&result, text).unwrap();
    let labels = folder.join("shapes/t10k-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes.iter_mut().skip(8).for_each(|label| *label = (*label).min(1));
    fs::write(&labels, bytes).unwrap();
    let told = stderr(&run(folder, &PROBE));
    assert!(told.contains("was stopped after 4 of 4 steps"), "{told}");
    assert!(told.contains("classes without a test image: 2"), "{told}");
}

/// Those of a recipe were from the current folder, those of a comparison from its file.
#[test]
fn paths_are_from_the_folder_of_the_file_that_names_them() {
    let folder = study();
    let away = folder.path().join("away");
    fs::create_dir(&away).unwrap();
    let short = ["--device", "cpu", "--set", "train.steps=2", "--set", "train.warmup_steps=0"];
    let compare = ["compare", "../study.toml", "--out", "c", "--set", "seeds=[3]"];
    let comparison = run_json(&away, &[&compare[..], &short].concat());
    assert_eq!(comparison["data"], serde_json::json!(["../shapes"]), "{comparison}");
    assert_eq!(comparison["failed"], serde_json::json!([]), "{comparison}");
    let recipe = folder.path().join("recipe.toml");
    let pretrain = ["pretrain", recipe.to_str().unwrap(), "--out", "run"];
    let output = run(&away, &[&pretrain[..], &short].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(judged_at(&away, &PROBE), [16, 16], "the run says where its data are");
    // What is in the current folder alone is taken from there, as before, with a word.
    fs::rename(&recipe, away.join("recipe.toml")).unwrap();
    let before = ["pretrain", "away/recipe.toml", "--out", "before"];
    let output = run(folder.path(), &[&before[..], &short].concat());
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("source.generator = \"generator\" is taken from the current folder"), "{said}");
    let config = fs::read_to_string(folder.path().join("before/config.toml")).unwrap();
    // The run folder works from any folder.
    let kept = config.lines().find(|line| line.starts_with("generator = ")).unwrap_or_default();
    assert!(kept.ends_with("/generator\"") && kept.starts_with("generator = \"/"), "{config}");
}
