//! Folders of image files: `train/<class>/*.jpg`, `<class>/*.png`, or images without classes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::content_kind::{Content, START_BYTES, content_of};
use crate::error::{DataError, Reject};
use crate::file_names::{Named, is_hidden, named, no_image};
use crate::ignored::{Ignored, ignore};
use crate::image_tree::{Arranged, Part, TreeFile, arrange, beside_in_words, strip_wrapper};
use crate::imagenet::{FlatImage, Labelled, Places, label_flat_split, name_classes};
use crate::name_text::{composed, name_text, path_text};
use crate::options::{ClassUse, Split};
use crate::source::{FileBytes, ImageFile, Items, SplitContent};

const MAX_DEPTH: usize = 12;

/// A file (or something called like one) that was met.
#[derive(Debug)]
struct Met {
    path: PathBuf,
    /// Why it cannot be an image.
    problem: Option<String>,
}

impl FlatImage for Met {
    fn shown(&self) -> String {
        path_text(&self.path)
    }
}

/// True if an image file is anywhere below `folder`.
pub(crate) fn holds_images(folder: &Path) -> Result<bool, DataError> {
    let mut found = false;
    let _ = walk(folder, &mut Vec::new(), &mut Ignored::new(), &mut |_| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// What lies in `folder` beside images, counted by why it is left alone.
pub(crate) fn left_alone(folder: &Path) -> Ignored {
    let mut ignored = Ignored::new();
    let _counted = walk(folder, &mut Vec::new(), &mut ignored, &mut |_| ControlFlow::Continue(()));
    ignored
}

/// An image folder, looked through once.
#[derive(Debug)]
pub(crate) struct ImageFolder {
    root: PathBuf,
    arranged: Arranged<Met>,
    ignored: Ignored,
    /// Images of the test split whose class nothing says.
    without_line: Vec<Reject>,
}

impl ImageFolder {
    /// Looks through `root`.
    ///
    /// # Errors
    /// Where it cannot be read, or what its folders are for is not clear.
    pub(crate) fn open(root: &Path, class_use: ClassUse) -> Result<Self, DataError> {
        let (mut met, mut ignored) = (Vec::new(), Ignored::new());
        let _ = walk(root, &mut Vec::new(), &mut ignored, &mut |file| {
            met.push(file);
            ControlFlow::Continue(())
        })?;
        let places = Places::around(root, &strip_wrapper(&mut met));
        let unclear = |question| DataError::Unclear { path: root.to_owned(), question };
        let Labelled { notes, rejects: without_line } =
            label_flat_split(&mut met, &places, class_use).map_err(unclear)?;
        let mut arranged = arrange(met, class_use).map_err(unclear)?;
        arranged.notes.splice(0..0, notes);
        arranged.notes.extend(name_classes(&mut arranged.classes, &places));
        for (folder, images) in &arranged.beside {
            *ignored.entry(beside_in_words(folder)).or_default() += images;
        }
        Ok(Self { root: root.to_owned(), arranged, ignored, without_line })
    }

    /// The name of each class.
    pub(crate) fn classes(&self) -> &[String] {
        &self.arranged.classes
    }

    /// The files of a split, of the classes of which `is_kept` says so where it is given; each split can be had once.
    pub(crate) fn take(&mut self, split: Split, is_kept: Option<&[bool]>) -> Result<SplitContent, DataError> {
        let Part { files: met, without_class } =
            self.arranged.take(split, is_kept).ok_or_else(|| DataError::MissingSplit {
                path: self.root.clone(),
                split,
                expected: format!(
                    "images in {split}/<class>/ or <class>/ in it (without classes they can be embedded and predicted)"
                ),
                got: self.arranged.instead.clone(),
            })?;
        let (mut files, mut rejects) = (Vec::new(), Vec::new());
        for (Met { path, problem }, label) in met {
            let shown = path_text(&path);
            match problem {
                Some(reason) => rejects.push(Reject { path: shown, reason }),
                None => files.push(ImageFile { path: shown, label, bytes: FileBytes::OnDisk(path) }),
            }
        }
        rejects.extend(without_class.into_iter().map(|Met { path, problem }| Reject {
            path: path_text(&path),
            reason: problem.unwrap_or_else(|| "outside any class folder".to_owned()),
        }));
        if split == Split::Test {
            rejects.append(&mut self.without_line);
        }
        Ok(SplitContent {
            rejects,
            ignored: self.ignored.clone(),
            notes: self.arranged.notes.clone(),
            ..SplitContent::new(Items::Files(files), self.arranged.classes.clone())
        })
    }
}

type Visitor<'a> = dyn FnMut(TreeFile<Met>) -> ControlFlow<()> + 'a;

/// Visits everything below `folder` that may be an image, in name order, and counts what cannot.
fn walk(
    folder: &Path,
    parts: &mut Vec<String>,
    ignored: &mut Ignored,
    visit: &mut Visitor<'_>,
) -> Result<ControlFlow<()>, DataError> {
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| {
                    let entry = entry?;
                    Ok((entry.file_name(), entry.path(), entry.file_type().ok()))
                })
                .collect::<io::Result<Vec<_>>>()
        })
        .map_err(|source| DataError::Read { path: folder.to_owned(), source })?;
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, path, kind) in entries {
        let name = name_text(name.as_encoded_bytes()).into_owned();
        let by_name = named(&name);
        if is_hidden(&name) {
            if let Named::Ignored(why) = by_name {
                ignore(ignored, why);
            }
            continue;
        }
        let called_image = by_name == Named::Image;
        // Links are followed: sets are often put together from them.
        let kind = match kind {
            Some(kind) if !kind.is_symlink() => Ok(kind),
            _ => fs::metadata(&path).map(|metadata| metadata.file_type()),
        };
        let problem = match kind {
            Err(error) if called_image => Some(format!("cannot be read: {error}")),
            Err(_) => {
                ignore(ignored, "links to nothing");
                continue;
            }
            Ok(kind) if kind.is_dir() => {
                let problem = if called_image {
                    "a folder, not an image file"
                } else if leads_back(&path, folder) {
                    "a link to a folder that it is in"
                } else if parts.len() >= MAX_DEPTH {
                    "folders are nested too deeply"
                } else {
                    parts.push(composed(&name));
                    let flow = walk(&path, parts, ignored, visit)?;
                    parts.pop();
                    if flow.is_break() {
                        return Ok(flow);
                    }
                    continue;
                };
                Some(problem.to_owned())
            }
            Ok(_) if called_image => None,
            Ok(kind) => match by_name {
                Named::Ignored(why) => {
                    ignore(ignored, why);
                    continue;
                }
                _ if kind.is_file() && is_image(&path) => None,
                _ => {
                    ignore(ignored, no_image(&name));
                    continue;
                }
            },
        };
        let parts = parts.iter().cloned().chain([composed(&name)]).collect();
        let flow = visit(TreeFile { parts, content: Met { path, problem } });
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// True if the file's first bytes are those of an image that is read.
fn is_image(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START_BYTES as u64).read_to_end(&mut start));
    read.is_ok() && matches!(content_of(&start), Content::Image(_))
}

/// True if `path` is a link to `folder` or to one that `folder` is in.
fn leads_back(path: &Path, folder: &Path) -> bool {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    match (is_link, fs::canonicalize(path), fs::canonicalize(folder)) {
        (true, Ok(target), Ok(folder)) => folder.starts_with(target),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::{jpeg_of, png_of, put, ramp};
    use crate::{ColorMode, ImageShape, LoadOptions, load};

    fn load_with(root: &Path, split: Split, options: &LoadOptions) -> Result<crate::ImageSet, String> {
        load(root.to_str().unwrap(), split, options).map_err(|error| error.to_string())
    }

    #[test]
    fn classes_are_sorted_and_odd_names_are_fine() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("ein Ordner für Bilder");
        put(&top, "train/zèbre à rayures/1 2.png", &png_of(5, 4, 3, 1));
        put(&top, "train/猫/b.PNG", &png_of(5, 4, 3, 3));
        put(&top, "train/猫/a.png", &png_of(5, 4, 3, 2));
        put(&top, "train/猫/notes.txt", b"not an image");
        put(&top, "train/.DS_Store", b"");
        put(&top, "train/猫/._a.png", b"left by a system");
        put(&top, "test/猫/c.png", &png_of(5, 4, 3, 4));
        let train = load_with(&top, Split::Train, &LoadOptions::default()).unwrap();
        assert_eq!(train.classes, ["zèbre à rayures", "猫"]);
        assert_eq!(train.labels, Some(vec![0, 1, 1]));
        assert_eq!(train.shape, ImageShape { channels: 3, height: 4, width: 5 });
        for (index, seed) in [1, 2, 3].into_iter().enumerate() {
            assert_eq!(*train.pixels(index).unwrap(), ramp(5, 4, 3, seed), "image {index}");
        }
        let test = load_with(&top, Split::Test, &LoadOptions::default()).unwrap();
        assert_eq!((test.labels, test.classes.len()), (Some(vec![1]), 2));
    }

    #[test]
    fn one_colour_image_makes_both_splits_colour() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train/a/1.png", &png_of(4, 4, 1, 1));
        put(root.path(), "train/b/2.png", &png_of(4, 4, 1, 2));
        put(root.path(), "test/a/3.png", &png_of(4, 4, 1, 3));
        let channels = |color| {
            let options = LoadOptions { color, ..LoadOptions::default() };
            [Split::Train, Split::Test]
                .map(|split| load_with(root.path(), split, &options).unwrap().shape.channels)
        };
        assert_eq!(channels(ColorMode::AsStored), [1, 1]);
        put(root.path(), "test/b/4.png", &png_of(4, 4, 3, 4));
        assert_eq!(channels(ColorMode::AsStored), [3, 3]);
        assert_eq!(channels(ColorMode::Grey), [1, 1]);
        assert_eq!(channels(ColorMode::Rgb), [3, 3]);
        let train = load_with(root.path(), Split::Train, &LoadOptions::default()).unwrap();
        assert!(train.notes[0].contains("the test split has colour"), "{:?}", train.notes);
        assert_eq!(*train.pixels(1).unwrap(), ramp(4, 4, 1, 2).repeat(3), "grey is repeated");
        let test = load_with(root.path(), Split::Test, &LoadOptions::default()).unwrap();
        assert!(test.notes[0].contains("1 of 2 images are grey"), "{:?}", test.notes);
        assert_eq!(
            (&*test.pixels(0).unwrap(), &*test.pixels(1).unwrap()),
            (&ramp(4, 4, 1, 3).repeat(3)[..], &ramp(4, 4, 3, 4)[..])
        );
        // Colour that cannot be decoded decides the same for both.
        let damaged = png_of(4, 4, 3, 4);
        put(root.path(), "test/b/4.png", &damaged[..damaged.len() / 2]);
        let options = LoadOptions { max_reject_share: 0.5, ..LoadOptions::default() };
        for split in [Split::Train, Split::Test] {
            assert_eq!(load_with(root.path(), split, &options).unwrap().shape.channels, 3, "{split}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn class_folders_whose_names_are_no_utf_8_stay_apart() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        for (class, seed) in [(&b"\xe9"[..], 1), (b"\xe8", 2)] {
            let folder = root.path().join("train").join(std::ffi::OsStr::from_bytes(class));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("0.png"), png_of(4, 4, 3, seed)).unwrap();
        }
        let train = load_with(root.path(), Split::Train, &LoadOptions::default()).unwrap();
        assert_eq!((train.len(), train.classes), (2, vec!["%E8".to_owned(), "%E9".to_owned()]));
    }

    #[test]
    fn what_lies_beside_images_is_counted_by_why() {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("a/1.JPG", jpeg_of(4, 4, 3, 1)),
            ("a/1.txt", b"a caption".to_vec()),
            ("a/2.txt", b"another".to_vec()),
            ("a/Thumbs.db", b"x".to_vec()),
            ("a/._1.JPG", b"\0\x05\x16\x07".to_vec()),
            (".DS_Store", b"x".to_vec()),
            ("README", b"x".to_vec()),
            ("a/0123abcd", png_of(4, 4, 3, 2)),
            ("a/unknown.xyz", b"???".to_vec()),
            ("__MACOSX/a/._1.jpg", b"x".to_vec()),
            (".git/index", b"x".to_vec()),
        ] {
            put(root.path(), name, &bytes);
        }
        let set = load_with(root.path(), Split::Train, &LoadOptions::default()).unwrap();
        assert_eq!((set.len(), set.rejects.len()), (2, 0), "a name without an ending is read by content");
        let expected = [
            (".DS_Store", 1),
            (".txt", 2),
            (".xyz (no images)", 1),
            ("folders __MACOSX", 1),
            ("hidden (the name begins with a dot)", 1),
            ("left by Windows (Thumbs.db, desktop.ini)", 1),
            ("left by macOS (._*)", 1),
            ("notes (README and the like)", 1),
        ];
        assert_eq!(set.ignored, expected.map(|(why, count)| (why.to_owned(), count)).into());
        assert!(
            set.account()[0].starts_with("9 files not looked at: 1 .DS_Store, 2 .txt"),
            "{:?}",
            set.account()
        );
    }

    #[test]
    fn class_folders_without_a_split_are_divided_once_and_for_all() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..20 {
            put(
                root.path(),
                &format!("{}/{number}.png", ["cat", "dog"][number % 2]),
                &png_of(4, 4, 1, number),
            );
        }
        let [train, test] = [Split::Train, Split::Test]
            .map(|split| load_with(root.path(), split, &LoadOptions::default()).unwrap());
        assert_eq!((train.class_counts(), test.class_counts()), (vec![8, 8], vec![2, 2]));
        assert!(train.notes[0].contains("4 of 20 images") && train.notes == test.notes, "{:?}", train.notes);
        // Pretraining sees the training part too, unless classes are no matter.
        let optional = LoadOptions { class_use: ClassUse::Optional, ..LoadOptions::default() };
        let pretraining = load_with(root.path(), Split::Train, &optional).unwrap();
        assert_eq!(pretraining.content_sha256(), train.content_sha256());
        put(root.path(), "stray.png", &png_of(4, 4, 1, 77));
        let all = load_with(root.path(), Split::Train, &optional).unwrap();
        assert_eq!((all.len(), all.labels), (21, None));
    }

    #[test]
    fn a_folder_around_the_splits_is_no_class() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "photos/v1/train/a/1.png", &png_of(4, 4, 1, 1));
        put(root.path(), "photos/v1/test/a/1.png", &png_of(4, 4, 1, 1));
        let train = load_with(root.path(), Split::Train, &LoadOptions::default()).unwrap();
        assert_eq!((train.len(), train.classes), (1, vec!["a".to_owned()]));
    }

    #[test]
    fn unequal_sizes_need_a_common_one() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/1.png", &png_of(4, 6, 3, 1));
        put(root.path(), "a/2.jpg", &jpeg_of(20, 10, 3, 1));
        let error = load_with(root.path(), Split::Train, &LoadOptions::default()).unwrap_err();
        for part in ["1.png is 4 x 6", "2.jpg is 20 x 10", "set `size`"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        let options = LoadOptions { size: Some(8), ..LoadOptions::default() };
        let set = load_with(root.path(), Split::Train, &options).unwrap();
        assert_eq!((set.len(), set.shape), (2, ImageShape { channels: 3, height: 8, width: 8 }));
    }

    /// A folder with two good images and one of everything that is wrong.
    fn folder_with_bad_images() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let cut = jpeg_of(16, 16, 3, 1);
        put(root.path(), "train/a/good.png", &png_of(16, 16, 3, 1));
        put(root.path(), "train/b/good.jpg", &jpeg_of(16, 16, 3, 1));
        put(root.path(), "train/a/empty.jpg", b"");
        put(root.path(), "train/a/cut.jpg", &cut[..cut.len() * 2 / 3]);
        put(root.path(), "train/a/text.png", b"I am a text");
        put(root.path(), "train/a/web.webp", b"RIFF");
        put(root.path(), "train/stray.png", &png_of(16, 16, 3, 1));
        fs::create_dir_all(root.path().join("train/a/folder.jpg")).unwrap();
        root
    }

    #[test]
    fn bad_images_stop_the_load_and_each_is_named_with_its_reason() {
        let root = folder_with_bad_images();
        let error = load_with(root.path(), Split::Train, &LoadOptions::default()).unwrap_err();
        for part in [
            "6 of 8 image files",
            "empty.jpg: empty file (0 bytes)",
            "cut.jpg: cut short",
            "text.png: a text, not an image",
            "web.webp: a RIFF file that is no WebP image",
            "stray.png: outside any class folder",
            "folder.jpg: a folder, not an image file",
            "--max-reject-share SHARE",
            "`max_reject_share = SHARE`",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn an_allowed_share_of_bad_images_is_left_out_and_listed() {
        let root = folder_with_bad_images();
        let with_share = |max_reject_share| {
            load_with(root.path(), Split::Train, &LoadOptions { max_reject_share, ..LoadOptions::default() })
        };
        let set = with_share(0.75).unwrap();
        assert_eq!((set.len(), set.rejects.len()), (2, 6));
        assert_eq!(set.labels, Some(vec![0, 1]));
        assert!(with_share(0.74).is_err());
    }

    #[test]
    fn only_the_first_ten_rejects_are_shown() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..25 {
            put(root.path(), &format!("{number:02}.png"), b"");
        }
        let error = load_with(root.path(), Split::Train, &LoadOptions::default()).unwrap_err();
        assert_eq!(error.matches("0 bytes").count(), 10, "{error}");
        assert!(error.contains("25 of 25") && error.contains("and 15 more"), "{error}");
        let all_allowed = LoadOptions { max_reject_share: 1.0, ..LoadOptions::default() };
        let error = load_with(root.path(), Split::Train, &all_allowed).unwrap_err();
        assert!(error.contains("no usable image"), "{error}");
    }

    #[test]
    fn a_set_that_needs_more_memory_than_it_may_take_is_read_each_time() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..4 {
            put(root.path(), &format!("{number}.png"), &png_of(10, 10, 3, 0));
        }
        for (memory, is_streamed) in [(1_199, true), (1_200, false)] {
            let options = LoadOptions { memory: Some(memory), ..LoadOptions::default() };
            let set = load_with(root.path(), Split::Train, &options).unwrap();
            assert_eq!((set.len(), &set.labels, set.is_streamed()), (4, &None, is_streamed));
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_and_pipes_are_rejects() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train/a/1.png", &png_of(4, 4, 1, 1));
        std::os::unix::fs::symlink(root.path(), root.path().join("train/a/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("train/a/2.png")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", root.path().join("train/a/3.png")).unwrap();
        std::os::unix::fs::symlink(root.path().join("train/a"), root.path().join("train/b")).unwrap();
        let options = LoadOptions { max_reject_share: 0.9, ..LoadOptions::default() };
        let set = load_with(root.path(), Split::Train, &options).unwrap();
        let reasons: Vec<&str> = set.rejects.iter().map(|reject| reject.reason.as_str()).collect();
        assert!(reasons.iter().any(|reason| reason.contains("a link to a folder")), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("cannot be read")), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("not a regular file")), "{reasons:?}");
        assert_eq!(set.classes, ["a", "b"]);
    }
}
