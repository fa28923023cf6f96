//! Trees as users have them, and what they are taken for.

use super::*;

type Files = Vec<(&'static str, Option<u32>)>;

fn tree(paths: &[&'static str]) -> Vec<TreeFile<&'static str>> {
    paths
        .iter()
        .map(|&path| TreeFile { parts: path.split('/').map(str::to_owned).collect(), content: path })
        .collect()
}

fn arranged(paths: &[&'static str]) -> Arranged<&'static str> {
    arrange(tree(paths), ClassUse::Needed).unwrap()
}

fn files(paths: &[&'static str], split: Split) -> Files {
    arranged(paths).take(split, None).unwrap().files
}

#[test]
fn splits_share_their_classes() {
    let paths = ["train/dog/1", "test/cat/1", "train/ant/deep/er/2", "train/ant/1", "extra/x/y"];
    let mut all = arranged(&paths);
    assert_eq!(all.classes, ["ant", "cat", "dog"]);
    assert_eq!(
        all.take(Split::Train, None).unwrap().files,
        [("train/ant/1", Some(0)), ("train/ant/deep/er/2", Some(0)), ("train/dog/1", Some(2))]
    );
    assert_eq!(all.take(Split::Test, None).unwrap().files, [("test/cat/1", Some(1))]);
    assert_eq!(all.beside, BTreeMap::from([("extra".to_owned(), 1)]), "counted, not dropped in silence");
    let only_train = arranged(&["train/a/1", "train/b/1"]);
    assert_eq!((only_train.test, only_train.instead.as_str()), (None, "folders train"));
}

#[test]
fn split_training_testing_and_train_test_in_any_case_are_splits() {
    for [train, test] in [
        ["training/a/1", "testing/a/2"],
        ["Train/a/1", "Test/a/2"],
        ["TRAIN/a/1", "Valid/a/2"],
        ["tr/a/1", "te/a/2"],
    ] {
        assert_eq!(files(&[train, test], Split::Train), [(train, Some(0))]);
        assert_eq!(files(&[train, test], Split::Test), [(test, Some(0))]);
    }
    // A short name alone is a class.
    assert_eq!(arranged(&["dev/x/1", "ops/y/1"]).classes, ["dev", "ops"]);
}

#[test]
fn test_is_preferred_over_val_and_val_serves_without_it() {
    let both = ["train/a/1", "val/a/2", "test/a/3"];
    assert_eq!(files(&both, Split::Test), [("test/a/3", Some(0))]);
    assert_eq!(arranged(&both).beside, BTreeMap::from([("val".to_owned(), 1)]));
    assert_eq!(files(&["train/a/1", "val/a/2"], Split::Test), [("val/a/2", Some(0))]);
    assert_eq!(files(&["train/a/1", "validation/a/2"], Split::Test), [("validation/a/2", Some(0))]);
}

#[test]
fn a_test_folder_without_classes_gives_way_to_a_validation_folder_with_them() {
    let kaggle = ["train/a/1", "val/a/2", "test/3"];
    assert_eq!(files(&kaggle, Split::Test), [("val/a/2", Some(0))]);
    assert!(arranged(&kaggle).notes[0].contains("test/ has no class folders: val/ is the test split"));
}

#[test]
fn a_folder_that_repeats_its_splits_name_is_no_class() {
    let kaggle = ["training_set/training_set/cat/1", "test_set/test_set/cat/2"];
    assert_eq!(files(&kaggle, Split::Test), [("test_set/test_set/cat/2", Some(0))]);
    assert_eq!(arranged(&kaggle).classes, ["cat"]);
    assert_eq!(files(&["train/train/1", "test/test/2"], Split::Train), [("train/train/1", None)]);
}

#[test]
fn two_folders_for_one_split_are_asked_about() {
    let error =
        arrange(tree(&["train2014/a/1", "train2017/a/1", "val2017/a/1"]), ClassUse::Needed).unwrap_err();
    assert!(error.contains("train2014, train2017") && error.contains("the training split"), "{error}");
}

#[test]
fn folders_that_look_like_splits_are_asked_about() {
    for paths in [
        ["set1/cat/1", "set1/dog/1", "set2/cat/1", "set2/dog/1"],
        ["fold1/cat/1", "fold2/dog/1", "fold1/eel/1", "fold2/fox/1"],
        ["public/cat/1", "public/dog/1", "private/cat/1", "private/dog/1"],
    ] {
        let error = arrange(tree(&paths), ClassUse::Needed).unwrap_err();
        assert!(error.contains("look like parts of a data set") && error.contains("`train`"), "{error}");
        let all = arrange(tree(&paths), ClassUse::Optional).unwrap();
        assert_eq!(all.train.unwrap().files.len(), 4);
        assert!(all.notes[0].contains("without classes"), "{:?}", all.notes);
    }
    // Classes with folders of their own in them are classes.
    assert_eq!(arranged(&["dog/poodle/1", "dog/pug/1", "cat/manx/1"]).classes, ["cat", "dog"]);
}

#[test]
fn flat_splits_beside_another_folder_are_no_classes() {
    for [train, test, beside] in [
        ["train_images/1", "test_images/2", "unlabeled_images/3"],
        ["train/1", "test/2", "unlabeled/3"],
        ["training_images/1", "testing_images/2", "masks/3"],
        ["tr/1", "val/2", "masks/3"],
    ] {
        let mut all = arranged(&[train, test, beside]);
        assert!(all.classes.is_empty(), "{:?}", all.classes);
        assert_eq!(all.take(Split::Train, None).unwrap().files, [(train, None)]);
        assert_eq!(all.take(Split::Test, None).unwrap().files, [(test, None)]);
        let (folder, _) = beside.split_once('/').unwrap();
        assert_eq!(all.beside, BTreeMap::from([(folder.to_owned(), 1)]));
    }
    for paths in [
        ["trainA/1", "trainB/2", "testA/3", "testB/4"],
        ["train_cat/1", "train_dog/2", "test_cat/3", "test_dog/4"],
    ] {
        let error = arrange(tree(&paths), ClassUse::Needed).unwrap_err();
        assert!(error.contains("called like parts of splits") && error.contains("`train`"), "{error}");
        assert_eq!(arrange(tree(&paths), ClassUse::Optional).unwrap().train.unwrap().files.len(), 4);
    }
}

#[test]
fn splits_within_images_and_labels_are_asked_about() {
    let paths = ["images/train/a/1", "images/test/a/2", "labels/train/a/1", "labels/test/a/2"];
    let error = arrange(tree(&paths), ClassUse::Needed).unwrap_err();
    assert!(error.contains("are splits (test, train)") && error.contains(", images,"), "{error}");
    let by_class = ["cat/train/1", "cat/val/1", "dog/train/1", "dog/val/1"];
    let error = arrange(tree(&by_class), ClassUse::Needed).unwrap_err();
    assert!(error.contains("the folders in cat, dog are splits (train, val)"), "{error}");
}

#[test]
fn classes_without_splits_are_divided_even_one_called_train() {
    let paths = ["train/1", "car/1", "stray", "car/2", "car/3"];
    let mut all = arranged(&paths);
    assert_eq!(all.classes, ["car", "train"]);
    assert!(all.notes[0].contains("1 of 4 images"), "{:?}", all.notes);
    let train = all.take(Split::Train, None).unwrap();
    assert_eq!(train.without_class, ["stray"]);
    let test = all.take(Split::Test, None).unwrap();
    let mut both = [train.files, test.files].concat();
    both.sort_unstable();
    assert_eq!(both, [("car/1", Some(0)), ("car/2", Some(0)), ("car/3", Some(0)), ("train/1", Some(1))]);
    let one_class = arranged(&["car/1", "car/2"]);
    assert!(one_class.test.is_none() && one_class.instead.contains("not divided"));
}

#[test]
fn flat_files_have_no_labels() {
    assert_eq!(files(&["b", "a"], Split::Train), [("a", None), ("b", None)]);
    let mut flat_split = arranged(&["train/b", "test/a"]);
    assert_eq!(flat_split.take(Split::Train, None).unwrap().files, [("train/b", None)]);
    assert!(flat_split.classes.is_empty());
}

#[test]
fn pretraining_takes_any_depth_and_files_at_the_top() {
    let library = ["2023/01/a", "2023/02/b", "2024/01/a", "2024/02/c", "d"];
    for paths in [&library[..], &library[..4], &["x/1", "y/1", "stray"]] {
        let all = arrange(tree(paths), ClassUse::Optional).unwrap();
        let train = all.train.unwrap();
        assert_eq!((train.files.len(), train.without_class.len()), (paths.len(), 0));
        assert!(train.files.iter().all(|(_, label)| label.is_none()) && all.classes.is_empty());
        assert!(all.notes[0].contains("without classes"));
    }
    let train =
        arrange(tree(&["train/a/1", "train/2", "test/a/1"]), ClassUse::Optional).unwrap().train.unwrap();
    assert_eq!(train.files, [("train/2", None), ("train/a/1", None)]);
}

#[test]
fn classes_that_differ_only_in_case_are_named() {
    let notes = arranged(&["train/Cat/1", "train/cat /2", "test/dog/1"]).notes;
    assert!(notes[0].contains("`Cat` and `cat ` differ only in case or spaces"), "{notes:?}");
}

#[test]
fn only_a_folder_around_everything_is_a_wrapper() {
    let stripped = |paths: &[&'static str]| {
        let mut files = tree(paths);
        strip_wrapper(&mut files);
        files[0].parts.join("/")
    };
    assert_eq!(stripped(&["set/train/a/1", "set/test/a/1"]), "train/a/1");
    assert_eq!(stripped(&["outer/set/train/a/1", "outer/set/test/a/1"]), "train/a/1");
    assert_eq!(stripped(&["set/a/1", "set/b/1"]), "a/1");
    assert_eq!(stripped(&["train/a/1", "train/b/1"]), "train/a/1");
    assert_eq!(stripped(&["a/1", "a/2"]), "a/1");
    assert_eq!(stripped(&["set/a/1", "other/b/1"]), "set/a/1");
}
