//! The first run of somebody with images and no recipe, and the recipes that come with the program.

use std::fs;
use std::path::Path;

use zview_data::ImageShape;
use zview_data::picture::write_grid;

use crate::support::{noise, run, run_json, stderr, zview};

/// `count` images of each of two classes in `photos/`, of sizes that differ a little.
fn put_photos(folder: &Path, channels: usize, count: usize) {
    for class in ["cat", "dog"] {
        let of_class = folder.join("photos").join(class);
        fs::create_dir_all(&of_class).unwrap();
        for number in 0..count {
            let shape = ImageShape { channels, height: 18 + number % 3, width: 24 };
            let pixels = noise(channels * shape.height * shape.width, number as u64 + 1);
            let pixels: Vec<u8> = pixels.iter().map(|value| ((value + 0.5) * 255.0) as u8).collect();
            write_grid(&of_class.join(format!("{number}.png")), &[&pixels[..]], shape, 1, 0).unwrap();
        }
    }
}

fn put_recipe(folder: &Path, augment: &str) {
    let text = format!(
        "[source]\nkind = \"real\"\ndata = \"photos\"\nsize = 16\n{augment}[encoder]\narch = \"conv\"\nwidth = 4\n\
         [train]\nsteps = 3\nbatch = 8\nlog_every = 1\n"
    );
    fs::write(folder.join("recipe.toml"), text).unwrap();
}

const TRAIN: [&str; 6] = ["pretrain", "recipe.toml", "--device", "cpu", "--out", "run"];

fn config(folder: &Path, run: &str) -> toml::Table {
    fs::read_to_string(folder.join(run).join("config.toml")).unwrap().parse().unwrap()
}

fn started(folder: &Path, run: &str) -> serde_json::Value {
    let events = fs::read_to_string(folder.join(run).join("events.jsonl")).unwrap();
    let events = events.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.into_iter().find(|event| event["event"] == "started").unwrap()
}

#[test]
fn images_in_colour_are_not_trained_with_the_augmentation_of_grey_digits_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 3, 8);
    put_recipe(folder, "");
    let output = run(folder, &TRAIN);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("augment.preset = \"simclr-small\""), "{}", stderr(&output));
    let augment = &config(folder, "run")["augment"];
    assert_eq!(augment["flip"].as_bool(), Some(true), "{augment}");
    assert_eq!(augment.get("preset"), None, "{augment}");
    assert!(started(folder, "run")["decided"][0].as_str().unwrap().contains("simclr-small"));
    let resumed = run(folder, &[&TRAIN[..], &["--resume"]].concat());
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    // What the run folder says is the same recipe.
    let again = ["pretrain", "run/config.toml", "--device", "cpu", "--out", "again"];
    assert!(run(folder, &again).status.success());
    assert_eq!(config(folder, "again"), config(folder, "run"));
}

#[test]
fn grey_images_and_recipes_that_say_something_keep_what_they_had() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 1, 8);
    put_recipe(folder, "");
    let output = run(folder, &TRAIN);
    assert!(output.status.success() && !stderr(&output).contains("simclr"), "{}", stderr(&output));
    let contrast = config(folder, "run")["augment"]["contrast"].as_float().unwrap();
    assert!((contrast - 0.4).abs() < 1e-6, "{contrast}");
    fs::remove_dir_all(folder.join("photos")).unwrap();
    put_photos(folder, 3, 8);
    put_recipe(folder, "[augment]\nbrightness = 0.2\n");
    let said = run(folder, &[&TRAIN[..5], &["said"]].concat());
    assert!(said.status.success() && !stderr(&said).contains("simclr"), "{}", stderr(&said));
    assert_eq!(config(folder, "said")["augment"], config(folder, "run")["augment"]);
}

#[test]
fn a_run_of_colour_images_from_before_goes_on_as_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 3, 8);
    // An earlier version took the augmentation of grey digits, and wrote its keys.
    put_recipe(folder, "[augment]\nbrightness = 0.2\n");
    assert!(run(folder, &TRAIN).status.success());
    put_recipe(folder, "");
    let resumed = run(folder, &[&TRAIN[..], &["--resume"]].concat());
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert!(!stderr(&resumed).contains("simclr"), "{}", stderr(&resumed));
    let other = run(folder, &[&TRAIN[..], &["--resume", "--set", "augment.preset=simclr"]].concat());
    assert!(
        stderr(&other).contains("differing: ") && stderr(&other).contains("augment.flip"),
        "{}",
        stderr(&other)
    );
}

#[test]
fn a_folder_of_photographs_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 3, 12);
    let train =
        ["pretrain", "photos/", "--device", "cpu", "--set", "train.steps=2", "--set", "encoder.width=2"];
    let output = run(folder, &train);
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stderr(&output);
    for words in [
        "source.size = ",
        "they differ in size",
        "lowered from 128",
        "augment.preset = \"simclr-small\"",
        "optimizer.lr",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("  encoder.width"), "what was set was not chosen: {said}");
    let config = config(folder, "runs/photos-seed0");
    assert_eq!(config["encoder"]["width"].as_integer(), Some(2));
    let data = config["probe"]["data"].as_str().unwrap();
    assert!(data.ends_with("/photos/") && Path::new(data).is_absolute(), "{data}");
    assert!(started(folder, "runs/photos-seed0")["decided"].to_string().contains("lowered from 128"));
    let resumed = run(folder, &["pretrain", "photos/", "--device", "cpu", "--resume"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    let probe = ["probe", "runs/photos-seed0", "--size", "18", "--protocol", "knn", "--device", "cpu"];
    let probed = run_json(folder, &[&probe[..], &["--no-cache"]].concat());
    assert!(probed.to_string().contains("photos"), "{probed}");
}

#[test]
fn a_generator_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let train =
        ["pretrain", "glyphs-gan", "--device", "cpu", "--set", "train.steps=1", "--set", "encoder.width=2"];
    let output = run(folder.path(), &[&train[..], &["--set", "train.batch=4"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(config(folder.path(), "runs/glyphs-gan-seed0")["views"]["per_anchor"].as_integer(), Some(2));
}

#[test]
fn recipes_come_with_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listed = run_json(folder, &["recipe", "list"]);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["photos", "methods/byol-generated", "generators/train/glyphs-gan", "studies/tx-tz-glyphs"] {
        assert!(names.contains(&name), "{name}");
    }
    // Named without a file, with the folder and ending that the documentation writes.
    for name in ["methods/simclr-generated", "configs/methods/simclr-generated.toml"] {
        let small = ["--set", "train.steps=1", "--set", "train.warmup_steps=0", "--set", "train.batch=4"];
        let train = ["pretrain", name, "--device", "cpu", "--out", &name.replace('/', "-")];
        let output = run(folder, &[&train[..], &small].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("taking the recipe methods/simclr-generated"),
            "{}",
            stderr(&output)
        );
    }
    // A file of that name goes first.
    fs::write(folder.join("photos.toml"), "[source]\nkind = \"real\"\n").unwrap();
    let own = run(folder, &["pretrain", "photos.toml", "--device", "cpu"]);
    assert!(stderr(&own).contains("source.data: needed"), "{}", stderr(&own));
    let shown = zview(folder).args(["recipe", "show", "photos"]).output().unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("preset = \"simclr-small\""));
    let unknown = run(folder, &["recipe", "show", "simclr"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("methods/simclr-generated"), "{}", stderr(&unknown));
    let missing = run(folder, &["pretrain", "mnist-reel.toml", "--device", "cpu"]);
    assert!(stderr(&missing).contains("did you mean mnist-real"), "{}", stderr(&missing));
}

#[test]
fn keys_of_a_recipe_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let keys = run_json(folder.path(), &["recipe", "keys", "train"]);
    let keys = keys.as_array().unwrap();
    let batch = keys.iter().find(|key| key["name"] == "batch").unwrap();
    assert_eq!((batch["default"].as_str(), batch["kind"].as_str()), (Some("128"), Some("whole number")));
    let unknown = run(folder.path(), &["recipe", "keys", "trian"]);
    assert!(stderr(&unknown).contains("its sections are source, "), "{}", stderr(&unknown));
}

const FEW: [&str; 6] = ["--device", "cpu", "--set", "train.steps=2", "--set", "encoder.width=2"];

/// Puts the beginning of one photograph beside the whole ones, where they are for testing.
fn put_broken(folder: &Path) -> String {
    let whole = fs::read(folder.join("photos/cat/0.png")).unwrap();
    for number in 0..100 {
        let name = format!("cat/broken{number}.png");
        let path = folder.join("photos").join(&name);
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let of_test = run_json(folder, &["data", "inspect", "photos", "--decode", "--max-reject-share", "1"]);
        let test =
            of_test["splits"].as_array().unwrap().iter().find(|split| split["split"] == "test").unwrap();
        if test["rejects"].as_u64() == Some(1) {
            return name;
        }
        fs::remove_file(path).unwrap();
    }
    panic!("no file is for testing");
}

#[test]
fn a_damaged_photograph_for_testing_is_told_of_before_training_and_left_out_of_the_probe() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 3, 130);
    let broken = put_broken(folder);
    let output = run(folder, &[&["pretrain", "photos/"][..], &FEW].concat());
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("source.max_reject_share = 0.0") && said.contains("1 file cannot be read ("),
        "{said}"
    );
    assert!(said.contains(&broken), "{said}");
    let probe =
        ["probe", "runs/photos-seed0", "--size", "18", "--protocol", "knn", "--device", "cpu", "--no-cache"];
    assert!(run(folder, &probe).status.success(), "{}", stderr(&run(folder, &probe)));
    let embed = ["embed", "runs/photos-seed0", "--data", "photos/", "--device", "cpu", "-o", "all.npy"];
    let embedded = run(folder, &embed);
    let said = stderr(&embedded);
    assert!(
        embedded.status.success() && said.contains("one image file cannot be used and is left out"),
        "{said}"
    );
    // What was said is kept to, and told of.
    let kept = ["--set", "source.max_reject_share=0", "--out", "kept"];
    let kept = run(folder, &[&["pretrain", "photos/"][..], &FEW, &kept].concat());
    let said = stderr(&kept);
    assert!(said.contains("--set source.max_reject_share=0.0") && said.contains(&broken), "{said}");
}

#[test]
fn a_folder_of_one_text_called_a_photograph_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("fake")).unwrap();
    fs::write(folder.join("fake/a.jpg"), "no photograph").unwrap();
    let output = run(folder, &["pretrain", "fake/", "--device", "cpu"]);
    assert!(!output.status.success() && stderr(&output).contains("fake/a.jpg: "), "{}", stderr(&output));
}

#[test]
fn a_run_is_not_resumed_with_a_folder_that_it_is_not_of() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 3, 8);
    let train = [&["pretrain", "photos/", "--out", "x"][..], &FEW].concat();
    assert!(run(folder, &train).status.success());
    for other in ["other/photos", "elsewhere"] {
        fs::create_dir_all(folder.join(other)).unwrap();
    }
    let resume = |given: &str, from: &Path, out: &str| {
        run(from, &["pretrain", given, "--device", "cpu", "--out", out, "--resume"])
    };
    for (given, from, out) in
        [("other/photos", folder, "x"), ("photos", &folder.join("other"), "../x"), ("mnist", folder, "x")]
    {
        let refused = resume(given, from, out);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("differing: source.data ("), "{}", stderr(&refused));
    }
    for (given, from, out) in [("photos", folder, "x"), ("../photos/", &folder.join("elsewhere"), "../x")] {
        let resumed = resume(given, from, out);
        assert!(resumed.status.success(), "{}", stderr(&resumed));
    }
}

#[test]
fn a_run_folder_works_from_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_photos(folder, 3, 12);
    put_recipe(folder, "");
    assert!(run(folder, &[&TRAIN[..], &["--set", "source.data=./photos"]].concat()).status.success());
    let kept = config(folder, "run");
    assert!(Path::new(kept["source"]["data"].as_str().unwrap()).is_absolute(), "{kept}");
    // A folder of the same name is not taken for it.
    fs::create_dir_all(folder.join("elsewhere/photos")).unwrap();
    let elsewhere = folder.join("elsewhere");
    let resume =
        ["pretrain", "../run/config.toml", "--out", "../run", "--resume", "--steps", "4", "--device", "cpu"];
    let resumed = run(&elsewhere, &resume);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    // A run of an earlier version, which kept what was written.
    let earlier = fs::read_to_string(folder.join("run/config.toml")).unwrap();
    let absolute = kept["source"]["data"].as_str().unwrap();
    fs::write(folder.join("run/config.toml"), earlier.replace(absolute, "photos")).unwrap();
    let resumed =
        run(folder, &[&TRAIN[..], &["--resume", "--steps", "5", "--set", "train.warmup_steps=3"]].concat());
    assert!(resumed.status.success(), "{}", stderr(&resumed));
}
