//! Folders of image files: `train/<class>/*.jpg`, `<class>/*.png`, or images without classes.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::error::{DataError, Reject};
use crate::image_tree::{TreeFile, arrange};
use crate::options::Split;
use crate::source::{FileBytes, ImageFile, Items, SplitContent};

const MAX_DEPTH: usize = 12;

/// True for the endings of images that can be read.
pub(crate) fn has_image_ending(name: &str) -> bool {
    ["png", "jpg", "jpeg"].contains(&ending(name).as_str())
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_lowercase())
}

/// What is wrong with a file by its name alone: an image of a kind that cannot be read.
pub(crate) fn unreadable_kind(name: &str) -> Option<String> {
    const OTHERS: [&str; 13] =
        ["avif", "bmp", "gif", "heic", "jfif", "jp2", "jxl", "pgm", "ppm", "tga", "tif", "tiff", "webp"];
    let ending = ending(name);
    OTHERS.contains(&ending.as_str()).then(|| format!("{ending} images are not read; convert to PNG or JPEG"))
}

/// True for what systems leave beside a user's files.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX"
}

/// A file (or something called like one) that was met.
#[derive(Debug)]
struct Met {
    path: PathBuf,
    /// Why it cannot be an image.
    problem: Option<String>,
}

/// True if an image file is anywhere below `folder`.
pub(crate) fn holds_images(folder: &Path) -> Result<bool, DataError> {
    let mut found = false;
    let _ = walk(folder, &mut Vec::new(), &mut |_| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// One split of the image folder `root`.
pub(crate) fn open(root: &Path, split: Split) -> Result<SplitContent, DataError> {
    let mut met = Vec::new();
    let _ = walk(root, &mut Vec::new(), &mut |file| {
        met.push(file);
        ControlFlow::Continue(())
    })?;
    let arranged = arrange(met, split).map_err(|got| DataError::MissingSplit {
        path: root.to_owned(),
        split,
        expected: format!("images in {split}/<class>/ in it"),
        got,
    })?;

    let (mut files, mut rejects) = (Vec::new(), Vec::new());
    for (Met { path, problem }, label) in arranged.files {
        let shown = path.display().to_string();
        match problem {
            Some(reason) => rejects.push(Reject { path: shown, reason }),
            None => files.push(ImageFile { path: shown, label, bytes: FileBytes::OnDisk(path) }),
        }
    }
    rejects.extend(arranged.without_class.into_iter().map(|Met { path, problem }| Reject {
        path: path.display().to_string(),
        reason: problem.unwrap_or_else(|| "outside any class folder".to_owned()),
    }));
    Ok(SplitContent { items: Items::Files(files), classes: arranged.classes, rejects })
}

type Visitor<'a> = dyn FnMut(TreeFile<Met>) -> ControlFlow<()> + 'a;

/// Visits everything below `folder` that is called like an image, in name order.
fn walk(
    folder: &Path,
    parts: &mut Vec<String>,
    visit: &mut Visitor<'_>,
) -> Result<ControlFlow<()>, DataError> {
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| (entry.file_name(), entry.path())))
                .collect::<io::Result<Vec<_>>>()
        })
        .map_err(|source| DataError::Read { path: folder.to_owned(), source })?;
    entries.sort();
    for (name, path) in entries {
        let name = name.to_string_lossy().into_owned();
        if is_hidden(&name) {
            continue;
        }
        let called_image = has_image_ending(&name);
        // Follows links: sets are often put together from them.
        let problem = match fs::metadata(&path) {
            Err(error) if called_image => Some(format!("cannot be read: {error}")),
            Err(_) => continue,
            Ok(metadata) if metadata.is_dir() => {
                let problem = if called_image {
                    "a folder, not an image file"
                } else if leads_back(&path, folder) {
                    "a link to a folder that it is in"
                } else if parts.len() >= MAX_DEPTH {
                    "folders are nested too deeply"
                } else {
                    parts.push(name);
                    let flow = walk(&path, parts, visit)?;
                    parts.pop();
                    if flow.is_break() {
                        return Ok(flow);
                    }
                    continue;
                };
                Some(problem.to_owned())
            }
            Ok(_) if called_image => None,
            Ok(_) => match unreadable_kind(&name) {
                Some(reason) => Some(reason),
                None => continue, // not an image: notes, lists and the like
            },
        };
        let parts = parts.iter().cloned().chain([name]).collect();
        let flow = visit(TreeFile { parts, content: Met { path, problem } });
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
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
            assert_eq!(train.pixels(index), ramp(5, 4, 3, seed), "image {index}");
        }
        let test = load_with(&top, Split::Test, &LoadOptions::default()).unwrap();
        assert_eq!((test.labels, test.classes.len()), (Some(vec![1]), 2));
    }

    #[test]
    fn colour_follows_the_first_image_or_the_option() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/1.png", &png_of(4, 4, 1, 1));
        put(root.path(), "b/2.png", &png_of(4, 4, 3, 2));
        let channels = |color| {
            let options = LoadOptions { color, ..LoadOptions::default() };
            load_with(root.path(), Split::Train, &options).unwrap().shape.channels
        };
        assert_eq!(channels(ColorMode::AsStored), 1);
        assert_eq!(channels(ColorMode::Grey), 1);
        assert_eq!(channels(ColorMode::Rgb), 3);
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
        put(root.path(), "a/good.png", &png_of(16, 16, 3, 1));
        put(root.path(), "b/good.jpg", &jpeg_of(16, 16, 3, 1));
        put(root.path(), "a/empty.jpg", b"");
        put(root.path(), "a/cut.jpg", &cut[..cut.len() * 2 / 3]);
        put(root.path(), "a/text.png", b"I am a text");
        put(root.path(), "a/web.webp", b"RIFF");
        put(root.path(), "stray.png", &png_of(16, 16, 3, 1));
        fs::create_dir_all(root.path().join("a/folder.jpg")).unwrap();
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
            "text.png: neither PNG nor JPEG",
            "web.webp: webp images are not read",
            "stray.png: outside any class folder",
            "folder.jpg: a folder, not an image file",
            "max_reject_share",
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
    fn a_set_above_the_limit_is_refused_before_it_is_decoded() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..4 {
            put(root.path(), &format!("{number}.png"), &png_of(10, 10, 3, 0));
        }
        let mut options = LoadOptions::default();
        options.limits.max_set_bytes = 1_199;
        let error = load_with(root.path(), Split::Train, &options).unwrap_err();
        assert!(error.contains("1200 bytes") && error.contains("1199"), "{error}");
        options.limits.max_set_bytes = 1_200;
        let set = load_with(root.path(), Split::Train, &options).unwrap();
        assert_eq!((set.len(), set.labels), (4, None));
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_and_pipes_are_rejects() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/1.png", &png_of(4, 4, 1, 1));
        std::os::unix::fs::symlink(root.path(), root.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("a/2.png")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", root.path().join("a/3.png")).unwrap();
        std::os::unix::fs::symlink(root.path().join("a"), root.path().join("b")).unwrap();
        let options = LoadOptions { max_reject_share: 0.9, ..LoadOptions::default() };
        let set = load_with(root.path(), Split::Train, &options).unwrap();
        let reasons: Vec<&str> = set.rejects.iter().map(|reject| reject.reason.as_str()).collect();
        assert!(reasons.iter().any(|reason| reason.contains("a link to a folder")), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("cannot be read")), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("not a regular file")), "{reasons:?}");
        assert_eq!(set.classes, ["a", "b"]);
    }
}
