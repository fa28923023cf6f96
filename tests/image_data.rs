//! Image data as users have it, through the commands: inspected, pretrained on and probed alike.

use std::path::Path;

use serde_json::Value;
use zview_data::ImageShape;
use zview_data::picture::encode_grid;

use crate::support::{noise, run, run_json, stderr};

/// A small PNG that depends on `seed`, brighter with `class`.
fn png(size: usize, channels: usize, class: usize, seed: usize) -> Vec<u8> {
    let shape = ImageShape { channels, height: size, width: size };
    let values = noise(shape.bytes(), seed as u64 + 1);
    let pixels: Vec<u8> =
        values.iter().map(|value| (60.0 + 60.0 * class as f32 + 50.0 * value) as u8).collect();
    encode_grid(Path::new("png"), &[&pixels], shape, 1, 0).unwrap()
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// `images` images of each of `classes` in `root/<class>/`.
fn put_classes(folder: &Path, root: &str, classes: &[&str], images: usize) {
    for (class, name) in classes.iter().enumerate() {
        for number in 0..images {
            put(folder, &format!("{root}/{name}/{number}.png"), &png(16, 1, class, class * 1000 + number));
        }
    }
}

fn write_recipe(folder: &Path, source: &str) {
    let text = format!(
        "seed = 0\n[source]\n{source}\n[augment]\ncrop_scale = [0.5, 1.0]\n[encoder]\narch = \"conv\"\nwidth = 2\n\
         [train]\nsteps = 2\nbatch = 4\nwarmup_steps = 0\n"
    );
    std::fs::write(folder.join("recipe.toml"), text).unwrap();
}

fn pretrain<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["pretrain", "recipe.toml", "--device", "cpu", "--out", out], more].concat()
}

/// The run's first event.
fn started(folder: &Path, out: &str) -> Value {
    let events = std::fs::read_to_string(folder.join(out).join("events.jsonl")).unwrap();
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.into_iter().find(|event| event["event"] == "started").unwrap()
}

const PROBE: [&str; 6] = ["--protocol", "knn", "--device", "cpu", "--no-cache", "--json"];

#[test]
fn class_folders_without_a_split_are_inspected_pretrained_on_and_probed_alike() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_classes(folder, "photos", &["cat", "dog"], 25);
    put(folder, "photos/notes.txt", b"whose photos");
    let seen = run_json(folder, &["data", "inspect", "photos"]);
    assert_eq!([&seen["splits"][0]["images"], &seen["splits"][1]["images"]], [40, 10]);
    assert_eq!(seen["ignored"][".txt"], 1);
    let note = seen["notes"][0].as_str().unwrap();
    assert!(note.contains("10 of 50 images, a fifth of each class, are the test split"), "{note}");

    write_recipe(folder, "kind = \"real\"\ndata = \"photos\"");
    let trained = run(folder, &pretrain("run", &[]));
    assert!(trained.status.success(), "{}", stderr(&trained));
    assert_eq!(stderr(&trained).matches("10 of 50 images").count(), 1, "{}", stderr(&trained));
    let data = started(folder, "run")["data"].to_string();
    assert!(data.contains("10 of 50 images") && data.contains("1 files not looked at: 1 .txt"), "{data}");

    let probed = run_json(folder, &[&["probe", "run", "--data", "photos"], &PROBE[..5]].concat());
    assert_eq!((&probed["n_train"], &probed["n_test"]), (&40.into(), &10.into()));
    assert!(probed["data_notes"].to_string().contains("10 of 50 images"));
}

#[test]
fn a_class_only_in_test_is_counted_apart_by_the_probe() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_classes(folder, "photos/train", &["cat", "dog"], 10);
    put_classes(folder, "photos/test", &["cat", "dog", "eel"], 5);
    write_recipe(folder, "kind = \"real\"\ndata = \"photos\"");
    assert!(run(folder, &pretrain("run", &["--set", "train.steps=0"])).status.success());
    let probe = ["probe", "run", "--data", "photos", "--protocol", "linear", "--protocol", "knn"];
    let probe = [&probe[..], &["--device", "cpu", "--no-cache"]].concat();
    let probed = run_json(folder, &probe);
    assert_eq!((&probed["n_test"], &probed["classes_only_in_test"]["eel"]), (&10.into(), &5.into()));
    let in_words = run(folder, &probe);
    assert!(stderr(&in_words).contains("no classifier can name them"), "{}", stderr(&in_words));
    let text = String::from_utf8(in_words.stdout).unwrap();
    assert!(text.contains("5 test images of classes without a training image: eel"), "{text}");
}

#[test]
fn photographs_of_a_pixel_are_trained_on_with_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for number in 0..12 {
        put(folder, &format!("dots/{number}.png"), &png(1, 3, 0, number));
        let size = if number < 3 { 5 } else { 16 };
        put(folder, &format!("mixed/{number}.png"), &png(size, 1, 0, number));
    }
    let small = ["--set", "encoder.width=2", "--steps", "1", "--device", "cpu"];
    let output = run(folder, &[&["pretrain", "dots", "--out", "run-dots"], &small[..]].concat());
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("images are smaller than 8 pixels").count(), 1, "{said}");
    write_recipe(folder, "kind = \"real\"\ndata = \"mixed\"\nsize = 16");
    let output = run(folder, &pretrain("run", &[]));
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("3 of 12 images are smaller than 8 pixels"), "{said}");
    assert!(started(folder, "run")["data"].to_string().contains("3 of 12 images are smaller"), "in the log");
}

#[test]
fn a_folder_without_a_readable_image_ends_with_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "photos/a.jpg", b"<!DOCTYPE html><html>gone</html>");
    put(folder.path(), "photos/b.jpg", b"");
    let seen = run(folder.path(), &["data", "inspect", "photos"]);
    assert_eq!(seen.status.code(), Some(1));
    assert!(stderr(&seen).contains("no readable image"), "{}", stderr(&seen));
    let text = String::from_utf8(seen.stdout).unwrap();
    for told in ["unreadable: 1 x a web page (HTML)", "unreadable: 1 x empty file (0 bytes)", "a.jpg"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    put(folder.path(), "arrays/set.npz", b"PK\x03\x04");
    let seen = run(folder.path(), &["data", "inspect", "arrays"]);
    assert_eq!(seen.status.code(), Some(1));
    assert!(stderr(&seen).contains("1 .npz") && stderr(&seen).contains("docs/data.md"), "{}", stderr(&seen));
}

#[test]
fn the_hint_on_unreadable_images_names_the_option_and_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_classes(folder, "photos/train", &["cat", "dog"], 5);
    put_classes(folder, "photos/test", &["cat", "dog"], 5);
    put(folder, "photos/train/cat/page.jpg", b"<html>gone</html>");
    write_recipe(folder, "kind = \"real\"\ndata = \"photos\"");
    let refused = run(folder, &pretrain("run", &[]));
    for told in ["page.jpg: a web page (HTML)", "--max-reject-share SHARE", "`max_reject_share = SHARE`"] {
        assert!(stderr(&refused).contains(told), "{told}: {}", stderr(&refused));
    }
    let allowed = run(folder, &pretrain("run", &["--set", "source.max_reject_share=0.2"]));
    assert!(allowed.status.success(), "{}", stderr(&allowed));
    assert!(started(folder, "run")["left_out"][0].as_str().unwrap().contains("page.jpg"));
    let probe = ["probe", "run", "--data", "photos", "--max-reject-share", "0.2"];
    let probed = run(folder, &[&probe[..], &PROBE].concat());
    assert!(probed.status.success(), "{}", stderr(&probed));
}

#[test]
fn a_batch_of_more_anchors_than_images_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_classes(folder, "photos/train", &["a"], 10);
    write_recipe(folder, "kind = \"real\"\ndata = \"photos\"");
    let refused = run(folder, &pretrain("run", &["--set", "train.batch=64"]));
    assert_eq!(refused.status.code(), Some(2));
    for told in ["train.batch: a batch has 64 real anchors", "photos has 10 images", "set it to at most 10"] {
        assert!(stderr(&refused).contains(told), "{told}: {}", stderr(&refused));
    }
    assert!(!folder.join("run").exists(), "nothing is written");
    let lowered = run(folder, &pretrain("few", &["--set", "train.batch=10"]));
    assert!(lowered.status.success(), "{}", stderr(&lowered));
}

#[test]
fn a_list_of_classes_holds_for_inspecting_pretraining_resuming_and_probing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ids = ["n01440764", "n02012849", "n03126707"];
    put_classes(folder, "sets/imagenet/train", &ids, 6);
    put_classes(folder, "sets/imagenet/val", &ids, 4);
    put(folder, "sets/LOC_synset_mapping.txt", b"n01440764 tench, Tinca\nn02012849 crane\nn03126707 crane\n");
    put(folder, "sets/two.txt", b"n03126707\nn01440764 # a fish\n");
    let list = ["--classes", "sets/two.txt"];
    let seen = run_json(folder, &[&["data", "inspect", "sets/imagenet"], &list[..]].concat());
    assert_eq!(seen["classes"], serde_json::json!(["tench (n01440764)", "crane (n03126707)"]));
    assert_eq!(seen["images"], 20);

    write_recipe(folder, "kind = \"real\"\ndata = \"imagenet\"\nclasses = \"two.txt\"");
    std::fs::rename(folder.join("recipe.toml"), folder.join("sets/recipe.toml")).unwrap();
    let train = ["pretrain", "sets/recipe.toml", "--device", "cpu", "--out", "run"];
    let trained = run(folder, &train);
    assert!(trained.status.success(), "{}", stderr(&trained));
    assert!(stderr(&trained).contains("2 of 3 classes are taken"), "{}", stderr(&trained));
    let longer = [&train[..], &["--resume", "--set", "train.steps=4"]].concat();

    // The probe of the same images takes the same classes; of all it is asked for.
    let probe = |more: &[&str]| {
        run_json(folder, &[&["probe", "run", "--data", "sets/imagenet"], more, &PROBE[..5]].concat())
    };
    let probed = probe(&[]);
    assert_eq!((probed["n_train"].as_u64(), probed["n_test"].as_u64()), (Some(12), Some(8)), "{probed}");
    put(folder, "sets/e.toml", b"classes = \"two.txt\"\n");
    assert_eq!(probe(&["--config", "sets/e.toml"])["n_test"], 8);
    put(folder, "one.txt", b"n01440764\nn02012849\nn03126707\n");
    assert_eq!(probe(&["--classes", "one.txt"])["n_test"], 12);

    // The images to be named need no classes.
    put(folder, "new/1.png", &png(16, 1, 0, 5));
    let predict =
        ["predict", "run", "--train", "sets/imagenet", "--data", "new", "--device", "cpu", "--no-cache"];
    let predicted = run_json(folder, &[&predict[..], &list].concat());
    assert_eq!(predicted["classes"], seen["classes"]);

    // Other classes under the same name are other images.
    put(folder, "sets/two.txt", b"n01440764\nn02012849\n");
    let other = run(folder, &longer);
    assert!(!other.status.success() && stderr(&other).contains("images"), "{}", stderr(&other));
    put(folder, "sets/two.txt", b"n01440764\nn03126708\n");
    let unknown = run(folder, &train[..5].iter().copied().chain(["other"]).collect::<Vec<_>>());
    for told in ["two.txt, line 2", "no class `n03126708`", "the nearest is `n03126707`"] {
        assert!(stderr(&unknown).contains(told), "{told}: {}", stderr(&unknown));
    }
    put(folder, "sets/two.txt", b"n03126707\nn01440764\n");
    let resumed = run(folder, &longer);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
}

/// A tar archive of (name, bytes), in the oldest format.
fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = b'0';
        header[257..262].copy_from_slice(b"ustar");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(header);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// Twelve anchors of two views with whatever `more` adds to each.
fn put_shard(folder: &Path, name: &str, more: impl Fn(usize) -> (&'static str, Vec<u8>)) {
    let mut members = Vec::new();
    for anchor in 0..12 {
        for view in 0..2 {
            members.push((format!("{anchor:04}.v{view}.png"), png(16, 1, anchor % 3, anchor * 2 + view)));
        }
        let (ending, content) = more(anchor);
        members.push((format!("{anchor:04}.{ending}"), content));
    }
    put(folder, name, &tar(&members));
}

#[test]
fn wds_cls_huge_trains_a_probe_and_a_classifier_of_the_classes_that_occur() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_shard(folder, "views/0.tar", |anchor| {
        ("cls", format!("{}", 1_000_000_000 + anchor % 3).into_bytes())
    });
    write_recipe(folder, "kind = \"shards\"\nshards = \"views\"");
    let probe = ["--set", "watch.online_probe=true"];
    let trained = run(folder, &pretrain("run", &probe));
    assert!(trained.status.success(), "{}", stderr(&trained));
    let classified = run(folder, &pretrain("classified", &["--set", "objective.kind=cross-entropy"]));
    assert!(classified.status.success(), "{}", stderr(&classified));
    let seen = run_json(folder, &["data", "inspect", "views"]);
    assert_eq!(seen["classes"], serde_json::json!(["1000000000", "1000000001", "1000000002"]));
}

#[test]
fn shards_follow_colour_and_size_and_count_what_they_ignore() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put_shard(folder, "views/0.tar", |_| ("txt", b"a caption".to_vec()));
    write_recipe(folder, "kind = \"shards\"\nshards = \"views\"\ncolor = \"rgb\"\nsize = 12");
    let trained = run(folder, &pretrain("run", &[]));
    assert!(trained.status.success(), "{}", stderr(&trained));
    assert!(started(folder, "run")["data"].to_string().contains("12 members not looked at: 12 .txt"));
    let seen = run_json(folder, &["data", "inspect", "views", "--color", "rgb", "--size", "12"]);
    assert_eq!(seen["shape"], serde_json::json!({"channels": 3, "height": 12, "width": 12}));
    assert_eq!((&seen["format"], &seen["ignored"][".txt"]), (&"view shards".into(), &12.into()));
}
