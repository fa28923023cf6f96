//! Files that claim, nest and refer to themselves: bounded in memory and time, whatever they say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use zview_torch_file::{TorchError, TorchFile};

const SECOND: Duration = Duration::from_secs(1);
/// Far more than any of these files may take in an optimised build on a busy machine.
const PEAK_MIB: u64 = 256;

/// The most memory that the process has held, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}

/// What has been computed since `start`: processor time where the system tells, so that a busy machine fails no test.
fn since(start: &(Instant, Option<Duration>)) -> Duration {
    let ticks = processor_time().zip(start.1).map(|(now, then)| now - then);
    ticks.unwrap_or_else(|| start.0.elapsed())
}

fn now() -> (Instant, Option<Duration>) {
    (Instant::now(), processor_time())
}

/// Of this thread.
fn processor_time() -> Option<Duration> {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(status.split(' ').next()?.parse().ok()?))
}

fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

/// A dictionary with the tensor `w` of the storage `0`, and `more` before it.
fn dictionary(more: &[u8]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    if !more.is_empty() {
        pickle.extend(text("more"));
        pickle.extend(more);
    }
    pickle.extend(text("w"));
    pickle.extend(tensor());
    pickle.extend(b"u.");
    pickle
}

fn tensor() -> Vec<u8> {
    let mut call = b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    call.extend(text("storage"));
    call.extend(b"ctorch\nFloatStorage\n");
    call.extend(text("0"));
    call.extend(text("cpu"));
    call.extend(b"K\x02tQK\x00K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR");
    call
}

/// A zip as PyTorch writes it: members stored at multiples of 64, ZIP64 records before the end.
fn zip(stem: &str, members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let name = format!("{stem}/{name}");
        let start = file.len() as u64;
        let unpadded = file.len() + 30 + name.len() + 4;
        let padding = unpadded.next_multiple_of(64) - unpadded;
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let sizes = [crc.sum(), content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        file.extend(b"PK\x03\x04\0\0\0\x08\0\0\0\0\0\0");
        file.extend(&sizes);
        file.extend([name.len() as u16, padding as u16 + 4].map(u16::to_le_bytes).concat());
        file.extend(name.bytes());
        file.extend(b"FB");
        file.extend((padding as u16).to_le_bytes());
        file.extend(vec![b'Z'; padding]);
        file.extend(*content);
        directory.extend(b"PK\x01\x02\0\0\0\0\0\x08\0\0\0\0\0\0");
        directory.extend(&sizes);
        directory.extend((name.len() as u16).to_le_bytes());
        directory.extend([0; 12]);
        directory.extend((start as u32).to_le_bytes());
        directory.extend(name.bytes());
    }
    let (count, start, size) = (members.len() as u64, file.len() as u64, directory.len() as u64);
    file.extend(directory);
    let record = file.len() as u64;
    file.extend(b"PK\x06\x06");
    file.extend(44u64.to_le_bytes());
    file.extend(b"\x1e\x03\x2d\0\0\0\0\0\0\0\0\0");
    file.extend([count, count, size, start].map(u64::to_le_bytes).concat());
    file.extend(b"PK\x06\x07\0\0\0\0");
    file.extend(record.to_le_bytes());
    file.extend(b"\x01\0\0\0PK\x05\x06\0\0\0\0");
    file.extend([count as u16, count as u16].map(u16::to_le_bytes).concat());
    file.extend([size as u32, start as u32].map(u32::to_le_bytes).concat());
    file.extend([0, 0]);
    file
}

fn torch_zip(stem: &str, pickle: &[u8]) -> Vec<u8> {
    zip(stem, &[("data.pkl", pickle), ("byteorder", b"little"), ("data/0", &[0, 0, 128, 63, 0, 0, 0, 64])])
}

fn values(file: &TorchFile, name: &str) -> Vec<u8> {
    file.tensors().iter().find(|tensor| tensor.name() == name).unwrap().read().unwrap()
}

#[test]
fn a_name_of_any_length_within_the_zip_is_read() {
    for length in 1..=200 {
        let bytes = torch_zip(&"n".repeat(length), &dictionary(b""));
        let file = TorchFile::read_bytes(bytes).unwrap_or_else(|error| panic!("{length}: {error}"));
        assert_eq!(values(&file, "w"), [0, 0, 128, 63, 0, 0, 0, 64], "{length}");
    }
}

#[test]
fn a_damaged_storage_is_found_by_its_checksum() {
    let mut bytes = torch_zip("n", &dictionary(b""));
    let at = bytes.windows(8).position(|window| window == [0, 0, 128, 63, 0, 0, 0, 64]).unwrap();
    bytes[at] ^= 1;
    let file = TorchFile::read_bytes(bytes).unwrap();
    let error = file.tensors()[0].read().unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
}

#[test]
fn a_zip_that_is_cut_off_says_how_much_is_missing() {
    let bytes = torch_zip("n", &dictionary(b""));
    let error = TorchFile::read_bytes(bytes[..bytes.len() / 2].to_vec()).unwrap_err();
    assert!(matches!(error, TorchError::CutOff(_)), "{error}");
    assert!(error.to_string().contains("of at least"), "{error}");
}

/// One test, so that the process' peak is these files' alone.
#[test]
fn memory_and_time_are_bounded_whatever_a_file_claims() {
    let levels = 1_000_000;
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    let nest = |open: &[u8], close: &[u8]| [open.repeat(levels), close.repeat(levels - 1)].concat();
    files.push(("a deep list", dictionary(&nest(b"]", b"a"))));
    files.push(("a deep tuple", dictionary(&[&b")"[..], &b"\x85".repeat(levels)].concat())));
    files.push(("marks", dictionary(&[b"(".repeat(levels), b")".to_vec(), b"t".repeat(levels)].concat())));
    let mut deep_tensor = tensor();
    deep_tensor.extend(b"\x85".repeat(levels));
    files.push(("a tensor below many levels", dictionary(&deep_tensor)));
    files.push((
        "objects in objects",
        dictionary(&[&b")"[..], &b"\x85cm\nC\n0cm\nC\n)\x81b".repeat(levels / 8)].concat()),
    ));
    // Each list holds the one before ten times.
    let mut laughs = b"](".to_vec();
    laughs.extend(tensor());
    laughs.extend(b"eq\x00");
    for _ in 0..40 {
        laughs.extend(b"0](");
        laughs.extend(b"h\x00".repeat(10));
        laughs.extend(b"eq\x00");
    }
    files.push(("lists of lists of one list", dictionary(&laughs)));
    files.push((
        "a million memos",
        dictionary(
            &[
                &b"N"[..],
                &(0..levels as u32)
                    .flat_map(|index| [&b"r"[..], &index.to_le_bytes()].concat())
                    .collect::<Vec<u8>>(),
            ]
            .concat(),
        ),
    ));
    files.push(("a text of 4 GiB", dictionary(b"X\xff\xff\xff\xff")));
    files.push(("bytes of 2^63", dictionary(b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f")));
    files.push(("a number of 2 GiB", dictionary(b"\x8b\xff\xff\xff\x7f")));
    files.push(("a frame of 2^63", dictionary(b"\x95\xff\xff\xff\xff\xff\xff\xff\x7fN")));
    files.push(("empty lists", dictionary(&[&b"("[..], &b"]".repeat(8 * levels), b"t"].concat())));
    files.push(("a list in itself", dictionary(b"]q\x00h\x00a")));
    for (what, pickle) in files {
        for bytes in [pickle.clone(), torch_zip("n", &pickle)] {
            let start = now();
            let read = TorchFile::read_bytes(bytes);
            let time = since(&start);
            assert!(time < SECOND, "{what}: {time:?}");
            if let Err(error) = read {
                let bounded = matches!(error, TorchError::TooLarge(_) | TorchError::CutOff(_));
                assert!(bounded, "{what}: {error}");
            }
        }
    }
    // 4 GiB that are not there, in each layout.
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("zeros", Vec::new()),
        ("a pickle", b"\x80\x02".to_vec()),
        ("a zip", torch_zip("n", &dictionary(b""))),
        ("bytes", b"\x80\x05\x8e\0\0\0\xf0\0\0\0\0".to_vec()),
        ("lines", b"(".to_vec()),
    ] {
        let path = folder.path().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(&bytes).unwrap();
        file.seek(SeekFrom::Start((4 << 30) - 1)).unwrap();
        file.write_all(&[0]).unwrap();
        let start = now();
        let error = TorchFile::open(&path).unwrap_err();
        let time = since(&start);
        assert!(time < SECOND, "{name}: {time:?}: {error}");
    }
    if let Some(peak) = peak_mib() {
        assert!(peak < PEAK_MIB, "{peak} MiB");
    }
}

#[test]
fn keys_that_names_do_not_tell_apart_keep_their_tensors() {
    // {0.5: w, 1.5: w, (): w} and {"a": x, "a": w}: a key that is given twice has the second value.
    let float = |value: f64| [&b"G"[..], &value.to_be_bytes()].concat();
    let pickle = [&b"\x80\x02}("[..], &float(0.5), &tensor(), &float(1.5), &tensor()].concat();
    let mut pickle = pickle;
    for (key, value) in [("a", b"]".to_vec()), ("a", tensor())] {
        pickle.extend(text(key));
        pickle.extend(value);
    }
    pickle.extend(b"u.");
    let file = TorchFile::read_bytes(torch_zip("n", &pickle)).unwrap();
    let names: Vec<&str> = file.tensors().iter().map(|tensor| tensor.name()).collect();
    assert_eq!(names, ["<number>", "<number> (2)", "a"]);
}
