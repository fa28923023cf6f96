//! Small trees and archives with the names that ImageNet's have.

use std::path::Path;

use crate::test_files::{png_of, put, tar_of};
use crate::{ClassUse, ImageSet, LoadOptions, Split, inspect, load};

const TENCH: &str = "n01440764";
const CRANE: &str = "n02012849";
const MACHINE: &str = "n03126707";
const NAMES: &str = "n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n";
const KAGGLE: &str = "ImageId,PredictionString\nILSVRC2012_val_00000003,n01440764 1 2 3 4 \n\
                      ILSVRC2012_val_00000001,n03126707 1 2 3 4 n03126707 5 6 7 8 \n\
                      ILSVRC2012_val_00000002,n02012849 1 2 3 4 \n";

fn val(number: usize) -> String {
    format!("ILSVRC2012_val_{number:08}.JPEG")
}

/// Two training images of each class, and three for validation that lie flat.
fn flat(root: &Path, folder: &str) {
    for (number, class) in [TENCH, CRANE, MACHINE].into_iter().enumerate() {
        for image in 0..2 {
            let name = format!("{folder}/train/{class}/{class}_{image}.JPEG");
            put(root, &name, &png_of(4, 4, 3, 10 * number + image));
        }
        put(root, &format!("{folder}/val/{}", val(number + 1)), &png_of(4, 4, 3, 100 + number));
    }
}

fn split_of(path: &Path, split: Split) -> Result<ImageSet, String> {
    load(path.to_str().unwrap(), split, &LoadOptions::default()).map_err(|error| error.to_string())
}

/// The class of each validation image.
fn classes_of(path: &Path) -> Vec<String> {
    let set = split_of(path, Split::Test).unwrap();
    let labels = set.labels.as_ref().unwrap().iter();
    let mut classes: Vec<(String, String)> = labels
        .enumerate()
        .map(|(image, &label)| (set.name_of(image).unwrap().to_owned(), set.classes[label as usize].clone()))
        .map(|(name, class)| (name[name.len() - val(1).len()..].to_owned(), class))
        .collect();
    classes.sort();
    classes.into_iter().map(|(_, class)| class).collect()
}

#[test]
fn every_kind_of_ground_truth_says_the_same_and_is_named() {
    let by_number =
        "ILSVRC2012_val_00000001.JPEG 2\nILSVRC2012_val_00000002.JPEG 1\nILSVRC2012_val_00000003.JPEG 0\n";
    let by_id = "val/ILSVRC2012_val_00000002.JPEG n02012849\nILSVRC2012_val_00000001.JPEG n03126707\n\
                 ILSVRC2012_val_00000003.JPEG n01440764\n";
    let map = "n02012849 1 crane\nn01440764 2 tench\nn03126707 3 crane\n";
    for (place, files) in [
        ("", &[("LOC_val_solution.csv", KAGGLE)][..]),
        ("set/", &[("LOC_val_solution.csv", KAGGLE)]),
        ("set/", &[("val.txt", by_number)]),
        ("set/val/", &[("ILSVRC2012_val.txt", by_id)]),
        ("set/", &[("val_labels.txt", by_number)]),
        ("set/", &[("imagenet_2012_validation_synset_labels.txt", "n03126707\nn02012849\nn01440764\n")]),
        ("set/", &[("ILSVRC2012_validation_ground_truth.txt", "3\n1\n2\n"), ("map_clsloc.txt", map)]),
        (
            "set/ILSVRC2012_devkit_t12/data/",
            &[("ILSVRC2012_validation_ground_truth.txt", "3\n1\n2\n"), ("map_clsloc.txt", map)],
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        flat(root.path(), "set");
        for (name, text) in files {
            put(root.path(), &format!("{place}{name}"), text.as_bytes());
        }
        let path = root.path().join("set");
        let id =
            |class: String| class.rsplit([' ', '(', ')']).find(|word| !word.is_empty()).unwrap().to_owned();
        let got: Vec<String> = classes_of(&path).into_iter().map(id).collect();
        assert_eq!(got, [MACHINE, CRANE, TENCH], "{place}{files:?}");
        let notes = split_of(&path, Split::Test).unwrap().notes.join("\n");
        assert!(notes.contains("the classes of 3 images in val/") && notes.contains(files[0].0), "{notes}");
        let train = split_of(&path, Split::Train).unwrap();
        assert_eq!((train.len(), train.classes.len()), (6, 3));
    }
}

#[test]
fn the_tree_of_kaggle_works_from_its_top_and_from_within() {
    let root = tempfile::tempdir().unwrap();
    flat(root.path(), "kaggle/ILSVRC/Data/CLS-LOC");
    for number in 1..4 {
        let name = format!("kaggle/ILSVRC/Data/CLS-LOC/test/ILSVRC2012_test_{number:08}.JPEG");
        put(root.path(), &name, &png_of(4, 4, 3, 50 + number));
    }
    put(root.path(), "kaggle/ILSVRC/Annotations/CLS-LOC/val/ILSVRC2012_val_00000001.xml", b"<a/>");
    put(root.path(), "kaggle/ILSVRC/ImageSets/CLS-LOC/val.txt", b"ILSVRC2012_val_00000001 1\n");
    put(root.path(), "kaggle/LOC_val_solution.csv", KAGGLE.as_bytes());
    put(root.path(), "kaggle/LOC_synset_mapping.txt", NAMES.as_bytes());
    for below in ["kaggle", "kaggle/ILSVRC", "kaggle/ILSVRC/Data", "kaggle/ILSVRC/Data/CLS-LOC"] {
        let path = root.path().join(below);
        let named = ["crane (n03126707)", "crane (n02012849)", "tench (n01440764)"];
        assert_eq!(classes_of(&path), named, "{below}");
        let test = split_of(&path, Split::Test).unwrap();
        assert_eq!(test.classes, ["tench (n01440764)", "crane (n02012849)", "crane (n03126707)"]);
        assert_eq!(test.classes, split_of(&path, Split::Train).unwrap().classes);
        let notes = test.notes.join("\n");
        assert!(notes.contains("test/ has no class folders: val/ is the test split"), "{notes}");
        assert!(notes.contains("LOC_synset_mapping.txt"), "{notes}");
    }
}

#[test]
fn archives_are_read_unopened_as_the_folders_that_they_hold() {
    let root = tempfile::tempdir().unwrap();
    flat(root.path(), "folders");
    put(root.path(), "folders/LOC_val_solution.csv", KAGGLE.as_bytes());
    let archive_of = |class: usize, name: &str| {
        let images: Vec<(String, Vec<u8>)> = (0..2)
            .map(|image| (format!("{name}_{image}.JPEG"), png_of(4, 4, 3, 10 * class + image)))
            .collect();
        tar_of(&images.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
    };
    let classes: Vec<(String, Vec<u8>)> = [TENCH, CRANE, MACHINE]
        .iter()
        .enumerate()
        .map(|(number, class)| (format!("{class}.tar"), archive_of(number, class)))
        .collect();
    let members: Vec<(&str, &[u8])> =
        classes.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let images: Vec<(String, Vec<u8>)> =
        (0..3).map(|number| (val(number + 1), png_of(4, 4, 3, 100 + number))).collect();
    let flat_members: Vec<(&str, &[u8])> =
        images.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    put(root.path(), "top/archives/ILSVRC2012_img_train.tar", &tar_of(&members));
    put(root.path(), "top/archives/ILSVRC2012_img_val.tar", &tar_of(&flat_members));
    put(root.path(), "top/archives/ILSVRC2012_img_train_t3.tar", &tar_of(&members[..1]));
    put(root.path(), "top/LOC_val_solution.csv", KAGGLE.as_bytes());
    for below in ["top/archives", "top"] {
        for split in [Split::Train, Split::Test] {
            let set = split_of(&root.path().join(below), split).unwrap();
            let expected = split_of(&root.path().join("folders"), split).unwrap();
            assert_eq!((set.content_sha256(), &set.classes), (expected.content_sha256(), &expected.classes));
        }
    }
    // Archives beside the folders that they have been unpacked to are left alone, there and a folder down.
    for place in ["folders", "folders/archives"] {
        put(root.path(), &format!("{place}/ILSVRC2012_img_val.tar"), b"not whole");
        assert_eq!(classes_of(&root.path().join("folders")), [MACHINE, CRANE, TENCH], "{place}");
    }
}

#[test]
fn an_image_without_a_line_is_a_reject_by_name() {
    let root = tempfile::tempdir().unwrap();
    flat(root.path(), ".");
    put(root.path(), &format!("val/{}", val(4)), &png_of(4, 4, 3, 9));
    put(root.path(), "LOC_val_solution.csv", KAGGLE.as_bytes());
    let error = split_of(root.path(), Split::Test).unwrap_err();
    assert!(error.contains("1 of 4 image files") && error.contains("00000004.JPEG: no line in"), "{error}");
    let some = LoadOptions { max_reject_share: 0.25, ..LoadOptions::default() };
    let test = load(root.path().to_str().unwrap(), Split::Test, &some).unwrap();
    assert_eq!((test.len(), test.rejects.len(), test.labels), (3, 1, Some(vec![0, 1, 2])));
    assert!(split_of(root.path(), Split::Train).unwrap().rejects.is_empty());
}

#[test]
fn a_file_that_does_not_fit_the_images_is_an_error_that_names_it() {
    let val_line = |label: &str| format!("ILSVRC2012_val_00000001.JPEG {label}\n");
    for (name, text, told) in [
        ("ILSVRC2012_validation_ground_truth.txt", "1\n2\n3\n".to_owned(), "map_clsloc.txt, which says"),
        ("val.txt", val_line("3"), "expected numbers from 0 to 2, the places of the 3 class folders, got 3"),
        ("val.txt", "ILSVRC2012_val_00000001 1\nILSVRC2012_val_00000002 5\n".to_owned(), "got 5"),
        ("val.txt", "other.JPEG 1\n".to_owned(), "a line for none of the 3 images"),
        ("val.txt", val_line("tench"), "expected classes such as n01440764, got tench"),
        ("val.txt", val_line("n99999999"), "got n99999999"),
        ("val.txt", val_line("1 2"), "line 1: expected an image and its class"),
        ("LOC_val_solution.csv", "ImageId,PredictionString\nx\n".to_owned(), "line 2: expected IMAGE,CLASS"),
    ] {
        let root = tempfile::tempdir().unwrap();
        flat(root.path(), ".");
        put(root.path(), name, text.as_bytes());
        let error = split_of(root.path(), Split::Test).unwrap_err();
        assert!(error.contains(told) && error.contains(name), "{told}: {error}");
        // Pretraining needs no classes, and an inspection tells what is wrong.
        let optional = LoadOptions { class_use: ClassUse::Optional, ..LoadOptions::default() };
        let path = root.path().to_str().unwrap();
        assert_eq!(load(path, Split::Train, &optional).unwrap().len(), 6);
        let seen = inspect(path, &LoadOptions::default()).unwrap();
        assert!(seen.notes.iter().any(|note| note.contains(told)), "{:?}", seen.notes);
    }
}

#[test]
fn lists_of_other_data_sets_are_no_ground_truth() {
    let root = tempfile::tempdir().unwrap();
    for name in ["train/a.jpg", "val/b.jpg", "val/c.jpg"] {
        put(root.path(), name, &png_of(4, 4, 3, name.len()));
    }
    put(root.path(), "val.txt", b"./val/b.jpg\n./val/c.jpg\n");
    assert_eq!(split_of(root.path(), Split::Test).unwrap().labels, None);
    put(root.path(), "train/x/a.jpg", &png_of(4, 4, 3, 3));
    std::fs::remove_file(root.path().join("train/a.jpg")).unwrap();
    let test = split_of(root.path(), Split::Test).unwrap();
    assert_eq!((test.labels.clone(), test.len()), (None, 2));
    assert!(test.notes[0].starts_with("not used as a list of classes: "), "{:?}", test.notes);
}

#[test]
fn a_test_split_with_classes_goes_before_a_flat_validation_split() {
    let root = tempfile::tempdir().unwrap();
    flat(root.path(), ".");
    put(root.path(), &format!("test/{CRANE}/1.JPEG"), &png_of(4, 4, 3, 9));
    put(root.path(), "LOC_val_solution.csv", KAGGLE.as_bytes());
    let test = split_of(root.path(), Split::Test).unwrap();
    assert_eq!((test.len(), test.labels), (1, Some(vec![1])));
}
