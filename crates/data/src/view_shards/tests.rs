//! Shards as a whole: written, read, damaged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::image_set::ImageShape;
use crate::test_files::{png_of, put, ramp, tar_of};
use zview_runtime::atomic::WriteError;

const SHAPE: ImageShape = ImageShape { channels: 3, height: 4, width: 5 };
const D: usize = 3;

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Shard(#[from] ShardError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn content() -> ShardContent {
    ShardContent {
        generator: Some("tiny".to_owned()),
        source: None,
        shape: SHAPE,
        classes: Some(7),
        latent_dimension: Some(D),
    }
}

/// Views of anchor `number`: the pixels and latents say which.
fn pixels(number: usize, views: usize) -> Vec<u8> {
    (0..views).flat_map(|view| ramp(5, 4, 3, number * 10 + view)).collect()
}

fn latents(number: usize, views: usize) -> Vec<f32> {
    (0..views * D).map(|at| (number as f32 + 0.1) / (at as f32 - 7.3)).collect()
}

fn fill(writer: &mut ShardWriter, anchors: usize, views: impl Fn(usize) -> usize) -> Result<(), Failed> {
    for number in 0..anchors {
        let (pixels, latents) = (pixels(number, views(number)), latents(number, views(number)));
        let class = Some((number % 7) as i32);
        writer.write(&AnchorViews { pixels: &pixels, class, latents: Some(&latents) })?;
    }
    Ok(())
}

/// A folder of 10 anchors of 3 views, 4 in a shard.
fn folder(root: &Path) -> PathBuf {
    let path = root.join("shards");
    write_shard_folder::<Failed>(&path, &content(), 4, |writer| fill(writer, 10, |_| 3)).unwrap();
    path
}

fn open(path: &Path) -> Result<ViewShards, String> {
    ViewShards::open(path, &ShardOptions::default()).map_err(|error| error.to_string())
}

fn open_skipping(path: &Path) -> ViewShards {
    ViewShards::open(path, &ShardOptions { skip_damaged: true, ..ShardOptions::default() }).unwrap()
}

fn check_anchor(shards: &ViewShards, anchor: usize, number: usize, wanted: &[usize], with_latents: bool) {
    let mut got = vec![-1.0; wanted.len() * SHAPE.bytes()];
    let got_latents = shards.read(anchor, wanted, &mut got).unwrap();
    let all = pixels(number, 10);
    let expected: Vec<f32> = wanted
        .iter()
        .flat_map(|view| &all[view * SHAPE.bytes()..][..SHAPE.bytes()])
        .map(|&byte| f32::from(byte) / 255.0)
        .collect();
    assert_eq!(got, expected, "anchor {anchor}");
    let all = latents(number, 10);
    let expected: Vec<f32> = wanted.iter().flat_map(|view| &all[view * D..][..D]).copied().collect();
    assert_eq!(got_latents, with_latents.then_some(expected), "latents are the same bits");
}

#[test]
fn a_folder_and_a_single_archive_give_back_what_was_written() {
    let root = tempfile::tempdir().unwrap();
    let single = root.path().join("one.tar");
    write_single_shard::<Failed>(&single, &content(), |writer| fill(writer, 10, |_| 3)).unwrap();
    for path in [folder(root.path()), single] {
        let shards = open(&path).unwrap();
        assert_eq!((shards.anchors(), shards.shape(), shards.classes()), (10, SHAPE, Some(7)));
        assert_eq!((shards.latent_dimension(), shards.views(9), shards.class(9)), (Some(D), 3, Some(2)));
        for anchor in [9, 0, 4, 3] {
            check_anchor(&shards, anchor, anchor, &[0, 1, 2], true);
            check_anchor(&shards, anchor, anchor, &[1, 2], true);
        }
    }
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 2, "a temporary file is left");
}

#[test]
fn the_same_anchors_give_the_same_bytes() {
    let read = |root: &Path| {
        let names = ["shards/manifest.json", "shards/shard-000000.tar", "shards/shard-000002.tar", "one.tar"];
        names.map(|name| std::fs::read(root.join(name)).unwrap())
    };
    let write = || {
        let root = tempfile::tempdir().unwrap();
        folder(root.path());
        let single = root.path().join("one.tar");
        write_single_shard::<Failed>(&single, &content(), |writer| fill(writer, 10, |_| 3)).unwrap();
        root
    };
    assert_eq!(read(write().path()), read(write().path()));
}

#[test]
fn what_does_not_fit_what_was_announced_is_not_written() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("shards");
    let good = pixels(0, 2);
    let z = latents(0, 2);
    for (pixels, class, latents, told) in [
        (&good[1..], Some(0), Some(&z[..]), "bytes of an anchor's views"),
        (&good[..], Some(0), Some(&z[1..]), "latents: expected 6, got 5"),
        (&good[..], Some(0), None, "latents"),
        (&good[..], Some(7), Some(&z[..]), "class of an anchor: expected 7, got 7"),
        (&good[..], None, Some(&z[..]), "class"),
    ] {
        let write = |writer: &mut ShardWriter| Ok(writer.write(&AnchorViews { pixels, class, latents })?);
        let error = write_shard_folder::<Failed>(&path, &content(), 4, write).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let error = write_shard_folder::<Failed>(&path, &content(), 4, |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("anchors: expected 1, got 0"), "{error}");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn archives_of_others_are_read_where_their_names_group_views() {
    let root = tempfile::tempdir().unwrap();
    let [a, b, c, d] = [0, 1, 10, 11].map(|seed| png_of(5, 4, 3, seed));
    let long = "x".repeat(150);
    let names = ["left.png", "right.png"].map(|ending| format!("{long}.{ending}"));
    put(
        root.path(),
        "b.tar",
        &tar_of(&[("s/1.jpg", &c), ("s/1.cls", b"4\n"), ("s/1.b.PNG", &d), ("readme", b"x")]),
    );
    put(root.path(), "a.tar", &tar_of(&[(&names[0], &a), (&names[1], &b), (&format!("{long}.cls"), b"2")]));
    put(root.path(), "notes.txt", b"not a shard");
    let shards = open(root.path()).unwrap();
    assert_eq!((shards.anchors(), shards.classes(), shards.latent_dimension()), (2, Some(2), None));
    assert_eq!(
        (shards.class(0), shards.class(1)),
        (Some(0), Some(1)),
        "the numbers 2 and 4, those that occur"
    );
    assert_eq!(shards.class_names().unwrap(), ["2", "4"]);
    check_anchor(&shards, 0, 0, &[0, 1], false);
    check_anchor(&shards, 1, 1, &[0, 1], false);
    let error = shards.check_views(3).unwrap_err().to_string();
    assert!(
        error.contains("a.tar: xxx") && error.contains("2 views, `[views] per_anchor` asks for 3"),
        "{error}"
    );
}

#[test]
fn an_image_folder_of_anchors_and_views_is_read() {
    let root = tempfile::tempdir().unwrap();
    for (number, class) in [(0, 5), (1, 3), (11, 3), (2, 5)] {
        for view in 0..11 {
            let name = format!("{class}/anchor-{number:06}-view-{view}.png");
            put(root.path(), &name, &png_of(5, 4, 3, number * 10 + view));
        }
    }
    put(root.path(), "3/readme.txt", b"x");
    let shards = open(root.path()).unwrap();
    assert_eq!((shards.anchors(), shards.classes(), shards.views(0)), (4, Some(2), 11));
    let classes: Vec<_> = (0..4).map(|anchor| shards.class(anchor)).collect();
    assert_eq!(classes, [Some(1), Some(0), Some(1), Some(0)], "by number, not by class");
    check_anchor(&shards, 1, 1, &[0, 2, 8], false);
    check_anchor(&shards, 3, 11, &[5], false);

    std::fs::remove_file(root.path().join("3/anchor-000001-view-4.png")).unwrap();
    put(root.path(), "5/anchor-000002-view-7.png", b"no image");
    let error = open(root.path()).unwrap_err();
    assert!(error.contains("3/anchor-000001-view-4: missing"), "{error}");
    let left = open_skipping(root.path());
    assert_eq!((left.anchors(), left.skipped.len()), (2, 2));
    assert!(left.skipped[1].to_string().contains("5/anchor-000002-view-7.png: a text, not an image"));
}

/// Opens a set whose first shard is `bytes`, with and without leave to skip it.
fn check_damage(path: &Path, bytes: Option<&[u8]>, told: &[&str]) {
    let shard = path.join("shard-000000.tar");
    let whole = std::fs::read(&shard).unwrap();
    match bytes {
        Some(bytes) => std::fs::write(&shard, bytes).unwrap(),
        None => std::fs::remove_file(&shard).unwrap(),
    }
    let error = open(path).unwrap_err();
    for told in told.iter().chain(&["shard-000000.tar", "skip_damaged = true"]) {
        assert!(error.contains(told), "{told}: {error}");
    }
    let left = open_skipping(path);
    assert_eq!((left.anchors(), left.skipped.len()), (6, 1), "{error}");
    check_anchor(&left, 0, 4, &[0, 1, 2], left.latent_dimension().is_some());
    std::fs::write(&shard, whole).unwrap();
}

#[test]
fn a_shard_that_is_not_the_manifests_is_named_and_skipped_on_demand() {
    let root = tempfile::tempdir().unwrap();
    let path = folder(root.path());
    let whole = std::fs::read(path.join("shard-000000.tar")).unwrap();
    let mut flipped = whole.clone();
    flipped[600] ^= 1;
    check_damage(&path, Some(&flipped), &["sha256 is", "the manifest says"]);
    check_damage(&path, Some(&whole[..whole.len() / 2]), &["bytes, the manifest says"]);
    check_damage(&path, None, &["cannot be read"]);
    // One that is whole, but of another set.
    let mut manifest: ShardManifest =
        serde_json::from_slice(&std::fs::read(path.join("manifest.json")).unwrap()).unwrap();
    manifest.shards[0].anchors = 5;
    manifest.anchors = 11;
    put(&path, "manifest.json", serde_json::to_string(&manifest).unwrap().as_bytes());
    check_damage(&path, Some(&whole), &["4 anchors, the manifest says 5"]);
}

#[test]
fn every_kind_of_damage_names_shard_and_member() {
    let root = tempfile::tempdir().unwrap();
    let path = folder(root.path());
    std::fs::remove_file(path.join("manifest.json")).unwrap();
    let [a, b, small] = [(5, 0), (5, 1), (4, 2)].map(|(width, seed)| png_of(width, 4, 3, seed));
    let whole = std::fs::read(path.join("shard-000000.tar")).unwrap();
    type Members<'a> = &'a [(&'a str, &'a [u8])];
    let cases: [(Members<'_>, &str, &str); 4] = [
        (&[("x.0.png", &a), ("x.1.png", b"text")], "x.1.png", "a text, not an image"),
        (&[("x.0.png", &a), ("x.1.png", &a[..a.len() / 2])], "x.1.png", ""),
        (&[("x.0.png", &a), ("x.1.png", &small)], "x.1.png", "3 x 4 x 4"),
        (&[("x.0.png", &a), ("y.0.png", &b), ("x.1.png", &b)], "x.1.png", "not next to each other"),
    ];
    for (members, member, told) in cases {
        check_damage(&path, Some(&tar_of(members)), &[&format!(": {member}: "), told]);
    }
    for (name, told) in [("../x.0.png", "`..`"), ("/tmp/x.0.png", "absolute")] {
        let mut archive = tar_of(&[("0123456789012.png", &a)]);
        archive[..100].fill(0);
        archive[..name.len()].copy_from_slice(name.as_bytes());
        archive[148..156].fill(b' '); // the checksum counts itself as blanks
        let sum: u32 = archive[..512].iter().map(|&byte| u32::from(byte)).sum();
        archive[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        check_damage(&path, Some(&archive), &[&format!(": {name}: "), told]);
    }
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "x.0.png", "/etc/passwd").unwrap();
    check_damage(&path, Some(&builder.into_inner().unwrap()), &[": x.0.png: a link"]);
    check_damage(&path, Some(b"\x1F\x8B compressed"), &["unpack it"]);
    check_damage(
        &path,
        Some(b"this is no archive, but longer than five hundred and twelve bytes".repeat(20).as_slice()),
        &["not a whole tar"],
    );
    // Cut anywhere.
    for length in (512..whole.len() - 1024).step_by(512 * 3 + 100) {
        check_damage(&path, Some(&whole[..length]), &["not a whole tar file"]);
    }
    check_damage(&path, Some(&whole[..whole.len() - 1024]), &["no end mark"]);
}

fn one_shard(members: &[(&str, &[u8])]) -> Result<ViewShards, String> {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a.tar", &tar_of(members));
    open(root.path())
}

#[test]
fn latents_that_do_not_fit_are_counted_and_not_used() {
    let image = png_of(5, 4, 3, 0);
    for (x, y, ignored) in [
        (r#"{"latents": [[1], [2]]}"#, r#"{"latents": [[1]]}"#, 1),
        (r#"{"latents": []}"#, r#"{"latents": [[]]}"#, 2),
        (r#"{"latents": [[1, 2]]}"#, r#"{"latents": [[1]]}"#, 1),
        (r#"{"latents": [[1, 2]]}"#, r#"{"latents": "z.npy"}"#, 1),
        (r#"{"latents": [1, 2]}"#, r#"{"class": 1}"#, 1),
    ] {
        let members: [(&str, &[u8]); 4] =
            [("x.0.png", &image), ("x.json", x.as_bytes()), ("y.0.png", &image), ("y.json", y.as_bytes())];
        let shards = one_shard(&members).unwrap();
        assert_eq!((shards.anchors(), shards.latent_dimension()), (2, None), "{x} {y}");
        let unfit = |(why, count): (&String, &usize)| why.contains("do not fit").then_some(*count);
        assert_eq!(shards.ignored.iter().find_map(unfit), Some(ignored), "{x} {y}: {:?}", shards.ignored);
    }
    // Where a manifest announces them, they are missing.
    let root = tempfile::tempdir().unwrap();
    let path = folder(root.path());
    let mut manifest: ShardManifest =
        serde_json::from_slice(&std::fs::read(path.join("manifest.json")).unwrap()).unwrap();
    manifest.latent_dimension = Some(manifest.latent_dimension.unwrap_or(0) + 1);
    put(&path, "manifest.json", serde_json::to_string(&manifest).unwrap().as_bytes());
    assert!(open(&path).unwrap_err().contains("the manifest says"));
}

#[test]
fn classes_that_disagree_are_refused_with_both_members() {
    let image = png_of(5, 4, 3, 0);
    for (one, other) in [
        (("x.cls", "3"), ("x.json", r#"{"class": 4}"#)),
        (("x.json", r#"{"label": "dog"}"#), ("x.cls", "cat")),
        (("x.cls", "3"), ("x.label", "4")),
    ] {
        let members: [(&str, &[u8]); 3] =
            [(one.0, one.1.as_bytes()), (other.0, other.1.as_bytes()), ("x.0.png", &image)];
        let error = one_shard(&members).unwrap_err();
        assert!(error.contains(&format!(": {}: it says class", other.0)), "{error}");
        assert!(error.contains(&format!("but {} says class", one.0)), "{error}");
    }
    // A number and a name may be of one class; a class that is absent says nothing.
    for text in [r#"{"class": "dog"}"#, r#"{"class": null}"#, r#"{"class": 3}"#] {
        let members: [(&str, &[u8]); 3] = [("x.cls", b"3"), ("x.json", text.as_bytes()), ("x.0.png", &image)];
        assert_eq!(one_shard(&members).unwrap().class_names(), Some(&["3".to_owned()][..]), "{text}");
    }
}

#[test]
fn classes_that_are_no_utf_8_stay_apart_and_composed_names_are_one() {
    let image = png_of(5, 4, 3, 0);
    let classes = |texts: [&[u8]; 2]| {
        let members: [(&str, &[u8]); 4] =
            [("x.cls", texts[0]), ("x.0.png", &image), ("y.cls", texts[1]), ("y.0.png", &image)];
        one_shard(&members).unwrap().class_names().map(<[String]>::to_vec)
    };
    assert_eq!(classes([b"\xe8", b"\xe9"]).unwrap(), ["%E8", "%E9"]);
    assert_eq!(classes(["\u{e9}".as_bytes(), "e\u{301}".as_bytes()]).unwrap(), ["\u{e9}"]);
    assert_eq!(classes([b"\xff\xfee\0", b"\xff\xfef\0"]), None, "UTF-16 is no class");
}

#[test]
fn shards_of_mixed_size_are_inspected_with_their_sizes() {
    let root = tempfile::tempdir().unwrap();
    let [small, large] = [4, 6].map(|side| png_of(side, side, 3, side));
    put(root.path(), "a.tar", &tar_of(&[("x.0.png", &small), ("x.1.png", &large), ("y.0.png", &large)]));
    assert!(open(root.path()).unwrap_err().contains("source.size"));
    let inspected = |size| {
        let options = crate::LoadOptions { size, ..crate::LoadOptions::default() };
        crate::inspect(root.path().to_str().unwrap(), &options).unwrap()
    };
    let inspection = inspected(None);
    let sizes: Vec<_> = inspection.sizes.iter().map(|size| (size.width, size.images)).collect();
    assert_eq!((sizes, inspection.shape, inspection.images), (vec![(6, 2), (4, 1)], None, 3));
    assert!(inspection.notes.iter().any(|note| note.contains("source.size")), "{:?}", inspection.notes);
    assert_eq!(inspected(Some(5)).shape.map(|shape| (shape.channels, shape.width)), Some((3, 5)));
}

#[test]
fn a_set_without_anything_left_tells_its_first_damage() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a.tar", b"x");
    let options = ShardOptions { skip_damaged: true, ..ShardOptions::default() };
    let error = ViewShards::open(root.path(), &options).unwrap_err().to_string();
    assert!(error.contains("a.tar") && !error.contains("skip_damaged"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    put(empty.path(), "cat.png", &png_of(4, 4, 3, 0));
    assert!(open(empty.path()).unwrap_err().contains("expected a folder with manifest.json"));
    assert!(open(&empty.path().join("absent")).unwrap_err().contains("absent"));
}

#[test]
fn damage_after_opening_is_told_when_it_is_read() {
    let root = tempfile::tempdir().unwrap();
    let path = folder(root.path());
    let mut reader = BatchReader::new(open(&path).unwrap(), plan(5, 2)).unwrap();
    let shard = path.join("shard-000001.tar");
    std::fs::write(&shard, vec![0; 40_000]).unwrap();
    let error = (0..4).find_map(|step| reader.batch(0, step).err()).unwrap().to_string();
    assert!(error.contains("shard-000001.tar"), "{error}");
}

fn plan(anchors: usize, per_anchor: usize) -> BatchPlan {
    BatchPlan { anchors, per_anchor, shuffled: true }
}

#[test]
fn batches_depend_on_seed_and_step_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("shards");
    write_shard_folder::<Failed>(&path, &content(), 4, |writer| fill(writer, 10, |number| 2 + number % 3))
        .unwrap();
    let reader = || BatchReader::new(open(&path).unwrap(), plan(4, 2)).unwrap();
    let mut forward = reader();
    let expected: Vec<ShardBatch> = (0..12).map(|step| forward.batch(3, step).unwrap()).collect();
    assert_eq!(expected[0].labels.as_ref().unwrap().len(), 8);
    assert_eq!(expected[0].latents.as_ref().unwrap().len(), 8 * D);
    let mut resumed = reader();
    for step in [7, 8, 8, 7, 9, 2, 0, 0, 1] {
        assert_eq!(resumed.batch(3, step).unwrap(), expected[step as usize], "step {step}");
    }
    assert_ne!(resumed.batch(4, 0).unwrap(), expected[0]);
    let stored = BatchPlan { shuffled: false, ..plan(4, 2) };
    let mut in_order = BatchReader::new(open(&path).unwrap(), stored).unwrap();
    let classes = |batch: ShardBatch| batch.labels.unwrap().into_iter().step_by(2).collect::<Vec<_>>();
    assert_eq!(classes(in_order.batch(3, 0).unwrap()), [0, 1, 2, 3]);
    assert_eq!(classes(in_order.batch(3, 2).unwrap()), [1, 2, 0, 1], "anchors 8, 9, 0, 1");
}

#[test]
fn too_small_sets_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = folder(root.path());
    let told = |anchors, views| {
        BatchReader::new(open(&path).unwrap(), plan(anchors, views)).unwrap_err().to_string()
    };
    assert!(told(4, 4).contains("shard-000000.tar: anchor-000000000: 3 views"), "{}", told(4, 4));
    assert!(told(11, 2).contains("10 anchors, a batch has 11"), "{}", told(11, 2));
}

#[test]
fn reading_ahead_is_bounded_whatever_the_number_of_shards() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("shards");
    write_shard_folder::<Failed>(&path, &content(), 1, |writer| fill(writer, 200, |_| 2)).unwrap();
    let shards = open(&path).unwrap();
    assert!(shards.index_bytes() <= 24 * 256, "{} bytes", shards.index_bytes());
    let mut reader = BatchReader::new(shards, plan(2, 2)).unwrap();
    reader.batch(0, 0).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    // Whatever is not read by now is not read at all: it is asked for in an empty folder.
    std::fs::remove_dir_all(&path).unwrap();
    let given = (1..50).take_while(|step| reader.batch(0, *step).is_ok()).count();
    assert_eq!(given, 4, "three that waited and one that was ready to wait");
}
