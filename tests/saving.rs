//! What a run does about signals, a second trainer, full disks, missing permissions, odd places and hostile files
//! (docs/reliability.md).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use zview_runtime::testing::did_not_run;

use crate::support::{
    copy_folder, losses, run, send, stderr, wait_until, write_generator, write_idx, write_recipe, zview,
};

const TRAIN: [&str; 8] =
    ["pretrain", "recipe.toml", "--device", "cpu", "--set", "train.log_every=1", "--out", "run"];

fn prepare() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_recipe(folder.path());
    folder
}

fn start(folder: &Path, more: &[&str]) -> Child {
    let mut command = zview(folder);
    command.args(TRAIN).args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// R9.
#[test]
fn the_first_signal_saves_and_the_second_ends_the_process_at_once() {
    let folder = prepare();
    let folder = folder.path();
    for signal in ["TERM", "INT"] {
        let _ = fs::remove_dir_all(folder.join("run"));
        let mut child = start(folder, &["--set", "train.steps=100000"]);
        wait_until("step 3", || losses(&folder.join("run")).len() >= 3);
        let asked = Instant::now();
        send(signal, &child);
        // Counted when the signal has been sent: on a busy machine sending takes as long as many of these steps.
        let before = losses(&folder.join("run")).len();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        let (after, seconds) = (losses(&folder.join("run")).len(), asked.elapsed().as_secs_f64());
        println!("SIG{signal}: {} steps and {seconds:.2} s later", after - before);
        assert!(after <= before + 20 && seconds < 10.0, "{signal}: {before} to {after} in {seconds} s");
        assert!(folder.join(format!("run/checkpoints/step-{after:08}/manifest.json")).is_file());
        assert!(folder.join("run/encoder.safetensors").is_file());
    }
    // A step of several seconds: the first signal waits for its end, the second does not.
    fs::remove_dir_all(folder.join("run")).unwrap();
    let mut child = start(folder, &["--set", "train.batch=2048", "--set", "encoder.width=16"]);
    wait_until("the run", || folder.join("run/config.toml").exists());
    std::thread::sleep(Duration::from_millis(300));
    send("TERM", &child);
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none(), "the step was not finished");
    let asked = Instant::now();
    send("TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(!folder.join("run/checkpoints").exists(), "the second signal does not save");
}

/// R18.
#[test]
fn a_second_trainer_is_refused_at_once() {
    let folder = prepare();
    let folder = folder.path();
    let mut first = start(folder, &["--set", "train.steps=100000"]);
    wait_until("the run", || folder.join("run/config.toml").exists());
    for more in [&["--resume", "--set", "train.steps=100000"][..], &[]] {
        let asked = Instant::now();
        let second = run(folder, &[&TRAIN[..], more].concat());
        assert_eq!(second.status.code(), Some(1), "{}", stderr(&second));
        let owner = format!("process {}", first.id());
        assert!(stderr(&second).contains("in use by another") && stderr(&second).contains(&owner));
        println!("refused after {:?}", asked.elapsed());
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
    assert!(first.try_wait().unwrap().is_none(), "the first one ended");
    send("KILL", &first);
    first.wait().unwrap();
    // The lock went with the process.
    let next =
        run(folder, &[&TRAIN[..], &["--resume", "--set", "train.steps=100000", "--set", "seed=8"]].concat());
    assert!(stderr(&next).contains("differing: seed"), "{}", stderr(&next));
}

fn saved_steps(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("checkpoints")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn checkpointing(steps: &str) -> Vec<&str> {
    [&TRAIN[..], &["--set", "train.checkpoint_every=1", "--set", "train.keep_checkpoints=1", "--set", steps]]
        .concat()
}

/// R5. The file system is a tmpfs in a mount name space of its own.
#[test]
fn a_full_disk_leaves_the_checkpoint_before_and_the_run_goes_on_when_there_is_room() {
    let folder = prepare();
    let folder = folder.path();
    fs::create_dir(folder.join("run")).unwrap();
    fs::create_dir(folder.join("copy")).unwrap();
    let script = r#"
        mount -t tmpfs -o size=700k tmpfs run || exit 77
        "$@"; echo "full: $?"
        cp -r run/. copy
        mount -o remount,size=16m run
        "$@" --resume; echo "room: $?"
        mkdir end; cp -r run/. end"#;
    let train = zview(folder);
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(train.get_program())
        .args(checkpointing("train.steps=6"))
        .current_dir(folder)
        .env_remove("ZVIEW_DATA")
        .env("XDG_RUNTIME_DIR", folder)
        .output();
    let Ok(output) = output.map_err(|error| did_not_run(format_args!("no unshare ({error})"))) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !said.contains("full:") {
        return did_not_run(format_args!("no mount name space: {}", stderr(&output)));
    }
    assert!(said.contains("full: 1"), "{said}{}", stderr(&output));
    let message = stderr(&output);
    assert!(message.contains("No space left") && message.contains("free space"), "{message}");
    assert!(message.contains("run/"), "the path is named: {message}");
    let kept = saved_steps(&folder.join("copy"));
    assert!(kept.len() == 1 && kept[0].starts_with("step-"), "{kept:?}");
    assert!(said.contains("room: 0"), "{said}{message}");
    let whole =
        [&checkpointing("train.steps=6")[..6], &["--out", "whole", "--set", "train.steps=6"]].concat();
    assert!(run(folder, &whole).status.success());
    let encoder = |run: &str| fs::read(folder.join(run).join("encoder.safetensors")).unwrap();
    assert!(encoder("end") == encoder("whole"), "the run with the full disk ends elsewhere");
}

/// Runs the binary as a user to whom permissions mean something; root is let through everywhere.
fn as_nobody(folder: &Path, arguments: &[&str]) -> Option<Output> {
    if fs::metadata(folder).unwrap().uid() != 0 {
        return Some(run(folder, arguments));
    }
    let binary = folder.join("zview");
    if !binary.exists() && fs::hard_link(env!("CARGO_BIN_EXE_zview"), &binary).is_err() {
        fs::copy(env!("CARGO_BIN_EXE_zview"), &binary).unwrap();
    }
    let owned = Command::new("chown").args(["-R", "65534:65534", "."]).current_dir(folder).status();
    owned.ok().filter(std::process::ExitStatus::success)?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary).args(arguments);
    command.current_dir(folder).env_remove("ZVIEW_DATA").env_remove("HOME").env("XDG_RUNTIME_DIR", folder);
    command.output().ok()
}

/// R5.
#[test]
fn missing_permission_and_a_failed_rename_leave_the_checkpoint_before() {
    let folder = prepare();
    let folder = folder.path();
    let train = [&checkpointing("train.steps=6")[..], &["--set", "train.keep_checkpoints=9"]].concat();
    assert!(run(folder, &train).status.success());
    let encoder = fs::read(folder.join("run/encoder.safetensors")).unwrap();
    for step in 4..=6 {
        fs::remove_dir_all(folder.join(format!("run/checkpoints/step-{step:08}"))).unwrap();
    }
    let kept = saved_steps(&folder.join("run"));
    copy_folder(&folder.join("run"), &folder.join("before"));
    let resume = [&train[..], &["--resume"]].concat();
    let refused = |output: &Output, word: &str| {
        assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
        let message = stderr(output);
        assert!(message.contains("step-00000004") && message.contains(word), "{word}: {message}");
        let left = saved_steps(&folder.join("run"));
        assert!(kept.iter().all(|step| left.contains(step)), "{word}: {left:?}");
        assert!(!left.iter().any(|name| name.starts_with('.')), "{word}: {left:?}");
    };
    // The new checkpoint's name is taken by a file: it cannot be renamed to it.
    fs::write(folder.join("run/checkpoints/step-00000004"), b"in the way").unwrap();
    fs::set_permissions(folder.join("run/checkpoints/step-00000004"), fs::Permissions::from_mode(0o444))
        .unwrap();
    refused(&run(folder, &resume), "cannot write");
    fs::remove_dir_all(folder.join("run")).unwrap();
    copy_folder(&folder.join("before"), &folder.join("run"));
    let mode = |mode: u32| {
        fs::set_permissions(folder.join("run/checkpoints"), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    mode(0o555);
    let denied = as_nobody(folder, &resume);
    mode(0o755);
    match denied {
        Some(output) => refused(&output, "Permission denied"),
        None => did_not_run("missing permission (no setpriv)"),
    }
    let output = run(folder, &resume);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(fs::read(folder.join("run/encoder.safetensors")).unwrap() == encoder, "it ends elsewhere");
}

/// R19.
#[test]
fn odd_names_no_home_and_a_cache_that_cannot_be_written_are_no_obstacle() {
    let folder = prepare();
    let folder = folder.path();
    write_idx(folder, 60, 20);
    let out = "läufe/mein Lauf (7) 'q' \"d\" 訓練 $HOME";
    let odd = |arguments: &[&str]| {
        let output = zview(folder)
            .args(arguments)
            .env_remove("HOME")
            .env("XDG_CACHE_HOME", "/proc/self/no-folder-can-be-made-here")
            .env("ZVIEW_LOG", "error")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    };
    let train = [&TRAIN[..7], &[out, "--set", "train.checkpoint_every=3"]].concat();
    odd(&train);
    fs::remove_dir_all(folder.join(out).join("checkpoints/step-00000006")).unwrap();
    odd(&[&train[..], &["--resume"]].concat());
    odd(&["probe", out, "--data", "./shapes", "--device", "cpu", "--train-pool", "60", "--protocol", "knn"]);
}

/// R7: the address space is too small for what the files claim, so that an allocation of it would end the process.
#[test]
fn hostile_weight_files_are_refused_in_little_memory() {
    let folder = prepare();
    let folder = folder.path();
    let header =
        |text: &str, data: &[u8]| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), data].concat();
    let f32s = |shape: &str, from: u64, to: u64| {
        format!("{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
    };
    let two = |a: &str, b: &str, bytes: usize| {
        header(&format!("{{\"fc.weight\":{a},\"fc.bias\":{b}}}"), &vec![0; bytes])
    };
    let huge = 1u64 << 40;
    let mut long_header = header("{}", b"");
    long_header[..8].copy_from_slice(&200_000_000u64.to_le_bytes());
    let pickle =
        |opcode: u8, length: u64| [&b"\x80\x04"[..], &[opcode], &length.to_le_bytes(), b"x."].concat();
    let files = [
        ("header-over-100-MB.safetensors", long_header),
        ("overlap.safetensors", two(&f32s("[4]", 0, 16), &f32s("[4]", 8, 24), 24)),
        ("gap.safetensors", two(&f32s("[4]", 0, 16), &f32s("[4]", 24, 40), 40)),
        ("trailing.safetensors", two(&f32s("[4]", 0, 16), &f32s("[4]", 16, 32), 33)),
        (
            "beyond-the-end.safetensors",
            two(&f32s("[4]", 0, 16), &f32s("[268435456,1024]", 16, huge + 16), 32),
        ),
        (
            "shape-overflows.safetensors",
            two(&f32s("[4294967296,4294967296,4]", 0, 16), &f32s("[4]", 16, 32), 32),
        ),
        ("long-bytes.pth", pickle(0x8e, huge)),
        ("long-text.pth", pickle(0x8d, huge)),
        ("byte-array.pth", pickle(0x96, huge)),
        ("calls.pth", b"cposix\nsystem\n(S'touch called'\ntR.".to_vec()),
        ("calls-in-a-dictionary.pth", b"(S'weight'\ncposix\nsystem\n(S'touch called'\ntRd.".to_vec()),
    ];
    let manifest = fs::read_to_string(folder.join("generator/generator.toml")).unwrap();
    let sha256 = |text: &str| text.lines().find(|line| line.starts_with("sha256")).unwrap().to_owned();
    for (name, bytes) in files {
        fs::write(folder.join("generator").join(name), &bytes).unwrap();
        let hash = format!("sha256 = \"{}\"", zview_runtime::hash::sha256_of_bytes(&bytes));
        let text = manifest.replace("weights.safetensors", name).replace(&sha256(&manifest), &hash);
        fs::write(folder.join("generator/generator.toml"), text).unwrap();
        // 2 GiB of address space: threads' stacks and the program take more than one.
        let limited = Command::new("sh")
            .args(["-c", "ulimit -v 2097152; exec \"$@\"", "sh"])
            .arg(zview(folder).get_program())
            .args(["generator", "inspect", "generator", "--device", "cpu"])
            .current_dir(folder)
            .env("XDG_RUNTIME_DIR", folder)
            .output()
            .unwrap();
        assert_eq!(limited.status.code(), Some(1), "{name}: {}", stderr(&limited));
        assert!(stderr(&limited).contains(name), "{name}: {}", stderr(&limited));
        assert!(!stderr(&limited).contains("panicked"), "{name}: {}", stderr(&limited));
    }
    assert!(!folder.join("called").exists(), "a pickle's function was called");
}
