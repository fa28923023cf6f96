//! What a run learnt from and its place does not hold any more.

use std::fmt::{Display, Formatter};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// SHA-256 of the images that a run learns from, part of its `started` event: of their pixels, where these were in memory,
/// and of the names and lengths of their files, where they are files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagesSha256 {
    /// Of the pixels, or of what stands for them.
    #[serde(default, rename = "images_sha256", skip_serializing_if = "Option::is_none")]
    pub pixels: Option<String>,
    /// Of the files.
    #[serde(default, rename = "image_files_sha256", skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
}

impl ImagesSha256 {
    /// Whether the images are not `other`'s; `false` where the two say nothing of the same thing.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        let differ = |one: &Option<String>, other: &Option<String>| Some(one.as_ref()? != other.as_ref()?);
        differ(&self.pixels, &other.pixels).or_else(|| differ(&self.files, &other.files)).unwrap_or(false)
    }
}

/// What is not any more what a run learnt from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// The weights of a generator, as the recipe names it.
    Weights(String),
    /// What the manifest of a generator says of its network, what goes in and what comes out.
    Manifest(String),
    /// Another file that the recipe names.
    File(String),
    /// The images of a data set or of view shards, as the recipe names them.
    Images(String),
}

impl Display for Changed {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Weights(name) => write!(formatter, "other weights of the generator {name}"),
            Self::Manifest(name) => write!(formatter, "another manifest of the generator {name}"),
            Self::File(name) => write!(formatter, "another file {name}"),
            Self::Images(name) => write!(formatter, "other images of {name}"),
        }
    }
}

/// The first event of the run in the folder `run`; `None` where its log cannot be read or does not have it.
#[must_use]
pub fn started_event(run: &Path) -> Option<Value> {
    // The first line names the schema.
    let mut lines = BufReader::new(File::open(run.join("events.jsonl")).ok()?).lines().skip(1);
    let event: Value = serde_json::from_str(&lines.next()?.ok()?).ok()?;
    (event["event"] == "started").then_some(event)
}

/// The images `named`, where they are `now` others than those that the run in the folder `run` learnt from. `None` where
/// they are the same, or it does not say: runs of earlier versions do not.
#[must_use]
pub fn other_images(run: &Path, named: &str, now: &ImagesSha256) -> Option<Changed> {
    let then: ImagesSha256 = serde_json::from_value(started_event(run)?).ok()?;
    then.differs(now).then(|| Changed::Images(named.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_compared_by_what_both_runs_say_of_them() {
        let of = |pixels: Option<&str>, files: Option<&str>| ImagesSha256 {
            pixels: pixels.map(str::to_owned),
            files: files.map(str::to_owned),
        };
        let kept = of(Some("p"), Some("f"));
        assert!(!kept.differs(&of(None, Some("f"))) && kept.differs(&of(None, Some("g"))));
        assert!(kept.differs(&of(Some("q"), Some("f"))), "the same names and lengths, other pixels");
        assert!(
            !of(Some("p"), None).differs(&of(None, Some("f"))),
            "an earlier version's run, read each time"
        );
        assert!(!of(None, None).differs(&kept));
    }
}
