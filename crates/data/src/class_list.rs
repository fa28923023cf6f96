//! A list of the classes to take of a data set, such as the hundred of ImageNet-100.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::source::{Items, SplitContent};

/// A million names of classes fit into it.
const MOST_BYTES: u64 = 64 << 20;

/// Classes that a text file names, one in each line.
#[derive(Debug)]
pub(crate) struct ClassList {
    path: PathBuf,
    /// With the number of each line.
    lines: Vec<(usize, String)>,
}

/// Which classes of a data set are taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The names of those that are, in the order of the whole set.
    pub(crate) classes: Vec<String>,
    /// Of each class of the whole set the number among them.
    pub(crate) numbers: Vec<Option<u32>>,
}

impl ClassList {
    /// Reads the file; empty lines, and what follows `#` at the beginning or after a space, say nothing.
    ///
    /// # Errors
    /// [`DataError::Read`], [`DataError::BadFile`] where it names nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let read = |source| DataError::Read { path: path.to_owned(), source };
        // Asked before reading: a device never ends, and a pipe may never begin.
        let about = fs::metadata(path).map_err(read)?;
        if !about.is_file() || about.len() > MOST_BYTES {
            let got = if about.is_file() { format!("{} bytes", about.len()) } else { "no file".to_owned() };
            return Err(DataError::BadFile {
                path: path.to_owned(),
                field: "classes",
                expected: format!("a text file of at most {MOST_BYTES} bytes with a class in each line"),
                got,
                remedy: "name such a file",
            });
        }
        let text = fs::read_to_string(path).map_err(read)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        // A name may have the sign in it.
        let said = |line: &str| match line.trim() {
            comment if comment.starts_with('#') => String::new(),
            line => line.split(" #").next().unwrap_or_default().trim().to_owned(),
        };
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, said(line)));
        let lines: Vec<(usize, String)> = lines.filter(|(_, line)| !line.is_empty()).collect();
        if lines.is_empty() {
            return Err(DataError::BadFile {
                path: path.to_owned(),
                field: "classes",
                expected: "a class in each line".to_owned(),
                got: "none".to_owned(),
                remedy: "name the classes to take",
            });
        }
        Ok(Self { path: path.to_owned(), lines })
    }

    /// Those of `classes` that the list names: by the whole line, or by its first word, which may be the id of a class that
    /// is called `tench (n01440764)`.
    ///
    /// # Errors
    /// [`DataError::UnknownClass`] for the first line that names none.
    pub(crate) fn choose(&self, set: &Path, classes: &[String]) -> Result<Chosen, DataError> {
        let mut is_chosen = vec![false; classes.len()];
        let mut by_name: Vec<(&str, usize)> = Vec::with_capacity(2 * classes.len());
        for (number, class) in classes.iter().enumerate() {
            by_name.push((class, number));
            by_name.extend(id_of(class).map(|id| (id, number)));
        }
        by_name.sort_unstable();
        let find = |name: &str| {
            let at = by_name.partition_point(|(known, _)| *known < name);
            by_name.get(at).filter(|(known, _)| *known == name).map(|(_, number)| *number)
        };
        for (number, line) in &self.lines {
            let word = line.split_whitespace().next().unwrap_or(line);
            let Some(class) = find(line).or_else(|| find(word)) else {
                let nearest = by_name
                    .iter()
                    .map(|(known, _)| {
                        let distance = |typed: &str| strsim::damerau_levenshtein(typed, known);
                        (distance(line).min(distance(word)), *known)
                    })
                    .min();
                return Err(DataError::UnknownClass {
                    list: self.path.clone(),
                    line: *number,
                    class: line.clone(),
                    set: set.to_owned(),
                    classes: classes.len(),
                    nearest: nearest
                        .map_or_else(String::new, |(_, name)| format!("; the nearest is `{name}`")),
                });
            };
            is_chosen[class] = true;
        }
        let mut chosen = Chosen { classes: Vec::new(), numbers: Vec::with_capacity(classes.len()) };
        for (class, is_chosen) in classes.iter().zip(is_chosen) {
            chosen.numbers.push(is_chosen.then_some(chosen.classes.len() as u32));
            if is_chosen {
                chosen.classes.push(class.clone());
            }
        }
        Ok(chosen)
    }

    /// What is said of a choice.
    pub(crate) fn in_words(&self, chosen: &Chosen) -> String {
        let (some, all) = (chosen.classes.len(), chosen.numbers.len());
        format!("{some} of {all} classes are taken, those of {}", self.path.display())
    }
}

/// The id in the name of a class that is called by a word too.
fn id_of(class: &str) -> Option<&str> {
    class.strip_suffix(')')?.rsplit_once(" (").map(|(_, id)| id).filter(|id| !id.is_empty())
}

impl Chosen {
    /// Whether each class of the whole set is taken.
    pub(crate) fn is_kept(&self, class: u32) -> bool {
        self.number(class).is_some()
    }

    fn number(&self, class: u32) -> Option<u32> {
        self.numbers.get(class as usize).copied().flatten()
    }

    /// Leaves the other classes and their images out of `content`. Gives it back where its images have no classes.
    pub(crate) fn take_of(self, content: &mut SplitContent) -> Result<(), Self> {
        match &mut content.items {
            Items::Files(files) => {
                if files.iter().any(|file| file.label.is_none()) {
                    return Err(self);
                }
                files.retain_mut(|file| {
                    file.label = file.label.and_then(|label| self.number(label));
                    file.label.is_some()
                });
            }
            Items::Packed { labels: None, .. } | Items::Mapped { labels: None, .. } => return Err(self),
            Items::Mapped { labels: Some(labels), .. } => {
                labels.iter_mut().for_each(|label| *label = label.and_then(|label| self.number(label)));
            }
            Items::Packed { shape, pixels, labels: Some(labels) } => {
                let bytes = shape.bytes();
                let mut kept = Vec::with_capacity(labels.len());
                for (image, &label) in labels.iter().enumerate() {
                    if let Some(number) = self.number(label) {
                        pixels.copy_within(image * bytes..(image + 1) * bytes, kept.len() * bytes);
                        kept.push(number);
                    }
                }
                pixels.truncate(kept.len() * bytes);
                *labels = kept;
            }
        }
        content.classes = self.classes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::{gz, idx, png_of, put, tar_of};
    use crate::{ClassUse, ImageSet, LoadOptions, Split, inspect, load};

    fn with_list(path: &Path, split: Split, list: &Path) -> Result<ImageSet, String> {
        let options = LoadOptions {
            classes: Some(list.to_owned()),
            class_use: ClassUse::Optional,
            ..LoadOptions::default()
        };
        load(path.to_str().unwrap(), split, &options).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_that_is_no_file_is_refused_before_it_is_read() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "set/train/a/1.png", &png_of(2, 2, 1, 0));
        let devices = if cfg!(unix) { vec![Path::new("/dev/zero")] } else { Vec::new() };
        for list in devices.into_iter().chain([root.path()]) {
            let error = with_list(&root.path().join("set"), Split::Train, list).unwrap_err();
            assert!(error.contains("got no file; name such a file"), "{error}");
        }
    }

    #[test]
    fn the_classes_of_a_list_are_taken_of_every_format_in_the_order_of_the_set() {
        let root = tempfile::tempdir().unwrap();
        let images: Vec<Vec<u8>> = (0..4).map(|seed| png_of(2, 2, 1, seed)).collect();
        let names = ["train/0/a.png", "train/1/b.png", "train/2/c.png", "test/2/d.png"];
        for (name, image) in names.iter().zip(&images) {
            put(root.path(), &format!("folders/{name}"), image);
        }
        let members: Vec<(&str, &[u8])> =
            names.iter().copied().zip(images.iter().map(Vec::as_slice)).collect();
        put(root.path(), "plain.tar", &tar_of(&members));
        put(root.path(), "packed.tar.gz", &gz(&tar_of(&members)));
        let pixels = |seeds: &[usize]| {
            seeds.iter().flat_map(|&seed| crate::test_files::ramp(2, 2, 1, seed)).collect::<Vec<u8>>()
        };
        put(root.path(), "idx/train-images-idx3-ubyte", &idx(&[3, 2, 2], &pixels(&[0, 1, 2])));
        put(root.path(), "idx/train-labels-idx1-ubyte", &idx(&[3], &[0, 1, 2]));
        put(root.path(), "idx/t10k-images-idx3-ubyte", &idx(&[1, 2, 2], &pixels(&[3])));
        put(root.path(), "idx/t10k-labels-idx1-ubyte", &idx(&[1], &[2]));
        put(root.path(), "list.txt", b"# of no use\n\n2 the third\n0 # the first\r\n2\n");
        // What cannot be used of another class is no matter, nor what has none.
        put(root.path(), "folders/train/1/broken.png", b"");
        put(root.path(), "folders/train/stray.png", &images[0]);
        let list = root.path().join("list.txt");
        let mut hashes = Vec::new();
        for set in ["folders", "plain.tar", "packed.tar.gz", "idx"] {
            let path = root.path().join(set);
            let train = with_list(&path, Split::Train, &list).unwrap();
            assert_eq!(train.classes, ["0", "2"], "{set}");
            assert_eq!(train.labels, Some(vec![0, 1]), "{set}");
            assert!(train.notes.iter().any(|note| note.starts_with("2 of 3 classes are taken")), "{set}");
            assert_eq!(*train.pixels(1).unwrap(), crate::test_files::ramp(2, 2, 1, 2), "{set}");
            assert_eq!(with_list(&path, Split::Test, &list).unwrap().labels, Some(vec![1]), "{set}");
            hashes.push(train.content_sha256());
        }
        hashes.dedup();
        assert_eq!(hashes.len(), 1);
        // A run and the kept features know another list by the images.
        put(root.path(), "other.txt", b"0\n1\n");
        let other =
            with_list(&root.path().join("idx"), Split::Train, &root.path().join("other.txt")).unwrap();
        assert_ne!((other.content_sha256(), other.features_sha256()), (hashes[0].clone(), hashes[0].clone()));
        let seen = inspect(
            root.path().join("folders").to_str().unwrap(),
            &LoadOptions { classes: Some(list), ..LoadOptions::default() },
        )
        .unwrap();
        assert_eq!((seen.images, seen.classes.len(), seen.rejects.len()), (3, 2, 0));
    }

    #[test]
    fn images_that_are_read_when_they_are_wanted_are_chosen_too() {
        let root = tempfile::tempdir().unwrap();
        for (number, name) in ["train/a/1.png", "train/b/2.png", "train/c/3.png"].iter().enumerate() {
            put(root.path(), &format!("set/{name}"), &png_of(4, 4, 3, number));
        }
        let hash = |text: &str| {
            put(root.path(), "list.txt", text.as_bytes());
            let options = LoadOptions {
                classes: Some(root.path().join("list.txt")),
                memory: Some(0),
                size: Some(2),
                ..LoadOptions::default()
            };
            let set = load(root.path().join("set").to_str().unwrap(), Split::Train, &options).unwrap();
            assert!(set.is_streamed());
            (set.len(), set.content_sha256(), set.features_sha256())
        };
        let (two, content, features) = hash("a\nc\n");
        let (also_two, other_content, other_features) = hash("a\nb\n");
        assert_eq!((two, also_two), (2, 2));
        assert!(content != other_content && features != other_features);
    }

    #[test]
    fn ids_and_whole_names_are_known() {
        let classes = ["tench (n01440764)", "crane (n02012849)", "crane (n03126707)", "Ankle boot"];
        let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "list", b"Ankle boot\nn03126707 crane\ntench (n01440764)\n");
        let list = ClassList::read(&root.path().join("list")).unwrap();
        let chosen = list.choose(Path::new("set"), &classes).unwrap();
        assert_eq!(chosen.numbers, [Some(0), None, Some(1), Some(2)]);
        assert_eq!(chosen.classes[1], "crane (n03126707)");
    }

    #[test]
    fn an_unknown_class_is_named_with_its_line_and_the_nearest() {
        let root = tempfile::tempdir().unwrap();
        let list = root.path().join("list.txt");
        let told = |text: &str, data: &str| {
            std::fs::write(&list, text).unwrap();
            with_list(Path::new(data), Split::Train, &list).unwrap_err()
        };
        let error = told("A\n\nb\n", "glyphs");
        assert!(error.contains("list.txt, line 3: embedded glyphs has no class `b` among its 26"), "{error}");
        let error = told("AB\n", "glyphs");
        assert!(error.contains("the nearest is `A`"), "{error}");
        assert!(told("# none\n", "glyphs").contains("expected a class in each line, got none"));
        let flat = root.path().join("flat");
        put(&flat, "1.png", &png_of(2, 2, 1, 1));
        let error = told("a\n", flat.to_str().unwrap());
        assert!(error.contains("the train split has no classes"), "{error}");
        let missing = with_list(Path::new("glyphs"), Split::Train, Path::new("absent.txt")).unwrap_err();
        assert!(missing.contains("absent.txt"), "{missing}");
    }

    #[test]
    fn groups_of_glyphs_are_those_of_the_images_that_are_taken() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "list.txt", b"B\nQ\n");
        let list = root.path().join("list.txt");
        let set = with_list(Path::new("glyphs"), Split::Test, &list).unwrap();
        let whole = load("glyphs", Split::Test, &LoadOptions::default()).unwrap();
        let groups = |list| crate::image_groups("glyphs", Split::Test, list).unwrap().of_image;
        let labels = whole.labels.unwrap();
        let expected: Vec<usize> = groups(None)
            .into_iter()
            .zip(labels)
            .filter(|(_, label)| [1, 16].contains(label))
            .map(|(of, _)| of)
            .collect();
        assert_eq!((set.len(), groups(Some(&list))), (expected.len(), expected));
    }
}
