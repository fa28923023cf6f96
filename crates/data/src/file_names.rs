//! What a file's name says of it: an image, something that is not looked at, or nothing.

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// An image, or what people take for one; its bytes say whether it is read.
    Image,
    /// Not an image: it is counted under this, and left alone.
    Ignored(String),
    /// Nothing: its first bytes say what it is.
    Unknown,
}

/// Endings of images that are read.
const IMAGES: [&str; 19] = [
    "apng", "bmp", "dib", "gif", "jfi", "jfif", "jif", "jpe", "jpeg", "jpg", "pam", "pbm", "pgm", "pjp",
    "pjpeg", "png", "pnm", "ppm", "webp",
];
/// Endings of images that are not: that one is there must not go by in silence.
const OTHER_IMAGES: [&str; 34] = [
    "arw", "avif", "avifs", "cr2", "cr3", "dds", "dng", "emf", "eps", "exr", "fit", "fits", "hdr", "heic",
    "heif", "ico", "j2k", "jp2", "jpf", "jpx", "jxl", "nef", "orf", "pcx", "psd", "qoi", "raf", "rw2", "svg",
    "tga", "tif", "tiff", "wmf", "xcf",
];
/// Endings of what usually lies beside images.
const BESIDE_IMAGES: [&str; 44] = [
    "avi", "bib", "bz2", "cfg", "cls", "conf", "csv", "db", "doc", "docx", "gz", "h5", "hdf5", "htm", "html",
    "ini", "ipynb", "json", "jsonl", "lmdb", "log", "mat", "md", "mdb", "mkv", "mov", "mp4", "npy", "npz",
    "parquet", "pdf", "pickle", "pkl", "py", "rar", "sh", "tar", "tgz", "tsv", "txt", "xml", "yaml", "yml",
    "zip",
];

/// What follows the last dot, in lower case; empty without one.
pub(crate) fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_lowercase())
}

/// True for the endings of images that are read.
pub(crate) fn has_image_ending(name: &str) -> bool {
    IMAGES.contains(&ending(name).as_str())
}

/// True for what systems leave beside a user's files, and for hidden files.
pub(crate) fn is_hidden(name: &str) -> bool {
    left_by_a_system(name).is_some()
}

fn left_by_a_system(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    match lower.as_str() {
        "__macosx" => Some("folders __MACOSX"),
        ".ds_store" => Some(".DS_Store"),
        "thumbs.db" | "ehthumbs.db" | "desktop.ini" => Some("left by Windows (Thumbs.db, desktop.ini)"),
        "@eadir" => Some("folders @eaDir"),
        "icon\r" => Some("left by macOS"),
        _ if lower.starts_with("._") => Some("left by macOS (._*)"),
        _ if lower.starts_with('.') && lower.len() > 1 => Some("hidden (the name begins with a dot)"),
        _ => None,
    }
}

/// What the name of a file (or folder) says.
pub(crate) fn named(name: &str) -> Named {
    if let Some(why) = left_by_a_system(name) {
        return Named::Ignored(why.to_owned());
    }
    let ending = ending(name);
    let is_one_of = |endings: &[&str]| endings.contains(&ending.as_str());
    if is_one_of(&IMAGES) || is_one_of(&OTHER_IMAGES) {
        Named::Image
    } else if is_one_of(&BESIDE_IMAGES) {
        Named::Ignored(format!(".{ending}"))
    } else if ending.is_empty() && is_a_note(name) {
        Named::Ignored("notes (README and the like)".to_owned())
    } else {
        Named::Unknown
    }
}

fn is_a_note(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["readme", "license", "licence", "copying", "notice", "authors", "changelog", "makefile"]
        .contains(&lower.as_str())
}

/// How a file whose bytes are no image is counted.
pub(crate) fn no_image(name: &str) -> String {
    match ending(name).as_str() {
        "" => "no images (files without an ending)".to_owned(),
        ending if ending.chars().count() <= 10 => format!(".{ending} (no images)"),
        _ => "no images (other endings)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        for name in ["a.JPG", "a.jpe", "x.JFIF", "b.pjpeg", "c.Tif", "d.webp", "e.HEIC", "f.svg", "a.b.pgm"] {
            assert_eq!(named(name), Named::Image, "{name}");
        }
        for name in
            ["Thumbs.db", ".DS_Store", "._a.jpg", "desktop.ini", ".hidden.png", "README", "a.TXT", "__MACOSX"]
        {
            assert!(matches!(named(name), Named::Ignored(_)), "{name}");
        }
        for name in ["0a1b2c", "photo.jpg_large", "x.image"] {
            assert_eq!(named(name), Named::Unknown, "{name}");
        }
        assert!(
            !has_image_ending("a.heic") && !has_image_ending("a.tif") && has_image_ending("x.view-0.PNG")
        );
    }
}
