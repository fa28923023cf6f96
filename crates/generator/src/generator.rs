//! A generator on a device: from latents to images.

use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::account::account;
use crate::architectures::{Architecture, ArchitectureKind, IntermediateSpace};
use crate::manifest::hash_of;
use crate::prior::Prior;
use crate::said_once::warn_once;
use crate::{GeneratorError, LatentBatch, LatentSpace, Manifest, Output, Unneeded};
use zview_network::weights::{StateDict, check_hash, check_hash_of_bytes};

/// A pretrained generator with its weights on a device, for inference only.
#[derive(Debug)]
pub struct Generator {
    name: String,
    architecture: &'static str,
    prior: Prior,
    classes: Option<usize>,
    output: Output,
    truncation: Option<f64>,
    network: Box<dyn Architecture>,
    sha256: String,
    unneeded: Vec<Unneeded>,
    device: Device,
}

/// The hash of the weights at `path`, which is the manifest's where it has one.
fn checked_hash(manifest: &Manifest, path: &Path) -> Result<String, GeneratorError> {
    if let Some(expected) = manifest.pinned_sha256() {
        check_hash(path, &expected)?;
        return Ok(expected);
    }
    let sha256 = hash_of(path)?;
    let (manifest, path) = (manifest.path.display(), path.display());
    warn_once(format!(
        "{manifest}: the hash of {path} is not checked; to pin it, write\nsha256 = \"{sha256}\""
    ));
    Ok(sha256)
}

impl Generator {
    /// Loads the generator of `manifest` onto `device`, from the file `weights` if one is given
    /// and else from where the manifest says. Nothing here is differentiated: an autodiff device
    /// is left for its inner one.
    ///
    /// # Errors
    /// [`GeneratorError::Weights`]: a file that is absent, is not the one the manifest means
    /// (sha256), cannot be read, or lacks a tensor of the expected shape. [`GeneratorError::Unaccounted`] for one
    /// that holds tensors which no layer takes.
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
        let (mut state_dict, sha256) = match manifest.embedded_weights.filter(|_| weights.is_none()) {
            Some(bytes) => {
                check_hash_of_bytes(&path, bytes, &manifest.sha256)?;
                (StateDict::parse_safetensors(&path, bytes)?, manifest.sha256.to_ascii_lowercase())
            }
            None => {
                let sha256 = checked_hash(manifest, &path)?;
                let state_dict = match manifest.architecture {
                    ArchitectureKind::Onnx => StateDict::of_other_format(&path),
                    _ => StateDict::read(&path, manifest.state_dict.as_deref())?,
                };
                (state_dict, sha256)
            }
        };
        let network = manifest.architecture.build(manifest, &mut state_dict, &device)?;
        let unneeded = account(manifest, &state_dict)?;
        for other in unneeded.iter().filter(|unneeded| unneeded.guessed) {
            let (path, prefix, count) = (path.display(), &other.prefix, other.count_in_words());
            warn_once(format!("{path}: `{prefix}` ({count}) is not used: {}", other.reason));
        }
        let generator = Self {
            name: manifest.name.clone(),
            architecture: manifest.architecture.name(),
            prior: Prior::of(&manifest.latent),
            classes: manifest.classes(),
            output: manifest.output,
            truncation: manifest.options.truncation(),
            network,
            sha256,
            unneeded,
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

    /// The tensors of the file that the network has not taken, and why none of them is missing.
    #[must_use]
    pub fn unneeded(&self) -> &[Unneeded] {
        &self.unneeded
    }

    pub(crate) fn network(&self) -> &dyn Architecture {
        self.network.as_ref()
    }

    /// D.
    #[must_use]
    pub fn latent_dimension(&self) -> usize {
        self.prior.dimension()
    }

    /// What z is drawn from.
    #[must_use]
    pub fn prior(&self) -> &Prior {
        &self.prior
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
        self.check_size("values per latent", self.prior.dimension(), dimension)?;
        self.check_presence(condition.is_some())?;
        if let Some(condition) = &condition {
            self.check_size("classes", batch, condition.dims()[0])?;
        }
        let rendered = self.network.render(z, condition);
        rendered.map_err(|problem| GeneratorError::Rendering { name: self.name.clone(), problem })
    }

    /// The number of values of a latent of `space`.
    ///
    /// # Errors
    /// [`GeneratorError::NoIntermediateSpace`].
    pub fn space_dimension(&self, space: LatentSpace) -> Result<usize, GeneratorError> {
        match space {
            LatentSpace::Z => Ok(self.prior.dimension()),
            LatentSpace::W => Ok(self.intermediate()?.dimension()),
        }
    }

    /// Refuses straight directions in z where z is not normal: they would leave the values that it has.
    ///
    /// # Errors
    /// [`GeneratorError::NotNormal`].
    pub(crate) fn check_straight_directions(&self) -> Result<(), GeneratorError> {
        if self.prior.is_standard_normal() {
            return Ok(());
        }
        Err(GeneratorError::NotNormal { name: self.name.clone() })
    }

    /// Latents z (B, D) to w (B, W), the intermediate latent space.
    ///
    /// # Errors
    /// [`GeneratorError::NoIntermediateSpace`]; [`GeneratorError::Size`] for another D.
    pub fn w_from_z(&self, z: Tensor<2>) -> Result<Tensor<2>, GeneratorError> {
        self.check_size("values per latent", self.prior.dimension(), z.dims()[1])?;
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
        zview_kernels::pass(raw, |raw| {
            let image = if [low, high] == [0.0, 1.0] { raw } else { (raw - low) / (high - low) };
            image.clamp(0.0, 1.0)
        })
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
mod tests;
