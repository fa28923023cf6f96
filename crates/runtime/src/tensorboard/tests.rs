//! The files, read back record by record, and by TensorBoard's own reader.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::picture::ONE_PIXEL;
use super::{LiveTensorBoard, TensorBoardMirror};
use crate::run_folder::EventLog;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/read_tensorboard.py");

/// A run folder with a log of two intervals, a picture that is there and one that is not.
fn write_run(run: &Path) -> EventLog {
    fs::create_dir_all(run.join("views")).unwrap();
    fs::write(run.join("views/step-00000000.png"), ONE_PIXEL.0).unwrap();
    let mut log = EventLog::create(&run.join("events.jsonl")).unwrap();
    log.append(&json!({ "event": "started", "step": 0, "seed": 7 })).unwrap();
    log.append(&json!({ "event": "views", "step": 0, "picture": "views/step-00000000.png" })).unwrap();
    log.append(&json!({ "event": "views", "step": 1, "picture": "views/gone.png" })).unwrap();
    let similarities = json!({ "low": -1.0, "high": 1.0, "counts": [0, 3, 1, 0] });
    log.append(&json!({
        "event": "train", "step": 2, "losses": [2.5, 2.25], "watch": { "similarities": similarities },
    }))
    .unwrap();
    log
}

fn log_more(log: &mut EventLog) {
    log.append(&json!({ "event": "train", "step": 300, "losses": [1.125], "memory": { "resident": 4096 } }))
        .unwrap();
}

/// The data of every record, their lengths and checksums checked bit by bit, without the code that wrote them.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let check = |data: &[u8], expected: &[u8]| {
        let mut crc = u32::MAX; // CRC-32C, a bit at a time
        for byte in data {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
            }
        }
        let crc = !crc;
        let masked = crc.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked.to_le_bytes(), expected);
    };
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        check(&bytes[..8], &bytes[8..12]);
        let (data, rest) = bytes[12..].split_at(length);
        check(data, &rest[..4]);
        records.push(data.to_vec());
        bytes = &rest[4..];
    }
    records
}

/// The fields of a message in their order: number, and the varint's, fixed or delimited bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            shift += 7;
            if first & 0x80 == 0 {
                return value;
            }
        }
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                let value = varint(&mut bytes);
                fields.push((key >> 3, value.to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        fields.push((key >> 3, value.to_vec()));
        bytes = rest;
    }
    fields
}

/// (step, tag, fields of the value after the tag)
type Summary = (u64, String, Vec<(u64, Vec<u8>)>);

/// Every event with a summary.
fn summaries(file: &Path) -> Vec<Summary> {
    let events: Vec<_> = records(&fs::read(file).unwrap()).iter().map(|data| fields(data)).collect();
    assert_eq!(events[0][1], (3, b"brain.Event:2".to_vec()));
    assert_eq!(fields(&events[1][2].1), [(1, 1u64.to_le_bytes().to_vec())], "the session's start");
    let summary = |event: &Vec<(u64, Vec<u8>)>| {
        assert!(event[0].0 == 1 && f64::from_le_bytes(event[0].1[..].try_into().unwrap()) > 1.6e9);
        let step = u64::from_le_bytes(event[1].1[..].try_into().unwrap());
        let mut value = fields(&fields(&event[2].1)[0].1);
        (step, String::from_utf8(value.remove(0).1).unwrap(), value)
    };
    events[2..].iter().map(summary).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn scalar(value: &[(u64, Vec<u8>)]) -> f32 {
    assert_eq!(value[0].0, 2);
    f32::from_le_bytes(value[0].1[..].try_into().unwrap())
}

#[test]
fn every_measurement_is_a_record_with_valid_checksums() {
    let run = tempfile::tempdir().unwrap();
    let mut log = write_run(run.path());
    let mut live = LiveTensorBoard::start(run.path());
    log_more(&mut log);
    live.follow();
    live.follow(); // nothing new
    let files = files(&run.path().join("tensorboard"));
    assert_eq!(files.len(), 1, "{files:?}");
    let read = summaries(&files[0]);
    let places: Vec<(u64, &str)> = read.iter().map(|(step, tag, _)| (*step, tag.as_str())).collect();
    let expected = [
        (0, "views"),
        (1, "loss"),
        (2, "loss"),
        (2, "watch/similarities"),
        (300, "loss"),
        (300, "memory/resident"),
    ];
    assert_eq!(places, expected);
    let numbers = [1, 2, 4, 5].map(|at| scalar(&read[at].2));
    assert_eq!(numbers, [2.5, 2.25, 1.125, 4096.0]);
    let (field, image) = &read[0].2[0];
    assert_eq!((*field, &fields(image)[3]), (4, &(4, ONE_PIXEL.0.to_vec())));
    let (field, histogram) = &read[3].2[0];
    let histogram = fields(histogram);
    let doubles = |at: usize| -> Vec<f64> {
        histogram[at].1.chunks(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
    };
    assert_eq!(*field, 5);
    let sums = [0, 1, 2, 3, 4].map(|at| doubles(at)[0]);
    assert_eq!(sums, [-1.0, 1.0, 4.0, 3.0 * -0.25 + 0.25, 4.0 * 0.0625]);
    assert_eq!((doubles(5), doubles(6)), (vec![-0.5, 0.0, 0.5, 1.0], vec![0.0, 3.0, 1.0, 0.0]));
}

#[test]
fn a_log_that_was_cut_back_gives_one_new_file_that_says_no_more() {
    let run = tempfile::tempdir().unwrap();
    let tensorboard = run.path().join("tensorboard");
    let mut log = write_run(run.path());
    log_more(&mut log);
    let first = TensorBoardMirror::rebuild(run.path(), &tensorboard).unwrap().path().to_owned();
    fs::OpenOptions::new().append(true).open(&first).unwrap().write_all(b"half a rec").unwrap(); // a kill
    fs::write(tensorboard.join("events.out.tfevents.5.somebody"), b"theirs").unwrap();
    EventLog::reopen(&run.path().join("events.jsonl"), 2).unwrap();
    drop(LiveTensorBoard::start(run.path()));
    let files = files(&tensorboard);
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files[0] > first && files[1].ends_with("events.out.tfevents.5.somebody"), "{files:?}");
    assert_eq!(summaries(&files[0]).iter().map(|(step, ..)| *step).max(), Some(2));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_for_who_asks_and_none_for_a_run() {
    let run = tempfile::tempdir().unwrap();
    write_run(run.path());
    fs::write(run.path().join("tensorboard"), b"a file is in the way").unwrap();
    let error =
        TensorBoardMirror::rebuild(run.path(), &run.path().join("tensorboard")).unwrap_err().to_string();
    assert!(error.contains("tensorboard"), "{error}");
    LiveTensorBoard::start(run.path()).follow();
}

#[test]
fn tensorboards_own_reader_reads_the_same() {
    let Some(python) = crate::testing::python(&["tensorboard"]) else { return };
    let run = tempfile::tempdir().unwrap();
    let mut log = write_run(run.path());
    log_more(&mut log);
    let folder = run.path().join("for tensorboard");
    TensorBoardMirror::rebuild(run.path(), &folder).unwrap();
    let output = Command::new(python).arg(SCRIPT).arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["scalars"]["loss"], json!([[1, 2.5], [2, 2.25], [300, 1.125]]));
    assert_eq!(read["scalars"]["memory/resident"], json!([[300, 4096.0]]));
    assert_eq!(read["images"]["views"], json!([[0, 1, 1, "PNG"]]));
    let histogram = &read["histograms"]["watch/similarities"][0];
    assert_eq!((&histogram[0], &histogram[1]["num"]), (&json!(2), &json!(4.0)), "{read}");
    assert_eq!(histogram[1]["bucket"], json!([0.0, 3.0, 1.0, 0.0]), "{read}");
}
