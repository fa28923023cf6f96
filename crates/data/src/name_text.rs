//! Names of files and members as text.

use std::borrow::Cow;
use std::path::Path;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The name that `bytes` are; a byte that is no UTF-8 as `%E9`, so that different names stay different.
pub(crate) fn name_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(name) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(name);
    }
    let mut name = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        name.push_str(chunk.valid());
        for byte in chunk.invalid() {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(name)
}

/// The same of a path.
pub(crate) fn path_text(path: &Path) -> String {
    name_text(path.as_os_str().as_encoded_bytes()).into_owned()
}

/// A name in Unicode's composed form: a Mac writes `é` as two signs, others as one.
pub(crate) fn composed(name: &str) -> String {
    if is_nfc(name) { name.to_owned() } else { name.nfc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_utf_8_stay_different() {
        assert_eq!(name_text("caf\u{e9}/0.png".as_bytes()), "caf\u{e9}/0.png");
        assert_eq!(name_text(b"caf\xe9/0.png"), "caf%E9/0.png");
        assert_eq!(name_text(b"\xe8\xff"), "%E8%FF");
        assert_eq!(composed("e\u{301}"), "\u{e9}");
    }
}
