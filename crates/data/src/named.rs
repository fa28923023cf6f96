//! Data sets that have a name, and where they are looked for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;
use zview_runtime::cache_folder_from;
use zview_runtime::config::path_from_file;

use crate::class_list::ClassList;
use crate::classes::known_numbers;
use crate::embedded::{EmbeddedDataSet, GLYPHS, LETTERS};
use crate::error::DataError;
use crate::image_set::ImageShape;
use crate::options::{LoadOptions, Split};
use crate::source::{Items, Opened, SplitContent, detect};

/// A data set that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KnownDataSet {
    /// What to ask for.
    pub name: &'static str,
    /// What it shows.
    pub what: &'static str,
    /// Images of the whole original train split.
    pub train_images: usize,
    /// Images of the whole original test split.
    pub test_images: usize,
    /// Shape of each image.
    pub shape: ImageShape,
    /// Class names by label.
    pub classes: &'static [&'static str],
    /// True if it is inside the binary and needs no file.
    pub embedded: bool,
    /// Folders it may be in, the preferred one first.
    #[serde(skip)]
    folders: &'static [&'static str],
    /// The files to put there.
    #[serde(skip)]
    files: &'static str,
}

const IDX_FILES: &str = "the IDX files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, \
                         t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz";

const KNOWN: [KnownDataSet; 4] = [
    KnownDataSet {
        name: "glyphs",
        what: "capital letters of free typefaces, other typefaces for training than for testing",
        train_images: 16_645,
        test_images: 3_947,
        shape: ImageShape { channels: 1, height: 28, width: 28 },
        classes: &LETTERS,
        embedded: true,
        folders: &["glyphs"],
        files: IDX_FILES,
    },
    KnownDataSet {
        name: "mnist",
        what: "handwritten digits",
        train_images: 60_000,
        test_images: 10_000,
        shape: ImageShape { channels: 1, height: 28, width: 28 },
        classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        embedded: false,
        folders: &["mnist"],
        files: IDX_FILES,
    },
    KnownDataSet {
        name: "fashion-mnist",
        what: "pictures of clothes",
        train_images: 60_000,
        test_images: 10_000,
        shape: ImageShape { channels: 1, height: 28, width: 28 },
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        embedded: false,
        folders: &["fashion-mnist"],
        files: IDX_FILES,
    },
    KnownDataSet {
        name: "cifar10",
        what: "small photographs of animals and vehicles",
        train_images: 50_000,
        test_images: 10_000,
        shape: ImageShape { channels: 3, height: 32, width: 32 },
        classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        embedded: false,
        folders: &["cifar10", "cifar-10-batches-bin", "cifar10-jpeg"],
        files: "the binary files data_batch_1.bin to data_batch_5.bin and test_batch.bin, \
                or train.tar.gz and test.tar.gz of <class>/*.png folders,",
    },
];

/// The data sets that can be asked for by name.
#[must_use]
pub fn known_data_sets() -> &'static [KnownDataSet] {
    &KNOWN
}

/// Where a data set was found.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// What to call it: of a named one found under another folder name that folder's, because
    /// `cifar10-jpeg` is not quite `cifar10`.
    pub(crate) name: String,
    /// Where it is; of an embedded one what messages call that place.
    pub(crate) path: PathBuf,
    known: Option<&'static KnownDataSet>,
    embedded: Option<&'static EmbeddedDataSet>,
}

/// A data set that has been looked through.
#[derive(Debug)]
pub(crate) enum OpenedSet {
    Embedded(&'static EmbeddedDataSet),
    Stored(Box<Opened>),
}

impl Resolved {
    /// Looks through it, without decoding anything.
    pub(crate) fn open(&self, options: &LoadOptions) -> Result<OpenedSet, DataError> {
        match self.embedded {
            Some(embedded) => Ok(OpenedSet::Embedded(embedded)),
            None => Ok(OpenedSet::Stored(Box::new(Opened::open(&self.path, options)?))),
        }
    }

    /// The images of one split, not decoded yet, with the names of a known data set's classes instead of numbers,
    /// where the format only has numbers; of the classes alone that the options name.
    pub(crate) fn take(
        &self,
        opened: &mut OpenedSet,
        split: Split,
        options: &LoadOptions,
    ) -> Result<SplitContent, DataError> {
        let list = options.classes.as_deref().map(ClassList::read).transpose()?;
        // Where classes are known before, nothing else is read.
        let is_kept = match (&list, opened.classes()) {
            (Some(list), Some(classes)) => Some(self.kept(list, classes)?),
            _ => None,
        };
        let mut content = match opened {
            OpenedSet::Embedded(embedded) => embedded.open(&self.path, split, &options.limits)?,
            OpenedSet::Stored(opened) => opened.take(split, is_kept.as_deref(), options)?,
        };
        self.name_classes(&mut content);
        if let Some(list) = list {
            let without = || DataError::WithoutClasses {
                path: self.path.clone(),
                split,
                list: options.classes.clone().unwrap_or_default(),
            };
            if content.classes.is_empty() {
                return Err(without());
            }
            let chosen = list.choose(&self.path, &content.classes)?;
            content.notes.push(list.in_words(&chosen));
            chosen.take_of(&mut content).map_err(|_| without())?;
        }
        Ok(content)
    }

    /// Whether each of `classes`, as they are stored, is one that the list names.
    fn kept(&self, list: &ClassList, classes: &[String]) -> Result<Vec<bool>, DataError> {
        let numbers = self.known.and_then(|known| known_numbers(classes, known.classes));
        let (Some(known), Some(numbers)) = (self.known, numbers) else {
            let chosen = list.choose(&self.path, classes)?;
            return Ok(chosen.numbers.iter().map(Option::is_some).collect());
        };
        let names: Vec<String> = known.classes.iter().map(|&class| class.to_owned()).collect();
        let chosen = list.choose(&self.path, &names)?;
        Ok(numbers.iter().map(|&number| chosen.is_kept(number)).collect())
    }

    /// Names of a known data set instead of the numbers of its classes.
    fn name_classes(&self, content: &mut SplitContent) {
        let Some(known) = self.known else { return };
        let Some(numbers) = known_numbers(&content.classes, known.classes) else { return };
        content.classes = known.classes.iter().map(|&class| class.to_owned()).collect();
        match &mut content.items {
            Items::Packed { labels, .. } => {
                labels.iter_mut().flatten().for_each(|label| *label = numbers[*label as usize]);
            }
            Items::Mapped { labels, .. } => {
                labels.iter_mut().flatten().flatten().for_each(|label| *label = numbers[*label as usize]);
            }
            Items::Files(files) => {
                files
                    .iter_mut()
                    .flat_map(|file| &mut file.label)
                    .for_each(|label| *label = numbers[*label as usize]);
            }
        }
    }
}

impl OpenedSet {
    /// The name of each class as it is stored, where it is known before a split is taken.
    fn classes(&self) -> Option<&[String]> {
        match self {
            Self::Embedded(_) => None,
            Self::Stored(opened) => opened.classes().filter(|classes| !classes.is_empty()),
        }
    }

    /// Its format for people.
    pub(crate) fn format_name(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "IDX, embedded",
            Self::Stored(opened) => opened.format().name(),
        }
    }
}

/// What the configuration `file` means by `named`, which it says of `key`: the name of a data set, or a path from its
/// folder.
#[must_use]
pub fn data_in_file(file: &Path, key: &str, named: &str) -> String {
    let is_name = KNOWN.iter().any(|known| known.name == named);
    if is_name { named.to_owned() } else { path_from_file(file, key, named) }
}

/// Whether there is something of this name or at this path, with what is wrong where there is not.
///
/// # Errors
/// [`DataError`] as of loading what is not there.
pub fn find(name_or_path: &str, data_dir: Option<&Path>) -> Result<(), DataError> {
    resolve(name_or_path, data_dir).map(|_| ())
}

/// Finds what a user asked for: first among the names, then as a path. The name of an embedded data set always
/// means that one, so that a folder of the same name cannot take its place unseen.
pub(crate) fn resolve(name_or_path: &str, data_dir: Option<&Path>) -> Result<Resolved, DataError> {
    resolve_in(name_or_path, &search_folders(data_dir, |variable| std::env::var_os(variable)))
}

/// The folders that named data sets are looked up in.
fn search_folders(data_dir: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = cache_folder_from(&variable).map(|cache| cache.join("data"));
    data_dir.map(Path::to_owned).into_iter().chain(folder("ZVIEW_DATA")).chain(own).collect()
}

fn resolve_in(name_or_path: &str, search: &[PathBuf]) -> Result<Resolved, DataError> {
    if let Some(known) = KNOWN.iter().find(|known| known.name == name_or_path) {
        return if known.embedded { Ok(embedded(known)) } else { find_known(known, search) };
    }
    let path = PathBuf::from(name_or_path);
    if !name_or_path.is_empty() && path.try_exists().unwrap_or(true) {
        let folder = path.file_name().unwrap_or_default();
        let known = KNOWN.iter().find(|known| known.folders.iter().any(|&name| folder == name));
        return Ok(Resolved { name: name_or_path.to_owned(), path, known, embedded: None });
    }
    let names: Vec<String> = KNOWN.iter().map(|known| format!("`{}`", known.name)).collect();
    Err(DataError::Unknown {
        suggestion: nearest_name(name_or_path)
            .map_or_else(String::new, |name| format!("; did you mean `{name}`?")),
        path,
        known: names.join(", "),
    })
}

/// The only one so far; another one brings a table from name to content.
fn embedded(known: &'static KnownDataSet) -> Resolved {
    let path = PathBuf::from(format!("embedded {}", known.name));
    Resolved { name: known.name.to_owned(), path, known: Some(known), embedded: Some(&GLYPHS) }
}

fn nearest_name(typed: &str) -> Option<&'static str> {
    let typed = typed.to_lowercase();
    KNOWN
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&typed, known.name), known.name))
        .filter(|(distance, name)| *distance <= name.len() / 3)
        .min()
        .map(|(_, name)| name)
}

fn find_known(known: &'static KnownDataSet, search: &[PathBuf]) -> Result<Resolved, DataError> {
    let looked: Vec<PathBuf> =
        search.iter().flat_map(|root| known.folders.iter().map(move |folder| root.join(folder))).collect();
    let mut unusable = None;
    for path in &looked {
        if !path.try_exists().unwrap_or(true) {
            continue;
        }
        match detect(path) {
            Ok(_) => {
                let folder = path.file_name().unwrap_or_default().to_string_lossy();
                let name =
                    if folder.ends_with("-jpeg") { folder.into_owned() } else { known.name.to_owned() };
                return Ok(Resolved { name, path: path.clone(), known: Some(known), embedded: None });
            }
            Err(error) => unusable = unusable.or(Some(error)),
        }
    }
    if let Some(error) = unusable {
        return Err(error);
    }
    let into = match search.first() {
        Some(root) => format!("`{}`", root.join(known.folders[0]).display()),
        None => format!("`DIR/{}`", known.folders[0]),
    };
    Err(DataError::NotFound {
        name: known.name.to_owned(),
        looked,
        remedy: format!(
            "put {} into {into}, or pass --data-dir DIR or set ZVIEW_DATA to a folder that holds `{}`",
            known.files, known.folders[0]
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::{idx, png_of, put, tar_of};
    use crate::{LoadOptions, Split, load};

    #[test]
    fn folders_are_searched_in_order_and_no_home_is_no_panic() {
        let variables = |set: &'static [(&str, &str)]| {
            move |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        let all = variables(&[("ZVIEW_DATA", "/env"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home")]);
        let expected = ["/given", "/env", "/xdg/zview/data"].map(PathBuf::from);
        assert_eq!(search_folders(Some(Path::new("/given")), all), expected);
        let home = variables(&[("ZVIEW_DATA", ""), ("XDG_CACHE_HOME", "relative"), ("HOME", "/home")]);
        assert_eq!(search_folders(None, home), [PathBuf::from("/home/.cache/zview/data")]);
        assert!(search_folders(None, variables(&[])).is_empty());
        let error = resolve_in("mnist", &[]).unwrap_err().to_string();
        assert!(error.contains("nowhere to look") && error.contains("ZVIEW_DATA"), "{error}");
    }

    #[test]
    fn a_missing_set_lists_every_folder_and_the_remedy() {
        let search = ["/absent/one", "/absent/two"].map(PathBuf::from);
        let error = resolve_in("cifar10", &search).unwrap_err().to_string();
        for part in [
            "/absent/one/cifar10\n",
            "/absent/one/cifar10-jpeg\n",
            "/absent/two/cifar-10-batches-bin\n",
            "data_batch_1.bin",
            "--data-dir",
            "ZVIEW_DATA",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        let error = resolve_in("mnist", &search).unwrap_err().to_string();
        assert!(
            error.contains("train-images-idx3-ubyte.gz") && error.contains("`/absent/one/mnist`"),
            "{error}"
        );
    }

    #[test]
    fn a_mistyped_name_suggests_the_nearest() {
        for (typed, meant) in
            [("MNIST", "`mnist`"), ("fashon-mnist", "`fashion-mnist`"), ("cifar-10", "`cifar10`")]
        {
            let error = resolve_in(typed, &[]).unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean {meant}?")), "{error}");
        }
        let error = resolve_in("no/such/folder", &[]).unwrap_err().to_string();
        assert!(!error.contains("did you mean") && error.contains("`fashion-mnist`"), "{error}");
        assert!(resolve_in("", &[]).is_err());
    }

    #[test]
    fn named_sets_get_class_names_and_the_first_usable_folder() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(first.path(), "fashion-mnist/readme.txt", b"not downloaded yet");
        let search = [first.path().to_owned(), second.path().to_owned()];
        let error = resolve_in("fashion-mnist", &search).unwrap_err().to_string();
        assert!(error.contains("no images in a known format"), "{error}");
        put(second.path(), "fashion-mnist/train-images-idx3-ubyte", &idx(&[2, 2, 2], &[0; 8]));
        put(second.path(), "fashion-mnist/train-labels-idx1-ubyte", &idx(&[2], &[8, 0]));
        let resolved = resolve_in("fashion-mnist", &search).unwrap();
        assert_eq!(resolved.path, second.path().join("fashion-mnist"));
        assert_eq!(resolved.name, "fashion-mnist");
        let options = LoadOptions { data_dir: Some(second.path().to_owned()), ..LoadOptions::default() };
        let set = load("fashion-mnist", Split::Train, &options).unwrap();
        assert_eq!((set.classes.len(), set.classes[8].as_str()), (10, "Bag"));
        // The same by path, because the folder has the name.
        let by_path = load(resolved.path.to_str().unwrap(), Split::Train, &LoadOptions::default()).unwrap();
        assert_eq!(by_path.classes, set.classes);
    }

    #[test]
    fn the_jpeg_copy_of_cifar_says_that_it_is_one() {
        let root = tempfile::tempdir().unwrap();
        let image = png_of(32, 32, 3, 1);
        put(root.path(), "cifar10-jpeg/train.tar.gz", &tar_of(&[("train/cat/1.png", &image)]));
        let options = LoadOptions { data_dir: Some(root.path().to_owned()), ..LoadOptions::default() };
        let set = load("cifar10", Split::Train, &options).unwrap();
        assert_eq!(
            (set.name.as_str(), set.classes.as_slice()),
            ("cifar10-jpeg", ["cat".to_owned()].as_slice())
        );
    }

    #[test]
    fn the_table_is_sound() {
        for known in known_data_sets() {
            let classes = if known.embedded { 26 } else { 10 };
            assert_eq!(known.classes.len(), classes, "{}", known.name);
            assert!(known.folders.contains(&known.name));
        }
        let table = serde_json::to_value(known_data_sets()).unwrap();
        assert_eq!((&table[3]["classes"][3], &table[0]["embedded"]), (&"cat".into(), &true.into()));
    }
}
