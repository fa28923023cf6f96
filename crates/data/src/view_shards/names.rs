//! Names of members: which anchor they belong to, and which are refused.

use crate::file_names::is_hidden;

/// A member's name, split as WebDataset does it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MemberName<'a> {
    /// The folders and the file's name up to its first dot: the anchor.
    pub(super) key: &'a str,
    /// What comes after that dot, lower-case: "view-0.png".
    pub(super) ending: String,
}

impl<'a> MemberName<'a> {
    /// Splits a name; `None` for hidden files and names without a dot.
    ///
    /// # Errors
    /// The reason why a name is refused: it would lead out of the archive.
    pub(super) fn parse(name: &'a str) -> Result<Option<Self>, String> {
        let has_drive = name.as_bytes().get(1) == Some(&b':');
        if name.starts_with(['/', '\\']) || has_drive {
            return Err("an absolute name, expected one within the archive".to_owned());
        }
        if name.split(['/', '\\']).any(|part| part == "..") {
            return Err("a name with `..`, expected one within the archive".to_owned());
        }
        if name.split('/').any(|part| part != "." && is_hidden(part)) {
            return Ok(None);
        }
        let file = name.rfind('/').map_or(0, |slash| slash + 1);
        Ok(name[file..]
            .find('.')
            .map(|dot| Self { key: &name[..file + dot], ending: name[file + dot + 1..].to_lowercase() }))
    }
}

/// What a file name `anchor-000123-view-0.png` of an image folder says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// "anchor-000123-view-", by which the views of an anchor are known.
    pub(super) prefix: &'a str,
    /// 123.
    pub(super) anchor: u64,
    /// 0.
    pub(super) view: u16,
    /// "png".
    pub(super) ending: &'a str,
}

impl<'a> FileName<'a> {
    /// Splits a name; `None` for one of another form.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        let (anchor, view) = stem.strip_prefix("anchor-")?.split_once("-view-")?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Names are put together again from the number: `view-01` would not be found.
        let is_plain = view == "0" || !view.starts_with('0');
        (is_number(anchor) && is_number(view) && is_plain).then_some(())?;
        let prefix = &stem[..stem.len() - view.len()];
        Some(Self { prefix, anchor: anchor.parse().ok()?, view: view.parse().ok()?, ending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_at_the_first_dot_of_the_file_name() {
        for (name, key, ending) in [
            ("anchor-000000123.view-0.png", "anchor-000000123", "view-0.png"),
            ("a.b/c.d.PNG", "a.b/c", "d.png"),
            ("./x.jpg", "./x", "jpg"),
        ] {
            let parsed = MemberName::parse(name).unwrap().unwrap();
            assert_eq!((parsed.key, parsed.ending.as_str()), (key, ending));
        }
        for ignored in ["readme", ".hidden.png", "__MACOSX/a.png", "a/.b/c.png"] {
            assert_eq!(MemberName::parse(ignored).unwrap(), None, "{ignored}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in
            ["../a.png", "a/../../b.png", "/etc/a.png", "..\\a.png", "\\a.png", "C:\\a.png", "a/..", ".."]
        {
            assert!(MemberName::parse(name).is_err(), "{name}");
        }
        assert!(MemberName::parse("a..b/c..png").is_ok());
    }

    #[test]
    fn file_names_say_anchor_and_view() {
        let name = FileName::parse("anchor-000123-view-7.png").unwrap();
        assert_eq!(name, FileName { prefix: "anchor-000123-view-", anchor: 123, view: 7, ending: "png" });
        for other in [
            "anchor-1-view-.png",
            "anchor--view-1.png",
            "x.png",
            "anchor-1-view-1",
            "anchor-1-view-01.png",
            "anchor-1-view-99999.png",
            "anchor-+1-view-1.png",
        ] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
