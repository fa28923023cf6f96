//! Reading a manifest and finding everything wrong with it at once.

use std::path::Path;

use zview_runtime::config::{ConfigError, parse_toml, read_toml};

use super::Manifest;
use super::schema::COMPUTE;
use crate::architectures::ArchitectureKind;

/// The largest number of values of a latent or per image side: far above any generator, and small
/// enough that products of three do not overflow.
pub(super) const EXTENT_MAX: usize = 1 << 20;

impl Manifest {
    /// Reads and validates the manifest at `path`.
    ///
    /// # Errors
    /// [`ConfigError`]: not readable, not TOML, an unknown key (with a suggestion), or values that
    /// cannot work together (all of them listed).
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        read_toml(path).and_then(|manifest| Self::checked(manifest, path))
    }

    /// Parses and validates `text` as if it stood in the file `path`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        parse_toml(path, text).and_then(|manifest| Self::checked(manifest, path))
    }

    fn checked(mut manifest: Self, path: &Path) -> Result<Self, ConfigError> {
        path.clone_into(&mut manifest.path);
        manifest.latent.settle();
        let problems = manifest.problems();
        if problems.is_empty() {
            Ok(manifest)
        } else {
            Err(ConfigError::Invalid { path: path.to_owned(), problems })
        }
    }

    /// Everything wrong with the values, one line each; empty if the manifest can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push("`name` is empty: expected a short name".to_owned());
        }
        if self.weights.as_os_str().is_empty() {
            problems.push("`weights` is empty: expected a path relative to the manifest".to_owned());
        }
        let hash = self.sha256.len() == 64 && self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hash && self.sha256 != COMPUTE {
            let got = &self.sha256;
            problems.push(format!("`sha256`: expected 64 hexadecimal digits or \"{COMPUTE}\", got `{got}`"));
        }
        if self.ignore.iter().any(String::is_empty) {
            problems.push(
                "`ignore`: expected beginnings of names such as \"discriminator.\", got \"\"".to_owned(),
            );
        }
        if !self.ignore.is_empty() && self.architecture == ArchitectureKind::Onnx {
            problems.push("`ignore`: an ONNX file has no named tensors here; remove it".to_owned());
        }
        let extents = [
            ("condition.classes", self.classes().unwrap_or(1)),
            ("output.channels", self.output.channels),
            ("output.height", self.output.height),
            ("output.width", self.output.width),
        ];
        for (key, got) in extents {
            if !(1..=EXTENT_MAX).contains(&got) {
                problems.push(format!("`{key}`: expected 1 to {EXTENT_MAX}, got {got}"));
            }
        }
        let (names, classes) = (self.class_names(), self.classes().unwrap_or(0));
        if !names.is_empty() && names.len() != classes {
            let got = names.len();
            problems
                .push(format!("`condition.names`: expected a name for each of {classes} classes, got {got}"));
        }
        if let Some((_, twice)) =
            names.iter().enumerate().find(|(place, name)| names[..*place].contains(name))
        {
            problems.push(format!("`condition.names`: \"{twice}\" is there twice"));
        }
        problems.extend(self.latent.problems());
        let [low, high] = self.output.range;
        if !(low.is_finite() && high.is_finite() && low < high) {
            problems
                .push(format!("`output.range`: expected [low, high] with low < high, got [{low}, {high}]"));
        }
        if self.onnx.is_some() && self.architecture != ArchitectureKind::Onnx {
            problems.push("`onnx`: this section is for `architecture = \"onnx\"`; remove it".to_owned());
        }
        // The architecture computes with the extents, so they come first.
        if problems.is_empty() {
            problems.extend(self.architecture.problems(self));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DCGAN: &str = r#"
        name = "tiny"
        source = "test"
        licence = "MIT"
        weights = "weights.pth"
        sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        architecture = "sequential"
        latent = { dimension = 8, distribution = "normal" }
        output = { channels = 1, height = 8, width = 8, range = [-1.0, 1.0] }
        [[layers]]
        kind = "reshape"
        shape = [8, 1, 1]
        [[layers]]
        kind = "conv-transpose"
        key = "net.0"
        in = 8
        out = 4
        kernel = 4
        bias = false
        [[layers]]
        kind = "batch-norm"
        key = "net.1"
        channels = 4
        [[layers]]
        kind = "leaky-relu"
        slope = 0.2
        [[layers]]
        kind = "upsample-nearest"
        factor = 2
        [[layers]]
        kind = "conv"
        key = "net.2"
        in = 4
        out = 1
        kernel = 3
        padding = 1
        [[layers]]
        kind = "tanh"
    "#;

    /// The message for the manifest with `from` replaced by `to`.
    fn refused(from: &str, to: &str) -> String {
        assert!(DCGAN.contains(from), "{from}");
        Manifest::parse(Path::new("g.toml"), &DCGAN.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_is_read_and_written() {
        let manifest = Manifest::parse(Path::new("folder/g.toml"), DCGAN).unwrap();
        assert_eq!(manifest.weights_path(), Path::new("folder/weights.pth"));
        assert_eq!(manifest.layers.len(), 7);
        let again = Manifest::parse(&manifest.path, &toml::to_string(&manifest).unwrap()).unwrap();
        assert_eq!(again, manifest);
    }

    #[test]
    fn unknown_keys_and_kinds_are_refused_with_a_suggestion() {
        let key = refused("licence", "license");
        assert!(key.contains("did you mean `licence`?"), "{key}");
        let kind = refused("\"batch-norm\"", "\"batchnorm\"");
        assert!(kind.contains("`batchnorm`") && kind.contains("did you mean `batch-norm`?"), "{kind}");
        let layer_key = refused("padding = 1", "pading = 1");
        assert!(layer_key.contains("did you mean `padding`?"), "{layer_key}");
        let slope_of_tanh = refused("kind = \"tanh\"", "kind = \"tanh\"\nslope = 0.1");
        assert!(slope_of_tanh.contains("unknown field `slope`"), "{slope_of_tanh}");
        let architecture = refused("\"sequential\"", "\"sequental\"");
        assert!(architecture.contains("sequental"), "{architecture}");
        let negative = refused("padding = 1", "padding = -1");
        assert!(negative.contains("g.toml, line"), "{negative}");
    }

    #[test]
    fn layers_that_do_not_fit_name_index_kind_expected_and_got() {
        let flat = refused("shape = [8, 1, 1]", "shape = [8]");
        assert!(flat.contains("`layers[1]` (conv-transpose): expected a map of 8 channels"), "{flat}");
        assert!(flat.contains("got 8 flat features"), "{flat}");
        let channels = refused("in = 4", "in = 5");
        assert!(
            channels.contains("`layers[5]` (conv): expected 5 channels (`in`), got a map of 4 x 8 x 8"),
            "{channels}"
        );
        let norm = refused("channels = 4", "channels = 3");
        assert!(norm.contains("`layers[2]` (batch-norm): expected 3 channels"), "{norm}");
        let output = refused("height = 8", "height = 16");
        assert!(
            output.contains("expected a map of 1 x 16 x 8") && output.contains("got a map of 1 x 8 x 8"),
            "{output}"
        );
        let kernel = refused("kernel = 3", "kernel = 30");
        assert!(kernel.contains("`layers[5]` (conv): expected a kernel"), "{kernel}");
        let shape = refused("[8, 1, 1]", "[9, 1, 1]");
        assert!(shape.contains("`layers[0]` (reshape)") && shape.contains("got [9, 1, 1]"), "{shape}");
    }

    #[test]
    fn a_condition_needs_its_section_and_its_layer() {
        let embed =
            "[[layers]]\nkind = \"condition\"\nkey = \"e\"\ndimension = 2\n[[layers]]\nkind = \"reshape\"";
        let no_section = refused("[[layers]]\n        kind = \"reshape\"", embed);
        assert!(
            no_section.contains("`layers[0]` (condition): expected a section [condition]"),
            "{no_section}"
        );
        let no_layer = refused("output = {", "condition = { classes = 3 }\noutput = {");
        assert!(no_layer.contains("expected a layer of kind `condition`"), "{no_layer}");
    }

    #[test]
    fn a_range_that_the_last_layer_cannot_give_is_refused() {
        let range = refused("[-1.0, 1.0]", "[0.0, 1.0]");
        assert!(range.contains("`output.range`: expected [-1.0, 1.0]"), "{range}");
        assert!(refused("[-1.0, 1.0]", "[1.0, -1.0]").contains("low < high"));
    }

    #[test]
    fn everything_wrong_is_listed_at_once() {
        let text = DCGAN
            .replace("0000", "zz")
            .replace("channels = 4", "channels = 3")
            .replace("dimension = 8", "dimension = 0");
        let first = Manifest::parse(Path::new("g.toml"), &text).unwrap_err().to_string();
        assert!(first.contains("`sha256`") && first.contains("`latent.dimension`"), "{first}");
        let text = DCGAN
            .replace("channels = 4", "channels = 3")
            .replace("in = 4", "in = 5")
            .replace("slope = 0.2", "slope = inf");
        let layers = Manifest::parse(Path::new("g.toml"), &text).unwrap_err().to_string();
        for layer in ["`layers[2]`", "`layers[3]`", "`layers[5]`"] {
            assert!(layers.contains(layer), "{layers}");
        }
    }
}
