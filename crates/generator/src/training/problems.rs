//! What is wrong with a generator's training recipe, by itself and with its images.

use std::path::PathBuf;

use zview_data::ImageSet;
use zview_runtime::config::{ConfigError, Written};

use super::config::{GanConfig, GeneratorConfig, GeneratorTraining, MethodKind, OptimizerConfig, VaeConfig};
use super::layers::start_size;

/// Largest side that images are fitted to, in pixels.
const MOST_SIDE: usize = 8192;

impl GeneratorTraining {
    /// Everything wrong with the values, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push("name: expected a short name, got nothing".to_owned());
        }
        let counts = [
            ("generator.latent_dimension", self.generator.latent_dimension),
            ("generator.width", self.generator.width),
            ("generator.class_dimension", self.generator.class_dimension),
            ("gan.discriminator_width", self.gan.discriminator_width),
            ("vae.encoder_width", self.vae.encoder_width),
            ("train.keep_checkpoints", self.train.keep_checkpoints),
        ];
        for (key, got) in counts {
            if !(1..=4096).contains(&got) {
                problems.push(format!("{key}: expected 1 to 4096, got {got}"));
            }
        }
        let updates = [
            ("gan.discriminator_steps", self.gan.discriminator_steps),
            ("train.steps", self.train.steps),
            ("train.log_every", self.train.log_every),
        ];
        for (key, got) in updates {
            if got == 0 {
                problems.push(format!("{key}: expected 1 or more, got 0"));
            }
        }
        if self.train.batch < 2 {
            problems.push(format!(
                "train.batch: expected 2 or more (batch normalisation needs them), got {}",
                self.train.batch
            ));
        }
        let optimizer = &self.optimizer;
        for (key, rate) in [("lr", optimizer.lr), ("discriminator_lr", optimizer.discriminator_lr)] {
            if !(rate > 0.0 && rate.is_finite()) {
                problems.push(format!("optimizer.{key}: expected a positive number, got {rate}"));
            }
        }
        let shares = [
            ("optimizer.beta1", optimizer.beta1),
            ("optimizer.beta2", optimizer.beta2),
            ("train.average_decay", self.train.average_decay),
        ];
        for (key, share) in shares {
            if !(0.0..1.0).contains(&share) {
                problems.push(format!("{key}: expected 0 to below 1, got {share}"));
            }
        }
        if !(0.0..=1.0).contains(&optimizer.decay_from) {
            problems.push(format!("optimizer.decay_from: expected 0 to 1, got {}", optimizer.decay_from));
        }
        if let Some(size) = self.source.size.filter(|size| !(1..=MOST_SIDE).contains(size)) {
            problems.push(format!("source.size: expected 1 to {MOST_SIDE} pixels per side, got {size}"));
        }
        if !(self.vae.kl_weight >= 0.0 && self.vae.kl_weight.is_finite()) {
            problems.push(format!("vae.kl_weight: expected 0 or more, got {}", self.vae.kl_weight));
        }
        problems
    }

    /// Keys of another method, or of a condition that there is not, one line each. A key of the file is no mistake where
    /// an override chose otherwise, and neither is one at its default.
    pub(super) fn without_effect(&self, written: &Written) -> Vec<String> {
        let (gan, vae) = (GanConfig::default(), VaeConfig::default());
        let is_gan = self.method == MethodKind::Gan;
        let by_method = ("method", if is_gan { "method = \"gan\"" } else { "method = \"vae\"" });
        let by_condition = ("generator.conditional", "generator.conditional = false");
        let rules = [
            (
                "gan.discriminator_width",
                self.gan.discriminator_width != gan.discriminator_width,
                is_gan,
                by_method,
            ),
            (
                "gan.discriminator_steps",
                self.gan.discriminator_steps != gan.discriminator_steps,
                is_gan,
                by_method,
            ),
            ("vae.encoder_width", self.vae.encoder_width != vae.encoder_width, !is_gan, by_method),
            ("vae.kl_weight", self.vae.kl_weight != vae.kl_weight, !is_gan, by_method),
            (
                "optimizer.discriminator_lr",
                self.optimizer.discriminator_lr != OptimizerConfig::default().discriminator_lr,
                is_gan,
                by_method,
            ),
            (
                "generator.class_dimension",
                self.generator.class_dimension != GeneratorConfig::default().class_dimension,
                self.generator.conditional,
                by_condition,
            ),
        ];
        let vain = rules.into_iter().filter(|(key, changed, has_effect, (chooser, _))| {
            *changed && !has_effect && written.belongs_with(key, chooser)
        });
        vain.map(|(key, .., (_, said))| format!("{key}: has no effect with {said}; remove it")).collect()
    }

    /// What of `images` does not go with this recipe, one line each.
    #[must_use]
    pub fn problems_with(&self, images: &ImageSet) -> Vec<String> {
        let mut problems = Vec::new();
        let (shape, count) = (images.shape, images.len());
        if count < 2 {
            problems.push(format!(
                "source.data: expected at least 2 images to learn from, got {count} in {}",
                images.name
            ));
        } else if self.train.batch > count {
            problems.push(format!(
                "train.batch: expected at most the {count} images of {}, got {}",
                images.name, self.train.batch
            ));
        }
        if shape.height != shape.width || start_size(shape.height).is_none() {
            problems.push(format!(
                "source.size: expected square images with a side of 4 to 8 pixels doubled one to six times \
                 (28, 32, 64, 96, 128, 224), got {} x {}; set source.size",
                shape.height, shape.width
            ));
        }
        if self.generator.conditional && images.classes.len() < 2 {
            problems.push(format!(
                "generator.conditional: expected labels of 2 classes or more, got {} in {}",
                images.classes.len(),
                images.name
            ));
        }
        problems
    }

    /// Checks that this recipe can be trained on `images`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with one line per problem.
    pub fn check_with(&self, images: &ImageSet) -> Result<(), ConfigError> {
        let problems: Vec<String> = self.problems().into_iter().chain(self.problems_with(images)).collect();
        if problems.is_empty() {
            return Ok(());
        }
        let path = PathBuf::from(format!("the recipe of generator `{}`", self.name));
        Err(ConfigError::Invalid { path, problems })
    }
}
