//! Files that say which class each image of a validation split is of.

use std::collections::HashMap;
use std::path::PathBuf;

use super::is_synset;
use super::places::{Places, text_of};
use crate::file_names::has_image_ending;

/// How a file says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Kaggle's: `ImageId,PredictionString`, the latter a class and a box, or several.
    Solution,
    /// Lines of a name and a class, or of classes alone in the order of names.
    Lines,
    /// The development kit's: numbers of classes in the order of names.
    Kit,
}

/// The files that are looked for, in this order.
const FILES: [(&str, Form); 7] = [
    ("LOC_val_solution.csv", Form::Solution),
    ("ILSVRC2012_val.txt", Form::Lines),
    ("ILSVRC2012_val_labels.txt", Form::Lines),
    ("imagenet_2012_validation_synset_labels.txt", Form::Lines),
    ("val_labels.txt", Form::Lines),
    ("val.txt", Form::Lines),
    ("ILSVRC2012_validation_ground_truth.txt", Form::Kit),
];
/// Which class each of the kit's numbers is.
const KIT_NUMBERS: &str = "map_clsloc.txt";

/// The class of each image, as a file says it.
#[derive(Debug)]
pub(super) struct Truth {
    /// The file.
    pub(super) path: PathBuf,
    pub(super) rows: Rows,
}

/// Classes of images: the names of their folders, or numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// By the image's name without its ending.
    ByName(HashMap<String, String>),
    /// In the order of the images' names.
    InOrder(Vec<String>),
}

impl Truth {
    /// The files that are there, in the order in which they are asked.
    pub(super) fn candidates(places: &Places) -> impl Iterator<Item = Candidate> + '_ {
        FILES.into_iter().filter_map(|(name, form)| {
            let path = places.find(name)?;
            Some(Candidate {
                path,
                form,
                kit_numbers: (form == Form::Kit).then(|| places.find(KIT_NUMBERS)).flatten(),
            })
        })
    }
}

/// A file that may say the classes.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    form: Form,
    kit_numbers: Option<PathBuf>,
}

impl Candidate {
    /// What it says.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence with the remedy.
    pub(super) fn read(self) -> Result<Truth, String> {
        let text = text_of(&self.path)?;
        let rows = match self.form {
            Form::Solution => solution(&text),
            Form::Lines => lines(&text),
            Form::Kit => return self.read_kit(&text),
        };
        let rows = rows.map_err(|problem| {
            format!("{}: {problem}; fetch the file again or take it away", self.path.display())
        })?;
        Ok(Truth { path: self.path, rows })
    }

    fn read_kit(self, text: &str) -> Result<Truth, String> {
        let shown = self.path.display();
        let Some(map) = &self.kit_numbers else {
            return Err(format!(
                "{shown} has numbers of the development kit, and {KIT_NUMBERS}, which says which classes they are, is \
                 not there; put that file of a later kit beside it, or LOC_val_solution.csv of Kaggle instead of it"
            ));
        };
        let map_text = text_of(map)?;
        let classes: HashMap<&str, &str> = map_text
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let id = words.next().filter(|id| is_synset(id))?;
                Some((words.next()?, id))
            })
            .collect();
        let class = |(number, line): (usize, &str)| {
            let known = classes.get(line.trim()).map(|&id| id.to_owned());
            known.ok_or_else(|| {
                format!(
                    "{shown}, line {}: expected a number of {}, got `{}`; fetch both again",
                    number + 1,
                    map.display(),
                    line.trim()
                )
            })
        };
        let rows = text.trim_end().lines().enumerate().map(class).collect::<Result<Vec<String>, String>>()?;
        Ok(Truth { path: self.path, rows: Rows::InOrder(rows) })
    }
}

/// The name of an image without folders and ending.
pub(super) fn stem(name: &str) -> &str {
    let own = name.rsplit('/').next().unwrap_or(name);
    if has_image_ending(own) { own.rsplit_once('.').map_or(own, |(stem, _)| stem) } else { own }
}

fn solution(text: &str) -> Result<Rows, String> {
    let mut rows = HashMap::new();
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
        if line.is_empty() || (number == 1 && line.starts_with("ImageId")) {
            continue;
        }
        let wrong = || format!("line {number}: expected IMAGE,CLASS and boxes, got `{}`", shortened(line));
        let (image, boxes) = line.split_once(',').ok_or_else(wrong)?;
        let mut words = boxes.trim_matches('"').split_whitespace();
        let class = words.next().ok_or_else(wrong)?;
        if let Some(other) = words.find(|word| is_synset(word) && *word != class) {
            return Err(format!("line {number}: expected boxes of one class, got {class} and {other}"));
        }
        add(&mut rows, number, image, class)?;
    }
    Ok(Rows::ByName(rows))
}

fn lines(text: &str) -> Result<Rows, String> {
    let (mut rows, mut in_order) = (HashMap::new(), Vec::new());
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
        let words: Vec<&str> = line
            .split(|sign: char| sign.is_whitespace() || sign == ',')
            .filter(|word| !word.is_empty())
            .collect();
        match words[..] {
            [] => {}
            [class] => in_order.push(class.to_owned()),
            [image, class] => add(&mut rows, number, image, class)?,
            _ => {
                return Err(format!(
                    "line {number}: expected an image and its class, got `{}`",
                    shortened(line)
                ));
            }
        }
    }
    match (rows.is_empty(), in_order.is_empty()) {
        (false, false) => Err(format!(
            "expected an image and its class in every line, got {} lines of one word",
            in_order.len()
        )),
        (true, false) => Ok(Rows::InOrder(in_order)),
        _ => Ok(Rows::ByName(rows)),
    }
}

fn add(rows: &mut HashMap<String, String>, line: usize, image: &str, class: &str) -> Result<(), String> {
    match rows.insert(stem(image.trim()).to_owned(), class.to_owned()) {
        Some(before) if before != class => {
            Err(format!("line {line}: expected one class of {image}, got {before} before and {class} here"))
        }
        _ => Ok(()),
    }
}

fn shortened(line: &str) -> String {
    line.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_name(rows: &[(&str, &str)]) -> Rows {
        Rows::ByName(rows.iter().map(|&(name, class)| (name.to_owned(), class.to_owned())).collect())
    }

    #[test]
    fn each_form_is_read() {
        let kaggle = "ImageId,PredictionString\nILSVRC2012_val_00000001,n01751748 111 108 441 193 \n\
                      v_2,n03995372 85 1 499 272 n03995372 1 2 3 4\n";
        let expected = by_name(&[("ILSVRC2012_val_00000001", "n01751748"), ("v_2", "n03995372")]);
        assert_eq!(solution(kaggle).unwrap(), expected);
        let expected = by_name(&[("v_1", "65"), ("v_2", "970")]);
        for text in
            ["v_1.JPEG 65\nv_2.JPEG 970\n", "val/v_1.JPEG\t65\r\n\r\nval/v_2.JPEG\t970", "v_1,65\nv_2,970"]
        {
            assert_eq!(lines(text).unwrap(), expected, "{text}");
        }
        assert_eq!(lines("n01751748\nn02\n").unwrap(), Rows::InOrder(vec!["n01751748".into(), "n02".into()]));
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_its_line() {
        let told = |rows: Result<Rows, String>| rows.unwrap_err();
        assert!(
            told(solution("a,n00000001 1 2 3 4 n00000002 1 2 3 4"))
                .starts_with("line 1: expected boxes of one")
        );
        assert!(
            told(solution("ImageId,PredictionString\nabc\n")).starts_with("line 2: expected IMAGE,CLASS")
        );
        assert!(told(lines("a 1\nb 2\na 3\n")).starts_with("line 3: expected one class of a"));
        assert!(told(lines("a 1\nb\n")).contains("1 lines of one word"));
        assert!(told(lines("a 1 2\n")).starts_with("line 1: expected an image and its class"));
        assert!(lines("a 1\na 1\n").is_ok(), "the same twice");
    }
}
