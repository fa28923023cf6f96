//! A list of the classes to take of a data set, such as the hundred of ImageNet-100.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::source::{Items, SplitContent};

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
    /// Reads the file; empty lines, and what follows `#`, say nothing.
    ///
    /// # Errors
    /// [`DataError::Read`], [`DataError::BadFile`] where it names nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let text =
            fs::read_to_string(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let said = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
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
            Items::Packed { labels: None, .. } => return Err(self),
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
