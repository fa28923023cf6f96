//! A generator on a device: from latents to images.

use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::architectures::{Architecture, ArchitectureKind, IntermediateSpace};
use crate::{GeneratorError, Latent, LatentBatch, LatentSpace, Manifest, Output};
use zview_network::Cost;
use zview_network::weights::{StateDict, check_hash, check_hash_of_bytes};

/// A pretrained generator with its weights on a device, for inference only.
#[derive(Debug)]
pub struct Generator {
    name: String,
    architecture: &'static str,
    latent: Latent,
    classes: Option<usize>,
    output: Output,
    truncation: Option<f64>,
    network: Box<dyn Architecture>,
    sha256: String,
    device: Device,
}

impl Generator {
    /// Loads the generator of `manifest` onto `device`, from the file `weights` if one is given
    /// and else from where the manifest says. Nothing here is differentiated: an autodiff device
    /// is left for its inner one.
    ///
    /// # Errors
    /// [`GeneratorError::Weights`]: a file that is absent, is not the one the manifest means
    /// (sha256), cannot be read, or lacks a tensor of the expected shape.
    pub fn load(
        manifest: &Manifest,
        weights: Option<&Path>,
        device: &Device,
    ) -> Result<Self, GeneratorError> {
        Self::load_with_keys(manifest, weights, device).map(|(generator, _)| generator)
    }

    /// As [`Self::load`], with gradients flowing through the network to latents that ask for them.
    /// The weights are constants all the same.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_differentiable(
        manifest: &Manifest,
        weights: Option<&Path>,
        device: &Device,
    ) -> Result<Self, GeneratorError> {
        let device = device.clone().without_autodiff().autodiff();
        Self::load_onto(manifest, weights, device).map(|(generator, _)| generator)
    }

    /// As [`Self::load`], with the state dict, which knows what was taken from it.
    pub(crate) fn load_with_keys(
        manifest: &Manifest,
        weights: Option<&Path>,
        device: &Device,
    ) -> Result<(Self, StateDict), GeneratorError> {
        Self::load_onto(manifest, weights, device.clone().without_autodiff())
    }

    fn load_onto(
        manifest: &Manifest,
        weights: Option<&Path>,
        device: Device,
    ) -> Result<(Self, StateDict), GeneratorError> {
        let path = weights.map_or_else(|| manifest.weights_path(), Path::to_owned);
        let mut state_dict = match manifest.embedded_weights.filter(|_| weights.is_none()) {
            Some(bytes) => {
                check_hash_of_bytes(&path, bytes, &manifest.sha256)?;
                StateDict::parse_safetensors(&path, bytes)?
            }
            None if manifest.architecture == ArchitectureKind::Onnx => {
                check_hash(&path, &manifest.sha256)?;
                StateDict::of_other_format(&path)
            }
            None => {
                check_hash(&path, &manifest.sha256)?;
                StateDict::read(&path, manifest.state_dict.as_deref())?
            }
        };
        let generator = Self {
            name: manifest.name.clone(),
            architecture: manifest.architecture.name(),
            latent: manifest.latent,
            classes: manifest.classes(),
            output: manifest.output,
            truncation: manifest.options.truncation,
            network: manifest.architecture.build(manifest, &mut state_dict, &device)?,
            sha256: manifest.sha256.to_ascii_lowercase(),
            device,
        };
        Ok((generator, state_dict))
    }

    /// The manifest's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the weights, lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub(crate) fn network(&self) -> &dyn Architecture {
        self.network.as_ref()
    }

    /// D.
    #[must_use]
    pub fn latent_dimension(&self) -> usize {
        self.latent.dimension
    }

    /// The number of classes, or `None` for an unconditional generator.
    #[must_use]
    pub fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// Channels, size and raw range of the images.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// `[options] truncation` of the manifest.
    pub(crate) fn truncation(&self) -> Option<f64> {
        self.truncation
    }

    /// The number of learned values.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// What rendering `images` latents costs, from the upload of z to pixels in 0 to 1.
    #[must_use]
    pub fn cost(&self, images: usize) -> Cost {
        let Output { channels, height, width, .. } = self.output;
        let latents = images * self.latent.dimension;
        // Subtraction and division to 0..1 and two comparisons, in one pass.
        Cost::new(0, 2 * latents)
            + self.network.cost([images, self.latent.dimension])
            + Cost::element_wise(4, images * channels * height * width, 2)
    }

    /// Where the weights are, and where latents have to be.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Latents z (B, D), with classes (B) if conditional, to images (B, C, H, W) in the range
    /// `output().range`. Classes on the device are not checked against the number of classes.
    ///
    /// # Errors
    /// [`GeneratorError::Size`] for another D, or another number of classes than latents;
    /// [`GeneratorError::ConditionMissing`], [`GeneratorError::ConditionUnexpected`];
    /// [`GeneratorError::Rendering`] where a network that runs elsewhere fails.
    pub fn raw_image_from_latent(
        &self,
        z: Tensor<2>,
        condition: Option<Tensor<1, Int>>,
    ) -> Result<Tensor<4>, GeneratorError> {
        let [batch, dimension] = z.dims();
        self.check_size("values per latent", self.latent.dimension, dimension)?;
        self.check_presence(condition.is_some())?;
        if let Some(condition) = &condition {
            self.check_size("classes", batch, condition.dims()[0])?;
        }
        let images = self.network.raw_image_from_latent(z, condition);
        match self.network.take_failure() {
            None => Ok(images),
            Some(problem) => Err(GeneratorError::Rendering { name: self.name.clone(), problem }),
        }
    }

    /// The number of values of a latent of `space`.
    ///
    /// # Errors
    /// [`GeneratorError::NoIntermediateSpace`].
    pub fn space_dimension(&self, space: LatentSpace) -> Result<usize, GeneratorError> {
        match space {
            LatentSpace::Z => Ok(self.latent.dimension),
            LatentSpace::W => Ok(self.intermediate()?.dimension()),
        }
    }

    /// Latents z (B, D) to w (B, W), the intermediate latent space.
    ///
    /// # Errors
    /// [`GeneratorError::NoIntermediateSpace`]; [`GeneratorError::Size`] for another D.
    pub fn w_from_z(&self, z: Tensor<2>) -> Result<Tensor<2>, GeneratorError> {
        self.check_size("values per latent", self.latent.dimension, z.dims()[1])?;
        Ok(self.intermediate()?.w_from_z(z))
    }

    /// Latents w (B, W) to images (B, C, H, W) in the range `output().range`.
    ///
    /// # Errors
    /// [`GeneratorError::NoIntermediateSpace`]; [`GeneratorError::Size`] for another W.
    pub fn raw_image_from_w(&self, w: Tensor<2>) -> Result<Tensor<4>, GeneratorError> {
        let intermediate = self.intermediate()?;
        self.check_size("values per w", intermediate.dimension(), w.dims()[1])?;
        Ok(intermediate.raw_image_from_w(w))
    }

    pub(crate) fn intermediate(&self) -> Result<&dyn IntermediateSpace, GeneratorError> {
        self.network.intermediate().ok_or_else(|| GeneratorError::NoIntermediateSpace {
            name: self.name.clone(),
            architecture: self.architecture,
        })
    }

    /// As [`Self::raw_image_from_latent`], rescaled to 0 (black) to 1 (white) and clamped.
    ///
    /// # Errors
    /// As [`Self::raw_image_from_latent`].
    pub fn image_from_latent(
        &self,
        z: Tensor<2>,
        condition: Option<Tensor<1, Int>>,
    ) -> Result<Tensor<4>, GeneratorError> {
        Ok(self.image_from_raw(self.raw_image_from_latent(z, condition)?))
    }

    fn image_from_raw(&self, raw: Tensor<4>) -> Tensor<4> {
        let [low, high] = self.output.range;
        let image = if [low, high] == [0.0, 1.0] { raw } else { (raw - low) / (high - low) };
        image.clamp(0.0, 1.0)
    }

    /// Uploads the latents of `batch` (B, V, D) and renders them: (B V, C, H, W) in 0 to 1, the
    /// views of an anchor next to each other. Where all views are the anchor, each anchor is
    /// rendered once and its image repeated.
    ///
    /// # Errors
    /// As [`Self::raw_image_from_latent`], and [`GeneratorError::ConditionOutOfRange`].
    pub fn render(&self, batch: &LatentBatch) -> Result<Tensor<4>, GeneratorError> {
        self.check_batch(batch)?;
        let (per_anchor, dimension) = (batch.per_anchor, batch.dimension);
        let distinct = batch.distinct_views().min(per_anchor);
        let repeats = if distinct < per_anchor { per_anchor } else { 1 };
        let rows = batch.anchors * distinct;
        // Every `repeats`-th row: all of them, or view 0 of each anchor.
        let latents: Vec<f32> = if repeats == 1 {
            batch.latents.clone()
        } else {
            batch
                .latents
                .chunks_exact(dimension * repeats)
                .flat_map(|views| &views[..dimension])
                .copied()
                .collect()
        };
        let latents = Tensor::from_data(TensorData::new(latents, [rows, dimension]), &self.device);
        let condition = batch.condition.as_ref().map(|classes| {
            let classes: Vec<i32> = classes.iter().step_by(repeats).copied().collect();
            Tensor::from_data(TensorData::new(classes, [rows]), &self.device)
        });
        let image = match batch.space {
            LatentSpace::Z => self.image_from_latent(latents, condition)?,
            LatentSpace::W => self.image_from_raw(self.raw_image_from_w(latents)?),
        };
        if repeats == 1 {
            return Ok(image);
        }
        // (B, C, H, W) -> (B, V, C, H, W) -> (B V, C, H, W)
        let [anchors, channels, height, width] = image.dims();
        let views = image.unsqueeze_dim::<5>(1).repeat_dim(1, repeats);
        Ok(views.reshape([anchors * repeats, channels, height, width]))
    }

    fn check_batch(&self, batch: &LatentBatch) -> Result<(), GeneratorError> {
        self.check_size("values per latent", self.space_dimension(batch.space)?, batch.dimension)?;
        self.check_size("values in the batch", batch.images() * batch.dimension, batch.latents.len())?;
        self.check_presence(batch.condition.is_some())?;
        if let (Some(condition), Some(classes)) = (&batch.condition, self.classes) {
            self.check_size("classes", batch.images(), condition.len())?;
            self.check_classes(condition.iter().map(|class| i64::from(*class)), classes)?;
        }
        Ok(())
    }

    /// The error for a device that did not give its images.
    pub(crate) fn device_error(&self, reason: &impl ToString) -> GeneratorError {
        GeneratorError::Device { name: self.name.clone(), reason: reason.to_string() }
    }

    pub(crate) fn check_classes(
        &self,
        mut condition: impl Iterator<Item = i64>,
        classes: usize,
    ) -> Result<(), GeneratorError> {
        match condition.find(|class| usize::try_from(*class).map_or(true, |class| class >= classes)) {
            None => Ok(()),
            Some(got) => Err(GeneratorError::ConditionOutOfRange { name: self.name.clone(), classes, got }),
        }
    }

    fn check_presence(&self, given: bool) -> Result<(), GeneratorError> {
        match (self.classes, given) {
            (Some(classes), false) => {
                Err(GeneratorError::ConditionMissing { name: self.name.clone(), classes })
            }
            (None, true) => Err(GeneratorError::ConditionUnexpected { name: self.name.clone() }),
            _ => Ok(()),
        }
    }

    fn check_size(&self, what: &'static str, expected: usize, got: usize) -> Result<(), GeneratorError> {
        if expected == got {
            Ok(())
        } else {
            Err(GeneratorError::Size { name: self.name.clone(), what, expected, got })
        }
    }
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;
    use zview_runtime::device::on_test_devices;
    use zview_runtime::hash::sha256_of_file;

    use super::*;
    use crate::views::{ViewKind, ViewsConfig, sample_latents};
    use zview_network::weights::WeightsError;

    /// A linear layer from z (2), with a class embedding (1) if conditional, to a 1x1x2 image in
    /// -1 to 1: raw pixels (z_0, z_1 + embedding).
    fn manifest(folder: &Path, conditional: bool) -> Manifest {
        let weight: &[f32] =
            if conditional { &[1.0, 0.0, 0.0, 0.0, 1.0, 1.0] } else { &[1.0, 0.0, 0.0, 1.0] };
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let (weight, embedding) = (bytes(weight), bytes(&[0.0, 0.25, 0.5]));
        let tensors = [
            ("out.weight", TensorView::new(Dtype::F32, vec![2, weight.len() / 8], &weight).unwrap()),
            ("classes.weight", TensorView::new(Dtype::F32, vec![3, 1], &embedding).unwrap()),
        ];
        let path = folder.join("weights.safetensors");
        std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
        let sha256 = sha256_of_file(&path).unwrap();
        let (inputs, classes, embed) = if conditional {
            let embed = "[[layers]]\nkind = \"condition\"\nkey = \"classes\"\ndimension = 1";
            (3, "[condition]\nclasses = 3", embed)
        } else {
            (2, "", "")
        };
        let text = format!(
            r#"
            name = "tiny"
            source = "test"
            licence = "MIT"
            weights = "weights.safetensors"
            sha256 = "{sha256}"
            architecture = "sequential"
            latent = {{ dimension = 2, distribution = "normal" }}
            output = {{ channels = 1, height = 1, width = 2, range = [-1.0, 1.0] }}
            {classes}
            {embed}
            [[layers]]
            kind = "linear"
            key = "out"
            inputs = {inputs}
            outputs = 2
            bias = false
            [[layers]]
            kind = "reshape"
            shape = [1, 1, 2]
            "#
        );
        Manifest::parse(&folder.join("generator.toml"), &text).unwrap()
    }

    fn load(conditional: bool) -> Generator {
        load_on(conditional, &Device::flex())
    }

    fn load_on(conditional: bool, device: &Device) -> Generator {
        let folder = tempfile::tempdir().unwrap();
        Generator::load(&manifest(folder.path(), conditional), None, device).unwrap()
    }

    fn z(values: [[f32; 2]; 2]) -> Tensor<2> {
        z_on(values, &Device::flex())
    }

    fn z_on(values: [[f32; 2]; 2], device: &Device) -> Tensor<2> {
        Tensor::from_data(values, device)
    }

    fn values(images: Result<Tensor<4>, GeneratorError>) -> Vec<f32> {
        images.unwrap().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn images_are_rescaled_from_the_raw_range_and_clamped() {
        on_test_devices(|name, device| {
            let generator = load_on(false, device);
            assert_eq!(generator.parameters(), 4);
            let latents = || z_on([[0.5, -0.5], [3.0, -3.0]], device);
            let (raw, image) = (
                generator.raw_image_from_latent(latents(), None),
                generator.image_from_latent(latents(), None),
            );
            assert_eq!(values(raw), [0.5, -0.5, 3.0, -3.0], "{name}");
            assert_eq!(values(image), [0.75, 0.25, 1.0, 0.0], "{name}");
        });
    }

    #[test]
    fn the_condition_reaches_the_image() {
        on_test_devices(|name, device| {
            let classes = Tensor::from_data([0, 2], device);
            let latents = z_on([[0.0, 0.0], [0.0, 0.0]], device);
            let raw = load_on(true, device).raw_image_from_latent(latents, Some(classes));
            assert_eq!(values(raw), [0.0, 0.0, 0.0, 0.5], "{name}");
        });
    }

    #[test]
    fn rendered_views_are_in_the_order_of_the_batch() {
        on_test_devices(|name, device| {
            let generator = load_on(true, device);
            for kind in ViewKind::ALL {
                let config = ViewsConfig { kind: *kind, std: 0.1, per_anchor: 3, ..ViewsConfig::default() };
                let batch = sample_latents(&config, 2, Some(3), 0, 0, 4);
                let images = generator.render(&batch).unwrap();
                assert_eq!(images.dims(), [12, 1, 1, 2]);
                let embedding = [0.0, 0.25, 0.5];
                let condition = batch.condition.as_ref().unwrap();
                let expected = batch.latents.chunks_exact(2).zip(condition).flat_map(|(z, class)| {
                    [z[0], z[1] + embedding[*class as usize]].map(|raw| ((raw + 1.0) / 2.0).clamp(0.0, 1.0))
                });
                for (got, expected) in values(Ok(images)).into_iter().zip(expected) {
                    assert!((got - expected).abs() < 1e-6, "{name}, {kind:?}: {got} {expected}");
                }
            }
        });
    }

    #[test]
    fn an_autodiff_device_is_left_for_its_inner_one() {
        let folder = tempfile::tempdir().unwrap();
        let device = Device::flex().autodiff();
        let generator = Generator::load(&manifest(folder.path(), false), None, &device).unwrap();
        assert!(!generator.device().is_autodiff());
        let batch = sample_latents(&ViewsConfig::default(), 2, None, 0, 0, 4);
        assert!(!generator.render(&batch).unwrap().device().is_autodiff());
    }

    #[test]
    fn inputs_that_do_not_fit_are_named() {
        let message = |result: Result<Tensor<4>, GeneratorError>| result.unwrap_err().to_string();
        let (plain, conditional) = (load(false), load(true));
        let latents = || z([[0.0; 2]; 2]);
        let classes = |classes: &[i32]| Some(Tensor::from_data(classes, &Device::flex()));
        let missing = message(conditional.raw_image_from_latent(latents(), None));
        assert!(missing.contains("expected a class (0 to 2) per latent"), "{missing}");
        let unexpected = message(plain.raw_image_from_latent(latents(), classes(&[0, 1])));
        assert!(unexpected.contains("is unconditional"), "{unexpected}");
        let too_few = message(conditional.raw_image_from_latent(latents(), classes(&[0])));
        assert!(too_few.contains("classes: expected 2, got 1"), "{too_few}");
        let wide = Tensor::zeros([2, 5], &Device::flex());
        let wide = message(plain.raw_image_from_latent(wide, None));
        assert!(wide.contains("values per latent: expected 2, got 5"), "{wide}");

        let batch = sample_latents(&ViewsConfig::default(), 2, Some(3), 0, 0, 4);
        assert!(message(plain.render(&batch)).contains("is unconditional"));
        let fourth = message(conditional.render(&batch.clone().with_class(3)));
        assert!(fourth.contains("has classes 0 to 2, got 3"), "{fourth}");
        assert!(message(conditional.render(&batch.clone().with_class(-1))).contains("got -1"));
        let shortened = LatentBatch { latents: vec![0.0; 3], ..batch };
        assert!(message(conditional.render(&shortened)).contains("expected 16, got 3"));
    }

    #[test]
    fn weights_that_do_not_fit_the_manifest_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let good = manifest(folder.path(), false);
        let failed = |manifest: &Manifest| match Generator::load(manifest, None, &Device::flex()) {
            Err(GeneratorError::Weights(error)) => error,
            other => panic!("{other:?}"),
        };
        let wrong_hash = Manifest { sha256: "0".repeat(64), ..good.clone() };
        assert!(matches!(failed(&wrong_hash), WeightsError::Hash { .. }));
        let absent = Manifest { weights: "absent.pth".into(), ..good.clone() };
        assert!(matches!(failed(&absent), WeightsError::Read { .. }));
        let with_bias = |manifest: &Manifest| {
            let text = toml::to_string(manifest).unwrap().replace("bias = false", "bias = true");
            Manifest::parse(&manifest.path, &text).unwrap()
        };
        let missing = failed(&with_bias(&good)).to_string();
        assert!(missing.contains("no tensor `out.bias`") && missing.contains("`out.weight`"), "{missing}");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::rename(good.weights_path(), &elsewhere).unwrap();
        assert!(Generator::load(&good, Some(&elsewhere), &Device::flex()).is_ok());
    }
}
