//! The generators that are part of the program; `assets/generators/README.md` says how they were made.

use std::path::Path;

use zview_runtime::config::ConfigError;

use crate::Manifest;

/// A generator whose manifest and weights are compiled in.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedGenerator {
    /// What to ask for.
    pub name: &'static str,
    /// What it draws.
    pub what: &'static str,
    manifest: &'static str,
    weights: &'static [u8],
}

macro_rules! embedded {
    ($name:literal, $what:literal) => {
        EmbeddedGenerator {
            name: $name,
            what: $what,
            manifest: include_str!(concat!("../../../assets/generators/", $name, "/generator.toml")),
            weights: include_bytes!(concat!(
                "../../../assets/generators/",
                $name,
                "/generator-00006000.safetensors"
            )),
        }
    };
}

static EMBEDDED: [EmbeddedGenerator; 2] = [
    embedded!("glyphs-gan", "letters A to Z in many typefaces"),
    embedded!("glyphs-gan-conditional", "letters A to Z in many typefaces, asked for by letter"),
];

/// The generators that are there without any file.
#[must_use]
pub fn embedded_generators() -> &'static [EmbeddedGenerator] {
    &EMBEDDED
}

impl EmbeddedGenerator {
    /// The manifest, with the weights.
    ///
    /// # Errors
    /// [`ConfigError`] where the compiled-in manifest cannot be used; a test makes sure that it can.
    pub fn manifest(&self) -> Result<Manifest, ConfigError> {
        let path = Path::new("embedded").join(self.name).join("generator.toml");
        let mut manifest = Manifest::parse(&path, self.manifest)?;
        manifest.embedded_weights = Some(self.weights);
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_runtime::device::read_floats;

    use super::*;
    use crate::{Generator, ViewsConfig, sample_latents};

    #[test]
    fn every_embedded_generator_loads_and_draws() {
        for embedded in embedded_generators() {
            let manifest = Manifest::find(embedded.name, &[]).unwrap();
            assert_eq!(manifest.name, embedded.name);
            let generator = Generator::load(&manifest, None, &Device::flex()).unwrap();
            let views = ViewsConfig::default();
            let (dimension, classes) = (generator.latent_dimension(), generator.classes());
            let batch = sample_latents(&views, dimension, classes, 0, 0, 8);
            let pixels = read_floats(generator.render(&batch).unwrap()).unwrap();
            let mean = pixels.iter().sum::<f32>() / pixels.len() as f32;
            assert!((0.05..0.8).contains(&mean), "white letters on black: mean {mean}");
        }
    }

    #[test]
    fn they_fit_the_allowed_size() {
        let bytes: usize = embedded_generators().iter().map(|embedded| embedded.weights.len()).sum();
        assert!(bytes <= 4 << 20, "{bytes}");
    }
}
