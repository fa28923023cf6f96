//! What is wrong with a generator's training recipe, by itself and with its images.

use std::path::PathBuf;

use serde::Serialize;
use zview_data::ImageSet;
use zview_runtime::config::{ConfigError, Written};

use super::config::GeneratorTraining;
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
            ("train.keep_checkpoints", self.train.keep_checkpoints),
        ];
        problems.extend(counts.into_iter().filter_map(|(key, got)| count_problem(key, got)));
        let updates = [("train.steps", self.train.steps), ("train.log_every", self.train.log_every)];
        problems.extend(updates.into_iter().filter_map(|(key, got)| none_problem(key, got)));
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
        problems.extend(self.method.problems());
        problems
    }

    /// Keys of another method (`of_methods`: the sections of methods, and what they change), keys that this method has
    /// no use for, and those of a condition that there is not, one line each. A key of the file is no mistake where an
    /// override chose otherwise, and neither is one at its default.
    pub(super) fn without_effect(
        &self,
        of_methods: Vec<(&'static str, Vec<String>)>,
        written: &Written,
    ) -> Vec<String> {
        let kind = self.method.kind();
        let by_method = ("method", format!("method = \"{kind}\""));
        let by_condition = ("generator.conditional", "generator.conditional = false".to_owned());
        let shared = [
            ("generator", changed_keys(&self.generator)),
            ("optimizer", changed_keys(&self.optimizer)),
            ("train", changed_keys(&self.train)),
        ];
        let named = |(section, keys): (&'static str, Vec<String>)| {
            keys.into_iter().map(move |key| format!("{section}.{key}"))
        };
        let of_others = of_methods.into_iter().filter(|(section, _)| *section != kind).flat_map(named);
        let of_others = of_others.map(|key| (key, &by_method));
        let of_all = shared.into_iter().flat_map(named).filter_map(|key| {
            let unconditional = !self.generator.conditional && key == "generator.class_dimension";
            let by = if unconditional { Some(&by_condition) } else { None };
            let by = by.or(self.method.unused().contains(&&*key).then_some(&by_method))?;
            Some((key, by))
        });
        let vain = of_others.chain(of_all).filter(|(key, (chooser, _))| written.belongs_with(key, chooser));
        vain.map(|(key, (_, said))| format!("{key}: has no effect with {said}; remove it")).collect()
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

/// What is wrong with a number of channels, values or files.
pub(super) fn count_problem(key: &str, got: usize) -> Option<String> {
    (!(1..=4096).contains(&got)).then(|| format!("{key}: expected 1 to 4096, got {got}"))
}

/// What is wrong with a number of updates.
pub(super) fn none_problem(key: &str, got: u64) -> Option<String> {
    (got == 0).then(|| format!("{key}: expected 1 or more, got 0"))
}

/// The keys of a section that are not at their defaults.
pub(super) fn changed_keys<C: Serialize + Default>(section: &C) -> Vec<String> {
    let [now, default] =
        [section, &C::default()].map(|section| toml::Table::try_from(section).unwrap_or_default());
    now.into_iter().filter(|(key, value)| default.get(key) != Some(value)).map(|(key, _)| key).collect()
}
