//! `manifest.json`: what a set of view shards holds, and the hash of each.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::ShardError;
use crate::image_set::ImageShape;

/// The version of the format that is written.
pub const FORMAT_VERSION: u32 = 1;
/// Its name in a folder, and as the first member of a single archive.
pub const MANIFEST_NAME: &str = "manifest.json";
/// Stands for the archive that the manifest is in: what follows the manifest.
pub const THIS_ARCHIVE: &str = ".";
/// Largest manifest that is read, in bytes: some 100,000 shards.
pub(super) const MANIFEST_BYTES_MAX: u64 = 32 << 20;

/// What a set of view shards holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardManifest {
    /// [`FORMAT_VERSION`] of its writer.
    pub format: u32,
    /// What rendered the views.
    #[serde(default)]
    pub generator: Option<String>,
    /// Where that comes from, and how the views were drawn.
    #[serde(default)]
    pub source: Option<String>,
    /// The shape of every image.
    pub shape: ImageShape,
    /// Views of an anchor: the fewest and the most.
    pub views_per_anchor: [usize; 2],
    /// Anchors of all shards.
    pub anchors: usize,
    /// Classes of the anchors; `None` where they have none.
    #[serde(default)]
    pub classes: Option<usize>,
    /// D, values of the latent of each view; `None` where there are none.
    #[serde(default)]
    pub latent_dimension: Option<usize>,
    /// The shards in order.
    pub shards: Vec<ShardEntry>,
}

/// One shard of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// Name of the file beside the manifest; [`THIS_ARCHIVE`] for the archive that the manifest is in.
    pub file: String,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// How many anchors it holds.
    pub anchors: usize,
}

impl ShardManifest {
    /// Reads the text of a manifest; `path` is named in errors.
    ///
    /// # Errors
    /// [`ShardError::Manifest`] for what is no manifest, a later format, or values that cannot be.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, ShardError> {
        let wrong = |field, expected: &str, got: String| ShardError::Manifest {
            path: path.to_owned(),
            field,
            expected: expected.to_owned(),
            got,
        };
        let json: serde_json::Value = serde_json::from_slice(text)
            .map_err(|error| wrong("content", "the JSON of a manifest", error.to_string()))?;
        if json["format"] != FORMAT_VERSION {
            return Err(wrong("format", &FORMAT_VERSION.to_string(), json["format"].to_string()));
        }
        let manifest: Self = serde_json::from_value(json)
            .map_err(|error| wrong("content", "the keys of format 1", error.to_string()))?;
        let [fewest, most] = manifest.views_per_anchor;
        if fewest == 0 || fewest > most || most > usize::from(u16::MAX) {
            let got = format!("[{fewest}, {most}]");
            return Err(wrong("views_per_anchor", "[fewest, most], from 1 to 65535", got));
        }
        if !matches!(manifest.shape.channels, 1 | 3) || manifest.shape.bytes() == 0 {
            let got = format!("{:?}", manifest.shape);
            return Err(wrong("shape", "1 or 3 channels and at least one pixel", got));
        }
        let anchors = manifest.shards.iter().fold(0_usize, |sum, shard| sum.saturating_add(shard.anchors));
        if anchors != manifest.anchors {
            let expected = format!("the sum over the shards, {anchors}");
            return Err(wrong("anchors", &expected, manifest.anchors.to_string()));
        }
        for shard in &manifest.shards {
            let mut parts = Path::new(&shard.file).components();
            let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
            let is_plain = is_name && !shard.file.contains(['/', '\\', ':']);
            if !is_plain && shard.file != THIS_ARCHIVE {
                let got = format!("`{}`", shard.file);
                return Err(wrong("shards.file", "the name of a file in the same folder", got));
            }
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"format":1,"shape":{"channels":1,"height":4,"width":4},"views_per_anchor":[2,3],
        "anchors":5,"shards":[{"file":"shard-000000.tar","sha256":"ab","bytes":9,"anchors":5}]}"#;

    fn parse(text: &str) -> Result<ShardManifest, String> {
        ShardManifest::parse(Path::new("x/manifest.json"), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_manifest_is_read_and_written() {
        let manifest = parse(GOOD).unwrap();
        assert_eq!((manifest.classes, manifest.views_per_anchor), (None, [2, 3]));
        assert_eq!(parse(&serde_json::to_string(&manifest).unwrap()).unwrap(), manifest);
    }

    #[test]
    fn impossible_manifests_name_their_field() {
        for (from, to, told) in [
            ("\"format\":1", "\"format\":2", "format: expected 1, got 2"),
            ("\"format\":1,", "", "format: expected 1, got null"),
            ("[2,3]", "[3,2]", "views_per_anchor"),
            (
                "\"anchors\":5,\"shards\"",
                "\"anchors\":6,\"shards\"",
                "anchors: expected the sum over the shards, 5",
            ),
            ("\"channels\":1", "\"channels\":4", "shape"),
            ("shard-000000.tar", "../shard.tar", "shards.file"),
            ("shard-000000.tar", "/etc/shard.tar", "shards.file"),
            ("shard-000000.tar", "a/b.tar", "shards.file"),
            ("shard-000000.tar", "..", "shards.file"),
            ("\"bytes\":9,", "", "missing field `bytes`"),
        ] {
            let error = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(told) && error.contains("manifest.json"), "{to}: {error}");
        }
        assert!(parse("no json").unwrap_err().contains("content"));
    }
}
