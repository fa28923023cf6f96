//! What a data set is called where there is little room.

use std::path::Path;

/// The last part of an absolute path, as recipes of run folders have them; what is given otherwise, and what would be
/// called like another one of `all`, stays as it is.
#[must_use]
pub fn short_name<'a>(data: &'a str, all: impl IntoIterator<Item = &'a str>) -> &'a str {
    let Some(last) = last_part(data) else { return data };
    let taken = all.into_iter().any(|other| other != data && last_part(other).unwrap_or(other) == last);
    if taken { data } else { last }
}

fn last_part(data: &str) -> Option<&str> {
    let path = Path::new(data);
    path.file_name().filter(|_| path.is_absolute())?.to_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_that_a_run_folder_has_made_absolute_is_called_by_its_folder() {
        let all = ["/home/me/photos", "/home/me/old/birds", "/data/birds", "mnist", "./shapes"];
        let short = all.map(|data| short_name(data, all));
        assert_eq!(short, ["photos", "/home/me/old/birds", "/data/birds", "mnist", "./shapes"]);
        assert_eq!(short_name("/data/mnist/", ["mnist"]), "/data/mnist/");
        assert_eq!(short_name("/", []), "/");
    }
}
