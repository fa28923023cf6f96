//! Where results go: links, devices and pipes are written through, folders with other files are left alone, and what
//! cannot be written or drawn is refused before the work.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::support::{copy_folder, run, run_json, stderr, write_generator, write_idx, write_recipe, zview};

/// Runs the binary, which must refuse with exit code 2 and say every word.
fn refused(folder: &Path, arguments: &[&str], words: &[&str]) {
    let started = Instant::now();
    let output = run(folder, arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(started.elapsed().as_secs() < 20, "{arguments:?} worked before it refused");
    for word in words {
        assert!(message.contains(word), "{arguments:?} does not say `{word}`: {message}");
    }
}

const SAMPLE: [&str; 8] =
    ["sample", "--generator", "generator", "--device", "cpu", "--selfcheck", "skip", "--out"];

fn sample<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&SAMPLE[..], &[out], more].concat()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    folder
}

/// A finished run in `run`.
fn folder_with_run() -> tempfile::TempDir {
    let folder = folder();
    write_recipe(folder.path());
    write_idx(folder.path(), 150, 60);
    run_json(folder.path(), &["pretrain", "recipe.toml", "--device", "cpu", "--out", "run"]);
    folder
}

#[test]
fn a_folder_with_other_images_is_not_sampled_into() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("photos")).unwrap();
    fs::write(folder.join("photos/cat.jpg"), "mine").unwrap();
    fs::write(folder.join("a-file"), "mine").unwrap();
    refused(folder, &sample("photos", &["--anchors", "2"]), &["photos", "cat.jpg", "--overwrite"]);
    refused(
        folder,
        &sample("photos", &["--shards", "--anchors", "2"]),
        &["photos", "cat.jpg", "is there already"],
    );
    refused(folder, &sample("a-file", &["--anchors", "2"]), &["a-file is a file", "a folder is wanted"]);
    let drawn = |out: &str, more: &[&str]| run_json(folder, &sample(out, &[&["--overwrite"], more].concat()));
    let pictures = |name: &str| {
        let names = fs::read_dir(folder.join(name)).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".png")).count()
    };
    drawn("photos", &["--anchors", "3", "--per-anchor", "2"]);
    assert_eq!(pictures("photos"), 6);
    // Fewer than before: none of the earlier ones stay among them.
    refused(folder, &sample("photos", &["--anchors", "2"]), &["--overwrite"]);
    drawn("photos", &["--anchors", "2", "--per-anchor", "2"]);
    assert_eq!(pictures("photos"), 4);
    assert_eq!(fs::read(folder.join("photos/cat.jpg")).unwrap(), b"mine");
    // An empty folder is as good as none.
    fs::create_dir(folder.join("empty")).unwrap();
    run_json(folder, &sample("empty", &["--anchors", "1", "--per-anchor", "1"]));
    assert_eq!(pictures("empty"), 1);
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named_by_every_command() {
    let folder = folder_with_run();
    let folder = folder.path();
    fs::write(folder.join("a-file"), "mine").unwrap();
    let words = ["a-file is a file, and a", "folder is wanted", "take another name"];
    for out in ["a-file", "a-file/new"] {
        let train = ["pretrain", "recipe.toml", "--device", "cpu", "--out", out];
        refused(folder, &train, &words);
        refused(folder, &[&train[..], &["--resume"]].concat(), &words);
        refused(folder, &["pretrain", "./shapes", "--device", "cpu", "--out", out], &words);
        refused(folder, &["demo", "--device", "cpu", "--out", out], &words);
        refused(folder, &sample(out, &["--shards", "--anchors", "2"]), &words);
        refused(folder, &["log", "run", "--tensorboard", out], &words);
        let probe = ["probe", "run", "--device", "cpu", "--protocol", "fine-tune", "--keep", out];
        refused(folder, &probe, &words);
    }
    // Where a file is wanted, its folder cannot be one either.
    let export = ["export", "run", "--out", "a-file/x.safetensors"];
    refused(folder, &export, &["a-file is not a folder", "take another name"]);
    refused(folder, &sample("a-file/x.png", &[]), &["a-file is not a folder", "take another name"]);
    assert_eq!(fs::read(folder.join("a-file")).unwrap(), b"mine");
}

#[test]
fn an_output_without_an_ending_is_told_which_there_are() {
    let folder = folder_with_run();
    let folder = folder.path();
    let embed = ["embed", "run", "--data", "./shapes", "--device", "cpu", "--out"];
    for out in ["features", "/dev/null", "/dev/full"] {
        refused(
            folder,
            &[&embed[..], &[out]].concat(),
            &[out, "expected .npy or .safetensors or .csv, got none"],
        );
    }
    refused(folder, &["export", "run", "--out", "x"], &["expected .safetensors, got none"]);
    let predict = ["predict", "run", "--data", "./shapes", "--train", "./shapes", "--out", "x"];
    refused(folder, &predict, &["expected .csv, got none"]);
    refused(folder, &sample("x.gif", &[]), &["expected a .png or .tar file or a folder, got .gif"]);
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed_name_standard_output_and_a_closed_pipe_is_none() {
    let folder = folder();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = zview(folder.path());
    let output = command.args(["recipe", "show", "mnist-real"]).stdout(full).output().unwrap();
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write to standard output: No space left on device"), "{message}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = zview(folder.path()).args(["recipe", "show", "mnist-real"]).stdout(writer).output().unwrap();
    assert!(output.status.success() && !stderr(&output).contains("Error"), "{}", stderr(&output));
}

#[test]
fn shards_take_the_place_of_shards_and_of_nothing_else() {
    let folder = folder();
    let folder = folder.path();
    let shards = |anchors: &str, more: &[&str]| {
        let options = ["--shards", "--anchors", anchors, "--per-anchor", "2", "--anchors-per-shard", "2"];
        sample("shards", &[&options, more].concat()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let words = |owned: &[String]| owned.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let draw = |arguments: Vec<String>| run_json(folder, &words(&arguments).split('\n').collect::<Vec<_>>());
    let names = || {
        let entries = fs::read_dir(folder.join("shards")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    draw(shards("5", &[]));
    assert_eq!(names(), ["manifest.json", "shard-000000.tar", "shard-000001.tar", "shard-000002.tar"]);
    fs::write(folder.join("shards/notes.txt"), "mine").unwrap();
    let again = shards("3", &[]);
    refused(folder, &words(&again).split('\n').collect::<Vec<_>>(), &["is there already", "--overwrite"]);
    draw(shards("3", &["--overwrite"]));
    assert_eq!(names(), ["manifest.json", "notes.txt", "shard-000000.tar", "shard-000001.tar"]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("shards/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["anchors"], 3);
    // Names that somebody else's files have.
    fs::write(folder.join("shards/shard-000009.tar"), "mine").unwrap();
    let over = shards("3", &["--overwrite"]);
    refused(
        folder,
        &words(&over).split('\n').collect::<Vec<_>>(),
        &["shard-000009.tar", "not of zview's making"],
    );
    assert_eq!(fs::read(folder.join("shards/shard-000009.tar")).unwrap(), b"mine");
}

#[test]
fn pictures_that_cannot_be_drawn_are_refused_before_the_work() {
    let folder = folder();
    let folder = folder.path();
    // 172 s on the machine where it was found.
    refused(
        folder,
        &sample("grid.png", &["--anchors", "450000"]),
        &["grid.png", "at most", "fewer --anchors"],
    );
    let most = u64::MAX.to_string();
    refused(folder, &sample("images", &["--anchors", &most]), &["--anchors: expected at most", &most]);
    assert!(!folder.join("images").exists() && !folder.join("grid.png").exists());
}

#[test]
fn a_class_is_named_as_the_manifest_names_it_or_by_its_number() {
    let folder = folder();
    let folder = folder.path();
    let few = ["--device", "cpu", "--anchors", "2", "--per-anchor", "1"];
    let of_class = |class: &str, out: &str| {
        let words = ["sample", "--generator", "glyphs-gan-conditional", "--class", class, "--out", out];
        run(folder, &[&words[..], &few].concat())
    };
    for (class, out) in [("B", "by-name"), ("1", "by-number")] {
        let output = of_class(class, out);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(folder.join(out).join("1").is_dir(), "the second letter");
    }
    let said = stderr(&of_class("cat", "x"));
    assert!(said.contains("no class of that name, but A, B, C, D, E, F, G, H and 18 more"), "{said}");
    assert!(said.contains("or a number, 0 to 25"), "{said}");
    // One whose manifest has no names, and one that has too few.
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/generators/glyphs-gan-conditional");
    copy_folder(&assets, &folder.join("letters"));
    let path = folder.join("letters/generator.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    let names = manifest.lines().find(|line| line.starts_with("names = ")).unwrap();
    let of_letters = ["sample", "--generator", "letters", "--out", "x.png", "--class", "cat"];
    fs::write(&path, manifest.replace(names, "")).unwrap();
    let words =
        ["--class cat: glyphs-gan-conditional does not say what", "condition.names", "a number, 0 to 25"];
    refused(folder, &of_letters, &words);
    fs::write(&path, manifest.replace(names, "names = [\"a\", \"a\"]")).unwrap();
    let words = ["`condition.names`: expected a name for each of 26 classes, got 2", "\"a\" is there twice"];
    refused(folder, &of_letters, &words);
}

#[test]
fn a_class_of_a_generator_without_classes_is_refused() {
    let folder = folder();
    let folder = folder.path();
    refused(folder, &sample("x.png", &["--class", "3"]), &["--class 3", "tiny has no classes"]);
    refused(folder, &sample("x.png", &["--class", "A"]), &["--class A", "tiny has no classes"]);
    for class in ["26", "-1"] {
        let of_class = format!("--class={class}");
        let words = ["sample", "--generator", "glyphs-gan-conditional", "--out", "x.png", &of_class];
        refused(folder, &words, &["--class: expected 0 to 25", &format!("got {class}")]);
    }
}

#[test]
fn places_that_cannot_be_written_are_refused_before_the_work() {
    let folder = folder_with_run();
    let folder = folder.path();
    fs::create_dir(folder.join("taken.png")).unwrap();
    refused(folder, &sample("taken.png", &[]), &["--out", "taken.png", "it is a folder; name a file in it"]);
    refused(
        folder,
        &sample("no/such/grid.png", &[]),
        &["no/such/grid.png", "the folder no does not exist", "make it first"],
    );
    refused(folder, &sample("no/such/views.tar", &[]), &["the folder no does not exist"]);
    refused(folder, &["export", "run", "-o", "run"], &["--out", "it is a folder"]);
    refused(folder, &["export", "run", "-o", "no/encoder.safetensors"], &["the folder no does not exist"]);
    refused(folder, &["export", "run", "-o", "run/encoder.safetensors"], &["is a file of the run"]);
    let encoder = "run/encoder.safetensors";
    refused(folder, &["export", encoder, "-o", encoder], &["is the file that is read"]);
    refused(folder, &["log", "run", "--csv", "run/events.jsonl"], &["--csv", "take another name"]);
    refused(folder, &["log", "run", "--csv", "run"], &["--csv", "it is a folder"]);
    let report = ["probe", "run", "--device", "cpu", "--protocol", "knn", "--report"];
    refused(
        folder,
        &[&report[..], &["no/page.html"]].concat(),
        &["--report", "the folder no does not exist"],
    );
    refused(folder, &[&report[..], &["run/config.toml"]].concat(), &["is a file of the run"]);
    let inspect = ["generator", "inspect", "generator", "--device", "cpu", "--seconds", "0", "--sheet"];
    refused(
        folder,
        &[&inspect[..], &["no/sheet.png"]].concat(),
        &["--sheet", "the folder no does not exist"],
    );
    let find =
        ["generator", "directions", "generator", "--method", "factorised", "--count", "2", "--device", "cpu"];
    refused(
        folder,
        &[&find[..], &["--out", "generator/weights.safetensors"]].concat(),
        &["is the file that is read"],
    );
    refused(
        folder,
        &[&find[..], &["--out", "d.png", "--picture", "d.png"]].concat(),
        &["--out names the same file"],
    );
}

#[cfg(unix)]
#[test]
fn links_devices_and_pipes_are_written_through() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let folder = folder_with_run();
    let folder = folder.path();
    fs::create_dir(folder.join("far")).unwrap();
    let is_link = |name: &str| fs::symlink_metadata(folder.join(name)).unwrap().is_symlink();
    let done = |arguments: &[&str]| {
        let output = run(folder, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        output.stdout
    };
    done(&["log", "run", "--csv", "plain.csv"]);
    let csv = fs::read(folder.join("plain.csv")).unwrap();
    // Every option that names a file, through a link that dangles and one that does not.
    for (link, arguments) in [
        ("log.csv", &["log", "run", "--csv", "log.csv"][..]),
        ("link.safetensors", &["export", "run", "-o", "link.safetensors"]),
        ("grid.png", &sample("grid.png", &["--anchors", "2"])),
        ("views.tar", &sample("views.tar", &["--anchors", "2"])),
        (
            "sheet.png",
            &[
                "generator",
                "inspect",
                "generator",
                "--seconds",
                "0",
                "--sheet",
                "sheet.png",
                "--device",
                "cpu",
            ],
        ),
        (
            "page.html",
            &[
                "probe",
                "run",
                "--protocol",
                "knn",
                "--report",
                "page.html",
                "--device",
                "cpu",
                "--train-pool",
                "60",
            ],
        ),
        (
            "walks.safetensors",
            &[
                "generator",
                "directions",
                "generator",
                "--method",
                "factorised",
                "--count",
                "2",
                "--out",
                "walks.safetensors",
                "--device",
                "cpu",
            ],
        ),
    ] {
        symlink(Path::new("far").join(link), folder.join(link)).unwrap();
        for _ in 0..2 {
            done(arguments);
            assert!(is_link(link), "{link} was replaced");
            assert!(fs::metadata(folder.join("far").join(link)).unwrap().len() > 0, "{link}");
        }
        let other = fs::read_dir(folder.join("far"))
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".tmp"));
        assert_eq!(other.count(), 0);
    }
    assert_eq!(fs::read(folder.join("far/log.csv")).unwrap(), csv);
    // Devices.
    for arguments in [
        &["log", "run", "--csv", "/dev/null"][..],
        &["export", "run", "-o", "/dev/null"],
        &sample("/dev/null", &["--anchors", "2"]),
        &["generator", "inspect", "generator", "--seconds", "0", "--sheet", "/dev/null", "--device", "cpu"],
    ] {
        done(arguments);
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }
    // Standard output, as a pipe and as a file that is open already.
    let to_pipe = done(&["log", "run", "--csv", "/dev/stdout"]);
    assert!(to_pipe.starts_with(&csv) && to_pipe.len() > csv.len(), "the numbers, then the summary");
    let file = fs::File::create(folder.join("both.txt")).unwrap();
    let status = zview(folder).args(["log", "run", "--csv", "/dev/stdout"]).stdout(file).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read(folder.join("both.txt")).unwrap(), to_pipe);
    // A named pipe.
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let from = pipe.clone();
    let reader = std::thread::spawn(move || fs::read(from).unwrap());
    done(&["log", "run", "--csv", "pipe"]);
    assert_eq!(reader.join().unwrap(), csv);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    // Links that lead round.
    symlink("b.csv", folder.join("a.csv")).unwrap();
    symlink("a.csv", folder.join("b.csv")).unwrap();
    refused(folder, &["log", "run", "--csv", "a.csv"], &["a.csv", "circle"]);
}

#[test]
fn what_goes_to_a_file_has_no_colours() {
    let folder = folder_with_run();
    let folder = folder.path();
    fs::write(folder.join("broken.toml"), "[source]\nkind = \"nothing\"\n").unwrap();
    for (log, arguments) in [
        ("zview=trace", &["log", "run"][..]),
        ("zview=trace,info", &["probe", "run", "--protocol", "knn", "--device", "cpu", "--train-pool", "60"]),
        ("zview=warn", &["pretrain", "broken.toml", "--device", "cpu"]),
        ("zview=warn", &["pretrain"]),
    ] {
        for (variable, value) in [("ZVIEW_LOG", log), ("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1")] {
            let mut command = zview(folder);
            command.args(arguments).env("ZVIEW_LOG", log).env(variable, value);
            if variable != "ZVIEW_LOG" && arguments == ["pretrain"] {
                continue; // who forces colours gets them in the usage message
            }
            let output = command.output().unwrap();
            assert!(!output.stderr.contains(&0x1b), "{arguments:?}: {}", stderr(&output));
            assert!(!output.stdout.contains(&0x1b));
        }
    }
}
