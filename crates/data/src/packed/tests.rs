//! What is packed is what would be read, whatever happens on the way, and a damaged file is named for what is wrong.

use std::fs;
use std::path::Path;

use super::pack::pack_in_parts;
use super::partial::paths;
use super::parts::Parts;
use super::*;
use crate::test_files::{jpeg_of, png_of, put, tar_of};
use crate::{ColorMode, DataError, ImageSet, ImageShape, LoadOptions, Split, inspect, load};

/// Twenty training images of two classes and six test images, of several sizes.
fn photos(root: &Path) {
    for number in 0..10 {
        put(root, &format!("photos/train/cat/{number}.png"), &png_of(10 + number, 14, 3, number));
        put(root, &format!("photos/train/dog/{number}.jpg"), &jpeg_of(17, 12 + number, 3, 50 + number));
    }
    for number in 0..3 {
        put(root, &format!("photos/test/cat/{number}.png"), &png_of(20, 14, 3, 100 + number));
        put(root, &format!("photos/test/dog/{number}.png"), &png_of(12, 14, 3, 200 + number));
    }
}

fn sized(size: usize) -> LoadOptions {
    LoadOptions { size: Some(size), ..LoadOptions::default() }
}

/// Packs with parts of three images of 9 x 9 pixels.
fn packed(root: &Path, options: &LoadOptions, full_at: Option<u64>) -> Result<Packed, PackError> {
    let options = PackOptions { load: options.clone(), ..PackOptions::default() };
    let into = Parts { full_at, ..Parts::of_bytes(3 * 3 * 81 + 5) };
    let (data, target) = (root.join("photos"), root.join("photos.safetensors"));
    pack_in_parts(data.to_str().unwrap(), &target, &options, &into)
}

fn file(root: &Path) -> Vec<u8> {
    fs::read(root.join("photos.safetensors")).unwrap()
}

fn loaded(root: &Path, name: &str, split: Split, options: &LoadOptions) -> Result<ImageSet, DataError> {
    load(root.join(name).to_str().unwrap(), split, options)
}

fn pixels(set: &ImageSet) -> Vec<u8> {
    set.map(|_, pixels| pixels.to_vec()).unwrap().concat()
}

#[test]
fn packed_images_are_the_images_with_labels_classes_and_names() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    let done = packed(root, &sized(9), None).unwrap();
    assert_eq!(done.bytes, file(root).len() as u64);
    assert_eq!((done.stopped, done.was_there, done.went_on_from, done.rejects.len()), (false, false, 0, 0));
    for (split, images) in [(Split::Train, 20), (Split::Test, 6)] {
        let (there, from) = (
            loaded(root, "photos.safetensors", split, &LoadOptions::default()).unwrap(),
            loaded(root, "photos", split, &sized(9)).unwrap(),
        );
        assert_eq!((there.len(), there.shape, there.waits_for_disk()), (images, from.shape, true));
        assert_eq!((&there.labels, &there.classes), (&from.labels, &from.classes));
        assert_eq!(pixels(&there), pixels(&from));
        assert_eq!(*there.read(&[3, 1, 1]).unwrap().pixels, *from.read(&[3, 1, 1]).unwrap().pixels);
        assert_eq!(there.usable(&[2]).unwrap().pixels, from.pixels(2).unwrap().to_vec());
        for image in 0..images {
            let name = there.name_of(image).unwrap();
            assert!(name.starts_with(&format!("{split}/")), "{name}");
            assert!(from.name_of(image).unwrap().ends_with(name), "{name}");
        }
        assert_eq!(there.name_of(images), None);
        let chosen = there.select(&[4, 2]);
        assert_eq!(chosen.name_of(1), there.name_of(2));
        assert_eq!(chosen.pixels(0).unwrap(), from.pixels(4).unwrap());
    }
    let (partial, journal) = paths(&root.join("photos.safetensors"));
    assert!(!partial.exists() && !journal.exists());
    // The same again does nothing; something else is not written over.
    let before = fs::metadata(root.join("photos.safetensors")).unwrap().modified().unwrap();
    let again = packed(root, &sized(9), None).unwrap();
    assert!(again.was_there && again.splits == done.splits);
    assert_eq!(fs::metadata(root.join("photos.safetensors")).unwrap().modified().unwrap(), before);
    let error = packed(root, &sized(8), None).unwrap_err().to_string();
    assert!(error.contains("`size` is 9 there, 8 was asked for"), "{error}");
}

#[test]
fn archives_packed_files_and_grey_images_are_packed_alike() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let members: Vec<(String, Vec<u8>)> =
        (0..7).map(|n| (format!("train/{}/{n}.png", n % 2), png_of(5, 5, 1, n))).collect();
    let members: Vec<(&str, &[u8])> =
        members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    put(root, "photos", &tar_of(&members));
    let done = packed(root, &LoadOptions::default(), None).unwrap();
    assert_eq!(done.splits.len(), 1);
    let (there, from) = (
        loaded(root, "photos.safetensors", Split::Train, &LoadOptions::default()).unwrap(),
        loaded(root, "photos", Split::Train, &LoadOptions::default()).unwrap(),
    );
    // 7 x 25 pixels: labels begin where PyTorch can take them.
    assert_eq!((pixels(&there), &there.labels, there.shape.channels), (pixels(&from), &from.labels, 1));
    assert_eq!(there.name_of(2), Some("train/0/4.png"));
    let options = PackOptions { load: sized(4), ..PackOptions::default() };
    let path = root.join("photos.safetensors");
    pack(path.to_str().unwrap(), &root.join("small"), &options).unwrap();
    let small = loaded(root, "small", Split::Train, &LoadOptions::default()).unwrap();
    assert_eq!(pixels(&small), pixels(&loaded(root, "photos", Split::Train, &sized(4)).unwrap()));
    assert_eq!(small.name_of(2), Some("train/0/4.png"));
    let missing = loaded(root, "small", Split::Test, &LoadOptions::default()).unwrap_err().to_string();
    assert!(missing.contains("expected test.images, got only train"), "{missing}");
}

#[test]
fn another_size_or_colour_is_the_same_in_memory_and_read_each_time() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    packed(root, &sized(9), None).unwrap();
    let grey = LoadOptions { color: ColorMode::Grey, ..sized(6) };
    let little = LoadOptions { memory: Some(100), ..grey.clone() };
    let [kept, read] =
        [&grey, &little].map(|options| loaded(root, "photos.safetensors", Split::Train, options).unwrap());
    assert_eq!((kept.waits_for_disk(), read.waits_for_disk()), (false, true));
    assert_eq!(kept.shape, ImageShape { channels: 1, height: 6, width: 6 });
    assert_eq!((pixels(&kept), kept.shape, &kept.labels), (pixels(&read), read.shape, &read.labels));
    assert_eq!((kept.name_of(7), kept.name_of(20)), (read.name_of(7), None));
}

#[test]
fn hashes_are_those_of_the_file_and_tell_selections_and_sizes_apart() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    packed(root, &sized(9), None).unwrap();
    let set = loaded(root, "photos.safetensors", Split::Train, &LoadOptions::default()).unwrap();
    let little = LoadOptions { memory: Some(0), ..sized(6) };
    let all = [
        set.content_sha256(),
        set.select(&[1, 0]).content_sha256(),
        set.select(&[0, 1]).content_sha256(),
        loaded(root, "photos.safetensors", Split::Test, &LoadOptions::default()).unwrap().content_sha256(),
        loaded(root, "photos.safetensors", Split::Train, &little).unwrap().content_sha256(),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|other| other != one), "{at}");
    }
    assert_eq!(set.first(20).content_sha256(), set.content_sha256());
    assert_eq!(set.features_sha256(), set.content_sha256());
    // Other pixels have another hash.
    put(root, "photos/train/cat/3.png", &png_of(13, 14, 3, 77));
    fs::remove_file(root.join("photos.safetensors")).unwrap();
    packed(root, &sized(9), None).unwrap();
    let other = loaded(root, "photos.safetensors", Split::Train, &LoadOptions::default()).unwrap();
    assert_ne!(other.content_sha256(), set.content_sha256());
}

#[test]
fn a_full_disk_ends_with_what_is_missing_and_the_same_command_goes_on_to_the_same_bytes() {
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = root.path();
    for folder in [whole.path(), root] {
        photos(folder);
    }
    let begin = {
        packed(whole.path(), &sized(9), None).unwrap();
        let file = file(whole.path());
        8 + u64::from_le_bytes(file[..8].try_into().unwrap())
    };
    let (mut went_on, mut stuck) = (0, 0);
    // Within the first part, between parts, within the test split, within the labels, and never.
    for full_at in [10, 3 * 243, 8 * 243 + 1, 22 * 243, 26 * 243 + 9]
        .map(|at| Some(begin + at))
        .into_iter()
        .chain([None])
    {
        match packed(root, &sized(9), full_at) {
            Err(error @ PackError::Stuck { .. }) => {
                let PackError::Stuck { done, images, .. } = &error else { panic!("{error}") };
                assert!(*done >= went_on && *images == 26, "{error}");
                let text = error.to_string();
                assert!(
                    text.contains("photos.safetensors.partial") && text.contains("the same command goes on"),
                    "{text}"
                );
                assert!(!root.join("photos.safetensors").exists());
                (went_on, stuck) = (*done, stuck + 1);
            }
            Ok(done) => assert_eq!((done.went_on_from, full_at), (went_on, None)),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((went_on, stuck), (26, 5));
    let (one, other) = (file(whole.path()), file(root));
    assert_eq!(one.len(), other.len());
    // The headers differ in the names of the folders and the times of the files alone.
    assert!(one[begin as usize..] == other[begin as usize..]);
}

#[test]
fn what_a_kill_left_is_cut_back_to_what_is_safe() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    packed(root, &sized(9), None).unwrap();
    let whole = file(root);
    let begin = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap());
    let target = root.join("photos.safetensors");
    let (partial, journal) = paths(&target);
    let interrupted = |change: &dyn Fn(&mut Vec<u8>, &mut Vec<u8>)| {
        let _ = fs::remove_file(&target);
        packed(root, &sized(9), Some(begin + 14 * 243)).unwrap_err();
        let (mut data, mut lines) = (fs::read(&partial).unwrap(), fs::read(&journal).unwrap());
        change(&mut data, &mut lines);
        fs::write(&partial, data).unwrap();
        fs::write(&journal, lines).unwrap();
        let done = packed(root, &sized(9), None).unwrap();
        assert!(file(root) == whole, "other bytes");
        done.went_on_from
    };
    assert_eq!(interrupted(&|_, _| ()), 12);
    assert_eq!(interrupted(&|_, lines| lines.truncate(lines.len() - 5)), 9, "a line that is cut short");
    assert_eq!(interrupted(&|data, _| data.truncate(begin as usize + 7 * 243)), 6, "bytes that are gone");
    assert_eq!(interrupted(&|data, _| data[begin as usize + 11 * 243] ^= 1), 9, "bytes that are others");
    assert_eq!(interrupted(&|data, _| data.clear()), 0);
    assert_eq!(interrupted(&|_, lines| lines.extend(b"{\"split\":\"train\"}\n")), 12);
}

#[test]
fn what_another_command_began_is_not_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    packed(root, &sized(9), Some(9_000)).unwrap_err();
    let refused = |options: &LoadOptions, words: &str| {
        let error = packed(root, options, None).unwrap_err();
        assert!(matches!(error, PackError::OtherPartial { .. }), "{error}");
        let text = error.to_string();
        for told in [words, "photos.safetensors.partial", ".journal to begin anew"] {
            assert!(text.contains(told), "{told}: {text}");
        }
    };
    refused(&sized(8), "`size` is 9 there, 8 was asked for");
    refused(
        &LoadOptions { color: ColorMode::Grey, ..sized(9) },
        "`color` is \"as-stored\" there, \"grey\" was",
    );
    put(root, "photos/train/cat/new.png", &png_of(9, 9, 3, 1));
    refused(&sized(9), "are not those, or have changed");
    fs::remove_file(root.join("photos/train/cat/new.png")).unwrap();
    assert!(packed(root, &sized(9), None).is_ok());
    put(root, "other/photos.safetensors.partial", b"somebody else's");
    photos(&root.join("other"));
    let error = packed(&root.join("other"), &sized(9), None).unwrap_err().to_string();
    assert!(error.contains("its journal is gone"), "{error}");
}

#[test]
fn a_second_process_that_packs_into_the_same_file_is_refused() {
    let root = tempfile::tempdir().unwrap();
    photos(root.path());
    packed(root.path(), &sized(9), Some(9_000)).unwrap_err();
    let (_, journal) = paths(&root.path().join("photos.safetensors"));
    let other = fs::File::open(journal).unwrap();
    other.lock().unwrap();
    let error = packed(root.path(), &sized(9), None).unwrap_err();
    assert!(matches!(error, PackError::InUse { .. }), "{error}");
    drop(other);
    assert!(packed(root.path(), &sized(9), None).unwrap().went_on_from > 0);
}

#[test]
fn unusable_images_are_left_out_and_listed_or_end_it_by_name() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    // In the middle, at the end of a part, and behind the last image of a split.
    for name in ["train/cat/3.png", "train/cat/4.png", "train/dog/9.jpg", "test/dog/2.png"] {
        let bytes = fs::read(root.join("photos").join(name)).unwrap();
        put(root, &format!("photos/{name}"), &bytes[..bytes.len() / 2]);
    }
    let share = |share| LoadOptions { max_reject_share: share, ..sized(9) };
    let error = packed(root, &share(0.0), None).unwrap_err().to_string();
    assert!(error.contains("train/cat/3.png") && error.contains("1 of 20"), "{error}");
    assert!(!root.join("photos.safetensors").exists());
    // The share is not part of what is written: what is there is gone on with.
    let error = packed(root, &share(0.1), None).unwrap_err().to_string();
    assert!(error.contains("3 of 20"), "{error}");
    let done = packed(root, &share(0.2), None).unwrap();
    assert!(done.went_on_from > 0, "{}", done.went_on_from);
    let names: Vec<&str> =
        done.rejects.iter().map(|reject| reject.path.rsplit("photos/").next().unwrap()).collect();
    assert_eq!(names, ["train/cat/3.png", "train/cat/4.png", "train/dog/9.jpg", "test/dog/2.png"]);
    assert_eq!(
        done.splits.iter().map(|split| (split.images, split.left_out)).collect::<Vec<_>>(),
        [(17, 3), (5, 1)]
    );
    for split in [Split::Train, Split::Test] {
        let (there, from) = (
            loaded(root, "photos.safetensors", split, &LoadOptions::default()).unwrap(),
            loaded(root, "photos", split, &share(0.2)).unwrap(),
        );
        assert_eq!((pixels(&there), &there.labels), (pixels(&from), &from.labels));
        assert!(
            (0..there.len())
                .all(|image| from.name_of(image).unwrap().ends_with(there.name_of(image).unwrap()))
        );
    }
    let again = packed(root, &share(0.2), None).unwrap();
    assert_eq!((again.was_there, &again.splits), (true, &done.splits));
}

#[test]
fn images_of_several_sizes_need_a_size_and_leave_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    photos(root.path());
    let error = packed(root.path(), &LoadOptions::default(), None).unwrap_err().to_string();
    assert!(error.contains("set `size`"), "{error}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn a_stop_leaves_what_can_be_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    photos(root.path());
    let options = PackOptions { load: sized(9), ..PackOptions::default() };
    options.stop.request();
    let (data, target) = (root.path().join("photos"), root.path().join("photos.safetensors"));
    let stopped = pack(data.to_str().unwrap(), &target, &options).unwrap();
    assert!(stopped.stopped && !target.exists() && stopped.path.ends_with(".partial"), "{stopped:?}");
    let options = PackOptions { split: Some(Split::Test), ..options };
    assert!(pack(data.to_str().unwrap(), &target, &options).is_err(), "of the test split alone");
    let options = PackOptions { load: sized(9), ..PackOptions::default() };
    assert!(!pack(data.to_str().unwrap(), &target, &options).unwrap().stopped);
}

#[test]
fn inspection_names_the_images_that_are_damaged() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    packed(root, &sized(9), None).unwrap();
    let (path, whole) = (root.join("photos.safetensors"), file(root));
    let begin = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let looked = |decode| {
        let options = LoadOptions { decode, ..LoadOptions::default() };
        inspect(path.to_str().unwrap(), &options).unwrap()
    };
    let (by_header, seen) = (looked(false), looked(true));
    let of_folder = LoadOptions { decode: true, ..sized(9) };
    let of_folder = inspect(root.join("photos").to_str().unwrap(), &of_folder).unwrap();
    assert_eq!((by_header.images, by_header.decoded, seen.images), (26, false, 26));
    assert_eq!(by_header.splits[1].class_counts, of_folder.splits[1].class_counts);
    assert_eq!((&seen.classes, seen.shape), (&of_folder.classes, of_folder.shape));
    assert_eq!(seen.rejects, []);
    // Of the packed pixels themselves.
    let set = loaded(root, "photos.safetensors", Split::Train, &LoadOptions::default()).unwrap();
    let red: Vec<u8> = set.map(|_, pixels| pixels[..81].to_vec()).unwrap().concat();
    let mean = red.iter().map(|&byte| f64::from(byte)).sum::<f64>() / red.len() as f64 / 255.0;
    assert!((seen.splits[0].mean[0] - mean).abs() < 1e-12);
    let mut damaged = whole.clone();
    damaged[begin + 4 * 243 + 17] ^= 1;
    damaged[begin + 21 * 243] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let seen = looked(true);
    assert_eq!((seen.images, seen.rejects.len()), (20, 2));
    assert!(seen.rejects[0].reason.starts_with("train images 3 to 5 are not"), "{}", seen.rejects[0].reason);
    assert!(seen.rejects[1].reason.starts_with("test images 0 to 2 are not"), "{}", seen.rejects[1].reason);
    let name = whole.windows(15).rposition(|window| window == b"train/cat/0.png").unwrap();
    damaged = whole.clone();
    damaged[name] = b'T';
    fs::write(&path, &damaged).unwrap();
    assert!(looked(true).rejects[0].reason.contains("names of the train images"));
}

/// The file with another header over the same tensors.
fn with_header(whole: &[u8], change: &dyn Fn(&mut serde_json::Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&whole[8..8 + length]).unwrap();
    change(&mut header);
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &whole[8 + length..]].concat()
}

#[test]
fn hostile_files_are_refused_by_what_is_wrong() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    photos(root);
    packed(root, &sized(9), None).unwrap();
    let (whole, path) = (file(root), root.join("bad.safetensors"));
    let told = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        loaded(root, "bad.safetensors", Split::Train, &LoadOptions::default())
            .map_err(|error| error.to_string())
    };
    assert!(told(&with_header(&whole, &|_| ())).is_ok(), "a header of another length");
    let refused = |bytes: &[u8], words: &[&str]| {
        let error = told(bytes).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
    };
    refused(&whole[..whole.len() - 1], &["bad.safetensors", "header", "fill the file"]);
    refused(&[whole.as_slice(), b"x"].concat(), &["header", "fill the file"]);
    refused(&whole[..600], &["header", "get the file again"]);
    refused(&[&99_000_000u64.to_le_bytes(), &whole[8..]].concat(), &["header"]);
    let changed = |change: &dyn Fn(&mut serde_json::Value), words: &[&str]| {
        refused(&with_header(&whole, change), words)
    };
    changed(&|header| header["test.images"]["data_offsets"] = [0, 1458].into(), &["header"]);
    changed(&|header| header["train.images"]["shape"] = [1, 20, 3, 9, 9].into(), &["images", "4 dimensions"]);
    changed(&|header| header["train.images"]["dtype"] = "I8".into(), &["images: expected U8", "I8"]);
    changed(&|header| header["train.images"]["shape"] = [30, 2, 9, 9].into(), &["1 or 3 channels"]);
    changed(&|header| header["train.labels"]["dtype"] = "F64".into(), &["labels: expected I64", "F64"]);
    changed(&|header| header["train.images"]["shape"] = [60, 1, 9, 9].into(), &["sha256"]);
    let about = "__metadata__";
    changed(
        &|header| header[about]["classes"] = "[\"cat\"]".into(),
        &["labels: expected 0 to 0 for 1 classes, got 1"],
    );
    changed(&|header| header[about]["classes"] = "{".into(), &["classes: expected JSON"]);
    changed(&|header| header[about]["version"] = "9".into(), &["version", "up to 1, got 9"]);
    changed(&|header| header[about]["images_per_hash"] = "{\"train\":0}".into(), &["sha256"]);
    changed(&|header| header[about]["sha256"] = "{}".into(), &["sha256"]);
    changed(
        &|header| header[about]["format"] = "pt".into(),
        &["not one of images that `zview data pack` made"],
    );
    // More labels than images: the tensor goes on over the next one.
    let longer = |header: &mut serde_json::Value| {
        let [from, to] = [("train.labels", 0), ("train.name_ends", 1)]
            .map(|(name, at)| header[name]["data_offsets"][at].as_u64().unwrap());
        header["train.labels"]["shape"] = [(to - from) / 8].into();
        header["train.labels"]["data_offsets"] = [from, to].into();
        header.as_object_mut().unwrap().remove("train.name_ends");
        header.as_object_mut().unwrap().remove("train.names");
        header["test.names"]["shape"] = [file_names(&whole)].into();
        let from = header["test.names"]["data_offsets"][1].as_u64().unwrap() - file_names(&whole) as u64;
        header["test.names"]["data_offsets"][0] = from.into();
    };
    changed(&longer, &["labels: expected 20, one per image, got [40]"]);
    let labels = whole.len() - file_names(&whole) - 6 * 16 - 20 * 16;
    let mut one_label = whole.clone();
    one_label[labels] ^= 1;
    refused(&one_label, &["labels: expected SHA-256"]);
}

/// Bytes of all names at the end.
fn file_names(whole: &[u8]) -> usize {
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&whole[8..8 + length]).unwrap();
    ["train.names", "test.names"].iter().map(|name| header[name]["shape"][0].as_u64().unwrap() as usize).sum()
}
