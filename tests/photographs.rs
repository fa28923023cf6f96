//! Photographs that are read while a run goes on: the same bits whatever memory and threads they may take, and what
//! happens where files are damaged, change or vanish on the way (docs/data.md).

use std::fs;
use std::path::Path;
use std::process::Stdio;

use zview_data::ImageShape;
use zview_data::picture::encode_grid;

use crate::support::{losses, noise, run, run_json, send, stderr, wait_until, zview};

/// Pictures of different sizes in two classes, 12 for training and 4 for testing of each.
fn write_photographs(folder: &Path) {
    for (split, images) in [("train", 12), ("test", 4)] {
        for (class, name) in ["cat", "dog"].into_iter().enumerate() {
            for number in 0..images {
                let seed = (class * 100 + number + images) as u64;
                let shape = ImageShape { channels: 3, height: 20 + number, width: 36 - number };
                let pixels: Vec<u8> = noise(shape.bytes(), seed)
                    .iter()
                    .map(|value| (80.0 + 60.0 * class as f32 + 70.0 * value) as u8)
                    .collect();
                let path = folder.join("photos").join(split).join(name);
                fs::create_dir_all(&path).unwrap();
                let png = encode_grid(Path::new("png"), &[&pixels], shape, 1, 0).unwrap();
                fs::write(path.join(format!("{number:02}.png")), png).unwrap();
            }
        }
    }
}

/// 12 steps of 6 anchors: four epochs of 24 images, none of which ends with a batch of a checkpoint.
fn write_recipe(folder: &Path, source: &str) {
    let text = format!(
        "seed = 5\n[source]\nkind = \"real\"\ndata = \"photos\"\nsize = 16\n{source}\n[augment]\ncrop_scale = [0.2, 1.0]\n\
         flip = true\ncontrast = 0.4\n[encoder]\narch = \"conv\"\nwidth = 2\n[train]\nsteps = 12\nbatch = 7\n\
         warmup_steps = 0\nlog_every = 1\ncheckpoint_every = 5\nkeep_checkpoints = 9\n"
    );
    fs::write(folder.join("recipe.toml"), text).unwrap();
}

fn pretrain<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["pretrain", "recipe.toml", "--device", "cpu", "--out", out], more].concat()
}

fn trained(folder: &Path, out: &str, more: &[&str]) -> (Vec<u8>, Vec<(u64, String)>) {
    let output = run(folder, &pretrain(out, more));
    assert!(output.status.success(), "{more:?}: {}", stderr(&output));
    let run = folder.join(out);
    (fs::read(run.join("encoder.safetensors")).unwrap(), losses(&run))
}

#[test]
fn memory_threads_and_interruptions_change_no_bit_of_a_run_on_photographs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_photographs(folder);
    for source in ["", "crop_from = \"square\""] {
        write_recipe(folder, source);
        let name = |what: &str| format!("{what}{}", source.len());
        let whole = trained(folder, &name("whole"), &["--workers", "1"]);
        assert_eq!(whole.1.len(), 12);
        for (number, more) in
            [&["--workers", "2", "--memory", "1"][..], &["--workers", "8"], &["--memory", "1GiB"]]
                .iter()
                .enumerate()
        {
            assert!(trained(folder, &name(&format!("other-{number}-")), more) == whole, "{more:?}");
        }
        // Killed in the middle of the second epoch, and gone on with on other terms.
        let out = name("killed");
        let mut child = zview(folder)
            .args(pretrain(&out, &["--workers", "2", "--set", "train.steps=12"]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("a checkpoint", || folder.join(&out).join("checkpoints/step-00000005").exists());
        send("KILL", &child);
        child.wait().unwrap();
        let resumed = trained(folder, &out, &["--resume", "--workers", "3", "--memory", "1"]);
        assert!(resumed == whole, "after a kill");
    }
    let [whole, square] = ["whole0", "whole20"].map(|out| {
        let text = fs::read_to_string(folder.join(out).join("config.toml")).unwrap();
        (
            text.contains("crop_from = \"whole\""),
            fs::read(folder.join(out).join("encoder.safetensors")).unwrap(),
        )
    });
    assert!(whole.0 && !square.0 && whole.1 != square.1, "crops of the whole photograph are others");
}

#[test]
fn a_run_of_an_earlier_version_goes_on_with_crops_of_squares() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_photographs(folder);
    write_recipe(folder, "crop_from = \"square\"");
    let whole = trained(folder, "whole", &[]);
    trained(folder, "part", &["--set", "train.steps=12"]);
    for entry in ["step-00000010", "step-00000012"] {
        fs::remove_dir_all(folder.join("part/checkpoints").join(entry)).unwrap();
    }
    for (file, said) in
        [("part/config.toml", "crop_from = \"square\"\n"), ("part/events.jsonl", "\"crop_from\":\"square\",")]
    {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(text.matches(said).count(), 1, "{text}");
        fs::write(folder.join(file), text.replace(said, "")).unwrap();
    }
    // The recipe of that time does not say it either.
    write_recipe(folder, "");
    let output = run(folder, &pretrain("part", &["--resume"]));
    assert!(stderr(&output).contains("source.crop_from"), "{}", stderr(&output));
    let resumed = trained(folder, "part", &["--resume", "--set", "source.crop_from=square"]);
    assert!(resumed == whole);
}

#[test]
fn features_of_images_that_are_read_each_time_are_those_of_images_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_photographs(folder);
    write_recipe(folder, "");
    trained(folder, "run", &["--set", "train.steps=1"]);
    let judged = |memory: &str| {
        let protocols = ["--protocol", "linear", "--protocol", "knn", "--protocol", "overlap"];
        let options = ["--knn-k", "3", "--device", "cpu", "--no-cache", "--memory", memory];
        let mut found = run_json(
            folder,
            &[&["probe", "run", "--data", "photos"][..], &protocols, &options[2..]].concat(),
        );
        let found = found["sets"].take();
        found.to_string().replace(char::is_whitespace, "")
    };
    let (kept, read) = (judged("1GiB"), judged("1"));
    let without_times = |text: &str| {
        let parts: Vec<&str> = text.split(',').filter(|part| !part.contains("seconds")).collect();
        parts.join(",")
    };
    assert_eq!(without_times(&kept), without_times(&read));
}

#[test]
fn damage_ends_the_reading_by_name_or_is_left_out_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_photographs(folder);
    write_recipe(folder, "");
    for file in ["photos/train/dog/07.png", "photos/test/cat/02.png"] {
        let whole = fs::read(folder.join(file)).unwrap();
        fs::write(folder.join(file), &whole[..whole.len() / 2]).unwrap();
    }
    let output = run(folder, &pretrain("refused", &[]));
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("train/dog/07.png") && told.contains("max_reject_share"), "{told}");
    let allowed = ["--set", "source.max_reject_share=0.1"];
    let output = run(folder, &pretrain("allowed", &allowed));
    let told = stderr(&output);
    assert!(output.status.success() && told.matches("train/dog/07.png").count() == 1, "{told}");
    let probe =
        ["probe", "allowed", "--data", "photos", "--protocol", "knn", "--device", "cpu", "--no-cache"];
    let output = run(folder, &[&probe[..], &["--memory", "1"]].concat());
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "what is measured on is not replaced: {told}");
    assert!(told.contains("07.png") || told.contains("02.png"), "{told}");
    // Headers alone do not tell; decoding does.
    let by_headers = run_json(folder, &["data", "inspect", "photos"]);
    let decoded = run_json(folder, &["data", "inspect", "photos", "--decode"]);
    assert_eq!(
        (by_headers["decoded"].as_bool(), by_headers["rejects"].as_array().unwrap().len()),
        (Some(false), 0)
    );
    assert_eq!((decoded["decoded"].as_bool(), decoded["rejects"].as_array().unwrap().len()), (Some(true), 2));
}

#[test]
fn a_file_that_vanishes_while_a_run_goes_on_ends_it_by_name_and_it_goes_on_once_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_photographs(folder);
    write_recipe(folder, "");
    let steps = ["--set", "train.steps=4000", "--set", "train.log_every=50"];
    let child = zview(folder)
        .args(pretrain("run", &steps))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("a checkpoint", || folder.join("run/checkpoints/step-00000005").exists());
    let (file, aside) = (folder.join("photos/train/cat/03.png"), folder.join("aside.png"));
    fs::rename(&file, &aside).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("train/cat/03.png: cannot be read"), "{told}");
    fs::rename(&aside, &file).unwrap();
    let steps = losses(&folder.join("run")).len() as u64;
    assert!(steps < 4000);
    // As many steps as there are by now, or a few more.
    let more = ["--resume", "--set", "train.steps=4000", "--set", "train.log_every=50"];
    let mut child = zview(folder)
        .args(pretrain("run", &more))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("more losses", || losses(&folder.join("run")).len() as u64 > steps);
    send("KILL", &child);
    child.wait().unwrap();
}
