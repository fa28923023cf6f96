//! Archives of images as they come: named, compressed and damaged in every way.

use zview_runtime::seed::{Purpose, Stream};

use super::*;
use crate::test_files::{gz, png_of, put, tar_of};
use crate::{LoadOptions, load};

fn load_split(path: &Path, split: Split) -> Result<crate::ImageSet, String> {
    load(path.to_str().unwrap(), split, &LoadOptions::default()).map_err(|error| error.to_string())
}

#[test]
fn an_archive_gives_the_same_as_the_folder_it_was_made_of() {
    let root = tempfile::tempdir().unwrap();
    let long = format!("train/ä b/{}.png", "x".repeat(150));
    let names = ["train/ä b/2.png", "train/ä b/10.png", &long, "train/a/1.png", "test/a/1.png"];
    let images: Vec<Vec<u8>> = (0..names.len()).map(|seed| png_of(6, 5, 3, seed)).collect();
    for (name, image) in names.iter().zip(&images) {
        put(root.path(), &format!("folder/{name}"), image);
    }
    let mut members: Vec<(&str, &[u8])> =
        names.iter().copied().zip(images.iter().map(Vec::as_slice)).collect();
    members.push(("train/a/readme.txt", b"no image"));
    members.push(("train/a/._1.png", b"left by a system"));
    let archive = tar_of(&members);
    put(root.path(), "one.tar", &archive);
    put(root.path(), "one.tar.gz", &gz(&archive));
    put(root.path(), "no ending", &gz(&archive));
    let wrapped: Vec<(String, &[u8])> =
        members.iter().map(|(name, bytes)| (format!("outer/{name}"), *bytes)).collect();
    let wrapped: Vec<(&str, &[u8])> = wrapped.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    put(root.path(), "wrapped.tgz", &gz(&tar_of(&wrapped)));

    for split in [Split::Train, Split::Test] {
        let expected = load_split(&root.path().join("folder"), split).unwrap();
        assert_eq!(expected.classes, ["a", "ä b"]);
        for name in ["one.tar", "one.tar.gz", "no ending", "wrapped.tgz"] {
            let set = load_split(&root.path().join(name), split).unwrap();
            assert_eq!(set.content_sha256(), expected.content_sha256(), "{name}");
            assert_eq!(set.classes, expected.classes, "{name}");
        }
    }
}

#[test]
fn a_folder_of_archives_works_with_and_without_the_split_in_the_names() {
    let image = png_of(4, 4, 1, 1);
    let test_archive = gz(&tar_of(&[("b/2.png", &image)]));
    for name in ["train/a/1.png", "a/1.png", "./train/a/1.png"] {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train.tar.gz", &gz(&tar_of(&[(name, &image)])));
        put(root.path(), "test.tgz", &test_archive);
        let train = load_split(root.path(), Split::Train).unwrap();
        assert_eq!((train.len(), train.classes.clone()), (1, vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(load_split(root.path(), Split::Test).unwrap().labels, Some(vec![1]));
    }
}

#[test]
fn one_member_under_two_spellings_of_its_name_counts_once_and_the_last_wins() {
    let root = tempfile::tempdir().unwrap();
    let [first, last] = [1, 2].map(|seed| png_of(4, 4, 1, seed));
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [("train/a/0.png", &first), ("./train/a/0.png", &last)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    put(root.path(), "x.tar", &builder.into_inner().unwrap());
    let set = load_split(&root.path().join("x.tar"), Split::Train).unwrap();
    assert_eq!((set.len(), &*set.pixels(0).unwrap()), (1, &crate::test_files::ramp(4, 4, 1, 2)[..]));
}

#[test]
fn links_and_what_is_beside_the_archives_are_counted() {
    let root = tempfile::tempdir().unwrap();
    let image = png_of(4, 4, 1, 1);
    let mut builder = tar::Builder::new(tar_of(&[("a/1.png", &image)])[..1024].to_vec());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "b", "a").unwrap();
    let archive = builder.into_inner().unwrap();
    put(root.path(), "train.tar", &archive);
    put(root.path(), "train.tar.gz", &gz(&archive));
    put(root.path(), "extra.tar", &archive);
    put(root.path(), "more/1.png", &image);
    put(root.path(), "2.png", &image);
    let ignored = load_split(root.path(), Split::Train).unwrap().ignored;
    let counts: Vec<(&str, usize)> = ignored.iter().map(|(why, &count)| (why.as_str(), count)).collect();
    let expected = [
        ("archives beside the set, which are not used", 2),
        ("folders beside the set, which are not used", 1),
        ("images beside the set, which are not used", 1),
        ("links inside the archive", 1),
    ];
    assert_eq!(counts, expected);
}

#[test]
fn an_archive_without_images_says_what_is_in_it() {
    let root = tempfile::tempdir().unwrap();
    for (members, told) in [
        (&[][..], "it is empty"),
        (&[("a.txt", &b"text"[..])][..], "1 members not looked at: 1 .txt"),
        (&[("inner.tar", &b"x"[..])][..], "1 .tar"),
    ] {
        put(root.path(), "x.tar", &tar_of(members));
        let error = load_split(&root.path().join("x.tar"), Split::Train).unwrap_err();
        assert!(error.contains("an archive without images") && error.contains(told), "{error}");
    }
}

#[test]
fn bad_members_are_rejects_and_a_missing_split_is_named() {
    let root = tempfile::tempdir().unwrap();
    let image = png_of(4, 4, 1, 1);
    put(root.path(), "x.tar", &tar_of(&[("a/1.png", &image), ("a/2.png", b""), ("a/3.png", b"text")]));
    let path = root.path().join("x.tar");
    let error = load_split(&path, Split::Train).unwrap_err();
    assert!(error.contains("x.tar: a/2.png: empty file") && error.contains("2 of 3"), "{error}");
    let error = load_split(&path, Split::Test).unwrap_err();
    assert!(error.contains("no test split"), "{error}");
}

#[test]
fn every_cut_of_an_archive_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let image = png_of(4, 4, 1, 1);
    let archive = tar_of(&[("a/1.png", &image), ("b/2.png", &image)]);
    let compressed = gz(&archive);
    let path = root.path().join("cut.tar");
    for (whole, step) in [(&archive, 128), (&compressed, 7)] {
        assert!(whole.len() > 4 * step);
        for length in (0..whole.len() - 1024.min(whole.len() - 1)).step_by(step).chain([whole.len() * 9 / 10])
        {
            if whole.len() == archive.len() && length > archive.len() - 1024 {
                continue; // only the end mark is shorter
            }
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(load_split(&path, Split::Train).is_err(), "cut to {length} of {}", whole.len());
        }
    }
    std::fs::write(&path, &archive[..archive.len() - 1024]).unwrap();
    let error = load_split(&path, Split::Train).unwrap_err();
    assert!(error.contains("no end mark"), "{error}");
}

#[test]
fn what_inflates_without_end_is_stopped() {
    let root = tempfile::tempdir().unwrap();
    let zeros = vec![0; 4 << 20];
    put(root.path(), "bomb.tar.gz", &gz(&tar_of(&[("notes.txt", &zeros), ("a/1.png", b"")])));
    let mut options = LoadOptions::default();
    options.limits.max_set_bytes = 1 << 20;
    let path = root.path().join("bomb.tar.gz");
    let error = load(path.to_str().unwrap(), Split::Train, &options).unwrap_err().to_string();
    assert!(error.contains("more than 1048576 bytes"), "{error}");
    // A long name of 4 MiB.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(zeros.len() as u64);
    header.set_cksum();
    let archive = [header.as_bytes().as_slice(), &zeros, &tar_of(&[("a/1.png", b"")])].concat();
    put(root.path(), "name.tar.gz", &gz(&archive));
    let error = load_split(&root.path().join("name.tar.gz"), Split::Train).unwrap_err();
    assert!(error.contains("cut short or too large"), "{error}");
    // One member above the limit for a file.
    let mut options = LoadOptions { max_reject_share: 0.5, ..LoadOptions::default() };
    options.limits.max_file_bytes = 1 << 20;
    let image = png_of(4, 4, 1, 1);
    put(root.path(), "large.tar", &tar_of(&[("a/1.png", &image), ("a/2.png", &zeros)]));
    let path = root.path().join("large.tar");
    let set = load(path.to_str().unwrap(), Split::Train, &options).unwrap();
    assert!(set.rejects[0].reason.contains("limit for one file"), "{:?}", set.rejects);
}

#[test]
fn damaged_archives_never_panic() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("damaged.tar");
    let whole = tar_of(&[("a/1.png", &png_of(4, 4, 1, 1)), (&"a/".repeat(80), b"x"), ("b/2.png", b"")]);
    let mut stream = Stream::new(0, Purpose::Check, 0, 0);
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..=stream.below(3) {
            let at = stream.below(bytes.len() as u64) as usize;
            bytes[at] = stream.bits() as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        let _either = load_split(&path, Split::Train);
    }
}

/// An archive of images whose names are these bytes.
fn tar_of_bytes(names: &[&[u8]]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (seed, name) in names.iter().enumerate() {
        let image = png_of(4, 4, 3, seed);
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_size(image.len() as u64);
        header.set_cksum();
        archive.append(&header, image.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn classes_whose_names_are_no_utf_8_stay_apart() {
    let root = tempfile::tempdir().unwrap();
    let names: [&[u8]; 4] =
        [b"train/\xe9/0.png", b"train/\xe8/0.png", b"test/\xe9/0.png", b"test/\xe8/0.png"];
    put(root.path(), "latin.tar", &tar_of_bytes(&names));
    let train = load_split(&root.path().join("latin.tar"), Split::Train).unwrap();
    assert_eq!((train.len(), train.classes), (2, vec!["%E8".to_owned(), "%E9".to_owned()]));
}

#[test]
fn an_archive_that_is_gzipped_twice_is_read_and_other_compression_is_named() {
    let root = tempfile::tempdir().unwrap();
    let archive = tar_of(&[("a/1.png", &png_of(4, 4, 3, 1)), ("b/1.png", &png_of(4, 4, 3, 2))]);
    put(root.path(), "twice.tar.gz", &gz(&gz(&archive)));
    put(root.path(), "once.tar", &archive);
    let load = |name: &str| load_split(&root.path().join(name), Split::Train);
    let [twice, once] = ["twice.tar.gz", "once.tar"].map(|name| load(name).unwrap());
    assert_eq!((twice.len(), twice.pixels(0).unwrap()), (once.len(), once.pixels(0).unwrap()));
    put(root.path(), "other.tar", b"BZh91AY&SY and what follows");
    let error = load("other.tar").unwrap_err();
    assert!(error.contains("bzip2"), "{error}");
}

#[test]
fn a_sparse_member_of_posix_is_named() {
    let root = tempfile::tempdir().unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_pax_extensions([("GNU.sparse.major", &b"1"[..])]).unwrap();
    let archive =
        [archive.into_inner().unwrap()[..1024].to_vec(), tar_of(&[("a/1.png", &png_of(4, 4, 3, 1))])];
    put(root.path(), "sparse.tar", &archive.concat());
    let error = load_split(&root.path().join("sparse.tar"), Split::Train).unwrap_err();
    assert!(error.contains("sparse members are not read; pack the files without --sparse"), "{error}");
}
