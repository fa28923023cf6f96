//! Keys that were called otherwise in earlier versions.

/// A key or section, `section.key`, and what its last part is called by now.
#[derive(Debug, Clone, Copy)]
pub struct Former {
    /// What it was called, within sections of the names that those had.
    pub was: &'static str,
    /// Its own name by now.
    pub now: &'static str,
}

/// What `path` is called by now.
pub(super) fn by_now(former: &[Former], path: &[String]) -> Vec<String> {
    let mut names = path.to_vec();
    for key in former {
        let was: Vec<&str> = key.was.split('.').collect();
        if path.len() >= was.len() && path.iter().zip(&was).all(|(name, was)| name == was) {
            names[was.len() - 1] = key.now.to_owned();
        }
    }
    names
}

/// `data.name` is called source.data
pub(super) fn in_words(was: &str, now: &[String]) -> String {
    format!("`{was}` is called `{}` by now", now.join("."))
}
