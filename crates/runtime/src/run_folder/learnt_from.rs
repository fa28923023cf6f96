//! What a run learnt from and its place does not hold any more.

use std::fmt::{Display, Formatter};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

/// The key in a `started` event of the SHA-256 of the images that a run learns from.
pub const IMAGES_SHA256: &str = "images_sha256";

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

/// The images `named`, where they have the SHA-256 `now` and the run in the folder `run` learnt from others. `None` where
/// they are the same, or it does not say: runs of earlier versions do not.
#[must_use]
pub fn other_images(run: &Path, named: &str, now: &str) -> Option<Changed> {
    let started = started_event(run)?;
    (started[IMAGES_SHA256].as_str()? != now).then(|| Changed::Images(named.to_owned()))
}
