//! How the project's texts are written.

use std::fs;
use std::path::{Path, PathBuf};

/// Columns of a line of Markdown, in characters.
const COLUMNS: usize = 120;

/// Every Markdown file below `folder`, without what git ignores and hidden folders.
fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && !["target", "runs"].contains(&&*name) {
            texts(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// Whether a line has no place to break: one word, or one link or picture.
fn is_unbreakable(line: &str) -> bool {
    let words =
        line.trim_start_matches(|character: char| " -*>.".contains(character) || character.is_ascii_digit());
    let is_a_link = words.starts_with('[') || words.starts_with("![");
    !words.trim_end().contains(' ') || is_a_link && words.matches("](").count() == 1 && words.ends_with(')')
}

/// The numbers of the lines that are too long. Tables, headings and code between fences may be.
fn too_long(text: &str) -> Vec<usize> {
    let mut fence = None;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let start = line.trim_start();
        let marks = start.len() - start.trim_start_matches(['`', '~']).len();
        match fence {
            Some(open) if marks >= open && start.trim_end().len() == marks => fence = None,
            None if marks >= 3 => fence = Some(marks),
            None if start.starts_with(['|', '#']) || is_unbreakable(line) => {}
            None if line.chars().count() > COLUMNS => found.push(number),
            _ => {}
        }
    }
    found
}

#[test]
fn markdown_is_wrapped() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    texts(&project, &mut files);
    assert!(files.len() > 50, "{files:?}");
    files.sort();
    let mut problems = Vec::new();
    for file in files {
        let name = file.strip_prefix(&project).unwrap().display();
        let lines = too_long(&fs::read_to_string(&file).unwrap());
        problems.extend(lines.iter().map(|line| format!("{name}:{line}: longer than {COLUMNS} columns")));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn only_lines_that_can_be_broken_are_too_long() {
    let (words, word) = ("long words ".repeat(20), "é".repeat(130));
    let picture = format!("![{words}](picture.svg)");
    let lines = [
        &*words,
        &"é ".repeat(60),
        &word,
        &format!("- {word}"),
        &format!("| {words} |"),
        &format!("## {words}"),
        &picture,
        &format!("{picture} and {words}"),
        "```sh",
        &words,
        "```",
        &format!("  {words}"),
    ];
    assert_eq!(too_long(&lines.join("\n")), [1, 8, 12]);
}
