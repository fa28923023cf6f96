//! Where the files lie that say something of the images: with them, or in folders above.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Folders above a data set that are looked at.
const ABOVE: usize = 3;
/// Where they lie in each folder: the development kit has one of its own.
const WITHIN: [&str; 3] = ["", "ILSVRC2012_devkit_t12/data", "devkit/data"];
/// Largest file that is read, in bytes: that of Kaggle has 2 MB, the list of all synsets 3 MB.
const MOST_BYTES: u64 = 64 << 20;

/// Folders in which files beside the images are looked for, the nearest first.
#[derive(Debug)]
pub(crate) struct Places {
    folders: Vec<PathBuf>,
}

impl Places {
    /// Of the data set at `root`, whose splits lie in `wrappers`, each in the one before.
    pub(crate) fn around(root: &Path, wrappers: &[String]) -> Self {
        let mut folders = vec![root.to_owned()];
        for wrapper in wrappers {
            folders.extend(folders.last().map(|folder| folder.join(wrapper)));
        }
        folders.reverse();
        // A relative path has not all its folders in it.
        let whole = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        folders.extend(whole.ancestors().skip(1).take(ABOVE).map(Path::to_owned));
        Self { folders }
    }

    /// The same and, before them, the folder of `split` of which the images are.
    pub(crate) fn of_split(&self, split: &str) -> Self {
        let own = self.folders.first().map(|folder| folder.join(split));
        Self { folders: own.into_iter().chain(self.folders.iter().cloned()).collect() }
    }

    /// The nearest file of that name.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let paths =
            self.folders.iter().flat_map(|folder| WITHIN.map(|within| folder.join(within).join(name)));
        paths.into_iter().find(|path| path.is_file())
    }
}

/// The text of a small file.
///
/// # Errors
/// Why there is none, with the remedy.
pub(super) fn text_of(path: &Path) -> Result<String, String> {
    let told = |problem: String| format!("{}: {problem}; fetch it again or take it away", path.display());
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| told(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(told(format!("expected at most {MOST_BYTES} bytes, got more")));
    }
    let text = String::from_utf8(bytes).map_err(|error| told(format!("expected text, got {error}")))?;
    // Some editors begin a text with a mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
